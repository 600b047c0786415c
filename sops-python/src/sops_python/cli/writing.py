"""`encrypt`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sops_python.cli import options, targets
from sops_python.cli.output import print_all, replace
from sops_python.encrypt import encrypt
from sops_python.errors import FileError, SopsError
from sops_python.files import expand, named, read_limited, read_stdin
from sops_python.stores import format_of

STDIN = "-"


def run(command: str, argv: Sequence[str]) -> int:
    """Run `encrypt`."""
    parser = options.parser(command, "Encrypt files for the recipients of .sops.yaml, of flags or of variables.")
    parser.add_argument("files", nargs="*", metavar="FILE", help="also globs; none or `-`: standard input")
    parser.add_argument("-i", "--in-place", action="store_true", help="replace each file by its encrypted form")
    parser.add_argument("--output", metavar="FILE", help="write the encrypted form of one file there")
    parser.add_argument(
        "--filename-override", metavar="NAME", help="the name that finds the rule and tells the format; for stdin"
    )
    options.add_types(parser)
    targets.add_creation(parser)
    chosen = parser.parse_args(argv)
    names = [path for name in chosen.files for path in ([STDIN] if name == STDIN else expand(name))] or [STDIN]
    if STDIN in names and (chosen.in_place or not (chosen.filename_override or chosen.input_type)):
        raise FileError("standard input needs --filename-override (or --input-type), and no --in-place")
    if len(names) > 1 and not chosen.in_place:
        raise FileError("several files are encrypted with --in-place only")
    ring = options.ring(chosen)
    results = []
    for path in names:
        told = chosen.filename_override or ("stdin" if path == STDIN else path)
        input_format = options.format_named(chosen.input_type) or format_of(told)
        output_format = options.format_named(chosen.output_type) or input_format
        creation = targets.creation_for(chosen, told, output_format)
        data = read_stdin() if path == STDIN else read_limited(path)
        try:
            results.append(
                (encrypt(data, creation, keys=ring, format=input_format, output=output_format), output_format)
            )
        except SopsError as error:
            raise named(error, path) from None
    if chosen.in_place:
        for path, (data, _) in zip(names, results, strict=True):
            replace(Path(path), data)
    elif chosen.output:
        replace(Path(chosen.output), results[0][0], mode=0o644)
    else:
        print_all(results)
    return 0
