"""The two secrets: the key that signs carts, and the key shared with the payment provider.

Nothing here, errors included, ever holds a value or anything derived from one but HMACs.
"""

import base64
import binascii
import hashlib
import hmac
import sys
from dataclasses import dataclass, field
from pathlib import Path

from shop.config import ConfigError

SIGNING_KEY_FILE = "signing-key.pem"
PAYMENT_API_KEY_FILE = "payment-api-key"

_ARMOR = ("-----BEGIN SHOP SIGNING KEY-----", "-----END SHOP SIGNING KEY-----")
_MINIMUM_BYTES = 32


@dataclass(frozen=True)
class Keys:
    _signing: bytes = field(repr=False)
    _payment: bytes = field(repr=False)

    def sign_cart(self, payload: bytes) -> bytes:
        # The prefix keeps a cart's signature from ever being valid for something else.
        return hmac.digest(self._signing, b"shop.cart.v1\0" + payload, hashlib.sha256)

    def sign_payment(self, body: bytes) -> bytes:
        return hmac.digest(self._payment, body, hashlib.sha256)


def load_keys(directory: Path) -> Keys:
    """Reads both files of a mounted Secret. Raises ConfigError if one is missing or has the wrong form."""
    signing = _armored(_read(directory / SIGNING_KEY_FILE), directory / SIGNING_KEY_FILE)
    payment = _read(directory / PAYMENT_API_KEY_FILE).strip()
    for value, name in ((signing, SIGNING_KEY_FILE), (payment, PAYMENT_API_KEY_FILE)):
        if len(value) < _MINIMUM_BYTES:
            raise ConfigError(f"{directory / name} has fewer than {_MINIMUM_BYTES} bytes of key: generate a longer one")
    return Keys(signing, payment)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path} can't be read ({error.strerror}): mount the Secret there") from None


def _armored(text: bytes, path: Path) -> bytes:
    lines = [line.strip() for line in text.decode("ascii", "replace").splitlines() if line.strip()]
    if len(lines) < 3 or (lines[0], lines[-1]) != _ARMOR:
        raise ConfigError(f"{path} is not framed by {_ARMOR[0]!r} and {_ARMOR[1]!r}")
    try:
        return base64.b64decode("".join(lines[1:-1]), validate=True)
    except binascii.Error:
        raise ConfigError(f"{path} has a body that is not base64") from None


if __name__ == "__main__":  # `python3 -m shop.keys DIRECTORY`: would the shop start with these?
    try:
        load_keys(Path(sys.argv[1]))
    except ConfigError as error:
        sys.exit(str(error))
    print("The shop accepts its secrets.")
