"""Where age identities are, and how they are read: sops's variables, its default key file, SSH private keys."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any, TypeAlias

from sops_python.errors import FileError

Identity: TypeAlias = Any  # pyrage's x25519.Identity or ssh.Identity

_LARGEST = 1 << 20
_COMMAND_SECONDS = 60
_SSH_FILES = ("id_ed25519", "id_rsa")


def from_environment(environ: Mapping[str, str]) -> list[Identity]:
    """SOPS_AGE_KEY, SOPS_AGE_KEY_FILE, SOPS_AGE_KEY_CMD and the default key file, all that there are, as sops does.

    A file or command that a variable names must work; the default file need not be there. Raises FileError.
    """
    identities: list[Identity] = []
    if text := environ.get("SOPS_AGE_KEY"):
        identities += parse(text, "SOPS_AGE_KEY")
    if named := environ.get("SOPS_AGE_KEY_FILE"):
        identities += parse(_read(named), f"SOPS_AGE_KEY_FILE {named}")
    if command := environ.get("SOPS_AGE_KEY_CMD"):
        identities += parse(_output(command, environ), "the output of SOPS_AGE_KEY_CMD")
    default = default_key_file(environ)
    if default is not None and os.path.isfile(default):  # noqa: PTH113  # this is the way of every start
        identities += parse(_read(default), default)
    return identities


def ssh_from_environment(environ: Mapping[str, str]) -> list[Identity]:
    """SOPS_AGE_SSH_PRIVATE_KEY_FILE, else `~/.ssh/id_ed25519` and `~/.ssh/id_rsa`. Raises FileError."""
    if named := environ.get("SOPS_AGE_SSH_PRIVATE_KEY_FILE"):
        return _ssh(_read(named), named)
    from pathlib import Path

    home = environ.get("HOME")
    paths = [Path(home, ".ssh", name) for name in _SSH_FILES] if home else []
    return [identity for path in paths if path.is_file() for identity in _ssh(_read(str(path)), str(path))]


def default_key_file(environ: Mapping[str, str] = os.environ) -> str | None:
    """Where sops looks when nothing is said: `sops/age/keys.txt` in the user's configuration directory."""
    if base := environ.get("XDG_CONFIG_HOME"):
        return f"{base}/sops/age/keys.txt"
    if not (home := environ.get("HOME")):
        return None
    return f"{home}/{'Library/Application Support' if sys.platform == 'darwin' else '.config'}/sops/age/keys.txt"


def parse(text: str, origin: str) -> list[Identity]:
    """Identities of a text: one a line, comments and blank lines ignored; or one SSH private key.

    Raises FileError that names `origin` and the line, never the line's text.
    """
    if text.lstrip().startswith("-----BEGIN"):
        return _ssh(text, origin)
    try:
        import pyrage
    except ImportError:
        raise FileError("age keys need the extra `age`: install sops-python[age]") from None
    identities: list[Identity] = []
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if not line.startswith("AGE-SECRET-KEY-1"):
            raise FileError(f"{origin}, line {number}: not an X25519 age identity (AGE-SECRET-KEY-1…)")
        try:
            identities.append(pyrage.x25519.Identity.from_str(line))
        except pyrage.IdentityError:
            raise FileError(f"{origin}, line {number}: the age identity is damaged") from None
    return identities


def _ssh(text: str, origin: str) -> list[Identity]:
    if "BEGIN AGE ENCRYPTED FILE" in text:
        raise FileError(
            f"{origin}: identities that a passphrase protects can't be used here; decrypt them with age first"
        )
    try:
        import pyrage
    except ImportError:
        raise FileError("age keys need the extra `age`: install sops-python[age]") from None
    try:
        return [pyrage.ssh.Identity.from_buffer(text.encode())]
    except (pyrage.IdentityError, ValueError):
        raise FileError(f"{origin}: not an SSH private key that age can use (ed25519 or RSA)") from None


def _read(path: str) -> str:
    try:
        with open(path, "rb") as file:  # noqa: PTH123  # this is the way of every start
            return file.read(_LARGEST).decode()
    except OSError as error:
        raise FileError(f"{path}: the age key file cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise FileError(f"{path}: the age key file is not text") from None


def _output(command: str, environ: Mapping[str, str]) -> str:
    import shlex
    import subprocess

    try:
        done = subprocess.run(
            shlex.split(command), env=dict(environ), stdout=subprocess.PIPE, timeout=_COMMAND_SECONDS, check=False
        )
        text = done.stdout.decode()
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise FileError(f"SOPS_AGE_KEY_CMD can't be run ({type(error).__name__})") from None
    if done.returncode:
        raise FileError(f"SOPS_AGE_KEY_CMD ended with {done.returncode}")
    return text
