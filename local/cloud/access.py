"""How the Azure services read an Entra token: who calls, or why the token is worth nothing here."""

from enum import StrEnum

import jwt

from local.cloud.entra_discovery import ISSUER
from local.cloud.identities import BY_OBJECT, Application
from local.cloud.keys import SigningKey


class Fault(StrEnum):
    """Why a token is refused. Each service words it in its own way."""

    MISSING = "no bearer token"
    INVALID = "malformed, or not signed by the tenant"
    EXPIRED = "expired"
    AUDIENCE = "for another service"


class TokenRefused(Exception):
    def __init__(self, fault: Fault, audience: str = "") -> None:
        super().__init__(fault.value)
        self.fault = fault
        self.audience = audience  # what the token was for, when that is the fault


class Gate:
    """Verifies signature, issuer, times and audience of tokens for one service."""

    def __init__(self, key: SigningKey, audience: str) -> None:
        self._public = key.private.public_key()
        self.audience = audience

    def caller(self, token: str | None) -> Application:
        """The service principal that a token speaks for; raises TokenRefused."""
        if token is None:
            raise TokenRefused(Fault.MISSING)
        try:
            claims = jwt.decode(token, self._public, algorithms=["RS256"], issuer=ISSUER, options={"verify_aud": False})
        except jwt.ExpiredSignatureError as error:
            raise TokenRefused(Fault.EXPIRED) from error
        except jwt.InvalidTokenError as error:
            raise TokenRefused(Fault.INVALID) from error
        if str(claims["aud"]).rstrip("/") != self.audience:
            raise TokenRefused(Fault.AUDIENCE, claims["aud"])
        return BY_OBJECT[claims["oid"]]
