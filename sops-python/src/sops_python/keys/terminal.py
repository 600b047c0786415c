"""The person at the terminal, where there is one: asked as sops asks, whatever standard input is."""

from __future__ import annotations

TERMINAL = "/dev/tty"


def passphrase(prompt: str) -> str | None:
    """What is typed, without echo; None where there is no terminal, or nobody types."""
    import getpass
    import os

    try:
        os.close(os.open(TERMINAL, os.O_RDWR | os.O_NOCTTY))  # getpass would fall back on standard input
    except OSError:
        return None
    try:
        return getpass.getpass(f"{prompt}: ")
    except EOFError:
        return None


def answer(prompt: str) -> str | None:
    """What is typed, with echo; None where there is no terminal, or nobody types."""
    try:
        with open(TERMINAL, "r+", buffering=1, encoding="utf-8") as terminal:  # noqa: PTH123
            terminal.write(f"{prompt}: ")
            return terminal.readline().rstrip("\n") or None
    except (OSError, UnicodeDecodeError):
        return None
