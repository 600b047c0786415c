"""Files and the environment: where encrypted bytes and keys come from."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import BinaryIO

from sops_python.decrypt import Decrypted, decrypt
from sops_python.errors import DataKeyError, FileError
from sops_python.keys import Keyring, KeySource
from sops_python.keys.age import AgeKeySource
from sops_python.keys.azure_kv import AzureKeyVaultSource, TokenCredential
from sops_python.stores import Format, format_of

MAX_FILE_BYTES = 5 << 20


def keys_from_environment(
    environ: Mapping[str, str] = os.environ, *, azure_credential: TokenCredential | None = None
) -> list[KeySource]:
    """Every key source that can be had without being told more: age as sops finds it, Azure's default credential.

    Raises FileError for an age key file or variable that can't be read.
    """
    return [AgeKeySource.from_environment(environ), AzureKeyVaultSource(azure_credential)]


def read_limited(path: str | os.PathLike[str], *, limit: int = MAX_FILE_BYTES) -> bytes:
    """A file's bytes. Raises FileError when it can't be read or has more than `limit` bytes."""
    try:
        with Path(path).open("rb") as file:
            return read_stream(file, os.fspath(path), limit=limit)
    except OSError as error:
        raise FileError(f"{os.fspath(path)}: cannot be read: {error.strerror}") from None


def read_stream(stream: BinaryIO, name: str, *, limit: int = MAX_FILE_BYTES) -> bytes:
    """As `read_limited`, from an open stream (which need not tell its size)."""
    data = stream.read(limit + 1)
    if len(data) > limit:
        raise FileError(f"{name}: larger than {limit} bytes")
    return data


def decrypt_file(
    path: str | os.PathLike[str],
    *,
    keys: Keyring | Iterable[KeySource],
    format: Format | None = None,  # noqa: A002  # what everybody calls it
    ignore_mac: bool = False,
    limit: int = MAX_FILE_BYTES,
) -> Decrypted:
    """`decrypt` for a file; its extension tells the format. Errors begin with the path."""
    name = os.fspath(path)
    data = read_limited(path, limit=limit)
    try:
        return decrypt(data, keys=keys, format=format or format_of(name), ignore_mac=ignore_mac)
    except FileError as error:
        raise type(error)(f"{name}: {error}") from None
    except DataKeyError as error:
        raise type(error)(f"{name}: {error.message}", error.attempts) from None
