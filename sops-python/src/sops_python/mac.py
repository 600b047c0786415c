"""The message authentication code: one SHA-512 over the values of a file in document order, keys left out."""

from __future__ import annotations

import enum
import hashlib
import hmac

from sops_python.scalars import float_fixed
from sops_python.tree import Scalar

# A MAC over encrypted values only starts from this, so that the two kinds can't be mistaken for each other.
_ONLY_ENCRYPTED = hashlib.sha256(b"sops").digest()
_EXACT_IN_FLOAT64 = 2**53


class MacVerdict(enum.Enum):
    """What became of the MAC. Only the first two are possible unless the caller asked to ignore it."""

    VERIFIED = "verified"
    LEGACY_FLOAT64 = "legacy-float64"  # verified after rounding JSON integers above 2^53, as sops did up to 3.13.1
    ABSENT = "absent"
    MISMATCH = "mismatch"


class Mac:
    """Takes a file's values in order, then judges the MAC that the file holds."""

    def __init__(self, *, only_encrypted: bool, numbers_were_float64: bool) -> None:
        """`numbers_were_float64`: the format is one whose numbers old versions of sops read as float64 (JSON)."""
        self._hash = hashlib.sha512(_ONLY_ENCRYPTED if only_encrypted else b"")
        self._legacy: hashlib._Hash | None = None  # differs from the first large integer on
        self._numbers_were_float64 = numbers_were_float64

    def add(self, value: Scalar) -> None:
        """Add one value; null adds nothing."""
        data = value.encode() if type(value) is str else hashed_form(value)
        if self._numbers_were_float64 and type(value) is int and abs(value) > _EXACT_IN_FLOAT64:
            if self._legacy is None:
                self._legacy = self._hash.copy()
            self._legacy.update(float_fixed(float(value)).encode())
        elif self._legacy is not None:
            self._legacy.update(data)
        self._hash.update(data)

    def hexadecimal(self) -> str:
        """The MAC as files hold it, upper-case hexadecimal, before it is encrypted."""
        return self._hash.hexdigest().upper()

    def verdict(self, expected: str) -> MacVerdict:
        """Compare with the decrypted MAC of the file (hexadecimal), empty when it has none."""
        if not expected:
            return MacVerdict.ABSENT
        if _same(self._hash, expected):
            return MacVerdict.VERIFIED
        if self._legacy is not None and _same(self._legacy, expected):
            return MacVerdict.LEGACY_FLOAT64
        return MacVerdict.MISMATCH


def _same(computed: hashlib._Hash, expected: str) -> bool:
    return hmac.compare_digest(computed.hexdigest().upper().encode(), expected.encode())


def hashed_form(value: Scalar) -> bytes:
    """The bytes that stand for a value in the MAC, which are also what is encrypted."""
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, bytes):
        return value
    if value is None:
        return b""
    if isinstance(value, bool):
        return b"True" if value else b"False"
    if isinstance(value, int):
        return b"%d" % value
    return float_fixed(value).encode()
