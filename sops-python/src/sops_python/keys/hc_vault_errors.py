"""What a refusing Vault means, and what to do about it."""

from __future__ import annotations

from typing import Any

from sops_python.keys.http import Refusal

NOT_ALLOWED = "allow it with VAULT_ADDR or SOPS_HC_VAULT_ALLOWLIST"
# Vault has no codes, only texts: known ones are recognized, none is quoted.
_KNOWN = (
    ("encryption key not found", "the transit engine has no such key"),
    ("message authentication failed", "Vault cannot open this data key: it was not wrapped with this key"),
    ("version is too new", "Vault cannot open this data key: the key has no such version"),
    ("disallowed by policy", "the key's min_decryption_version is above the version that wrapped this data key"),
    ("invalid ciphertext", "Vault cannot open this data key: it is damaged"),
    ("no handler for route", "there is no secrets engine at this path"),
    ("unsupported path", "the secrets engine at this path is not transit"),
    ("namespace", "Vault does not know the namespace (VAULT_NAMESPACE)"),
)


def refusal(path: str) -> Refusal:
    """Words the refusals of one path (without `/v1/`)."""
    permission = f'the token is not valid any more, or its policies lack `update` on "{path}"'
    by_status = {403: permission, 404: "there is no such path in Vault", 400: "Vault refused the request"}

    def reason(status: int, body: Any) -> str:
        errors = body.get("errors") if isinstance(body, dict) else None
        said = " ".join(text for text in errors if isinstance(text, str)) if isinstance(errors, list) else ""
        known = next((words for sign, words in _KNOWN if sign in said), None) if status != 403 else None
        return f"{known or by_status.get(status, 'Vault refused')} ({status})"

    return reason
