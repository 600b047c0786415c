"""Key Vault's secrets: versions in memory."""

import secrets
import time
from dataclasses import dataclass, field
from typing import Any

from local import names
from local.cloud.vault_errors import VaultError


@dataclass(frozen=True)
class Secret:
    """One version of a secret."""

    name: str
    version: str
    value: str = field(repr=False)
    enabled: bool
    created: int  # seconds since 1970
    content_type: str | None = None
    tags: dict[str, str] = field(default_factory=dict)

    def item(self, *, versioned: bool) -> dict[str, Any]:
        """Everything but the value, as a listing shows it."""
        identity = f"{names.VAULT_URL}/secrets/{self.name}" + (f"/{self.version}" if versioned else "")
        attributes = {
            "enabled": self.enabled,
            "created": self.created,
            "updated": self.created,
            "recoveryLevel": "Recoverable+Purgeable",
            "recoverableDays": 90,
        }
        item = {"id": identity, "attributes": attributes, "tags": self.tags}
        return item | ({"contentType": self.content_type} if self.content_type else {})

    def bundle(self) -> dict[str, Any]:
        return self.item(versioned=True) | {"value": self.value}


class Secrets:
    """All secrets of the vault, by name, versions oldest first."""

    def __init__(self) -> None:
        self._versions: dict[str, list[Secret]] = {}

    def put(self, name: str, body: dict[str, Any]) -> Secret:
        value = body.get("value")
        if not isinstance(value, str):
            raise VaultError(400, "BadParameter", "Property value has invalid value\r\n")
        secret = Secret(
            name,
            secrets.token_hex(16),
            value,
            enabled=(body.get("attributes") or {}).get("enabled", True),
            created=int(time.time()),
            content_type=body.get("contentType"),
            tags=body.get("tags") or {},
        )
        self._versions.setdefault(name, []).append(secret)
        return secret

    def get(self, name: str, version: str) -> Secret:
        """The version asked for, or the newest for an empty one; raises VaultError."""
        for secret in reversed(self.versions(name)):
            if version in ("", secret.version):
                if not secret.enabled:
                    raise VaultError.disabled("get", "secret")
                return secret
        raise VaultError.not_found("secret", f"{name}/{version}")

    def versions(self, name: str) -> list[Secret]:
        if name not in self._versions:
            raise VaultError.not_found("secret", name)
        return list(self._versions[name])

    def newest(self) -> list[Secret]:
        return [versions[-1] for _, versions in sorted(self._versions.copy().items())]
