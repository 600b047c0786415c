"""Bearer tokens: kept while they are valid, renewed before they expire, and once more when the server refuses one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

MARGIN = 120.0  # seconds before its expiry at which a token is renewed


@dataclass(frozen=True)
class Token:
    """A bearer token and when it expires, in seconds of the epoch."""

    value: str = field(repr=False)
    expires: float = float("inf")


# Gives a token; with True it must be a new one, since the server refused the last.
TokenSource = Callable[[bool], Token]


class Bearer:
    """One token shared by all threads of a run."""

    def __init__(self, source: TokenSource, now: Callable[[], float] = time.time) -> None:
        self._source = source
        self._now = now
        self._lock = threading.Lock()
        self._token: Token | None = None

    def value(self) -> str:
        """The token to send now. Raises whatever the source raises (AuthError, TransientError)."""
        with self._lock:
            if self._token is None or self._now() > self._token.expires - MARGIN:
                self._token = self._source(False)
            return self._token.value

    def renewed(self, refused: str) -> bool:
        """Replace the token that the server refused; False where there is no other one to try."""
        with self._lock:
            if self._token is not None and self._token.value != refused:
                return True  # another thread was faster
            self._token = self._source(True)
            return self._token.value != refused
