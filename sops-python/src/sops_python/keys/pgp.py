"""PGP master keys: GnuPG and its agent where they are, else a secret key that is given, without a gpg binary."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from sops_python.errors import FileError, MasterKeyError
from sops_python.keys.wrapping import wrapped
from sops_python.metadata import MasterKey

_LARGEST = 1 << 20


class PgpKeySource:
    """Secret keys of GnuPG's keyring, and armored ones that were given. Its `repr` shows none."""

    kind = "pgp"
    remote = False

    def __init__(self, secret_keys: Iterable[str] = (), *, passphrase: str = "", gpg: str | None = None) -> None:
        """`secret_keys`: armored, with `passphrase` if they have one. `gpg`: the program, asked first; None: none.

        Raises FileError for a key that can't be read.
        """
        self._gpg = gpg
        self._passphrase = passphrase or None
        self._secret_keys = [_secret_key(text) for text in secret_keys]

    def __repr__(self) -> str:
        return f"<PgpKeySource of {len(self._secret_keys)}{' and gpg' if self._gpg else ''}>"

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
        return cls(texts, passphrase=environ.get("SOPS_PGP_PASSPHRASE", ""), gpg=gpg)

    def unwrap(self, key: MasterKey) -> bytes:
        """Decrypt one armored message. Raises MasterKeyError."""
        reasons = []
        if self._secret_keys:
            opened = self._opened_here(key.enc)
            if isinstance(opened, bytes):
                return opened
            reasons.append(opened)
        if self._gpg:
            from sops_python.keys import gnupg

            try:
                return gnupg.decrypt(self._gpg, key.enc)
            except MasterKeyError as error:
                reasons.append(error.reason)
        raise MasterKeyError("; ".join(reasons) or "there is no gpg here, and no key was given (SOPS_PGP_KEY)")

    def wrap(self, key: MasterKey, data_key: bytes) -> MasterKey:
        """Encrypt to the key with this fingerprint, which GnuPG or a given key must know. Raises MasterKeyError."""
        fingerprint = str(key.fields.get("fp") or "").upper()
        for certificate in (secret_key.extract_certificate() for secret_key in self._secret_keys):
            if certificate.fingerprint.upper().endswith(fingerprint):
                import pysequoia

                try:
                    message = pysequoia.encrypt(data_key, recipients=[certificate])
                except Exception as error:
                    raise MasterKeyError(f"the given key can't encrypt ({type(error).__name__})") from None
                return wrapped(key, message.decode())
        if not self._gpg:
            raise MasterKeyError("there is no gpg here, and the key was not given (SOPS_PGP_KEY)")
        from sops_python.keys import gnupg

        return wrapped(key, gnupg.encrypt(self._gpg, fingerprint, data_key))

    def _opened_here(self, message: str) -> bytes | str:
        """The plaintext, or why the keys that were given don't open the message."""
        import pysequoia

        reasons: dict[str, None] = {}
        for secret_key in self._secret_keys:
            try:
                decryptor = secret_key.decryptor(self._passphrase)
            except Exception as error:  # the library has one exception for everything
                none = "decryption subkey" in str(error)
                reason = "it can't decrypt (is it a public key?)" if none else "its passphrase is wrong or missing"
                reasons[f"the PGP key given can't be used: {reason} (SOPS_PGP_KEY, SOPS_PGP_PASSPHRASE)"] = None
                continue
            try:
                return pysequoia.decrypt(message.encode(), decryptor=decryptor).bytes or b""
            except Exception:
                reasons["the PGP key given does not open it"] = None
        return "; ".join(reasons)


def _secret_key(text: str) -> Any:
    try:
        import pysequoia
    except ImportError:
        raise FileError("PGP keys without gpg need the extra `pgp`: install sops-python[pgp]") from None
    try:
        return pysequoia.Tsk.from_bytes(text.encode())
    except Exception:
        raise FileError("the PGP key given is not an armored OpenPGP secret key") from None


def _read(path: str) -> str:
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            return file.read(_LARGEST).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(f"SOPS_PGP_KEY_FILE {path}: cannot be read ({type(error).__name__})") from None
