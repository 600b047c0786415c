"""Why Entra refused, by its AADSTS code, and the exact federated credential that would help.

Codes: learn.microsoft.com/entra/identity-platform/reference-error-codes. Pure.
"""

from __future__ import annotations

import base64
import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import AuthError

_IMMUTABLE_SUBJECT = re.compile(r"repo:[^/:]+@\d+/[^/:]+@\d+:")
_LOGIN = "https://login.microsoftonline.com"


@dataclass(frozen=True)
class Identity:
    """Who asked: tenant and application as configured, and the claims of the assertion that was sent (if any)."""

    tenant: str
    client: str
    claims: Mapping[str, Any]


def claims(token: str) -> dict[str, Any]:
    """The payload of a JWT, not verified: only to tell its owner what it says. Empty for what is no JWT."""
    try:
        payload = token.split(".")[1]
        decoded = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError):
        return {}
    return decoded if isinstance(decoded, dict) else {}


# code → (what is wrong, why, what kind of remedy)
_CREDENTIAL, _TENANT, _APP, _CLOCK, _SECRET, _RESOURCE = range(6)
_CODES: dict[int, tuple[str, str, int]] = {
    70021: (
        "no federated credential matches",
        "Subject, issuer and audience must equal those of one credential.",
        _CREDENTIAL,
    ),
    70025: ("the app has no federated credential", "It trusts no workflow yet.", _CREDENTIAL),
    700211: ("no federated credential matches the issuer", "The app trusts another issuer.", _CREDENTIAL),
    700212: ("no federated credential matches the audience", "The credential names another audience.", _CREDENTIAL),
    700213: ("no federated credential matches the subject", "The app trusts other subjects.", _CREDENTIAL),
    7002138: (
        "a federated credential matches the subject but for its letter case",
        "Subjects are compared case-sensitively: the credential must be written as GitHub sends it.",
        _CREDENTIAL,
    ),
    90002: ("there is no such tenant", "tenant-id is no tenant of this cloud.", _TENANT),
    900023: ("there is no such tenant", "tenant-id is neither a GUID nor a domain of a tenant.", _TENANT),
    700016: ("the tenant has no such app", "client-id is no application of this tenant, or it was deleted.", _APP),
    7000112: ("the app is disabled", "Somebody disabled its service principal.", _APP),
    700024: ("the assertion is not valid now", "It lives five minutes: this machine's clock may be wrong.", _CLOCK),
    7000215: ("the client secret is wrong", "AZURE_CLIENT_SECRET may hold the secret's id, not its value.", _SECRET),
    7000222: ("the client secret has expired", "Each secret has an end date.", _SECRET),
    500011: ("the tenant does not know the service", "Its service principal is not in the tenant.", _RESOURCE),
}


def entra_refused(answer: str, identity: Identity) -> AuthError:
    """The error for Entra's `answer`, which holds an AADSTS code somewhere in its text."""
    found = re.search(r"AADSTS(\d+)", answer)
    code = int(found[1]) if found else 0
    what, why, remedy = _CODES.get(code, ("see its answer below", "", None))
    return AuthError(
        f"Entra refused the token{f' (AADSTS{code})' if code else ''}: {what}",
        why="\n".join(filter(None, [*_facts(identity), why, _immutable(identity)])),
        do=_remedy(remedy, identity),
        details=answer,
    )


def _facts(identity: Identity) -> list[str]:
    received = identity.claims
    rows = [
        ("subject received", received.get("sub")),
        ("issuer", received.get("iss")),
        ("audience", received.get("aud")),
        ("app registration", f"{identity.client or 'not given'}  in tenant {identity.tenant or 'not given'}"),
    ]
    return [f"{name:<17}  {value}" for name, value in rows if value]


def _immutable(identity: Identity) -> str:
    if not _IMMUTABLE_SUBJECT.match(str(identity.claims.get("sub", ""))):
        return ""
    return "Repositories made or renamed since 2026-07-15 send owner and repository with their ids."


def federated_credential(identity: Identity) -> dict[str, Any]:
    """The federated credential that would have matched: body of Graph's federatedIdentityCredentials."""
    subject = str(identity.claims.get("sub", ""))
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", f"github-{subject.removeprefix('repo:')}").strip("-")[:120]
    audience = identity.claims.get("aud")
    return {
        "name": name,
        "issuer": identity.claims.get("iss"),
        "subject": subject,
        "audiences": audience if isinstance(audience, list) else [audience],
    }


def _remedy(kind: int | None, identity: Identity) -> str:
    if kind == _CREDENTIAL and identity.claims.get("sub"):
        credential = federated_credential(identity)
        return (
            "Add this federated credential, if this workflow shall be trusted:\n"
            f"{json.dumps(credential, indent=2)}\n"
            f"az ad app federated-credential create --id {shlex.quote(identity.client)}"
            f" --parameters {shlex.quote(json.dumps(credential))}"
        )
    return {
        _TENANT: "az account list --query '[].tenantId'   gives the tenants that you know; pass one as tenant-id.",
        _APP: f"az ad sp show --id {shlex.quote(identity.client)}   must find it in tenant {identity.tenant}; it is "
        "the Application (client) ID, not the object id.",
        _CLOCK: "Set the clock of the runner (NTP), then run the job again.",
        _SECRET: "Make a new secret, or better use GitHub OIDC, which needs none.",
        _RESOURCE: "An administrator of the tenant registers it: az provider register -n Microsoft.ContainerService "
        "(or Microsoft.KeyVault, Microsoft.ContainerRegistry).",
    }.get(-1 if kind is None else kind, "Look the code up: " + _LOGIN + "/error")
