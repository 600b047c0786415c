"""OpenPGP secret keys that were given as text, used without any gpg binary (Sequoia, by pysequoia)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sops_python.errors import FileError, MasterKeyError

_ANYBODY = bytes(8)  # the key ID of a message that does not say whom it is for


class SecretKeys:
    """Secret keys with all their subkeys. Its `repr` shows none."""

    def __init__(self, texts: Iterable[str], passphrase: str = "") -> None:
        """`texts`: armored; one may hold several keys. Raises FileError for what is no secret key."""
        self._passphrase = passphrase or None
        self._keys = [packets for text in texts for packets in _keys_of(text)]
        # The library decrypts with one subkey of a key, so a key that got a new one is taken apart: each subkey with
        # its primary key, by key ID. The primary key alone is there too, for old keys that encrypt with it.
        self._parts = {part[-1][0].key_id: part for packets in self._keys for part in _parts(packets)}
        self._decryptors: dict[str, Any] = {}

    def __repr__(self) -> str:
        return f"<SecretKeys: {len(self._keys)}>"

    def __len__(self) -> int:
        return len(self._keys)

    def decrypt(self, message: str) -> bytes:
        """The content of an armored message. Raises MasterKeyError."""
        import pysequoia

        named = _recipients(message)
        known = [key_id for key_id in self._parts if key_id in named] or (list(self._parts) if "" in named else [])
        reasons: dict[str, None] = {}
        for key_id in known:
            try:
                return pysequoia.decrypt(message.encode(), decryptor=self._decryptor(key_id)).bytes or b""
            except MasterKeyError as error:
                reasons[error.reason] = None
            except Exception:  # the library has one exception for everything
                reasons["the wrapped data key is damaged, or in a mode that only GnuPG knows"] = None
        raise MasterKeyError("; ".join(reasons) or "the PGP key given does not open it")

    def encrypt(self, fingerprint: str, data: bytes) -> str | None:
        """An armored message for the key with this fingerprint; None where none of these has it. Raises MasterKeyError.

        A fingerprint of a subkey stands for the whole key; followed by `!`, as GnuPG has it, for that subkey alone.
        """
        wanted, alone = fingerprint.rstrip("!").upper(), fingerprint.endswith("!")
        for packets in self._keys:
            for part in _parts(packets):
                if part[-1][0].fingerprint.upper().endswith(wanted):
                    return _message(part if alone else packets, data)
        return None

    def _decryptor(self, key_id: str) -> Any:
        """Made once: opening a key with its passphrase takes a tenth of a second."""
        if key_id not in self._decryptors:
            try:
                self._decryptors[key_id] = _secret_key(self._parts[key_id]).decryptor(self._passphrase)
            except Exception as error:
                self._decryptors[key_id] = MasterKeyError(_unusable(str(error)))
        made = self._decryptors[key_id]
        if isinstance(made, MasterKeyError):
            raise MasterKeyError(made.reason)
        return made


# A key's packets: those of the primary key, then those of each subkey.
_Packets = list[list[Any]]


def _keys_of(text: str) -> list[_Packets]:
    try:
        from pysequoia.packet import PacketPile, Tag
    except ImportError:
        raise FileError("PGP keys without gpg need the extra `pgp`: install sops-python[pgp]") from None
    keys: list[_Packets] = []
    try:
        for packet in PacketPile.from_bytes(text.encode()):
            if packet.tag == Tag.PublicKey:
                raise FileError("the PGP key given is a public key; a secret key is needed")
            if packet.tag == Tag.SecretKey:
                keys.append([[]])
            elif packet.tag in (Tag.SecretSubkey, Tag.PublicSubkey):
                keys[-1].append([])
            keys[-1][-1].append(packet)
    except FileError:
        raise
    except Exception:
        keys = []
    if not keys:
        raise FileError("the PGP key given is not an armored OpenPGP secret key")
    return keys


def _parts(packets: _Packets) -> list[_Packets]:
    primary, *subkeys = packets
    return [[primary], *([primary, subkey] for subkey in subkeys)]


def _secret_key(packets: _Packets) -> Any:
    import pysequoia

    return pysequoia.Tsk.from_packets([packet for group in packets for packet in group])


def _message(packets: _Packets, data: bytes) -> str:
    import pysequoia

    try:
        certificate = _secret_key(packets).extract_certificate()
        message = None if _is_over(certificate) else pysequoia.encrypt(data, recipients=[certificate])
    except Exception:
        message = None
    if message is None:
        raise MasterKeyError("the PGP key given is expired, revoked, or can't encrypt")
    return message.decode()


def _is_over(certificate: Any) -> bool:
    from datetime import UTC, datetime

    end = certificate.expiration
    return certificate.is_revoked or (end is not None and end <= datetime.now(UTC))


def _recipients(message: str) -> set[str]:
    """The key IDs a message is for, in the library's notation; an empty one for a message that hides them."""
    from pysequoia.packet import PacketPile, Tag

    found = set()
    try:
        for packet in PacketPile.from_bytes(message.encode()):
            if packet.tag == Tag.PKESK:
                found.add(_key_id(bytes(packet.body)))
    except Exception:
        found = set()
    if not found:
        raise MasterKeyError("the wrapped data key is damaged: it is no PGP message")
    return found


def _key_id(body: bytes) -> str:
    """Whom a Public-Key Encrypted Session Key packet is for, by RFC 9580, 5.1; empty where it does not say."""
    if body[0] != 6:
        return "" if body[1:9] == _ANYBODY else body[1:9].hex()
    fingerprint = body[3 : 2 + body[1]]  # after the packet's version, a length, the key's version
    return (fingerprint[-8:] if body[2] == 4 else fingerprint[:8]).hex()


def _unusable(said: str) -> str:
    if "decryption subkey" in said:
        reason = "it is expired, revoked, signed with SHA-1 or not for encryption; GnuPG may still open it"
    else:
        reason = "its passphrase is wrong or missing (SOPS_PGP_PASSPHRASE)"
    return f"the PGP key given can't be used: {reason}"
