"""Values in formats that hold texts only (dotenv, INI), as sops prints them; and bytes that are no UTF-8 in such files.

While a file is read or written, a byte that is no UTF-8 is a lone surrogate (PEP 383); in the tree the value is bytes.
"""

from __future__ import annotations

import math
import re

from sops_python.errors import FileError
from sops_python.scalars import float_yaml
from sops_python.tree import Scalar, Timestamp, Value

_FRACTION = re.compile(r"\.\d+(?=[Z+-])")


def scalar_text(value: Scalar) -> str:
    """A scalar's text: Go's, so a null is `<nil>`, an exponent has a capital E, and a time no fraction."""
    if isinstance(value, str):
        return _FRACTION.sub("", value) if isinstance(value, Timestamp) else value
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else _float_text(value)


def _float_text(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    text = float_yaml(value).upper()
    return text if "." in text or "E" in text else f"{text}.0"


def extracted_text(value: Value) -> bytes | None:
    """A text as `--extract` prints it in every format: as it is, so that it can go into a variable or a file."""
    if isinstance(value, str) and not isinstance(value, Timestamp):
        return value.encode()
    return value if isinstance(value, bytes) else None


def decoded(data: bytes) -> str:
    """A file's text, without its byte order mark."""
    return data.decode("utf-8-sig", "surrogateescape")


def encoded(text: str) -> bytes:
    """The bytes of a text that `decoded` or `scalar_text` gave."""
    return text.encode("utf-8", "surrogateescape")


def value_of(text: str) -> str | bytes:
    """A value as it stands in the tree."""
    return text if _is_whole(text) else encoded(text)


def name_of(text: str, line: int) -> str:
    """A key or comment as it stands in the tree. Raises FileError where it is no UTF-8."""
    if not _is_whole(text):
        raise FileError(f"line {line}: not UTF-8; only a value may be of other bytes")
    return text


def _is_whole(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
