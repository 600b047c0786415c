"""What a refusing Key Vault means, and what to do about it."""

from __future__ import annotations

from typing import Any

from sops_python.keys.http import Refusal, word

_REASONS = {
    "KeyDisabled": "the key or this version of it is disabled",
    "KeyExpired": "the key has expired",
    "KeyNotYetValid": "the key is not valid yet",
    "ForbiddenByFirewall": "the vault's firewall does not let this machine in",
    "ForbiddenByConnection": "the vault accepts private connections only",
    "KeyNotFound": "the vault has no such key or version (deleted, purged or renamed?)",
}
_UNFIT = {
    "decrypt": "the vault cannot open this data key: it was not wrapped with this key version",
    "encrypt": "the vault cannot wrap with this key: it takes an RSA key",
}
_BY_STATUS = {
    401: "the vault does not accept the token: it may belong to another tenant than the identity",
    404: _REASONS["KeyNotFound"],
}


def refusal(operation: str) -> Refusal:
    """Words the refusals of one operation, `decrypt` or `encrypt`. Quotes codes of the service, never its free text."""
    permission = (
        f"the identity may not use keys/{operation} on this key: give it the role `Key Vault Crypto User`"
        f" (or, in a vault with access policies, the key permission `{operation}`)"
    )
    reasons = {
        **_REASONS,
        "ForbiddenByPolicy": permission,
        "ForbiddenByRbac": permission,
        "KeyOperationForbidden": f"the key's own list of operations lacks `{operation}`",
    }
    by_status = {**_BY_STATUS, 400: _UNFIT[operation], 403: permission}

    def reason(status: int, body: Any) -> str:
        code, inner = _codes(body)
        named = reasons.get(inner) or reasons.get(code) or by_status.get(status) or "the vault refused"
        codes = "/".join(part for part in (code, inner) if part)
        return f"{named} ({status}{' ' if codes else ''}{codes})"

    return reason


def _codes(body: Any) -> tuple[str, str]:
    try:
        error = body["error"]
        inner = error.get("innererror") or {}
        return word(error.get("code")), word(inner.get("code"))
    except (KeyError, TypeError, AttributeError):
        return "", ""
