"""SSH private keys as age identities. A key with a passphrase is opened when a recipient turns out to be its own."""

from __future__ import annotations

from typing import Any

from sops_python.errors import MasterKeyError

_OPENSSH = b"openssh-key-v1\0"
_NO_USE = "not an SSH private key that age can use (ed25519 or RSA)"


class SshKey:
    """One private key, in OpenSSH's format or PEM. Its `repr` shows only where it is from."""

    def __init__(self, data: bytes, origin: str) -> None:
        """`origin`: the file's path, or what to call the place it is from; a `.pub` beside it is read if need be."""
        self._data = data
        self._origin = origin
        self._public = _public(data)
        self._opened: Any = None

    def __repr__(self) -> str:
        return f"<SshKey of {self._origin}>"

    def may_open(self, recipient: str) -> bool:
        """Whether `ssh-… BASE64 …` is this key's public half; yes where that can't be told."""
        if not self._public:
            self._public = _public_beside(self._origin)
        return not self._public or self._public in recipient.split()

    def check(self) -> None:
        """Raises MasterKeyError for what is no SSH key; asks for nothing."""
        if not self._has_passphrase():
            self.identity()

    def identity(self) -> Any:
        """pyrage's identity; a passphrase is asked for, once. Raises MasterKeyError."""
        if self._opened is None:
            try:
                self._opened = self._open()
            except MasterKeyError as error:
                self._opened = error
        if isinstance(self._opened, MasterKeyError):
            raise MasterKeyError(self._opened.reason)
        return self._opened

    def _has_passphrase(self) -> bool:
        import pyrage

        try:
            pyrage.ssh.Identity.from_buffer(self._data)
        except (pyrage.IdentityError, ValueError) as error:
            # What pyrage says of OpenSSH's format; PEM says it itself.
            return "decrypted first" in str(error) or b"ENCRYPTED" in self._data
        return False

    def _open(self) -> Any:
        import pyrage

        data = self._decrypted() if self._has_passphrase() else self._data
        try:
            return pyrage.ssh.Identity.from_buffer(data)
        except (pyrage.IdentityError, ValueError):
            raise MasterKeyError(f"{self._origin}: {_NO_USE}") from None

    def _decrypted(self) -> bytes:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives import serialization

        from sops_python.keys.terminal import passphrase

        typed = passphrase(f"Passphrase of {self._origin}")
        if typed is None:
            raise MasterKeyError(f"{self._origin}: has a passphrase, and there is no terminal to ask for it")
        load = serialization.load_pem_private_key
        if b"BEGIN OPENSSH" in self._data:
            load = serialization.load_ssh_private_key
        try:
            key = load(self._data, typed.encode())
            return key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
            )
        except UnsupportedAlgorithm:
            raise MasterKeyError(f"{self._origin}: opening it with its passphrase needs the package bcrypt") from None
        except (ValueError, TypeError):
            raise MasterKeyError(f"{self._origin}: the passphrase was wrong, or the key is damaged") from None


def _public(data: bytes) -> str:
    """The public half in base64, which OpenSSH's format has in clear; empty for other formats.

    PROTOCOL.key of OpenSSH: a magic text, cipher, KDF, its options, the number of keys, the public key.
    """
    from base64 import b64decode, b64encode

    lines = [line for line in data.strip().splitlines() if not line.startswith(b"-----")]
    try:
        blob = b64decode(b"".join(lines))
        if not blob.startswith(_OPENSSH):
            return ""
        at = len(_OPENSSH)
        for _ in range(3):
            at += 4 + int.from_bytes(blob[at : at + 4])
        at += 4
        return b64encode(blob[at + 4 : at + 4 + int.from_bytes(blob[at : at + 4])]).decode()
    except ValueError:
        return ""


def _public_beside(path: str) -> str:
    try:
        with open(f"{path}.pub", encoding="utf-8") as file:  # noqa: PTH123
            words = file.read(1 << 16).split()
    except (OSError, ValueError):
        return ""
    return words[1] if len(words) > 1 and words[0].startswith("ssh-") else ""
