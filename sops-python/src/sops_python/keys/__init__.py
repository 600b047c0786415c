"""From master keys to a file's data key and back: one protocol, one module a backend, imported when a file needs it."""

from __future__ import annotations

from _thread import allocate_lock  # `threading` is loaded by those who start threads
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, TypeVar

from sops_python.errors import Attempt, FileError, MasterKeyError, SopsError
from sops_python.keys.opening import Opening, failure
from sops_python.metadata import DEFAULT_DECRYPTION_ORDER, KeyGroup, MasterKey, Metadata
from sops_python.shamir import split

IN_FLIGHT = 16  # requests to key services at a time
T = TypeVar("T")


class KeySource(Protocol):
    """Wraps and unwraps data keys with master keys of one kind; made once for any number of files, used by threads."""

    @property
    def kind(self) -> str:
        """The metadata list whose master keys this source knows: `age`, `azure_kv`, …"""

    @property
    def remote(self) -> bool:
        """Whether it asks a service: such sources are asked about many files at a time."""

    def unwrap(self, key: MasterKey) -> bytes:
        """The data key, or a group's share of it. Raises MasterKeyError."""

    def wrap(self, key: MasterKey, data_key: bytes) -> MasterKey:
        """The same master key with the data key (or share) wrapped in its `enc`, its date, and whatever a service
        resolved (a key's version). `key` comes without `enc`. Raises MasterKeyError."""


class Keyring:
    """The key sources at hand. One ring for all files: connections, tokens and opened keys are shared."""

    def __init__(
        self,
        sources: Iterable[KeySource],
        *,
        decryption_order: Sequence[str] = DEFAULT_DECRYPTION_ORDER,
        in_flight: int = IN_FLIGHT,
    ) -> None:
        """`decryption_order`: the kinds that are tried first inside a group; the rest follow as in the file.

        `in_flight`: how many requests are made to key services at a time.
        """
        self._sources = tuple(sources)
        self._order = {kind: rank for rank, kind in enumerate(decryption_order)}
        self._in_flight = in_flight
        self._known: dict[tuple[str, ...], bytes | Attempt] = {}
        self._lock = allocate_lock()

    def data_key(self, metadata: Metadata) -> bytes:
        """The 32 bytes that open a file's values.

        Raises DataKeyError, or TransientError when another try might succeed, naming every recipient and why it did
        not open; FileError when the key groups don't fit together.
        """
        (result,) = self.data_keys([metadata])
        if isinstance(result, SopsError):
            raise result
        return result

    def data_keys(self, files: Iterable[Metadata]) -> list[bytes | SopsError]:
        """The data keys of many files, or for each what `data_key` would raise; services are asked in parallel.

        What is at hand locally is tried first; then no more groups of a file are asked for at a time than are still
        needed, and never more than `in_flight` in all. Answers are kept: the same wrapped key is asked for once.
        """
        with self._lock:
            openings = [Opening(self._ordered(metadata.groups), metadata.threshold) for metadata in files]
            for opening in openings:
                opening.try_local(self._is_local, self._unwrap)
            if any(opening.needs_more for opening in openings):
                from sops_python.keys.services import open_all  # threads cost start-up: only who needs them pays

                open_all(openings, self._unwrap, self._in_flight)
            return [opening.result() for opening in openings]

    def wrap(self, groups: Sequence[KeyGroup], threshold: int, data_key: bytes) -> tuple[KeyGroup, ...]:
        """Wrap a data key with every master key of every group; with several groups each gets a share of it.

        Raises DataKeyError or TransientError that names each master key that could not be used, FileError for groups
        that can't be.
        """
        if not groups or not all(groups):
            raise FileError("no master key is given, or a key group has none")
        try:
            shares = [data_key] if len(groups) == 1 else split(data_key, len(groups), threshold)
        except ValueError as error:
            raise FileError(str(error)) from None
        work = [(key, share) for group, share in zip(groups, shares, strict=True) for key in group]
        if any(not self._is_local(key) for key, _ in work):
            from sops_python.keys.services import map_all

            wrapped = map_all(self._wrap, work, self._in_flight)
        else:
            wrapped = [self._wrap(item) for item in work]
        attempts = [item for item in wrapped if isinstance(item, Attempt)]
        if attempts:
            raise failure("the data key could not be wrapped for every recipient", attempts)
        keys = iter([item for item in wrapped if isinstance(item, MasterKey)])
        return tuple(tuple(next(keys) for _ in group) for group in groups)

    def _ordered(self, groups: Sequence[KeyGroup]) -> list[list[MasterKey]]:
        last = len(self._order)
        return [sorted(group, key=lambda key: self._order.get(key.kind, last)) for group in groups]

    def _is_local(self, key: MasterKey) -> bool:
        asked = any(source.remote and source.kind == key.kind for source in self._sources)
        return not asked or key.blob in self._known

    def _unwrap(self, key: MasterKey) -> bytes | Attempt:
        blob = key.blob
        known = self._known.get(blob)
        if known is None:
            known = self._known[blob] = self._attempt(key, lambda source: source.unwrap(key))
        return known

    def _wrap(self, item: tuple[MasterKey, bytes]) -> MasterKey | Attempt:
        key, share = item
        return self._attempt(key, lambda source: source.wrap(key, share))

    def _attempt(self, key: MasterKey, use: Callable[[KeySource], T]) -> T | Attempt:
        """The answer of the first source of the key's kind that has one."""
        failures: list[MasterKeyError] = []
        for source in self._sources:
            if source.kind == key.kind:
                try:
                    return use(source)
                except MasterKeyError as error:
                    failures.append(error)
        reasons = "; ".join(dict.fromkeys(failure.reason for failure in failures))
        transient = any(failure.transient for failure in failures)
        return Attempt(key.kind, key.identity, reasons or "no key of this kind was given", transient)
