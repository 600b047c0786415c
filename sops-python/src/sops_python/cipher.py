"""One encrypted value: `ENC[AES256_GCM,data:…,iv:…,tag:…,type:…]`, standard base64, AES-256-GCM.

Source: measured on files of sops 3.7 to 3.13.

The additional data is the value's path, so that a value that was moved to another key does not open. The IV has 32
bytes in files that sops writes; other lengths are accepted.
"""

from __future__ import annotations

import re
from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from collections import defaultdict
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sops_python.mac import hashed_form
from sops_python.scalars import INT64_MAX, INT64_MIN, parse_timestamp
from sops_python.tree import Comment, Scalar, Timestamp

# sops's own pattern has `.+` for each part; without a comma in them, matching takes linear time.
_ENVELOPE = re.compile(r"ENC\[AES256_GCM,data:([^,]+),iv:([^,]+),tag:([^,]+),type:([^\],]+)\]")
_IV_BYTES, _TAG_BYTES = 32, 16
_INTEGER = r"[+-]?[0-9]+"
# Left to `re` to compile when a file has such a value, as are others: each costs start-up.
_FLOAT = r"(?ai)[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?|[+-]?(inf|infinity)|nan"
_TRUE = frozenset((b"1", b"t", b"T", b"true", b"TRUE", b"True"))
_FALSE = frozenset((b"0", b"f", b"F", b"false", b"FALSE", b"False"))


class CipherError(Exception):
    """Why a value does not open. The message never quotes the value."""


def is_envelope(text: str) -> bool:
    """Whether the text has the shape of an encrypted value."""
    return _ENVELOPE.match(text) is not None


class Cipher:
    """Opens and seals the values of one file with its data key."""

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
        try:
            return plaintext.decode() if kind == "str" else _typed(plaintext, kind)
        except UnicodeDecodeError:
            return plaintext  # !!binary: kept as it is until it is written

    def seal(self, value: Scalar | Comment, path: str) -> str:
        """The envelope of a value, under a new random IV. `path` as for `open`; the value is no null."""
        from os import urandom

        nonce = urandom(_IV_BYTES)
        sealed = self._aead.encrypt(nonce, plaintext_of(value), path.encode())
        data, tag = sealed[:-_TAG_BYTES], sealed[-_TAG_BYTES:]
        parts = (_base64(data), _base64(nonce), _base64(tag), type_of(value))
        return "ENC[AES256_GCM,data:{},iv:{},tag:{},type:{}]".format(*parts)


class Stash:
    """The envelopes that a file had: what did not change is written as it was, so that diffs stay small."""

    def __init__(self) -> None:
        self._envelopes: defaultdict[tuple[str, str, bytes], list[str]] = defaultdict(list)

    def keep(self, value: Scalar | Comment, path: str, envelope: str) -> None:
        """Remember the envelope of a value at a path."""
        self._envelopes[path, type_of(value), plaintext_of(value)].append(envelope)

    def take(self, value: Scalar | Comment, path: str) -> str | None:
        """The envelope of an equal value at this path; each is given once, in order."""
        known = self._envelopes.get((path, type_of(value), plaintext_of(value)))
        return known.pop(0) if known else None


def type_of(value: Scalar | Comment) -> str:
    """The type that an envelope names."""
    if isinstance(value, str):
        return "time" if isinstance(value, Timestamp) else "str"
    return "str" if isinstance(value, bytes) else "comment" if isinstance(value, Comment) else type(value).__name__


def plaintext_of(value: Scalar | Comment) -> bytes:
    """The bytes that are encrypted for a value."""
    return value.value.encode() if isinstance(value, Comment) else hashed_form(value)


def _base64(data: bytes) -> str:
    return b2a_base64(data, newline=False).decode()


def _typed(plaintext: bytes, kind: str) -> Scalar | Comment:
    converter = _CONVERTERS.get(kind)
    if converter is None:
        raise CipherError("the encrypted value has an unknown type")
    try:
        return converter(plaintext)
    except ValueError:
        raise CipherError(f"the decrypted value is not of its type, {kind}") from None


def _int(plaintext: bytes) -> int:
    text = plaintext.decode()
    if not re.fullmatch(_INTEGER, text) or len(text) > 32 or not INT64_MIN <= (number := int(text)) <= INT64_MAX:
        raise ValueError
    return number


def _float(plaintext: bytes) -> float:
    text = plaintext.decode()
    if not re.fullmatch(_FLOAT, text):
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
