"""How one file's data key is put together: which master key to try next, until enough groups are open. Only thinks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from sops_python.errors import Attempt, DataKeyError, FileError, SopsError, TransientError
from sops_python.metadata import DATA_KEY_BYTES, MasterKey
from sops_python.shamir import combine

Unwrap = Callable[[MasterKey], "bytes | Attempt"]


class Step(NamedTuple):
    """One master key to try, for one group of one file."""

    opening: Opening
    group: int
    key: MasterKey


class Opening:
    """The state of one file's key groups; each group's keys stand in the order in which they are tried."""

    def __init__(self, groups: Sequence[Sequence[MasterKey]], threshold: int) -> None:
        self._groups = groups
        self._threshold = threshold
        self._next = [0] * len(groups)  # the key of each group that comes next
        self._running: set[int] = set()
        self._shares: dict[int, bytes] = {}
        self._attempts: list[tuple[int, Attempt]] = []

    def try_local(self, is_local: Callable[[MasterKey], bool], unwrap: Unwrap) -> None:
        """Try what needs no service, as far as a group's order has it before anything that does."""
        for group, keys in enumerate(self._groups):
            while len(self._shares) < self._threshold and group not in self._shares and self._next[group] < len(keys):
                key = keys[self._next[group]]
                if not is_local(key):
                    break
                self._next[group] += 1
                self._take(group, unwrap(key))

    @property
    def needs_more(self) -> bool:
        """Whether a key is still needed, and one is left to try."""
        left = any(
            at < len(keys) and group not in self._shares
            for group, (at, keys) in enumerate(zip(self._next, self._groups, strict=True))
        )
        return len(self._shares) < self._threshold and left

    def steps(self) -> Iterator[Step]:
        """What to ask now: one key a group, and no more groups than are still needed."""
        for group, keys in enumerate(self._groups):
            if len(self._shares) + len(self._running) >= self._threshold:
                return
            if group in self._shares or group in self._running or self._next[group] >= len(keys):
                continue
            key = keys[self._next[group]]
            self._next[group] += 1
            self._running.add(group)
            yield Step(self, group, key)

    def answer(self, step: Step, answer: bytes | Attempt) -> Iterator[Step]:
        """Take the answer to a step; gives what to ask next."""
        self._running.discard(step.group)
        self._take(step.group, answer)
        return self.steps()

    def _take(self, group: int, answer: bytes | Attempt) -> None:
        if isinstance(answer, Attempt):
            self._attempts.append((group, answer))
        else:
            self._shares[group] = answer

    def result(self) -> bytes | SopsError:
        """The data key, or why there is none."""
        if len(self._shares) < self._threshold:
            return self._failure()
        data_key = next(iter(self._shares.values()))
        if len(self._groups) > 1:
            try:
                data_key = combine(list(self._shares.values()))
            except ValueError as error:
                return FileError(f"the shares of the key groups do not fit together: {error}")
        if len(data_key) != DATA_KEY_BYTES:
            return FileError(f"the data key has {len(data_key)} bytes instead of {DATA_KEY_BYTES}; the file is damaged")
        return data_key

    def _failure(self) -> DataKeyError:
        what = "no master key could open the data key"
        if len(self._groups) > 1:
            opened = f"{len(self._shares)} of {len(self._groups)} key groups"
            what = f"{opened} could be opened and {self._threshold} are needed"
        return failure(what, [attempt for _, attempt in sorted(self._attempts, key=lambda item: item[0])])


def failure(what: str, attempts: Sequence[Attempt]) -> DataKeyError:
    """The error for master keys that could not be used: transient if one of them might be on another try."""
    kind = TransientError if any(attempt.transient for attempt in attempts) else DataKeyError
    return kind(what, tuple(attempts))
