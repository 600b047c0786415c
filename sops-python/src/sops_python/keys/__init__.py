"""From master keys to a file's data key: one protocol, one module a backend, imported when a file needs it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from threading import Lock
from typing import Protocol

from sops_python.errors import Attempt, DataKeyError, FileError, TransientError, MasterKeyError
from sops_python.metadata import DEFAULT_DECRYPTION_ORDER, KeyGroup, MasterKey, Metadata
from sops_python.shamir import combine

_DATA_KEY_BYTES = 32


class KeySource(Protocol):
    """Opens wrapped data keys of one kind; made once for any number of files."""

    @property
    def kind(self) -> str:
        """The metadata list whose master keys this source opens: `age`, `azure_kv`, …"""

    def unwrap(self, key: MasterKey) -> bytes:
        """The data key, or a group's share of it. Raises MasterKeyError."""


class Keyring:
    """The key sources at hand. One ring for all files: connections, tokens and opened keys are shared."""

    def __init__(
        self, sources: Iterable[KeySource], *, decryption_order: Sequence[str] = DEFAULT_DECRYPTION_ORDER
    ) -> None:
        """`decryption_order`: the kinds that are tried first inside a group; the rest follow as in the file."""
        self._sources = tuple(sources)
        self._order = {kind: rank for rank, kind in enumerate(decryption_order)}
        self._opened: dict[tuple[str, str, str], bytes] = {}
        self._lock = Lock()

    def data_key(self, metadata: Metadata) -> bytes:
        """The 32 bytes that open a file's values.

        Raises DataKeyError, or TransientError when another try might succeed, naming every recipient and why it did
        not open; FileError when the key groups don't fit together.
        """
        attempts: list[Attempt] = []
        shares: list[bytes] = []
        for group in metadata.groups:
            share = self._open_group(group, attempts)
            if share is not None:
                shares.append(share)
            if len(shares) == metadata.threshold:
                break
        if len(shares) < metadata.threshold:
            raise _failure(metadata, len(shares), tuple(attempts))
        data_key = shares[0] if len(metadata.groups) == 1 else _combined(shares)
        if len(data_key) != _DATA_KEY_BYTES:
            raise FileError(f"the data key has {len(data_key)} bytes instead of {_DATA_KEY_BYTES}; the file is damaged")
        return data_key

    def _open_group(self, group: KeyGroup, attempts: list[Attempt]) -> bytes | None:
        for key in sorted(group, key=lambda key: self._order.get(key.kind, len(self._order))):
            try:
                return self._unwrap(key)
            except MasterKeyError as error:
                attempts.append(Attempt(key.kind, key.identity, error.reason, error.transient))
        return None

    def _unwrap(self, key: MasterKey) -> bytes:
        blob = (key.kind, key.identity, key.enc)
        with self._lock:
            known = self._opened.get(blob)
        if known is not None:
            return known
        sources = [source for source in self._sources if source.kind == key.kind]
        if not sources:
            raise MasterKeyError("no key of this kind was given")
        failures: list[MasterKeyError] = []
        for source in sources:
            try:
                opened = source.unwrap(key)
            except MasterKeyError as error:
                failures.append(error)
                continue
            with self._lock:
                self._opened[blob] = opened
            return opened
        reasons = dict.fromkeys(failure.reason for failure in failures)
        raise MasterKeyError("; ".join(reasons), transient=any(failure.transient for failure in failures))


def _combined(shares: list[bytes]) -> bytes:
    try:
        return combine(shares)
    except ValueError as error:
        raise FileError(f"the shares of the key groups do not fit together: {error}") from None


def _failure(metadata: Metadata, opened: int, attempts: tuple[Attempt, ...]) -> DataKeyError:
    groups = len(metadata.groups)
    what = "no master key could open the data key"
    if groups > 1:
        what = f"{opened} of {groups} key groups could be opened and {metadata.threshold} are needed"
    kind = TransientError if any(attempt.transient for attempt in attempts) else DataKeyError
    return kind(what, attempts)
