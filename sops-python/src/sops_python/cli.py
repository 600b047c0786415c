"""The command `sops-python`, with the names and flags of sops's own.

Exit codes: 0 done; 2 a file or an argument is at fault; 3 no key opens a file; 4 a key service did not answer.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence as Arguments
from pathlib import Path

from sops_python.decrypt import Decrypted
from sops_python.errors import DataKeyError, FileError, SopsError, TransientError
from sops_python.extract import extract
from sops_python.files import decrypt_file, keys_from_environment
from sops_python.keys import Keyring
from sops_python.metadata import DEFAULT_DECRYPTION_ORDER
from sops_python.stores import Format, store_for

_FORMATS = [file_format.value for file_format in Format]


def main(arguments: Arguments[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        _decrypt(options)
    except SopsError as error:
        print(f"sops-python: {error}", file=sys.stderr)
        return exit_code(error)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader is gone: nothing left to flush
        return 1
    return 0


def exit_code(error: SopsError) -> int:
    """2 for the file, 3 for the keys, 4 for what another try might mend."""
    if isinstance(error, TransientError):
        return 4
    return 3 if isinstance(error, DataKeyError) else 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sops-python", description="Read SOPS files without the sops binary.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser(
        "decrypt",
        help="decrypt files to standard output, or in place",
        description="Keys: SOPS_AGE_KEY, SOPS_AGE_KEY_FILE, sops's default age key file; Azure's default credential.",
    )
    command.add_argument("files", nargs="*", metavar="FILE", help="`-` or none: standard input")
    command.add_argument("-i", "--in-place", action="store_true", help="write each file's plaintext over it")
    command.add_argument("--input-type", choices=_FORMATS, help="instead of what the extension says")
    command.add_argument("--output-type", choices=_FORMATS, help="default: as the input")
    command.add_argument("--extract", metavar="PATH", help="""one value only: '["key"][0]'""")
    command.add_argument("--ignore-mac", action="store_true", help="accept a file with a wrong MAC or none")
    return parser


def _decrypt(options: argparse.Namespace) -> None:
    names = options.files or ["-"]
    if options.in_place and (options.extract or "-" in names):
        raise FileError("--in-place goes with neither --extract nor standard input")
    order = os.environ.get("SOPS_DECRYPTION_ORDER")
    ring = Keyring(keys_from_environment(), decryption_order=order.split(",") if order else DEFAULT_DECRYPTION_ORDER)
    for number, name in enumerate(names):
        decrypted = _open(name, ring, options)
        if options.in_place:
            _replace(Path(name), _rendered(decrypted, options))
            continue
        output = _rendered(decrypted, options)
        if number and (options.output_type or decrypted.format.value) == Format.YAML.value:
            output = b"---\n" + output
        sys.stdout.buffer.write(output)
    sys.stdout.buffer.flush()


def _open(name: str, ring: Keyring, options: argparse.Namespace) -> Decrypted:
    file_format = Format(options.input_type) if options.input_type else None
    path = "/dev/stdin" if name == "-" else name
    return decrypt_file(path, keys=ring, format=file_format, ignore_mac=options.ignore_mac)


def _rendered(decrypted: Decrypted, options: argparse.Namespace) -> bytes:
    output = Format(options.output_type) if options.output_type else decrypted.format
    if not options.extract:
        return decrypted.emit(output)
    value = extract(decrypted.tree[0], options.extract)
    if isinstance(value, str | bytes):  # as it is, so that it can go into a variable or a file
        return value.encode() if isinstance(value, str) else value
    return store_for(output).emit_value(value).encode()


def _replace(path: Path, data: bytes) -> None:
    """Write beside the file, then rename: an interrupted run or a full disk leaves the encrypted file whole."""
    target = path.resolve()
    try:
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")  # 0600
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                os.fchmod(file.fileno(), target.stat().st_mode & 0o7777)
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink()  # it holds plaintext
            raise
    except OSError as error:
        raise FileError(f"{path}: cannot be written: {error.strerror}") from None
