"""cloudkms.googleapis.com: symmetric keys of Google Cloud KMS, over REST.

Shapes: cloud.google.com/kms/docs/reference/rest, projects.locations.keyRings.cryptoKeys.
"""

import base64
import binascii
import re
import secrets
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from local import names
from local.cloud.google_accounts import DECRYPT, ENCRYPT, KMS_SCOPES, READ, Caller, GoogleAccounts
from local.cloud.google_errors import GoogleError
from local.cloud.wire import Request, Response, reply

AUDIENCE = "https://cloudkms.googleapis.com/"
MAX_PLAINTEXT = 64 * 1024
_PATH = re.compile(r"/v1/(?P<key>projects/[^/:]+/locations/[^/:]+/keyRings/[^/:]+/cryptoKeys/[^/:]+)(:(?P<verb>\w+))?")


class CloudKms:
    """`secret`: 32 bytes that the keys are made of, so that ciphertexts outlive a restart."""

    def __init__(self, accounts: GoogleAccounts, secret: bytes) -> None:
        self._accounts = accounts
        self._keys = {name: _derived(secret, name) for name in (names.GCP_KEY, names.GCP_DISABLED_KEY)}

    def __call__(self, request: Request) -> Response:
        caller = self._caller(request)
        found = _PATH.fullmatch(request.path)
        numbers = "enum-encoding=int" in request.query.get("$alt", "")
        match (request.method, found and found["verb"]):
            case ("POST", "encrypt") if found:
                self._require(caller, ENCRYPT, found["key"])
                return reply(200, self._encrypt(found["key"], _body(request), numbers))
            case ("POST", "decrypt") if found:
                self._require(caller, DECRYPT, found["key"])
                return reply(200, self._decrypt(found["key"], _body(request), numbers))
            case ("GET", None) if found:
                self._require(caller, READ, found["key"])
                return reply(200, self._describe(found["key"], numbers))
        raise GoogleError(404, "NOT_FOUND", "The requested URL was not found on this server.")

    def _caller(self, request: Request) -> Caller:
        token = request.bearer()
        if token is None:
            raise GoogleError.unauthenticated("CREDENTIALS_MISSING")
        caller = self._accounts.caller(token, AUDIENCE)
        if caller is None:
            raise GoogleError.unauthenticated("ACCESS_TOKEN_TYPE_UNSUPPORTED")
        if not caller.scopes & KMS_SCOPES:
            raise GoogleError(
                403,
                "PERMISSION_DENIED",
                "Request had insufficient authentication scopes.",
                "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
            )
        return caller

    def _require(self, caller: Caller, permission: str, key: str) -> None:
        if not caller.may(permission) or not key.startswith(f"projects/{names.GCP_PROJECT}/"):
            text = f"Permission '{permission}' denied on resource '{key}' (or it may not exist)."
            raise GoogleError(403, "PERMISSION_DENIED", text, "IAM_PERMISSION_DENIED")
        if key not in self._keys:
            raise GoogleError(404, "NOT_FOUND", f"CryptoKey {key} not found.")

    def _cipher(self, key: str) -> AESGCM:
        if key == names.GCP_DISABLED_KEY:
            text = f"{key}/cryptoKeyVersions/1 is not enabled, current state is: DISABLED."
            raise GoogleError(400, "FAILED_PRECONDITION", text, "KEY_DISABLED")
        return AESGCM(self._keys[key])

    def _encrypt(self, key: str, body: dict[str, Any], numbers: bool) -> dict[str, Any]:
        plaintext = _bytes(body, "plaintext")
        if len(plaintext) > MAX_PLAINTEXT:
            raise GoogleError(400, "INVALID_ARGUMENT", "The plaintext is larger than 64KiB.")
        nonce = secrets.token_bytes(12)
        ciphertext = nonce + self._cipher(key).encrypt(nonce, plaintext, _bytes(body, "additionalAuthenticatedData"))
        return {
            "name": f"{key}/cryptoKeyVersions/1",
            "ciphertext": base64.b64encode(ciphertext).decode(),
            "ciphertextCrc32c": str(crc32c(ciphertext)),
            "verifiedPlaintextCrc32c": _verified(body, "plaintext", plaintext),
            "protectionLevel": 1 if numbers else "SOFTWARE",
        }

    def _decrypt(self, key: str, body: dict[str, Any], numbers: bool) -> dict[str, Any]:
        ciphertext = _bytes(body, "ciphertext")
        _verified(body, "ciphertext", ciphertext)
        cipher, aad = self._cipher(key), _bytes(body, "additionalAuthenticatedData")
        try:
            plaintext = cipher.decrypt(ciphertext[:12], ciphertext[12:], aad)
        except (InvalidTag, ValueError):
            raise GoogleError(400, "INVALID_ARGUMENT", "Decryption failed: the ciphertext is invalid.") from None
        return {
            "plaintext": base64.b64encode(plaintext).decode(),
            "plaintextCrc32c": str(crc32c(plaintext)),
            "usedPrimary": True,
            "protectionLevel": 1 if numbers else "SOFTWARE",
        }

    def _describe(self, key: str, numbers: bool) -> dict[str, Any]:
        state = ("DISABLED", 2) if key == names.GCP_DISABLED_KEY else ("ENABLED", 1)
        return {
            "name": key,
            "primary": {"name": f"{key}/cryptoKeyVersions/1", "state": state[numbers]},
            "purpose": ("ENCRYPT_DECRYPT", 1)[numbers],
        }


def _body(request: Request) -> dict[str, Any]:
    try:
        return request.json()
    except ValueError:
        raise GoogleError(400, "INVALID_ARGUMENT", "Invalid JSON payload received.") from None


def _bytes(body: dict[str, Any], name: str) -> bytes:
    try:
        return base64.b64decode(body.get(name) or "", validate=True)
    except (TypeError, binascii.Error):
        text = f"Invalid value at '{name}' (TYPE_BYTES), Base64 decoding failed."
        raise GoogleError(400, "INVALID_ARGUMENT", text) from None


def _verified(body: dict[str, Any], name: str, value: bytes) -> bool:
    """Whether a checksum came along; raises GoogleError for one that isn't right."""
    sent = body.get(f"{name}Crc32c")
    if sent is not None and int(sent) != crc32c(value):
        text = f"The checksum in field {name}_crc32c did not match the data in field {name}."
        raise GoogleError(400, "INVALID_ARGUMENT", text)
    return sent is not None


def _derived(secret: bytes, name: str) -> bytes:
    return HKDF(SHA256(), 32, None, name.encode()).derive(secret)


def crc32c(data: bytes) -> int:
    """CRC-32C (RFC 3720, appendix B.4), bit by bit: the data are short."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF
