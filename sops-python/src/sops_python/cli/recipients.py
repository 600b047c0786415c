"""`updatekeys` and `groups`: who can open files that are encrypted already; their values stay as they are."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from sops_python import config
from sops_python.change import OpenFile, bare, same_key
from sops_python.cli import options, targets
from sops_python.cli.changing import open_file
from sops_python.cli.output import replace
from sops_python.errors import FileError, SopsError
from sops_python.files import encrypted_below, expand, named, read_file
from sops_python.keys import Keyring
from sops_python.metadata import KeyGroup
from sops_python.stores import format_of


def run(command: str, argv: Sequence[str]) -> int:
    """Run `updatekeys` or `groups`."""
    return _updatekeys(argv) if command == "updatekeys" else _groups(argv)


def _updatekeys(argv: Sequence[str]) -> int:
    parser = options.parser(
        "updatekeys", "Give files the recipients that .sops.yaml says; their values stay as they are."
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="also folders (their encrypted files) and globs")
    parser.add_argument("-y", "--yes", action="store_true", help="do not ask")
    parser.add_argument("--config", metavar="FILE", default="", help="instead of the nearest .sops.yaml")
    options.add_types(parser, output=False)
    options.add_opening(parser)
    chosen = parser.parse_args(argv)
    ring = options.ring(chosen)
    for path in _files(chosen.files):
        chosen.file = path
        _update(chosen, ring)
    return 0


def _files(names: Sequence[str]) -> list[str]:
    paths: list[str] = []
    for name in names:
        paths += map(str, encrypted_below(Path(name))) if Path(name).is_dir() else expand(name)
    return list(dict.fromkeys(paths))


def _update(chosen: argparse.Namespace, ring: Keyring) -> None:
    path = chosen.file
    nearest = chosen.config or config.find(path)
    if not nearest:
        raise FileError(f"{path}: there is no {config.NAME} in its folder or above, which would name the recipients")
    file_format = options.format_named(chosen.input_type) or format_of(path)
    creation = config.load(nearest).creation(path, file_format)
    before = read_file(path, format=file_format).metadata
    threshold = creation.threshold or len(creation.groups)
    changes = _changes(before.groups, creation.groups)
    if not changes and threshold == before.threshold:
        print(f"{path}: up to date", file=sys.stderr)
        return
    print(f"{path}: {threshold} of {len(creation.groups)} key groups will open it", file=sys.stderr)
    print("\n".join(changes), file=sys.stderr)
    if not chosen.yes and not _agreed():
        raise FileError(f"{path}: left as it was")
    opened = open_file(chosen, ring)
    _save(path, opened, creation.groups, threshold)


def _changes(before: Sequence[KeyGroup], after: Sequence[KeyGroup]) -> list[str]:
    lines = []
    for number in range(max(len(before), len(after))):
        old = {same_key(key): key for key in (before[number] if number < len(before) else ())}
        new = {same_key(key): key for key in (after[number] if number < len(after) else ())}
        lines += [f"  - group {number}: {key.kind} {key.identity}" for same, key in old.items() if same not in new]
        lines += [f"  + group {number}: {key.kind} {key.identity}" for same, key in new.items() if same not in old]
    return lines


def _agreed() -> bool:
    if not sys.stdin.isatty():
        raise FileError("nobody can be asked here; --yes agrees")
    print("Is this right? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _groups(argv: Sequence[str]) -> int:
    action, *rest = argv or [""]
    if action not in ("add", "delete"):
        raise FileError("groups: say `groups add` or `groups delete`")
    parser = options.parser(f"groups {action}", "Add a key group to a file, or delete one by its number from 0.")
    parser.add_argument("-f", "--file", metavar="FILE", required=True)
    parser.add_argument("-i", "--in-place", action="store_true", help="replace the file")
    parser.add_argument("--shamir-secret-sharing-threshold", type=int, metavar="N", default=0, dest="threshold")
    if action == "add":
        targets.add_recipients(parser)
    else:
        parser.add_argument("number", type=int, metavar="NUMBER")
    options.add_types(parser, output=False)
    options.add_opening(parser)
    chosen = parser.parse_args(rest)
    opened = open_file(chosen)
    groups = [tuple(bare(key) for key in group) for group in opened.metadata.groups]
    if action == "add":
        groups.append(targets.named_keys(chosen))
    elif 0 <= chosen.number < len(groups):
        del groups[chosen.number]
    else:
        raise FileError(f"{chosen.file}: has {len(groups)} key groups, numbered from 0")
    # As many as before are needed, unless something else is said.
    threshold = chosen.threshold or min(opened.metadata.threshold, len(groups)) or 1
    if len(groups) > 1 and threshold < 2:
        threshold = len(groups)
    _save(chosen.file, opened, tuple(groups), threshold, printed=not chosen.in_place)
    return 0


def _save(path: str, opened: OpenFile, groups: Sequence[KeyGroup], threshold: int, *, printed: bool = False) -> None:
    try:
        data = opened.update_keys(groups, threshold)
    except SopsError as error:
        raise named(error, path) from None
    if printed:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    else:
        replace(Path(path), data)
