"""`exec-env` and `exec-file`: a command that gets decrypted values, and nothing of them stays behind."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

from sops_python.cli import options
from sops_python.decrypt import Decrypted
from sops_python.errors import FileError
from sops_python.files import decrypt_file
from sops_python.tree import Branch

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


def run(command: str, argv: Sequence[str]) -> int:
    """Run `exec-env` or `exec-file`."""
    return _exec_env(argv) if command == "exec-env" else _exec_file(argv)


def _exec_env(argv: Sequence[str]) -> int:
    parser = options.parser("exec-env", "Run a shell command with a file's top-level values as environment variables.")
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("command", metavar="COMMAND", help="a shell's text")
    parser.add_argument("--pristine", action="store_true", help="the file's values only, nothing of this environment")
    parser.add_argument("--same-process", action="store_true", help="become the command instead of waiting for it")
    options.add_types(parser, output=False)
    options.add_opening(parser)
    chosen = parser.parse_args(argv)
    environ = ({} if chosen.pristine else dict(os.environ)) | _variables(chosen, _opened(chosen))
    command = ["/bin/sh", "-c", chosen.command]
    if chosen.same_process:
        os.execve(command[0], command, environ)  # noqa: S606  # the user's own command
    return _code(subprocess.run(command, env=environ).returncode)


def _variables(chosen: argparse.Namespace, decrypted: Decrypted) -> dict[str, str]:
    variables = {}
    for key, value in decrypted.documents[0].items() if decrypted.tree else ():
        if isinstance(value, dict | list):
            raise FileError(f"{chosen.file}: {key} is a mapping or a list: it has no value as an environment variable")
        if not _NAME.fullmatch(key):
            raise FileError(f"{chosen.file}: {key!r} can't be the name of an environment variable")
        text = value if isinstance(value, str) else _text(decrypted.tree[0], key)
        if "\0" in text:
            raise FileError(f"{chosen.file}: the value of {key} holds a zero byte: no environment variable can")
        variables[key] = text
    return variables


def _text(branch: Branch, key: str) -> str:
    value = next(value for name, value in branch if name == key)
    if isinstance(value, bytes):
        return os.fsdecode(value)
    if value is None or isinstance(value, bool):
        return "" if value is None else str(value).lower()
    from sops_python.mac import hashed_form

    return hashed_form(value).decode() if isinstance(value, int | float) else str(value)


def _exec_file(argv: Sequence[str]) -> int:
    parser = options.parser("exec-file", "Run a shell command in which {} is the path of the decrypted file.")
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("command", metavar="COMMAND", help="a shell's text with {} in it")
    parser.add_argument(
        "--no-fifo", action="store_true", help="a regular file (0600) instead of a pipe that is read once"
    )
    parser.add_argument("--filename", metavar="NAME", default="tmp-file", help="the temporary file's name")
    options.add_types(parser)
    options.add_opening(parser)
    chosen = parser.parse_args(argv)
    if Path(chosen.filename).name != chosen.filename:
        raise FileError(f"--filename {chosen.filename}: a name without folders is needed")
    content = _opened(chosen).emit(options.format_named(chosen.output_type))
    folder = Path(tempfile.mkdtemp(prefix="sops-"))
    try:
        path = folder / chosen.filename
        if chosen.no_fifo:
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(content)
        else:
            os.mkfifo(path, 0o600)
            threading.Thread(target=_feed, args=(path, content), daemon=True).start()
        return _code(subprocess.run(["/bin/sh", "-c", chosen.command.replace("{}", str(path))]).returncode)
    finally:
        shutil.rmtree(folder)


def _feed(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError:
        return  # the command did not read to the end, or at all


def _opened(chosen: argparse.Namespace) -> Decrypted:
    keys = options.ring(chosen)
    return decrypt_file(
        chosen.file, keys=keys, format=options.format_named(chosen.input_type), ignore_mac=chosen.ignore_mac
    )


def _code(code: int) -> int:
    return code if code >= 0 else 128 - code
