"""Where age identities are, and how they are read: sops's variables, its default key file, SSH private keys."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from sops_python.errors import FileError, MasterKeyError

if TYPE_CHECKING:
    from sops_python.keys.age_ssh import SshKey

Identity: TypeAlias = Any  # pyrage's x25519.Identity, ssh.Identity or plugin.IdentityPluginV1

_LARGEST = 1 << 20
_COMMAND_SECONDS = 120  # it may ask a person
_SSH_FILES = ("id_ed25519", "id_rsa")
_AGE_FILES = (b"age-encryption.org/", b"-----BEGIN AGE ENCRYPTED FILE-----")


class Identities:
    """Identities that were read, by what using them takes. Its `repr` shows none."""

    def __init__(self) -> None:
        self.plain: dict[str, Identity] = {}  # X25519, by recipient
        self.ssh: list[SshKey] = []
        self.plugins: list[str] = []  # AGE-PLUGIN-…: made when one is needed, as that starts a program
        self.locked: list[tuple[bytes, str]] = []  # files that a passphrase protects, and where they are from

    def add(self, data: bytes, origin: str) -> None:
        """Read a text of one identity a line (comments and blank lines ignored), an SSH private key, or a file of
        identities that age encrypted.

        Raises FileError that names `origin` and the line, never the line's text; then nothing was added.
        """
        start = data.lstrip()
        if start.startswith(_AGE_FILES):
            self.locked.append((data, origin))
        elif start.startswith(b"-----BEGIN"):
            from sops_python.keys.age_ssh import SshKey

            self.ssh.append(SshKey(data, origin))
        else:
            self._add_lines(data, origin)

    def _add_lines(self, data: bytes, origin: str) -> None:
        x25519 = _pyrage().x25519.Identity
        try:
            lines = data.decode().splitlines()
        except UnicodeDecodeError:
            raise FileError(f"{origin}: is not text") from None
        plain, plugins = {}, []
        for number, raw in enumerate(lines, start=1):
            line = raw.strip()
            if not line or line.startswith("#"):
                continue
            if line.startswith("AGE-PLUGIN-"):
                plugins.append(line)
                continue
            if not line.startswith("AGE-SECRET-KEY-1"):
                raise FileError(f"{origin}, line {number}: not an X25519 age identity (AGE-SECRET-KEY-1…)")
            try:
                identity = x25519.from_str(line)
            except _pyrage().IdentityError:
                raise FileError(f"{origin}, line {number}: the age identity is damaged") from None
            plain[str(identity.to_public())] = identity
        self.plain |= plain
        self.plugins += plugins

    def unlock(self) -> list[Identity]:
        """Open one of the locked files; a person is asked for its passphrase. Raises MasterKeyError.

        What is in it is known from then on. Either way it is not among the locked ones any more.
        """
        from sops_python.keys.terminal import passphrase

        data, origin = self.locked.pop()
        typed = passphrase(f"Passphrase of {origin}")
        if typed is None:
            raise MasterKeyError(f"{origin}: has a passphrase, and there is no terminal to ask for it")
        inside = Identities()
        try:
            inside.add(_pyrage().passphrase.decrypt(data, typed), f"{origin} (decrypted)")
        except _pyrage().DecryptError:
            raise MasterKeyError(f"{origin}: the passphrase was wrong, or the file is damaged") from None
        except FileError as error:
            raise MasterKeyError(str(error)) from None
        self.plain |= inside.plain
        self.plugins += inside.plugins
        return list(inside.plain.values())


class Environment:
    """What sops's variables and default files give. What can't be read is told in `troubles`, and the rest is used."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.troubles: list[str] = []
        self._of_commands: dict[tuple[str, str], Identities] = {}

    def identities(self) -> Identities:
        """Of SOPS_AGE_KEY, SOPS_AGE_KEY_FILE and the default key file: all that there are, as sops does."""
        found = Identities()
        environ = self._environ
        if text := environ.get("SOPS_AGE_KEY"):
            self._add(found, text.encode(), "SOPS_AGE_KEY")
        if named := environ.get("SOPS_AGE_KEY_FILE"):
            self._add_file(found, named, "SOPS_AGE_KEY_FILE ")
        default = default_key_file(environ)
        if default is not None and os.path.isfile(default):  # noqa: PTH113  # this is the way of every start
            self._add_file(found, default)
        return found

    def ssh_keys(self) -> list[SshKey]:
        """Of SOPS_AGE_SSH_PRIVATE_KEY_FILE, `~/.ssh/id_ed25519` and `~/.ssh/id_rsa`."""
        found = Identities()
        if named := self._environ.get("SOPS_AGE_SSH_PRIVATE_KEY_FILE"):
            self._add_file(found, named, "SOPS_AGE_SSH_PRIVATE_KEY_FILE ")
        if home := self._environ.get("HOME"):
            for path in (f"{home}/.ssh/{name}" for name in _SSH_FILES):
                if os.path.isfile(path):  # noqa: PTH113
                    self._add_file(found, path)
        return found.ssh

    def of_command(self, variable: str, recipient: str) -> Identities:
        """What the command in SOPS_AGE_KEY_CMD or SOPS_AGE_SSH_PRIVATE_KEY_CMD prints, which learns by
        SOPS_AGE_RECIPIENT for whom; run once a recipient.
        """
        known = self._of_commands.get((variable, recipient))
        if known is None:
            known = self._of_commands[variable, recipient] = Identities()
            if command := self._environ.get(variable):
                try:
                    output = _output(command, variable, {**self._environ, "SOPS_AGE_RECIPIENT": recipient})
                    known.add(output, f"the output of {variable}")
                except FileError as error:
                    self.troubles.append(str(error))
        return known

    def _add_file(self, found: Identities, path: str, variable: str = "") -> None:
        try:
            with open(path, "rb") as file:  # noqa: PTH123  # this is the way of every start
                data = file.read(_LARGEST)
        except OSError as error:
            self.troubles.append(f"{variable}{path}: cannot be read: {error.strerror}")
        else:
            self._add(found, data, path)

    def _add(self, found: Identities, data: bytes, origin: str) -> None:
        try:
            found.add(data, origin)
        except FileError as error:
            self.troubles.append(str(error))


def default_key_file(environ: Mapping[str, str] = os.environ) -> str | None:
    """Where sops looks when nothing is said: `sops/age/keys.txt` in the user's configuration directory."""
    if base := environ.get("XDG_CONFIG_HOME"):
        return f"{base}/sops/age/keys.txt"
    if not (home := environ.get("HOME")):
        return None
    return f"{home}/{'Library/Application Support' if sys.platform == 'darwin' else '.config'}/sops/age/keys.txt"


def _pyrage() -> Any:
    try:
        import pyrage
    except ImportError:
        raise FileError("age keys need the extra `age`: install sops-python[age]") from None
    return pyrage


def _output(command: str, variable: str, environ: Mapping[str, str]) -> bytes:
    import shlex
    import subprocess

    try:
        done = subprocess.run(
            shlex.split(command), env=environ, stdout=subprocess.PIPE, timeout=_COMMAND_SECONDS, check=False
        )
    except (OSError, ValueError, IndexError, subprocess.TimeoutExpired) as error:
        raise FileError(f"{variable} can't be run ({type(error).__name__})") from None
    if done.returncode:
        raise FileError(f"{variable} ended with {done.returncode}")
    return done.stdout
