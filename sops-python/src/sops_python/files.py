"""Files and the environment: where encrypted bytes and keys come from."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, BinaryIO, TypeVar

from sops_python.decrypt import Decrypted, Encrypted, decrypt, is_encrypted, read
from sops_python.errors import DataKeyError, FileError, SopsError
from sops_python.keys import Keyring, KeySource
from sops_python.stores import Format, format_of

if TYPE_CHECKING:
    from pathlib import Path

    from sops_python.keys.azure_kv import TokenCredential

MAX_FILE_BYTES = 5 << 20
_USUAL_BYTES = 64 << 10
E = TypeVar("E", bound=SopsError)


def read_limited(path: str | os.PathLike[str], *, limit: int = MAX_FILE_BYTES) -> bytes:
    """A file's bytes. Raises FileError when it can't be read or has more than `limit` bytes."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123  # pathlib costs start-up, and this is the way of every file
            return _limited(file, os.fspath(path), limit)
    except OSError as error:
        raise FileError(f"{os.fspath(path)}: cannot be read: {error.strerror}") from None


def read_stdin(*, limit: int = MAX_FILE_BYTES) -> bytes:
    """Standard input. Raises FileError when it has more than `limit` bytes."""
    return _limited(sys.stdin.buffer, "standard input", limit)


def _limited(stream: BinaryIO, name: str, limit: int) -> bytes:
    data = stream.read(_USUAL_BYTES)  # a buffer for the limit would be made for every small file
    if len(data) == _USUAL_BYTES:
        data += stream.read(max(0, limit + 1 - _USUAL_BYTES))
    if len(data) > limit:
        raise FileError(f"{name}: larger than {limit} bytes")
    return data


def read_file(path: str, *, format: Format | None = None, limit: int = MAX_FILE_BYTES) -> Encrypted:  # noqa: A002
    """`read` for a file (`-`: standard input). Errors begin with the path."""
    data = read_stdin(limit=limit) if path == "-" else read_limited(path, limit=limit)
    try:
        return read(data, format=format)
    except FileError as error:
        raise named(error, path) from None


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
    except SopsError as error:
        raise named(error, name) from None


def named(error: E, name: str) -> E:
    """The same error with a file's name before it."""
    shown = "standard input" if name == "-" else name
    if isinstance(error, DataKeyError):
        return type(error)(f"{shown}: {error.message}", error.attempts)
    return type(error)(f"{shown}: {error}")


def expand(pattern: str) -> list[str]:
    """The files that a name or glob (`**` too) means, in order. Raises FileError where there is none."""
    if os.path.lexists(pattern):
        return [pattern]
    import glob

    if not glob.has_magic(pattern):
        return [pattern]
    matches = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207  # patterns may be absolute
    found = [name for name in matches if not os.path.isdir(name)]  # noqa: PTH112
    if not found:
        raise FileError(f"{pattern}: no file matches")
    return found


def encrypted_below(root: Path) -> Iterator[Path]:
    """The encrypted files of a folder, all levels, in order; others are passed over, as are hidden folders.

    Raises FileError for a symlink that leads out of the folder, and for an encrypted file of more than MAX_FILE_BYTES.
    """
    from pathlib import Path

    inside = root.resolve()
    for folder, below, names in os.walk(root):
        below[:] = sorted(name for name in below if not name.startswith("."))
        for name in sorted(names):
            path = Path(folder, name)
            if path.is_symlink() and not path.resolve().is_relative_to(inside):
                raise FileError(f"{path}: a symlink that leads out of {root}")
            if path.is_file() and _is_encrypted(path):
                yield path


def _is_encrypted(path: Path) -> bool:
    if path.stat().st_size > MAX_FILE_BYTES:
        from mmap import ACCESS_READ, mmap

        with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as content:
            if content.find(b"ENC[AES256_GCM,") < 0:
                return False
    return is_encrypted(read_limited(path), format=format_of(path.name))


def keys_from_environment(
    environ: Mapping[str, str] = os.environ, *, azure_credential: TokenCredential | None = None
) -> list[KeySource]:
    """Every key source that can be had without being told more, as sops finds them.

    age identities and PGP keys, the default credentials of Azure, AWS and Google Cloud, Vault's variables. Nothing is
    asked before a file needs it. Raises FileError for a key file or variable that can't be read.
    """
    from sops_python.keys.environment import sources

    return sources(environ, azure_credential=azure_credential)
