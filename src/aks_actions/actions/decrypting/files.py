"""Writing plaintext: nobody else may read it, nothing is half written, and no symlink leads it elsewhere."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

from ...errors import Failure, InputError, TransientError

_CHUNK = 1024 * 1024
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def write(root: Path, below: Path, content: bytes, mode: int = 0o600) -> Path:
    """Put `content` at `root / below`, whole or not at all; folders on the way are made with 0700.

    `root` itself may be a symlink, since the caller chose it; nothing below may be. Raises InputError, TransientError
    (no space left).
    """
    target = root / below
    try:
        with _folder(root, below.parent) as folder:
            _refuse_odd(folder, below.name, target)
            _replace(folder, below.name, content, mode)
    except OSError as error:
        raise _failure(error, target) from None
    return target


@contextlib.contextmanager
def _folder(root: Path, below: Path) -> Iterator[int]:
    """A descriptor of `root / below`, opened step by step, so that no folder can be swapped for a symlink meanwhile."""
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        stack.callback(os.close, folder)
        for part in below.parts:
            with contextlib.suppress(FileExistsError):
                os.mkdir(part, 0o700, dir_fd=folder)
            folder = os.open(part, _FOLDER, dir_fd=folder)
            stack.callback(os.close, folder)
        yield folder


def _refuse_odd(folder: int, name: str, target: Path) -> None:
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return
    if not stat.S_ISREG(found.st_mode):
        kind = "a symlink" if stat.S_ISLNK(found.st_mode) else "no regular file"
        raise InputError(
            f"{target} is {kind}: nothing is written there",
            why="The plaintext could end up where others read it.",
            do="Remove it, or choose another `output-directory`.",
        )


def _replace(folder: int, name: str, content: bytes, mode: int) -> None:
    temporary = f".{name[:100]}.{secrets.token_hex(8)}"
    file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=folder)
    try:
        with os.fdopen(file, "wb") as stream:
            os.fchmod(stream.fileno(), mode)
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:  # also a cancellation: no part of a plaintext stays behind
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=folder)
        raise


def _failure(error: OSError, target: Path) -> Failure:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return TransientError(f"no space left to write {target}", do="Make room on the runner's disk.")
    if error.errno in {errno.ELOOP, errno.ENOTDIR}:
        return InputError(
            f"a folder on the way to {target} is a symlink or a file: nothing is written there",
            why="The plaintext could end up where others read it.",
            do="Remove it, or choose another `output-directory`.",
        )
    return InputError(f"{target} can't be written: {error.strerror}", do="Choose another `output-directory`.")


def absolute(path: str | Path) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100  # symlinks are kept: they are refused, not followed


def shred(path: Path, *, keep: bool = False) -> bool:
    """Overwrite a file and remove it (with `keep`, leave it empty). False where there is none.

    The best that can be done from here, and no promise: a file system that copies on write, a snapshot or an SSD may
    keep the old blocks. Raises InputError for what is no regular file.
    """
    try:
        file = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _failure(error, path) from None
    try:
        found = os.fstat(file)
        if not stat.S_ISREG(found.st_mode):
            raise InputError(f"{path} is no regular file any more: it is left alone")
        for offset in range(0, found.st_size, _CHUNK):
            os.pwrite(file, bytes(min(_CHUNK, found.st_size - offset)), offset)
        os.fsync(file)
        os.ftruncate(file, 0)
    except OSError as error:
        raise _failure(error, path) from None
    finally:
        os.close(file)
    if not keep:
        path.unlink(missing_ok=True)
    return True
