"""`decrypt` and `filestatus`."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sops_python.cli import exit_code, options
from sops_python.cli.output import print_all, replace
from sops_python.decrypt import Decrypted, Encrypted, decrypt_many, is_encrypted
from sops_python.errors import FileError, SopsError
from sops_python.files import encrypted_below, expand, named, read_file, read_limited, read_stdin
from sops_python.stores import Format, format_of, store_for

if TYPE_CHECKING:
    import argparse

STDIN = "-"


def run(command: str, argv: Sequence[str]) -> int:
    """Run `decrypt` or `filestatus`."""
    return _decrypt(argv) if command == "decrypt" else _filestatus(argv)


def _decrypt(argv: Sequence[str]) -> int:
    parser = options.parser("decrypt", "Decrypt files to standard output, in place, or into a folder.")
    parser.add_argument(
        "files", nargs="*", metavar="FILE", help="also folders (their encrypted files) and globs; none or `-`: stdin"
    )
    parser.add_argument("-i", "--in-place", action="store_true", help="write each file's plaintext over it")
    parser.add_argument("--output", metavar="FILE", help="write the plaintext of one file there (0600 if it is new)")
    parser.add_argument("--output-dir", metavar="DIR", help="write plaintexts below this folder (0600), paths kept")
    parser.add_argument("--extract", metavar="PATH", help="""one value only: '["key"][0]'""")
    parser.add_argument("--filename-override", metavar="NAME", help="the name that tells the format (for stdin)")
    options.add_types(parser)
    options.add_opening(parser)
    chosen = parser.parse_args(argv)
    names = chosen.files or [STDIN]
    if (chosen.in_place or chosen.output_dir) and (chosen.extract or STDIN in names):
        raise FileError("--in-place and --output-dir go with neither --extract nor standard input")
    if sum(map(bool, (chosen.in_place, chosen.output, chosen.output_dir))) > 1:
        raise FileError("give one of --in-place, --output and --output-dir")
    sources = _sources(names)
    if chosen.output and len(sources) > 1:
        raise FileError(f"--output takes one file, and {len(sources)} are given; --output-dir takes many")
    return _finish(chosen, sources, _opened(chosen, sources))


def _sources(names: Sequence[str]) -> list[tuple[str, str]]:
    """Each file and its path below an output folder."""
    sources: list[tuple[str, str]] = []
    for name in names:
        if name == STDIN:
            sources.append((name, name))
        elif os.path.isdir(name):  # noqa: PTH112  # pathlib costs start-up
            from pathlib import Path

            sources += [(str(path), str(path.relative_to(name))) for path in encrypted_below(Path(name))]
        else:
            sources += [(path, path.rpartition("/")[2] if path.startswith("/") else path) for path in expand(name)]
    return sources


def _opened(chosen: argparse.Namespace, sources: list[tuple[str, str]]) -> list[Decrypted] | list[SopsError]:
    """All files opened, or everything that stands against it: nothing is written then."""
    input_type = options.format_named(chosen.input_type)
    read: list[Encrypted] = []
    errors: list[SopsError] = []
    for path, _ in sources:
        try:
            told = chosen.filename_override or path
            read.append(read_file(path, format=input_type or (None if told == STDIN else format_of(told))))
        except SopsError as error:
            errors.append(error)
    if errors:
        return errors
    decrypted: list[Decrypted] = []
    results = decrypt_many(read, keys=options.ring(chosen), ignore_mac=chosen.ignore_mac)
    for (path, _), result in zip(sources, results, strict=True):
        if isinstance(result, SopsError):
            errors.append(named(result, path))
        else:
            decrypted.append(result)
    return errors or decrypted


def _finish(
    chosen: argparse.Namespace, sources: list[tuple[str, str]], opened: list[Decrypted] | list[SopsError]
) -> int:
    failed = [item for item in opened if isinstance(item, SopsError)]
    if failed:
        for error in failed:
            print(f"sops-python: {error}", file=sys.stderr)
        return exit_code(failed[0])
    output = options.format_named(chosen.output_type)
    results = []
    for (path, _), item in zip(sources, opened, strict=True):
        assert isinstance(item, Decrypted)  # noqa: S101  # errors were told above
        try:
            results.append((_rendered(item, output or item.format, chosen.extract), output or item.format))
        except FileError as error:
            raise named(error, path) from None
    if chosen.output:
        replace(chosen.output, results[0][0])
    elif chosen.in_place:
        for (path, _), (data, _) in zip(sources, results, strict=True):
            replace(path, data)
    elif chosen.output_dir:
        _write_below(chosen.output_dir, sources, results)
    else:
        print_all(results)
    return 0


def _rendered(decrypted: Decrypted, output: Format, path: str | None) -> bytes:
    if not path:
        return decrypted.emit(output)
    if not decrypted.tree:
        raise FileError(f"{path}: the file is empty")
    from sops_python.paths import extract

    return store_for(output).emit_value(extract(decrypted.tree[0], path))


def _write_below(folder: str, sources: list[tuple[str, str]], results: list[tuple[bytes, Format]]) -> None:
    from pathlib import Path

    root = Path(folder)
    targets = {root / below: data for (_, below), (data, _) in zip(sources, results, strict=True)}
    if len(targets) != len(sources):
        raise FileError("two files would be written to the same path; decrypt them one after the other")
    inside = root.resolve()
    for target in targets:
        if not target.resolve().is_relative_to(inside):
            raise FileError(f"{target}: outside of {root}; nothing is written there")
    made: list[Path] = []
    try:
        for target, data in targets.items():
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not target.exists():
                made.append(target)
            replace(target, data, mode=0o600)
    except BaseException as error:  # all of them or none
        for target in made:
            target.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise FileError(f"{error.filename}: cannot be made: {error.strerror}") from None
        raise


def _filestatus(argv: Sequence[str]) -> int:
    parser = options.parser("filestatus", "Say, as JSON, whether a file is encrypted.")
    parser.add_argument("file", metavar="FILE", help="`-`: standard input")
    options.add_types(parser, output=False)
    chosen = parser.parse_args(argv)
    data = read_stdin() if chosen.file == STDIN else read_limited(chosen.file)
    encrypted = is_encrypted(data, format=options.format_named(chosen.input_type) or format_of(chosen.file))
    print(f'{{"encrypted":{"true" if encrypted else "false"}}}')
    return 0
