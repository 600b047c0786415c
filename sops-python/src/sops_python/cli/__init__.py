"""The command `sops-python`, with the names, flags and variables of sops's own.

Exit codes: 0 done; 2 a file or an argument is at fault; 3 no key opens a file; 4 a key service did not answer; 200 (as
sops has it) an edited file was not changed; `exec-env` and `exec-file` end as their command does.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence

from sops_python.errors import DataKeyError, SopsError, TransientError

# Command → the module beside this one that has `<command>_arguments(parser)` and `<command>(options) -> int`.
COMMANDS = {
    "decrypt": ("reading", "decrypt files to standard output, or in place"),
    "encrypt": ("writing", "encrypt files for the recipients of .sops.yaml, of flags or of variables"),
    "edit": ("editing", "decrypt a file into an editor and encrypt it again"),
    "set": ("changing", "set one value of an encrypted file"),
    "unset": ("changing", "remove one value of an encrypted file"),
    "rotate": ("changing", "encrypt a file anew under a new data key; add or remove recipients"),
    "updatekeys": ("recipients", "give files the recipients that .sops.yaml says"),
    "groups": ("recipients", "add or delete a key group"),
    "filestatus": ("reading", "say whether a file is encrypted"),
    "exec-env": ("running", "run a command with a file's values as environment"),
    "exec-file": ("running", "run a command with the decrypted file as a temporary file"),
}
_LEGACY = {"-d": "decrypt", "--decrypt": "decrypt", "-e": "encrypt", "--encrypt": "encrypt"}
_LEGACY |= {"-r": "rotate", "--rotate": "rotate"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    if arguments is None:
        gc.disable()  # a command's objects live to its end: looking among them for garbage only costs time
        _end_in_order()
    argv = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return _run(argv)
    except SopsError as error:
        print(f"sops-python: {error}", file=sys.stderr)
        return exit_code(error)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader is gone: nothing left to flush
        return 1
    except KeyboardInterrupt:
        return 130


def _end_in_order() -> None:
    """A closed terminal or a TERM unwinds the command, so that temporary files with plaintext are removed."""
    import signal

    def end(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, end)
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, end)


def exit_code(error: SopsError) -> int:
    """2 for the file, 3 for the keys, 4 for what another try might mend."""
    if isinstance(error, TransientError):
        return 4
    return 3 if isinstance(error, DataKeyError) else 2


def _run(argv: list[str]) -> int:
    argv = _without_legacy(argv)
    name = argv[0] if argv else ""
    if name in ("--version", "-v"):
        from importlib.metadata import version

        print(f"sops-python {version('sops-python')}")
        return 0
    if name not in COMMANDS:
        return _help(name)
    from importlib import import_module

    module = import_module(f"sops_python.cli.{COMMANDS[name][0]}")
    # Only this command's parser is made: building them all would cost more than decrypting a file.
    return int(module.run(name, argv[1:]))


def _without_legacy(argv: list[str]) -> list[str]:
    """`sops -d FILE`, as scripts have it, is `decrypt FILE`."""
    if argv and argv[0].startswith("-"):
        for at, word in enumerate(argv):
            if word in _LEGACY:
                return [_LEGACY[word], *argv[:at], *argv[at + 1 :]]
    return argv


def _help(name: str) -> int:
    lines = ["usage: sops-python COMMAND …   (`sops-python COMMAND --help` for its flags)", ""]
    lines += [f"  {command:12}{text}" for command, (_, text) in COMMANDS.items()]
    asked = name in ("", "-h", "--help", "help")
    print("\n".join(lines if asked else [f"sops-python: {name}: there is no such command", *lines]), file=sys.stderr)
    return 0 if asked and name else 2
