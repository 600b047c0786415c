"""Numbers and times as Go writes them: what is hashed into the MAC, and what sops prints."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from sops_python.tree import Timestamp

if TYPE_CHECKING:
    from decimal import Decimal

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1

_MONTH_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_TIME = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})"
    r"(?:([Tt ])(\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.(\d+))?(Z|[+-]\d\d:\d\d)?)?",
    re.ASCII,
)


def parse_timestamp(text: str) -> Timestamp | None:
    """The RFC 3339 form of a YAML timestamp that go-yaml recognises, else None.

    A `T` needs a zone, a blank forbids one, a date alone is midnight UTC.
    """
    found = _TIME.fullmatch(text)
    if not found:
        return None
    year, month, day = int(found[1]), int(found[2]), int(found[3])
    if not 1 <= month <= 12 or not 1 <= day <= _days(year, month):
        return None
    separator, zone = found[4], found[9]
    if separator is None:
        return Timestamp(f"{year:04}-{month:02}-{day:02}T00:00:00Z")
    if (separator == " ") == (zone is not None):
        return None
    hour, minute, second = int(found[5]), int(found[6]), int(found[7])
    if hour > 23 or minute > 59 or second > 59:
        return None
    fraction = (found[8] or "")[:9].rstrip("0")
    if zone in (None, "+00:00", "-00:00"):
        zone = "Z"
    elif zone != "Z" and (int(zone[1:3]) > 24 or int(zone[4:]) > 59):
        return None
    dot = "." if fraction else ""
    return Timestamp(f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{dot}{fraction}{zone}")


def _days(year: int, month: int) -> int:
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)  # Go's calendar has a year 0, Python's has none
    return 29 if month == 2 and leap else _MONTH_DAYS[month - 1]


def float_fixed(value: float) -> str:
    """strconv's 'f' with the shortest digits: what the MAC hashes and what is encrypted."""
    special = _special(value)
    if special:
        return special
    text = repr(value)
    if "e" in text:
        text = format(_shortest(value), "f")
    return text[:-2] if text.endswith(".0") else text


def float_yaml(value: float) -> str:
    """strconv's 'g' with the shortest digits, as go-yaml prints it."""
    if math.isnan(value):
        return ".nan"
    if math.isinf(value):
        return ".inf" if value > 0 else "-.inf"
    return float_fixed(value) if value == 0 or 1e-4 <= abs(value) < 1e6 else _scientific(value, 2)


def float_json(value: float) -> str:
    """As Go's encoding/json prints it; the value must be finite."""
    size = abs(value)
    return _scientific(value, 1) if size != 0 and (size < 1e-6 or size >= 1e21) else float_fixed(value)


def _shortest(value: float) -> Decimal:
    """The fewest digits that mean this number."""
    from decimal import Decimal  # most files have no such number, and need no import for it

    return Decimal(repr(value))


def _special(value: float) -> str | None:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return None


def _exponent(value: float) -> int:
    return _shortest(value).adjusted() if value else 0


def _scientific(value: float, exponent_digits: int) -> str:
    sign, digits, _ = _shortest(value).normalize().as_tuple()
    mantissa = "".join(map(str, digits))
    exponent = _exponent(value)
    fraction = f".{mantissa[1:]}" if len(mantissa) > 1 else ""
    shown = f"{'-' if exponent < 0 else '+'}{abs(exponent):0{exponent_digits}}"
    return f"{'-' if sign else ''}{mantissa[0]}{fraction}e{shown}"
