"""Vault's transit secrets engine: AES-256-GCM keys with versions, and ciphertexts `vault:vN:base64`."""

import base64
import binascii
import re
import secrets
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

CREATED = 1735689600  # 2025-01-01, seconds
_CIPHERTEXT = re.compile(r"vault:v(\d+):(.*)", re.DOTALL)


class TransitError(Exception):
    """What Vault answers with 400."""


@dataclass
class TransitKey:
    """A named key. Its versions are made of the engine's secret."""

    name: str
    secret: bytes = field(repr=False)
    latest: int = 1
    minimum: int = 1  # the oldest version that may decrypt

    def describe(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "type": "aes256-gcm96",
            "keys": {str(version): CREATED for version in range(self.minimum, self.latest + 1)},
            "latest_version": self.latest,
            "min_available_version": 0,
            "min_decryption_version": self.minimum,
            "min_encryption_version": 0,
            "deletion_allowed": False,
            "derived": False,
            "exportable": False,
            "allow_plaintext_backup": False,
            "supports_encryption": True,
            "supports_decryption": True,
            "supports_derivation": True,
            "supports_signing": False,
        }

    def encrypt(self, body: dict[str, Any]) -> dict[str, Any]:
        if "plaintext" not in body:
            raise TransitError("missing plaintext to encrypt")
        plaintext, nonce = _decoded(body["plaintext"]), secrets.token_bytes(12)
        sealed = nonce + self._cipher(self.latest).encrypt(nonce, plaintext, None)
        return {
            "ciphertext": f"vault:v{self.latest}:{base64.b64encode(sealed).decode()}",
            "key_version": self.latest,
        }

    def decrypt(self, body: dict[str, Any]) -> dict[str, Any]:
        ciphertext = body.get("ciphertext")
        if not ciphertext:
            raise TransitError("missing ciphertext to decrypt")
        found = _CIPHERTEXT.fullmatch(str(ciphertext))
        if not found:
            raise TransitError("invalid ciphertext: no prefix")
        version = int(found[1])
        if version > self.latest:
            raise TransitError("invalid ciphertext: version is too new")
        if version < self.minimum:
            raise TransitError("ciphertext or signature version is disallowed by policy (too old)")
        sealed = _decoded(found[2], "invalid ciphertext: could not decode base64")
        if len(sealed) < 12 + 16:
            raise TransitError("invalid ciphertext length")
        try:
            plaintext = self._cipher(version).decrypt(sealed[:12], sealed[12:], None)
        except InvalidTag:
            raise TransitError("cipher: message authentication failed") from None
        return {"plaintext": base64.b64encode(plaintext).decode()}

    def _cipher(self, version: int) -> AESGCM:
        return AESGCM(HKDF(SHA256(), 32, None, f"{self.name}/{version}".encode()).derive(self.secret))


def _decoded(text: object, otherwise: str = "illegal base64 data at input byte 0") -> bytes:
    try:
        return base64.b64decode(str(text), validate=True)
    except binascii.Error:
        raise TransitError(otherwise) from None
