"""`set`, `unset` and `rotate`: an encrypted file is changed in place, or printed."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from sops_python import config
from sops_python.change import OpenFile
from sops_python.cli import options, targets
from sops_python.cli.output import replace
from sops_python.errors import FileError, SopsError
from sops_python.files import named, read_limited
from sops_python.paths import extract, set_value, unset_value
from sops_python.stores import Format, format_of, store_for
from sops_python.tree import Branch, Value


def run(command: str, argv: Sequence[str]) -> int:
    """Run `set`, `unset` or `rotate`."""
    return {"set": _set, "unset": _unset, "rotate": _rotate}[command](argv)


def _set(argv: Sequence[str]) -> int:
    parser = options.parser("set", "Set one value of an encrypted file; nothing else of it changes.")
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("path", metavar="PATH", help="""'["key"][0]'""")
    parser.add_argument("value", metavar="VALUE", nargs="?", help='JSON, such as \'"text"\', 5 or {"a": true}')
    parser.add_argument("--value-file", action="store_true", help="VALUE is a file that holds the JSON")
    parser.add_argument("--value-stdin", action="store_true", help="the JSON comes by standard input")
    parser.add_argument("--idempotent", action="store_true", help="leave the file alone where it has this value")
    options.add_types(parser, output=False)
    options.add_opening(parser)
    chosen = parser.parse_args(argv)
    if chosen.value_stdin == (chosen.value is not None) or (chosen.value_stdin and chosen.value_file):
        raise FileError("give the value once: as VALUE, in a file (--value-file), or by standard input (--value-stdin)")
    value = _json(chosen)
    opened = open_file(chosen)
    if set_value(first(opened), chosen.path, value) or not chosen.idempotent:
        replace(Path(chosen.file), _saved(opened, chosen.file))
    return 0


def _json(chosen: argparse.Namespace) -> Value:
    text = sys.stdin.buffer.read() if chosen.value_stdin else (chosen.value or "").encode()
    if chosen.value_file:
        text = read_limited(chosen.value)
    try:
        (branch,) = store_for(Format.JSON).load_plain(b'{"value":' + text + b"}")
    except FileError as error:
        raise FileError(f"the value is not JSON ({error}); a text needs quotes: '\"text\"'") from None
    if len(branch) != 1:
        raise FileError("the value is more than one JSON value")
    return branch[0][1]


def _unset(argv: Sequence[str]) -> int:
    parser = options.parser("unset", "Remove one value of an encrypted file; nothing else of it changes.")
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("path", metavar="PATH", help="""'["key"][0]'""")
    parser.add_argument("--idempotent", action="store_true", help="do nothing where there is no such value")
    options.add_types(parser, output=False)
    options.add_opening(parser)
    chosen = parser.parse_args(argv)
    opened = open_file(chosen)
    branch = first(opened)
    if chosen.idempotent and not _there(branch, chosen.path):
        return 0
    unset_value(branch, chosen.path)
    replace(Path(chosen.file), _saved(opened, chosen.file))
    return 0


def _there(branch: Branch, path: str) -> bool:
    try:
        extract(branch, path)
    except FileError:
        return False
    return True


def _rotate(argv: Sequence[str]) -> int:
    parser = options.parser(
        "rotate", "Encrypt files anew under a new data key, for the same recipients, more or fewer."
    )
    parser.add_argument("files", metavar="FILE", nargs="+")
    parser.add_argument("-i", "--in-place", action="store_true", help="replace each file")
    parser.add_argument("--output", metavar="FILE", help="write the result of one file there")
    targets.add_recipients(parser, prefix="add-")
    targets.add_recipients(parser, prefix="rm-")
    options.add_types(parser, output=False)
    options.add_opening(parser)
    chosen = parser.parse_args(argv)
    if len(chosen.files) > 1 and not chosen.in_place:
        raise FileError("several files are rotated with --in-place only")
    add, remove = targets.named_keys(chosen, "add-"), targets.named_keys(chosen, "rm-")
    ring = options.ring(chosen)
    results = []
    for name in chosen.files:
        chosen.file = name
        opened = open_file(chosen, ring)
        try:
            results.append(opened.rotate(add=add, remove=remove))
        except SopsError as error:
            raise named(error, name) from None
    for name, data in zip(chosen.files, results, strict=True):
        if chosen.in_place or chosen.output:
            replace(Path(chosen.output or name), data)
        else:
            sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
    return 0


def open_file(chosen: argparse.Namespace, ring: object = None) -> OpenFile:
    """The file that the flags name, opened; its errors begin with its path."""
    from sops_python.keys import Keyring

    keys = ring if isinstance(ring, Keyring) else options.ring(chosen)
    file_format = options.format_named(chosen.input_type) or format_of(chosen.file)
    found = config.find(chosen.file)
    indent = config.load(found).indent(file_format) if found else None
    data = read_limited(chosen.file)
    try:
        return OpenFile(data, keys=keys, format=file_format, ignore_mac=chosen.ignore_mac, indent=indent)
    except SopsError as error:
        raise named(error, chosen.file) from None


def first(opened: OpenFile) -> Branch:
    """The document that paths mean."""
    if not opened.tree:
        raise FileError("the file has no document")
    return opened.tree[0]


def _saved(opened: OpenFile, name: str) -> bytes:
    try:
        return opened.save()
    except SopsError as error:
        raise named(error, name) from None
