"""One encrypted value: `ENC[AES256_GCM,data:…,iv:…,tag:…,type:…]`, standard base64, AES-256-GCM.

The additional data is the value's path, so that a value that was moved to another key does not open. The IV has 32
bytes in files that sops writes; other lengths are accepted.
"""

from __future__ import annotations

import re
from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sops_python.scalars import INT64_MAX, INT64_MIN, parse_timestamp
from sops_python.tree import Comment, Scalar

# sops's own pattern has `.+` for each part; without a comma in them, matching takes linear time.
_ENVELOPE = re.compile(r"ENC\[AES256_GCM,data:([^,]+),iv:([^,]+),tag:([^,]+),type:([^\],]+)\]")
_INTEGER = re.compile(r"[+-]?[0-9]+")
_FLOAT = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|[+-]?(inf|infinity)|nan", re.ASCII | re.I)
_TRUE = frozenset((b"1", b"t", b"T", b"true", b"TRUE", b"True"))
_FALSE = frozenset((b"0", b"f", b"F", b"false", b"FALSE", b"False"))


class CipherError(Exception):
    """Why a value does not open. The message never quotes the value."""


def is_envelope(text: str) -> bool:
    """Whether the text has the shape of an encrypted value."""
    return _ENVELOPE.match(text) is not None


class Cipher:
    """Opens the values of one file with its data key."""

    __slots__ = ("_aead",)

    def __init__(self, data_key: bytes) -> None:
        """`data_key` has 32 bytes."""
        self._aead = AESGCM(data_key)

    def open(self, envelope: str, path: str) -> Scalar | Comment:
        """The value in its own type.

        `path` is the additional data: the keys on the way to the value, each followed by a colon.
        Raises CipherError.
        """
        found = _ENVELOPE.match(envelope)
        if not found:
            raise CipherError("expected an encrypted value, found plaintext")
        data, iv, tag, kind = found.groups()
        try:
            sealed = a2b_base64(data, strict_mode=True) + a2b_base64(tag, strict_mode=True)
            nonce = a2b_base64(iv, strict_mode=True)
        except (Base64Error, ValueError):  # ValueError: not ASCII
            raise CipherError("the encrypted value is damaged (not base64)") from None
        try:
            plaintext = self._aead.decrypt(nonce, sealed, path.encode())
        except InvalidTag:
            raise CipherError(
                "the encrypted value does not open: it was changed, moved from another key, or belongs to another file"
            ) from None
        except ValueError:
            raise CipherError("the encrypted value is damaged (length of its IV)") from None
        return _typed(plaintext, kind)


def _typed(plaintext: bytes, kind: str) -> Scalar | Comment:
    if kind == "str":
        try:
            return plaintext.decode()
        except UnicodeDecodeError:
            return plaintext  # !!binary: kept as it is until it is written
    converter = _CONVERTERS.get(kind)
    if converter is None:
        raise CipherError("the encrypted value has an unknown type")
    try:
        return converter(plaintext)
    except ValueError:
        raise CipherError(f"the decrypted value is not of its type, {kind}") from None


def _int(plaintext: bytes) -> int:
    text = plaintext.decode()
    if not _INTEGER.fullmatch(text) or len(text) > 32 or not INT64_MIN <= (number := int(text)) <= INT64_MAX:
        raise ValueError
    return number


def _float(plaintext: bytes) -> float:
    text = plaintext.decode()
    if not _FLOAT.fullmatch(text):
        raise ValueError
    return float(text)


def _bool(plaintext: bytes) -> bool:
    if plaintext in _TRUE:
        return True
    if plaintext in _FALSE:
        return False
    raise ValueError


def _time(plaintext: bytes) -> Scalar:
    stamp = parse_timestamp(plaintext.decode())
    if stamp is None:
        raise ValueError
    return stamp


_CONVERTERS: dict[str, Callable[[bytes], Scalar | Comment]] = {
    "int": _int,
    "int64": _int,
    "float": _float,
    "bool": _bool,
    "time": _time,
    "bytes": bytes,
    "comment": lambda plaintext: Comment(plaintext.decode("utf-8", "replace")),
}
