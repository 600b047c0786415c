"""What a refusing Key Vault means, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sops_python.errors import MasterKeyError

if TYPE_CHECKING:
    import requests

_PERMISSION = (
    "the identity may not use keys/decrypt on this key: give it the role `Key Vault Crypto User`"
    " (or, in a vault with access policies, the key permission `decrypt`)"
)
_REASONS = {
    "KeyDisabled": "the key or this version of it is disabled",
    "KeyExpired": "the key has expired",
    "KeyNotYetValid": "the key is not valid yet",
    "ForbiddenByFirewall": "the vault's firewall does not let this machine in",
    "ForbiddenByConnection": "the vault accepts private connections only",
    "ForbiddenByPolicy": _PERMISSION,
    "ForbiddenByRbac": _PERMISSION,
    "KeyNotFound": "the vault has no such key or version (deleted, purged or renamed?)",
    "KeyOperationForbidden": "the key's own list of operations lacks `decrypt`",
}


def refusal(answer: requests.Response, *, transient: bool, retry_after: float | None) -> MasterKeyError:
    """The error for an answer that is not 200. Quotes codes of the service, never its free text."""
    status = answer.status_code
    code, inner = _codes(answer)
    if status == 429:
        wait = f"; it asks to wait {retry_after:.0f} s" if retry_after is not None else ""
        return MasterKeyError(f"the vault throttles requests (429){wait}", transient=True)
    if transient:
        return MasterKeyError(f"the vault is unavailable ({status})", transient=True)
    if 300 <= status < 400:
        return MasterKeyError(f"the vault answered with a redirect ({status}), which is not followed")
    named = _REASONS.get(inner) or _REASONS.get(code)
    if named is None and status == 403:
        named = _PERMISSION
    if named is None and status == 401:
        named = "the vault does not accept the token: it may belong to another tenant than the identity"
    if named is None and status == 404:
        named = _REASONS["KeyNotFound"]
    if named is None and status == 400:
        named = "the vault cannot open this data key: it was not wrapped with this key version"
    codes = "/".join(part for part in (code, inner) if part)
    return MasterKeyError(f"{named or 'the vault refused'} ({status}{' ' if codes else ''}{codes})")


def _codes(answer: requests.Response) -> tuple[str, str]:
    try:
        error: Any = answer.json()["error"]
        inner = error.get("innererror") or {}
        return _word(error.get("code")), _word(inner.get("code"))
    except (ValueError, KeyError, TypeError, AttributeError):
        return "", ""


def _word(value: Any) -> str:
    return value if isinstance(value, str) and value.isascii() and value.isalnum() and len(value) <= 64 else ""
