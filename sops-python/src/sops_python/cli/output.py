"""Where results go: standard output, or files that are replaced whole or not at all."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from sops_python.errors import FileError
from sops_python.stores import Format

if TYPE_CHECKING:
    from pathlib import Path


def replace(path: str | Path, data: bytes, *, mode: int | None = None) -> None:
    """Write beside the file, then rename: an interrupted run or a full disk leaves what was there.

    `mode` None: the file keeps its own; a new one gets 0600. A symlink's target is replaced, not the link. Raises
    FileError.
    """
    import tempfile
    from pathlib import Path

    target = Path(path).resolve()
    try:
        if mode is None:
            mode = target.stat().st_mode & 0o7777 if target.exists() else 0o600
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:100]}.")  # 0600
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
                os.fchmod(file.fileno(), mode)
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink()  # it may hold plaintext
            raise
    except OSError as error:
        raise FileError(f"{path}: cannot be written: {error.strerror}") from None


def print_all(results: Iterable[tuple[bytes, Format]]) -> None:
    """Print results one after another; YAML ones as documents of one stream."""
    for number, (data, shown) in enumerate(results):
        sys.stdout.buffer.write(b"---\n" + data if number and shown is Format.YAML else data)
    sys.stdout.buffer.flush()
