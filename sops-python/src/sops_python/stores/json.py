"""JSON: order and duplicate keys kept; written as sops does, with tabs and with `<`, `>` and `&` escaped."""

from __future__ import annotations

import json
import math
import re
from typing import Any, cast

from sops_python.errors import FileError
from sops_python.scalars import INT64_MAX, INT64_MIN, float_json
from sops_python.stores.texts import extracted_text
from sops_python.tree import MAX_DEPTH, Branch, Comment, Scalar, Sequence, Value, is_shallow

NUMBERS_WERE_FLOAT64 = True
MERGES = False

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
_ESCAPED = re.compile("[<>&\u2028\u2029]")


def load(text: str) -> list[Branch]:
    """One document, which is an object. Raises FileError."""
    try:
        document = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise FileError(f"line {error.lineno}, column {error.colno}: broken JSON: {error.msg}") from None
    except RecursionError:
        raise FileError("the JSON is nested too deeply") from None
    except ValueError as error:  # from _number and _constant, with a message that quotes nothing
        raise FileError(f"broken JSON: {error}") from None
    if not isinstance(document, Branch):
        raise FileError("the top level of the JSON is not an object")
    if not is_shallow(document):
        raise FileError(f"the JSON is nested deeper than {MAX_DEPTH} levels")
    return [document]


def _pairs(pairs: list[tuple[str, Any]]) -> Branch:
    # Go replaces half a surrogate pair; Python would keep it, and fail to encode it later.
    return Branch([(_text(key), _clean(value)) for key, value in pairs])


def _clean(value: Any) -> Value:
    if isinstance(value, str):
        return _text(value)
    if type(value) is list:
        return Sequence([_clean(item) for item in value])
    return cast(Value, value)


def _text(text: str) -> str:
    return text if text.isascii() else _LONE_SURROGATE.sub("\ufffd", text)


def _integer(text: str) -> int | float:
    if text == "-0" or (len(text) > 19 and not INT64_MIN <= int(text[:400]) <= INT64_MAX):
        return _number(text)
    return int(text)


def _number(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError("a number is out of range")
    return number


def _constant(text: str) -> Value:
    raise ValueError(f"{text} is not JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_pairs, parse_int=_integer, parse_float=_number, parse_constant=_constant, strict=True
)


def load_plain(data: bytes) -> list[Branch]:
    """As `load`, from bytes. Raises FileError."""
    try:
        return load(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise FileError(f"not UTF-8 (byte {error.start}): JSON is") from None


def emit(branches: list[Branch]) -> bytes:
    """The first document, as sops prints it: JSON has no second one. Raises FileError."""
    return _text_of(branches[0] if branches else Branch(), "\t").encode() + b"\n"


def emit_encrypted(branches: list[Branch], metadata: Branch, *, indent: int | None = None) -> bytes:
    """The first document with its metadata; `indent`: blanks a level, a tab for None."""
    document = Branch([*(branches[0] if branches else ()), ("sops", _with_nulls(metadata))])
    return _text_of(document, "\t" if indent is None else " " * indent).encode() + b"\n"


def _with_nulls(value: Value) -> Value:
    """Metadata in which a list without items is null, as sops writes it in JSON."""
    if isinstance(value, Branch):
        return Branch((key, _with_nulls(item)) for key, item in value)
    if isinstance(value, Sequence):
        return Sequence(_with_nulls(item) for item in value) or None
    return value


def emit_value(value: Value) -> bytes:
    """A text as it is, a mapping as a file, another value as JSON without a final newline.

    Raises FileError for infinity and NaN.
    """
    if isinstance(value, Branch):
        return emit([value])
    text = extracted_text(value)
    return _text_of(value, "\t").encode() if text is None else text


def _text_of(value: Value, step: str) -> str:
    parts: list[str] = []
    _write(value, "\n", step, parts)
    return "".join(parts)


def _write(value: Value, newline: str, step: str, parts: list[str]) -> None:
    if isinstance(value, Branch):
        members = [(f"{_quoted(key)}: ", item) for key, item in value if not isinstance(key, Comment)]
        _write_members(members, "{}", newline, step, parts)
    elif isinstance(value, Sequence):
        _write_members([("", item) for item in value if not isinstance(item, Comment)], "[]", newline, step, parts)
    elif isinstance(value, Comment):
        parts.append("null")
    else:
        parts.append(_scalar(value))


def _write_members(members: list[tuple[str, Value]], brackets: str, newline: str, step: str, parts: list[str]) -> None:
    if not members:
        parts.append(brackets)
        return
    inner = newline + step
    parts.append(brackets[0])
    for index, (label, item) in enumerate(members):
        parts.append(f"{',' if index else ''}{inner}{label}")
        _write(item, inner, step, parts)
    parts.append(newline + brackets[1])


def _scalar(value: Scalar) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise FileError("JSON has no infinity and no NaN")
        return float_json(value)
    if isinstance(value, bytes):  # Go writes each byte that is no UTF-8 as the replacement character, escaped
        return _LONE_SURROGATE.sub(r"\\ufffd", _quoted(value.decode("utf-8", "surrogateescape")))
    return _quoted(value)


def _quoted(text: str) -> str:
    return _ESCAPED.sub(lambda found: _ESCAPES[found[0]], json.dumps(str(text), ensure_ascii=False))
