"""`edit`: a file in the user's editor, plaintext only in a folder that nobody else can read, and only meanwhile."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from sops_python.change import OpenFile
from sops_python.cli import options, targets
from sops_python.cli.changing import open_file
from sops_python.cli.output import replace
from sops_python.encrypt import encrypt
from sops_python.errors import FileError, SopsError
from sops_python.files import named, read_limited
from sops_python.stores import Format, format_of, store_for

NOT_CHANGED = 200  # sops's own exit code for it
_EXAMPLES = {
    Format.YAML: b"example_key: example value\n",
    Format.JSON: b'{\n\t"example_key": "example value"\n}\n',
    Format.DOTENV: b"EXAMPLE_KEY=example value\n",
    Format.INI: b"[example]\nkey = example value\n",
    Format.BINARY: b"example\n",
}


def run(command: str, argv: Sequence[str]) -> int:
    """Run `edit`."""
    parser = options.parser(command, "Decrypt a file into an editor ($SOPS_EDITOR, $EDITOR) and encrypt it again.")
    parser.add_argument("file", metavar="FILE", help="a new one is made by .sops.yaml's rules or the recipients given")
    options.add_types(parser, output=False)
    options.add_opening(parser)
    targets.add_creation(parser)
    chosen = parser.parse_args(argv)
    path = Path(chosen.file)
    file_format = options.format_named(chosen.input_type) or format_of(chosen.file)
    if not path.exists():
        creation = targets.creation_for(chosen, chosen.file, file_format)
        with _Plaintext(path.name, _EXAMPLES[file_format]) as plaintext:
            while True:
                plaintext.edit()
                try:
                    data = encrypt(plaintext.read(), creation, keys=options.ring(chosen), format=file_format)
                    break
                except FileError as error:
                    _again(named(error, chosen.file))
        replace(path, data, mode=0o644)
        return 0
    opened = open_file(chosen)
    with _Plaintext(path.name, store_for(opened.format).emit(opened.tree)) as plaintext:
        while True:
            plaintext.edit()
            edited = plaintext.read()
            if edited == plaintext.original:
                print(f"sops-python: {chosen.file} was not changed", file=sys.stderr)
                return NOT_CHANGED
            try:
                data = _saved(opened, edited)
                break
            except SopsError as error:
                _again(named(error, chosen.file))
    replace(path, data)
    return 0


def _saved(opened: OpenFile, edited: bytes) -> bytes:
    opened.tree = store_for(opened.format).load_plain(edited)
    return opened.save()


def _again(error: SopsError) -> None:
    """Back to the editor after a key press; where nobody can press one, the error ends it. Raises it then."""
    if not sys.stdin.isatty():
        raise error from None
    print(f"sops-python: {error}\nPress Enter to return to the editor, Ctrl-C to give up.", file=sys.stderr)
    sys.stdin.readline()


class _Plaintext:
    """A 0600 file in a 0700 folder, in memory where the machine has such a place; gone at the end, however it comes."""

    def __init__(self, name: str, original: bytes) -> None:
        self.original = original
        memory = Path("/dev/shm")  # noqa: S108  # a file system in memory, not a shared folder: the folder below is ours
        self._folder = tempfile.mkdtemp(prefix="sops-", dir=memory if os.access(memory, os.W_OK) else None)
        self._path = Path(self._folder, name)

    def __enter__(self) -> _Plaintext:
        try:
            with os.fdopen(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(self.original)
        except BaseException:
            shutil.rmtree(self._folder)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._folder)

    def edit(self) -> None:
        """Run the editor. Raises FileError where there is none, or it fails."""
        editor = os.environ.get("SOPS_EDITOR") or os.environ.get("EDITOR") or _installed()
        try:
            done = subprocess.run([*shlex.split(editor), str(self._path)])
        except (OSError, ValueError) as error:
            raise FileError(f"the editor {editor!r} can't be run ({type(error).__name__}); set EDITOR") from None
        if done.returncode:
            raise FileError(f"the editor ended with {done.returncode}: nothing was saved")

    def read(self) -> bytes:
        return read_limited(self._path)


def _installed() -> str:
    found = next((name for name in ("vim", "nano", "vi") if shutil.which(name)), None)
    if not found:
        raise FileError("no editor was found; set EDITOR")
    return found
