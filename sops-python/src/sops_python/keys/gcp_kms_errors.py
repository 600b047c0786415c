"""What a refusing Google Cloud means, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sops_python.errors import MasterKeyError
from sops_python.keys.http import Refusal, word

if TYPE_CHECKING:
    from google.auth.exceptions import GoogleAuthError

_ROLES = {"decrypt": "Cloud KMS CryptoKey Decrypter", "encrypt": "Cloud KMS CryptoKey Encrypter"}
_PERMISSIONS = {"decrypt": "useToDecrypt", "encrypt": "useToEncrypt"}
_UNFIT = {
    "decrypt": "Cloud KMS cannot open this data key: it was not wrapped with this key",
    "encrypt": "Cloud KMS cannot wrap with this key: its purpose has to be symmetric encryption",
}
_REASONS = {
    "SERVICE_DISABLED": "the API cloudkms.googleapis.com is not enabled in the project",
    "BILLING_DISABLED": "billing is disabled for the project",
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": "the token lacks the scope cloud-platform or cloudkms",
    "ACCESS_TOKEN_EXPIRED": "the access token has expired",
    "FAILED_PRECONDITION": "the key, or the version that wrapped this data key, is disabled or destroyed",
    "NOT_FOUND": "there is no such key, key ring or location in the project",
    "UNAUTHENTICATED": "Google Cloud does not accept the token: it has expired, or was revoked",
}


def refusal(operation: str) -> Refusal:
    """Words the refusals of one operation, `decrypt` or `encrypt`. Quotes codes of the service, never its free text."""
    permission = (
        f"the identity lacks cloudkms.cryptoKeyVersions.{_PERMISSIONS[operation]} on this key (or there is no such"
        f" key): give it the role `{_ROLES[operation]}`"
    )
    reasons = {**_REASONS, "PERMISSION_DENIED": permission, "INVALID_ARGUMENT": _UNFIT[operation]}

    def reason(status: int, body: Any) -> str:
        code, detail = _codes(body)
        named = reasons.get(detail) or reasons.get(code) or "Cloud KMS refused"
        codes = "/".join(part for part in (code, detail) if part)
        return f"{named} ({status}{' ' if codes else ''}{codes})"

    return reason


def no_token(error: GoogleAuthError) -> MasterKeyError:
    """The reason for an error of google-auth, whose texts may quote an answer of a token endpoint."""
    from google.auth import exceptions as google

    if isinstance(error, google.DefaultCredentialsError):
        return MasterKeyError(
            "no Google credentials were found, or they cannot be read (GOOGLE_APPLICATION_CREDENTIALS,"
            " GOOGLE_CREDENTIALS, `gcloud auth application-default login`)"
        )
    code = next((word(part.get("error")) for part in error.args if isinstance(part, dict)), "")
    if isinstance(error, google.TransportError) or error.retryable:
        return MasterKeyError(f"no Google token: {type(error).__name__}", transient=True)
    if isinstance(error, google.ReauthFailError):
        return MasterKeyError("no Google token: the login has expired (`gcloud auth application-default login`)")
    return MasterKeyError(f"no Google token: the credentials were refused ({code or type(error).__name__})")


def _codes(body: Any) -> tuple[str, str]:
    """google.rpc's status and the reason of its ErrorInfo."""
    try:
        error = body["error"]
        details = [detail.get("reason") for detail in error.get("details") or ()]
        return word(error.get("status")), next((code for reason in details if (code := word(reason))), "")
    except (KeyError, TypeError, AttributeError):
        return "", ""
