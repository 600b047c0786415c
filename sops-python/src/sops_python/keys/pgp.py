"""PGP master keys: GnuPG and its agent where they are, else a secret key that is given, without a gpg binary."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from sops_python.errors import FileError, MasterKeyError
from sops_python.keys.wrapping import wrapped
from sops_python.metadata import MasterKey

if TYPE_CHECKING:
    from sops_python.keys.openpgp import SecretKeys

_LARGEST = 1 << 20


class PgpKeySource:
    """Secret keys of GnuPG's keyring, and armored ones that were given. Its `repr` shows none."""

    kind = "pgp"
    remote = False

    def __init__(
        self,
        secret_keys: Iterable[str] = (),
        *,
        passphrase: str = "",
        gpg: str | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        """`secret_keys`: armored, with `passphrase` if they have one; they are tried first. `gpg`: the program, None
        for none; it runs with `environ` (GNUPGHOME, GPG_TTY, …).

        Raises FileError for a key that can't be read.
        """
        self._gpg = gpg
        self._environ = environ
        self._given: SecretKeys | None = None
        if texts := list(secret_keys):
            from sops_python.keys.openpgp import SecretKeys

            self._given = SecretKeys(texts, passphrase)

    def __repr__(self) -> str:
        return f"<PgpKeySource of {len(self._given or ())}{' and gpg' if self._gpg else ''}>"

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> PgpKeySource:
        """GnuPG (SOPS_GPG_EXEC, else `gpg` on PATH), and SOPS_PGP_KEY or SOPS_PGP_KEY_FILE with SOPS_PGP_PASSPHRASE.

        The last three are names of ours; sops knows GnuPG only. Raises FileError.
        """
        from shutil import which

        texts = [environ["SOPS_PGP_KEY"]] if environ.get("SOPS_PGP_KEY") else []
        if path := environ.get("SOPS_PGP_KEY_FILE"):
            texts.append(_read(path))
        gpg = environ.get("SOPS_GPG_EXEC") or which("gpg", path=environ.get("PATH"))
        return cls(texts, passphrase=environ.get("SOPS_PGP_PASSPHRASE", ""), gpg=gpg, environ=environ)

    def unwrap(self, key: MasterKey) -> bytes:
        """Decrypt one armored message. Raises MasterKeyError."""
        reasons = []
        if self._given:
            try:
                return self._given.decrypt(key.enc)
            except MasterKeyError as error:
                reasons.append(error.reason)
        if self._gpg:
            from sops_python.keys import gnupg

            try:
                return gnupg.decrypt(self._gpg, key.enc, self._environ)
            except MasterKeyError as error:
                reasons.append(error.reason)
        raise MasterKeyError("; ".join(reasons) or "there is no gpg here, and no key was given (SOPS_PGP_KEY)")

    def wrap(self, key: MasterKey, data_key: bytes) -> MasterKey:
        """Encrypt to the key with this fingerprint, which GnuPG or a given key must know. Raises MasterKeyError."""
        fingerprint = str(key.fields.get("fp") or "")
        message = self._given.encrypt(fingerprint, data_key) if self._given else None
        if message is None:
            if not self._gpg:
                raise MasterKeyError("there is no gpg here, and the key was not given (SOPS_PGP_KEY)")
            from sops_python.keys import gnupg

            message = gnupg.encrypt(self._gpg, fingerprint, data_key, self._environ)
        return wrapped(key, message)


def _read(path: str) -> str:
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            return file.read(_LARGEST).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(f"SOPS_PGP_KEY_FILE {path}: cannot be read ({type(error).__name__})") from None
