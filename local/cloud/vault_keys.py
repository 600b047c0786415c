"""Key Vault's keys: RSA operations, with the answers of the Azure REST API."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from local import names
from local.cloud.identities import Action
from local.cloud.keys import b64url, b64url_decode, integer
from local.cloud.vault_errors import VaultError

CREATED = 1735689600  # 2025-01-01, seconds
OPERATIONS = {
    "encrypt": Action.KEY_ENCRYPT,
    "decrypt": Action.KEY_DECRYPT,
    "wrapkey": Action.KEY_WRAP,
    "unwrapkey": Action.KEY_UNWRAP,
}
PADDINGS: dict[str, padding.AsymmetricPadding] = {
    "RSA-OAEP": padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None),  # noqa: S303 — what the algorithm is
    "RSA-OAEP-256": padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None),
}


@dataclass(frozen=True)
class VaultKey:
    """One version of a key."""

    name: str
    version: str
    private: rsa.RSAPrivateKey
    enabled: bool = True

    @property
    def kid(self) -> str:
        return f"{names.VAULT_URL}/keys/{self.name}/{self.version}"

    @property
    def attributes(self) -> dict[str, Any]:
        return {
            "enabled": self.enabled,
            "created": CREATED,
            "updated": CREATED,
            "recoveryLevel": "Recoverable+Purgeable",
            "recoverableDays": 90,
            "exportable": False,
        }

    def bundle(self) -> dict[str, Any]:
        numbers = self.private.public_key().public_numbers()
        jwk = {
            "kid": self.kid,
            "kty": "RSA",
            "key_ops": ["encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"],
            "n": integer(numbers.n),
            "e": integer(numbers.e),
        }
        return {"key": jwk, "attributes": self.attributes, "tags": {}}

    def operate(self, operation: str, body: dict[str, Any]) -> dict[str, str]:
        """encrypt, decrypt, wrapkey or unwrapkey; raises VaultError."""
        if not self.enabled:
            raise VaultError.disabled(operation, "key")
        scheme = PADDINGS.get(body.get("alg", ""))
        if scheme is None:
            raise VaultError(400, "BadParameter", f"The algorithm '{body.get('alg')}' is not supported by this key.")
        try:
            value = b64url_decode(body["value"])
            if operation in ("encrypt", "wrapkey"):
                result = self.private.public_key().encrypt(value, scheme)
            else:
                result = self.private.decrypt(value, scheme)
        except (KeyError, TypeError, ValueError) as error:
            raise VaultError(400, "BadParameter", "The parameter is incorrect.\r\n") from error
        return {"kid": self.kid, "value": b64url(result)}


def load_keys() -> dict[str, list[VaultKey]]:
    """The keys by name, versions oldest first: the one that app/'s secrets are encrypted for, and a disabled one."""
    private = serialization.load_pem_private_key((Path(__file__).parent / "vault-key.pem").read_bytes(), None)
    if not isinstance(private, rsa.RSAPrivateKey):
        raise TypeError("vault-key.pem holds no RSA key")
    key = VaultKey(names.VAULT_KEY, names.VAULT_KEY_VERSION, private)
    disabled = VaultKey(names.VAULT_DISABLED_KEY, names.VAULT_KEY_VERSION, private, enabled=False)
    return {key.name: [key], disabled.name: [disabled]}
