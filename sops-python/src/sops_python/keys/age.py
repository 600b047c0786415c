"""age master keys: identities from arguments, the environment and the files that sops reads."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from sops_python.errors import FileError, MasterKeyError
from sops_python.metadata import MasterKey

if TYPE_CHECKING:
    from pyrage import x25519

_MAX_KEY_FILE = 1 << 20


class AgeKeySource:
    """X25519 identities. Holds secrets: its `repr` shows how many, never which."""

    kind = "age"

    def __init__(self, identities: Iterable[x25519.Identity]) -> None:
        """`identities`: parsed identities, tried in order."""
        self._identities = list(identities)
        self._by_recipient = {str(identity.to_public()): identity for identity in self._identities}

    def __repr__(self) -> str:
        return f"<AgeKeySource of {len(self._identities)}>"

    @classmethod
    def from_text(cls, text: str, *, origin: str = "age key") -> AgeKeySource:
        """Identities as age-keygen writes them: one `AGE-SECRET-KEY-1…` a line, comments and blank lines ignored.

        Raises FileError that names `origin` and the line, never the line's text.
        """
        return cls(_parse(text, origin))

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> AgeKeySource:
        """SOPS_AGE_KEY, SOPS_AGE_KEY_FILE and sops's default key file, all that there are, as sops does.

        A file named by SOPS_AGE_KEY_FILE must exist; the default one need not. Raises FileError.
        """
        identities: list[x25519.Identity] = []
        if text := environ.get("SOPS_AGE_KEY"):
            identities += _parse(text, "SOPS_AGE_KEY")
        if named := environ.get("SOPS_AGE_KEY_FILE"):
            identities += _parse(_read(Path(named)), f"SOPS_AGE_KEY_FILE {named}")
        default = default_key_file(environ)
        if default is not None and default.is_file():
            identities += _parse(_read(default), str(default))
        return cls(identities)

    def unwrap(self, key: MasterKey) -> bytes:
        """Open one armored age file. Raises MasterKeyError."""
        if not self._identities:
            raise MasterKeyError("no age identity was given (SOPS_AGE_KEY, SOPS_AGE_KEY_FILE)")
        import pyrage

        # A file's recipient is only a label, so an unknown one does not end the search; a known one shortens it.
        named = self._by_recipient.get(str(key.fields.get("recipient")))
        candidates = [named] if named is not None else self._identities
        try:
            return bytes(pyrage.decrypt(key.enc.encode(), candidates))
        except pyrage.DecryptError:
            if named is not None:
                raise MasterKeyError("the wrapped data key is damaged, or was not made for this recipient") from None
            raise MasterKeyError(f"none of the {len(candidates)} age identities given is this recipient's") from None


def default_key_file(environ: Mapping[str, str] = os.environ) -> Path | None:
    """Where sops looks when nothing is said: `sops/age/keys.txt` in the user's configuration directory."""
    if base := environ.get("XDG_CONFIG_HOME"):
        return Path(base, "sops", "age", "keys.txt")
    if not (home := environ.get("HOME")):
        return None
    base = "Library/Application Support" if sys.platform == "darwin" else ".config"
    return Path(home, base, "sops", "age", "keys.txt")


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_MAX_KEY_FILE).decode()
    except OSError as error:
        raise FileError(f"{path}: the age key file cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise FileError(f"{path}: the age key file is not text") from None


def _parse(text: str, origin: str) -> list[x25519.Identity]:
    try:
        import pyrage
    except ImportError:
        raise FileError("age keys need the extra `age`: install sops-python[age]") from None
    identities = []
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
