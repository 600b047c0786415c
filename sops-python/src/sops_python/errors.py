"""Every failure a caller can meet. No message, argument or attribute here ever holds a plaintext or a key."""

from __future__ import annotations

from typing import NamedTuple


class SopsError(Exception):
    """The base of all errors of this package."""


class FileError(SopsError):
    """The file (or an argument about it) is at fault: broken syntax, no or cut metadata, too large."""


class NotEncryptedError(FileError):
    """The file holds no SOPS metadata."""


class IntegrityError(FileError):
    """The file does not hold what its author encrypted: a value or the MAC was changed, moved or replaced."""


class Attempt(NamedTuple):
    """One master key that was tried: its list in the metadata, its public identity, and why it did not open."""

    kind: str
    identity: str
    reason: str
    transient: bool = False

    def __str__(self) -> str:
        return f"{self.kind} {self.identity}: {self.reason}"


class DataKeyError(SopsError):
    """No master key could open the data key; `attempts` says why for each of them."""

    def __init__(self, message: str, attempts: tuple[Attempt, ...] = ()) -> None:
        self.message = message
        self.attempts = attempts
        super().__init__("\n".join([message, *(f"  - {attempt}" for attempt in attempts)]))


class TransientError(DataKeyError):
    """No master key could open the data key, but one of them might on another try (throttling, network)."""


class MasterKeyError(Exception):
    """Raised by a key source for one master key that it can't wrap or unwrap with; becomes an `Attempt`."""

    def __init__(self, reason: str, *, transient: bool = False) -> None:
        self.reason = reason
        self.transient = transient
        super().__init__(reason)
