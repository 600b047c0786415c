"""Workload identity federation: is this client assertion one that the application trusts?

Codes as Entra gives them: learn.microsoft.com/entra/identity-platform/reference-error-codes.
"""

import time
from typing import Any

import jwt

from local.cloud.entra_errors import FEDERATION_HELP, TokenError
from local.cloud.identities import FEDERATION_AUDIENCE, OIDC_ISSUER, Application
from local.cloud.keys import SigningKey

NO_MATCH = "No matching federated identity record found for presented assertion"
CHECK = (
    "Check your federated identity credential Subject, Audience and Issuer against the presented assertion. "
    f"{FEDERATION_HELP}"
)
CLOCK_SKEW = 300  # seconds that Entra forgives


def federated_application(application: Application, assertion: str, github: SigningKey) -> None:
    """Raises TokenError unless the assertion is GitHub's, alive, and matches a federated credential."""
    if not application.subjects:
        raise invalid(
            70025,
            f"The client '{application.client_id}'({application.name}) has no configured federated identity "
            "credentials.",
        )
    claims = _unverified(assertion)
    issuer, subject, audience = str(claims.get("iss")), str(claims.get("sub")), claims.get("aud")
    if issuer != OIDC_ISSUER:
        raise invalid(700211, f"{NO_MATCH} issuer '{issuer}'. {CHECK}")
    try:
        github.claims(assertion)
    except jwt.InvalidTokenError as error:
        kid = jwt.get_unverified_header(assertion).get("kid")
        raise invalid(
            7000272,
            f"The certificate with identifier {kid} used to sign the federated credential could not be found in the "
            "metadata of "
            f"identity provider {issuer}. Please validate that your Identity Provider's metadata exposes the key "
            "used to sign the "
            "incoming token.",
        ) from error
    _check_times(claims)
    _check_record(application, subject, audience)


def _check_times(claims: dict[str, Any]) -> None:
    now, begins, ends = time.time(), float(claims.get("nbf", 0)), float(claims.get("exp", 0))
    # Entra forgives skew at the start of an assertion's life; an expired one it refuses at once.
    if not begins - CLOCK_SKEW <= now < ends:
        raise invalid(
            700024,
            f"Client assertion is not within its valid time range. Current time: {_instant(now)}, assertion valid from "
            f"{_instant(begins)}, expiry time of assertion {_instant(ends)}. Review the documentation at "
            "https://learn.microsoft.com/entra/identity-platform/certificate-credentials .",
        )


def _check_record(application: Application, subject: str, audience: object) -> None:
    wrong_subject, wrong_audience = subject not in application.subjects, audience != FEDERATION_AUDIENCE
    if wrong_subject and wrong_audience:
        raise invalid(
            70021,
            f"{NO_MATCH}. Assertion Issuer: '{OIDC_ISSUER}'. Assertion Subject: '{subject}'. Assertion Audience: "
            f"'{audience}'. "
            f"{FEDERATION_HELP}",
        )
    if wrong_audience:
        raise invalid(700212, f"{NO_MATCH} audience '{audience}'. {CHECK}")
    if wrong_subject and subject.lower() in {known.lower() for known in application.subjects}:
        raise invalid(
            7002138,
            f"{NO_MATCH} subject '{subject}'. The subject matches with case-insensitive comparison, but not with "
            "case-sensitive "
            f"comparison. {CHECK}",
        )
    if wrong_subject:
        raise invalid(700213, f"{NO_MATCH} subject '{subject}'. {CHECK}")


def _unverified(assertion: str) -> dict[str, Any]:
    try:
        claims: dict[str, Any] = jwt.decode(assertion, options={"verify_signature": False})
    except jwt.InvalidTokenError as error:
        raise invalid(50027, "JWT token is invalid or malformed.") from error
    return claims


def _instant(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.0000000Z", time.gmtime(seconds))


def invalid(code: int, reason: str) -> TokenError:
    return TokenError(code, reason, "invalid_client")
