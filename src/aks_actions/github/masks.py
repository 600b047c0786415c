"""What has to be masked so that a secret value shows up nowhere: its lines and the encodings that the runner misses.

The runner masks the registered text and 11 encodings of it, but base64 only of the exact bytes; act masks single
lines alone. So each line is registered by itself, and base64 as `echo | base64` and MIME would print it.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from typing import Any

MOST = 5_000  # with so many lines registered for one secret, no further encodings: the runner looks for each of them
TOO_SHORT = 4  # below it a mask would blot out ordinary words; such values are warned of instead
_SIGNED_TOKEN = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+")  # a JWT: short-lived, and printed whole or not at all
_MIME_COLUMNS = (76, 64)  # base64 and PEM wrap there


def leaves(value: Any) -> Iterator[str]:
    """Every scalar of nested maps and lists as it could be printed; keys, None and booleans are no secrets."""
    if isinstance(value, dict):
        for child in value.values():
            yield from leaves(child)
    elif isinstance(value, list | tuple):
        for child in value:
            yield from leaves(child)
    elif isinstance(value, bytes):
        yield value.decode("utf-8", "replace")
        encoded = base64.b64encode(value).decode()
        yield encoded
        for columns in _MIME_COLUMNS:  # as `base64` and PEM print it, line by line
            yield "\n".join(encoded[i : i + columns] for i in range(0, len(encoded), columns))
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def masks(secret: str) -> set[str]:
    """The lines to register for one secret text; empty where it is too short to be masked."""
    whole = secret.strip()
    if len(whole) < TOO_SHORT:
        return set()
    if _SIGNED_TOKEN.fullmatch(whole):
        return {whole}
    found = _lines([secret, whole, json.dumps(whole)[1:-1], *_structured(whole)])  # these always, however many
    forms = []
    for data in dict.fromkeys((secret.encode(), whole.encode(), whole.encode() + b"\n")):
        encoded = base64.b64encode(data).decode()
        forms += [encoded, base64.urlsafe_b64encode(data).decode()]
        forms += [encoded[i : i + columns] for columns in _MIME_COLUMNS for i in range(0, len(encoded), columns)]
    for form in forms:
        if len(found) >= MOST:
            break
        found |= _lines([form])
    return found


def _lines(forms: list[str]) -> set[str]:
    lines = {line.strip() for form in forms for line in form.splitlines()}
    return {line for line in lines if len(line) >= TOO_SHORT and any(c.isalnum() for c in line)}


def _structured(text: str) -> Iterator[str]:
    """Leaves of a secret that is JSON itself, such as a .dockerconfigjson."""
    if text[:1] in "{[":
        try:
            yield from (leaf for leaf in leaves(json.loads(text)) if len(leaf) >= TOO_SHORT)
        except ValueError:
            return
