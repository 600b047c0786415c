"""Google Cloud's service accounts, the tokens that speak for them, and what each may do.

A service account signs for itself: with its own key it makes a JWT that buys an access token (RFC 7523), or that a
service takes as it is (google.aip.dev/auth/4111).
"""

import json
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt

from local import names
from local.cloud.files import write
from local.cloud.keys import SigningKey, pem

TOKEN_URL = "https://oauth2.googleapis.com/token"
TOKEN_SECONDS = 3599
KMS_SCOPES = frozenset(("https://www.googleapis.com/auth/cloud-platform", "https://www.googleapis.com/auth/cloudkms"))
DECRYPT = "cloudkms.cryptoKeyVersions.useToDecrypt"
ENCRYPT = "cloudkms.cryptoKeyVersions.useToEncrypt"
READ = "cloudkms.cryptoKeys.get"
ROLES = {  # on the whole project
    names.GCP_DEPLOYER: (DECRYPT, ENCRYPT, READ),
    names.GCP_DECRYPTER: (DECRYPT,),
    names.GCP_STRANGER: (),
}
_PREFIX = "ya29."  # of Google's access tokens


class BadAssertion(Exception):
    """A JWT that buys no access token; says why as Google does."""


@dataclass(frozen=True)
class Caller:
    """Who a token speaks for, and for which APIs."""

    email: str
    scopes: frozenset[str]

    def may(self, permission: str) -> bool:
        return permission in ROLES[self.email]


class GoogleAccounts:
    """The project's service accounts. Their keys are files of the state directory, as Google's console gives them."""

    def __init__(self, directory: Path) -> None:
        self._issuer = SigningKey.load(directory / "google-tokens.key")
        self._keys = {email: SigningKey.load(directory / f"{_local(email)}.key") for email in ROLES}
        for email, key in self._keys.items():
            write(credentials_file(directory, email), json.dumps(_credentials(email, key)).encode(), secret=True)

    def buy(self, assertion: str) -> dict[str, Any]:
        """The token endpoint's answer to a JWT (grant jwt-bearer). Raises BadAssertion."""
        claims = self._claims(assertion)
        if claims.get("aud") != TOKEN_URL:
            raise BadAssertion("Invalid JWT: Failed audience check.")
        if not claims.get("scope"):
            raise BadAssertion("Invalid JWT: Expected a scope or a target audience.")
        now = int(time.time())
        token = {"email": claims["iss"], "scope": claims["scope"], "iat": now, "exp": now + TOKEN_SECONDS}
        return {
            "access_token": _PREFIX + self._issuer.sign(token),
            "expires_in": TOKEN_SECONDS,
            "token_type": "Bearer",
        }

    def caller(self, token: str, audience: str) -> Caller | None:
        """Who an access token, or a JWT that the account signed for this API, speaks for; None: nobody."""
        try:
            if token.startswith(_PREFIX):
                claims = jwt.decode(token[len(_PREFIX) :], self._issuer.private.public_key(), algorithms=["RS256"])
                return Caller(claims["email"], frozenset(claims["scope"].split()))
            claims = self._claims(token)
        except (jwt.InvalidTokenError, BadAssertion):
            return None
        if claims.get("aud") == audience:
            return Caller(claims["iss"], KMS_SCOPES)
        return Caller(claims["iss"], frozenset(str(claims.get("scope") or "").split()))

    def _claims(self, assertion: str) -> dict[str, Any]:
        try:
            issuer = str(jwt.decode(assertion, options={"verify_signature": False}).get("iss"))
        except jwt.InvalidTokenError:
            raise BadAssertion("Bad Request") from None
        key = self._keys.get(issuer)
        if key is None:
            raise BadAssertion("Invalid grant: account not found")
        try:
            claims: dict[str, Any] = jwt.decode(
                assertion,
                key.private.public_key(),
                algorithms=["RS256"],
                options={"verify_aud": False, "require": ["iat", "exp"]},
            )
        except jwt.InvalidSignatureError:
            raise BadAssertion("Invalid JWT Signature.") from None
        except jwt.InvalidTokenError:
            raise BadAssertion(
                "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. "
                "Check your iat and exp values in the JWT claim."
            ) from None
        if claims["exp"] - claims["iat"] > 3600:
            raise BadAssertion("Invalid JWT: Token must be a short-lived token (60 minutes).")
        return claims


def credentials_file(directory: Path, email: str) -> Path:
    """Where a service account's key lies, in the form that GOOGLE_APPLICATION_CREDENTIALS takes."""
    return directory / f"{_local(email)}.json"


def _local(email: str) -> str:
    return f"google-{email.partition('@')[0]}"


def _credentials(email: str, key: SigningKey) -> dict[str, str]:
    return {
        "type": "service_account",
        "project_id": names.GCP_PROJECT,
        "private_key_id": key.kid,
        "private_key": pem(key.private).decode(),
        "client_email": email,
        "client_id": str(uuid.uuid5(uuid.NAMESPACE_URL, email).int)[:21],
        "auth_uri": "https://accounts.google.com/o/oauth2/auth",
        "token_uri": TOKEN_URL,
        "universe_domain": "googleapis.com",
    }
