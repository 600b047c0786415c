"""age master keys: X25519 and SSH identities from arguments, the environment and the files that sops reads."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from sops_python.errors import FileError, MasterKeyError
from sops_python.metadata import MasterKey

Identity: TypeAlias = Any  # pyrage's x25519.Identity or ssh.Identity

_SSH = "ssh-"  # recipients of SSH keys begin so
_VARIABLES = "SOPS_AGE_KEY, SOPS_AGE_KEY_FILE, SOPS_AGE_KEY_CMD"


class AgeKeySource:
    """age identities. Holds secrets: its `repr` shows how many, never which."""

    kind = "age"
    remote = False

    def __init__(self, identities: Iterable[Identity] = (), *, environ: Mapping[str, str] | None = None) -> None:
        """`identities`: parsed ones, tried in order. `environ`: variables that name more, read when a file needs it."""
        self._identities = list(identities)
        self._environ = environ
        self._by_recipient: dict[str, Identity] | None = None
        self._ssh: list[Identity] | None = None

    def __repr__(self) -> str:
        return f"<AgeKeySource of {len(self._identities)}>"

    @classmethod
    def from_text(cls, text: str, *, origin: str = "age key") -> AgeKeySource:
        """Identities as age-keygen writes them, one `AGE-SECRET-KEY-1…` a line, or a whole SSH private key.

        Raises FileError that names `origin` and the line, never the line's text.
        """
        from sops_python.keys.age_identities import parse

        return cls(parse(text, origin))

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> AgeKeySource:
        """All identities that sops would find: SOPS_AGE_KEY, SOPS_AGE_KEY_FILE, SOPS_AGE_KEY_CMD, its default key file;
        for SSH recipients also SOPS_AGE_SSH_PRIVATE_KEY_FILE, `~/.ssh/id_ed25519` and `~/.ssh/id_rsa`.

        They are read when the first file needs them; what can't be read raises FileError then.
        """
        return cls(environ=environ)

    def unwrap(self, key: MasterKey) -> bytes:
        """Open one armored age file. Raises MasterKeyError, and FileError for identities that can't be read."""
        recipient = str(key.fields.get("recipient"))
        known = self._known()
        # A file's recipient is only a label, so an unknown one does not end the search; a known one shortens it.
        named = known.get(recipient)
        candidates = [named] if named is not None else [*self._identities, *self._of_ssh(recipient)]
        if not candidates:
            raise MasterKeyError(f"no age identity was given ({_VARIABLES})")
        import pyrage

        try:
            return bytes(pyrage.decrypt(key.enc.encode(), candidates))
        except pyrage.DecryptError:
            if named is not None:
                raise MasterKeyError("the wrapped data key is damaged, or was not made for this recipient") from None
            raise MasterKeyError(f"none of the {len(candidates)} age identities given is this recipient's") from None

    def wrap(self, key: MasterKey, data_key: bytes) -> MasterKey:
        """Encrypt to one recipient; no identity is needed. Raises MasterKeyError."""
        pyrage = _pyrage()
        recipient = str(key.fields.get("recipient"))
        try:
            if recipient.startswith(_SSH):
                target = pyrage.ssh.Recipient.from_str(recipient)
            else:
                target = pyrage.x25519.Recipient.from_str(recipient)
        except (pyrage.RecipientError, ValueError):
            raise MasterKeyError("not a recipient: age1… (X25519), ssh-ed25519 …, ssh-rsa … are known") from None
        return key._replace(enc=pyrage.encrypt(data_key, [target], armored=True).decode())

    def _known(self) -> dict[str, Identity]:
        if self._by_recipient is None:
            if self._environ is not None:
                from sops_python.keys.age_identities import from_environment

                self._identities += from_environment(self._environ)
            public = {str(item.to_public()): item for item in self._identities if hasattr(item, "to_public")}
            self._by_recipient = public
        return self._by_recipient

    def _of_ssh(self, recipient: str) -> list[Identity]:
        """The SSH keys of the environment, for a recipient that can be one."""
        if not recipient.startswith(_SSH) or self._environ is None:
            return []
        if self._ssh is None:
            from sops_python.keys.age_identities import ssh_from_environment

            self._ssh = ssh_from_environment(self._environ)
        return self._ssh


def _pyrage() -> Any:
    try:
        import pyrage
    except ImportError:
        raise FileError("age keys need the extra `age`: install sops-python[age]") from None
    return pyrage
