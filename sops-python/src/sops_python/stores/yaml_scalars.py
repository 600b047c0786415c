"""What an untagged YAML scalar is, by go-yaml v3's rules (YAML 1.2 with some of 1.1), which differ from PyYAML's."""

from __future__ import annotations

import math
import re
from binascii import Error as Base64Error
from binascii import a2b_base64

from sops_python.scalars import INT64_MAX, INT64_MIN, parse_timestamp
from sops_python.tree import Scalar, Timestamp

_UINT64_MAX = 2**64 - 1
_INF, _NAN = math.inf, math.nan
_WORDS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), _NAN),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), _INF),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -_INF),
}
_HINTS = frozenset("0123456789+-.yYnNtTfFoO~")  # a plain scalar that begins otherwise is a string
_INTEGER = re.compile(r"([+-]?)(0[xX][0-9a-fA-F]+|0[oO]?[0-7]+|0[bB][01]+|0|[1-9][0-9]*)", re.ASCII)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_LONGEST_NUMBER = 1100  # characters: more than any float64 written out needs

# The words that YAML 1.1 readers take for booleans, and its base-60 numbers: strings here, quoted when written.
_OLD_BOOLEANS = frozenset(
    f(word) for word in ("y", "yes", "on", "n", "no", "off") for f in (str.lower, str.capitalize, str.upper)
)
_BASE_60 = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?", re.ASCII)


def resolve(text: str) -> Scalar:
    """The value of a plain scalar."""
    if text and text[0] not in _HINTS:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if text[0] in "yYnNtTfFoO~" or len(text) > _LONGEST_NUMBER:
        return text
    if text[0] == ".":
        return _float(text, text)
    if text[4:5] == "-" and (stamp := parse_timestamp(text)) is not None:
        return stamp
    plain = text.replace("_", "")
    if (number := _integer(plain)) is not None:
        return number
    return _float(plain, text)


def _integer(plain: str) -> int | None:
    found = _INTEGER.fullmatch(plain)
    if not found:
        return None
    digits = found[2].lower()
    base = {"0x": 16, "0o": 8, "0b": 2}.get(digits[:2]) or (8 if digits[0] == "0" else 10)
    number = int(digits.removeprefix("0o") if base == 8 else digits, base)
    if found[1]:
        number = -number if found[1] == "-" else number
        return number if INT64_MIN <= number <= INT64_MAX else None  # an unsigned number has no sign
    return number if number <= _UINT64_MAX else None


def _float(plain: str, text: str) -> Scalar:
    if not _FLOAT.fullmatch(plain):
        return text
    number = float(plain)
    return text if math.isinf(number) else number


def resolve_tagged(tag: str, text: str) -> Scalar:
    """The value of a scalar with one of YAML's own tags (`int`, `float`, …). Raises ValueError if it is not of it."""
    if tag == "str":
        return text
    if tag == "binary":
        return _binary(text)
    value = resolve(text)
    if tag == "float" and type(value) is int:
        return float(value)
    if type(value) is not _TYPES[tag]:
        raise ValueError(f"the value is not of its tag, !!{tag}")
    return value


_TYPES = {"int": int, "float": float, "bool": bool, "null": type(None), "timestamp": Timestamp}
TAGS = frozenset(("str", "binary", *_TYPES))


def _binary(text: str) -> Scalar:
    try:
        data = a2b_base64("".join(text.split()), strict_mode=True)
    except (Base64Error, ValueError):
        raise ValueError("the value tagged !!binary is not base64") from None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def reads_as_string(text: str) -> bool:
    """Whether every YAML reader, an old one too, takes this plain scalar for a string."""
    return (
        text != "<<"
        and text not in _OLD_BOOLEANS
        and isinstance(value := resolve(text), str)
        and not isinstance(value, Timestamp)
        and not _BASE_60.fullmatch(text)
    )
