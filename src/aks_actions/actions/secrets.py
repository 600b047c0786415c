"""SOPS files for the actions: all opened at once by one set of keys, failures in their words, values masked first."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from ..errors import Failure, InputError, Location
from .keys import Given, Keys, keys_of
from .located import located

if TYPE_CHECKING:
    from sops_python.decrypt import Decrypted, Encrypted
    from sops_python.stores import Format

    from ..job import Job


class File(Protocol):
    """An encrypted file as it was read."""

    @property
    def path(self) -> str: ...
    @property
    def data(self) -> bytes: ...
    @property
    def format(self) -> Format: ...


@dataclass(frozen=True)
class Sealed:
    """The simplest such file."""

    path: str
    data: bytes = field(repr=False)
    format: Format


def read(file: File) -> Encrypted:
    """A file's recipients, dates and shape, without any key. Raises InputError (not SOPS, cut)."""
    from sops_python.decrypt import read as read_encrypted
    from sops_python.errors import FileError

    try:
        return read_encrypted(file.data, format=file.format)
    except FileError as error:
        raise _unusable(error, file) from None


def decrypted(job: Job, files: Sequence[File], given: Given) -> list[Decrypted]:
    """Decrypt SOPS files, every MAC verified; what was encrypted in any of them is masked already.

    Key services are asked about all files at once. Raises InputError (not SOPS, cut, tampered), AuthError (no key
    opens it), TransientError: for the first file that fails, and then none is given.
    """
    from sops_python.decrypt import decrypt_many
    from sops_python.errors import FileError, SopsError

    encrypted = [read(file) for file in files]
    keys = keys_of(job, given)
    opened: list[Decrypted] = []
    try:
        results = decrypt_many(encrypted, keys=keys.ring)
        for file, closed, result in zip(files, encrypted, results, strict=True):
            job.check()
            if isinstance(result, SopsError):
                raise _failure(result, file, keys)
            _mask(job, file.path, closed, result)
            opened.append(result)
    except FileError as error:  # of a key file or variable in the environment
        raise InputError("a key can't be used", why=str(error)) from None
    return opened


def _mask(job: Job, path: str, closed: Encrypted, opened: Decrypted) -> None:
    troubles = [trouble for secret in _secrets(closed.tree, opened.tree) for trouble in job.mask(secret)]
    for trouble in dict.fromkeys(troubles):
        job.log.warn(f"{path}: {trouble}; it may show up in logs")


def _failure(error: Exception, file: File, keys: Keys) -> Failure:
    from sops_python.errors import DataKeyError

    return keys.failure(error, file.path) if isinstance(error, DataKeyError) else _unusable(error, file)


def _unusable(error: Exception, file: File) -> InputError:
    from sops_python.errors import NotEncryptedError

    if isinstance(error, NotEncryptedError):
        return InputError(
            f"{file.path} is not encrypted with SOPS",
            why=str(error),
            do=f"If it shall be: sops encrypt -i {file.path}. If its end is missing: restore it from Git.",
            at=Location(file.path),
        )
    return InputError(
        f"{file.path} can't be decrypted: it is not as SOPS wrote it",
        why=str(error),
        do="Restore the file from Git, or make the change again with `sops edit`; never edit it by hand.",
        at=located(file.path, file.data, str(error)),
    )


def _secrets(encrypted: Any, opened: Any) -> Iterator[Any]:
    """The plaintexts of what was encrypted: names, kinds and other values in clear must stay readable in the log.

    Both trees have the same shape (sops_python.tree). A value that is base64 of text, as under a Secret's `data`,
    comes in both forms: the Pod sees the decoded one.
    """
    from sops_python.cipher import is_envelope
    from sops_python.scalars import float_yaml
    from sops_python.tree import Comment, to_plain

    if isinstance(encrypted, list | tuple):  # documents, members and items; or a key with its value
        for before, after in zip(encrypted, opened, strict=True):
            yield from _secrets(before, after)
    elif isinstance(encrypted, Comment):
        if encrypted.value.startswith("ENC["):
            yield opened.value
    elif isinstance(encrypted, str) and is_envelope(encrypted):
        value = opened.value if isinstance(opened, Comment) else opened
        yield to_plain(value)  # the float 123456789.0 is delivered as 123456789
        if isinstance(value, float):
            yield float_yaml(value)  # and stands in YAML as 1.23456789e+08
        if isinstance(value, str) and (decoded := _decoded(value)):
            yield decoded


def _decoded(text: str) -> str:
    try:
        decoded = base64.b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError):
        return ""
    return decoded if decoded.isprintable() or "\n" in decoded else ""
