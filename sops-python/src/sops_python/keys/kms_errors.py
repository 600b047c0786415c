"""What a refusing AWS means, and what to do about it."""

from __future__ import annotations

from typing import Any

from sops_python.errors import MasterKeyError
from sops_python.keys.http import word

_LOGIN = "log in again, or renew the credentials"
_UNOPENED = "KMS cannot open this data key: it was not wrapped with this key"
_SIGNATURE = "AWS does not accept the signature: is the secret access key (or this machine's clock) right?"
_REASONS = {
    "NotFoundException": "there is no such key or alias in the ARN's account and region",
    "DisabledException": "the key is disabled",
    "KMSInvalidStateException": "the key's state does not allow it (pending deletion or import?)",
    "InvalidCiphertextException": f"{_UNOPENED} and encryption context",
    "IncorrectKeyException": _UNOPENED,
    "InvalidKeyUsageException": "the key is not one for encryption (its key usage is not ENCRYPT_DECRYPT)",
    "ExpiredTokenException": f"the AWS credentials have expired: {_LOGIN}",
    "ExpiredToken": f"the AWS credentials have expired: {_LOGIN}",
    "RequestExpired": "the request came too late for AWS: is this machine's clock right?",
    "UnrecognizedClientException": f"AWS does not know the credentials: {_LOGIN}",
    "InvalidClientTokenId": f"AWS does not know the credentials: {_LOGIN}",
    "InvalidSignatureException": _SIGNATURE,
    "SignatureDoesNotMatch": _SIGNATURE,
    "OptInRequired": "the account is not signed up for the region",
}
_TRANSIENT = frozenset(
    (
        "ThrottlingException",
        "Throttling",
        "RequestLimitExceeded",
        "TooManyRequestsException",
        "LimitExceededException",
        "KMSInternalException",
        "DependencyTimeoutException",
        "KeyUnavailableException",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "InternalFailure",
        "RequestTimeout",
    )
)


def refusal(error: Exception, operation: str, *, role: str | None, profile: str | None) -> MasterKeyError:
    """The reason for botocore's error. Quotes codes of the service, never its free text."""
    response = getattr(error, "response", None)
    if isinstance(response, dict):
        return _answered(response, str(getattr(error, "operation_name", operation)), role)
    return _unanswered(error, profile)


def _answered(response: dict[str, Any], operation: str, role: str | None) -> MasterKeyError:
    code = word(response.get("Error", {}).get("Code")) or "no code"
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    service = "STS" if operation == "AssumeRole" else "KMS"
    if code in _TRANSIENT or status >= 500 or status == 429:
        what = "throttles requests" if "hrottl" in code or "Limit" in code or status == 429 else "is unavailable"
        return MasterKeyError(f"{service} {what} ({code})", transient=True)
    if code.startswith("AccessDenied") or (status == 403 and code not in _REASONS):
        return MasterKeyError(f"{_permission(operation, role)} ({code})")
    return MasterKeyError(f"{_REASONS.get(code, f'{service} refused')} ({code})")


def _permission(operation: str, role: str | None) -> str:
    if operation == "AssumeRole":
        return (
            f"the identity may not assume {role}: it needs sts:AssumeRole, and the role's trust policy has to name it"
        )
    who = f"the role {role}" if role else "the identity"
    return f"{who} may not use kms:{operation} on this key: allow it in the key policy, or in a policy of the identity"


def _unanswered(error: Exception, profile: str | None) -> MasterKeyError:
    from botocore import exceptions as botocore  # type: ignore[import-untyped]

    name = type(error).__name__
    if isinstance(error, botocore.ProfileNotFound):
        return MasterKeyError(f"there is no AWS profile {profile!r} here; pass a profile that is (--aws-profile)")
    if isinstance(error, botocore.NoCredentialsError):
        return MasterKeyError(
            "no AWS credentials were found (AWS_ACCESS_KEY_ID, AWS_PROFILE, a role of this machine, …)"
        )
    if isinstance(error, botocore.PartialCredentialsError):
        return MasterKeyError(
            "the AWS credentials are not complete: the key id, its secret or the session token is missing"
        )
    if isinstance(error, botocore.SSOError | botocore.TokenRetrievalError | botocore.LoginError):
        return MasterKeyError(f"the AWS login has expired: run `aws sso login` or `aws login` ({name})")
    if isinstance(error, botocore.CredentialRetrievalError):
        return MasterKeyError(f"the AWS credentials cannot be had from their provider ({name})")
    if isinstance(error, botocore.SSLError):
        return MasterKeyError("KMS shows a certificate that this machine does not trust (AWS_CA_BUNDLE)")
    if isinstance(error, botocore.ConnectionError | botocore.HTTPClientError):
        return MasterKeyError(f"KMS cannot be reached ({name})", transient=True)
    return MasterKeyError(f"the request to KMS failed ({name})")
