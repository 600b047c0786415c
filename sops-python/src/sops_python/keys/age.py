"""age master keys: X25519, SSH and plugin identities from arguments, the environment and the files that sops reads."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from sops_python.errors import FileError, MasterKeyError
from sops_python.metadata import MasterKey

if TYPE_CHECKING:
    from sops_python.keys.age_identities import Environment, Identities, Identity
    from sops_python.keys.age_ssh import SshKey

_SSH = "ssh-"  # recipients of SSH keys begin so
_VARIABLES = "SOPS_AGE_KEY, SOPS_AGE_KEY_FILE, SOPS_AGE_KEY_CMD"
_SSH_VARIABLES = "SOPS_AGE_SSH_PRIVATE_KEY_FILE, SOPS_AGE_SSH_PRIVATE_KEY_CMD"


class AgeKeySource:
    """age identities. Holds secrets: its `repr` shows how many, never which."""

    kind = "age"
    remote = False

    def __init__(self, identities: Iterable[Identity] = (), *, environ: Mapping[str, str] | None = None) -> None:
        """`identities`: parsed ones, tried in order. `environ`: variables that name more, read when a file needs it."""
        self._given = list(identities)
        self._environ = environ
        self._environment: Environment | None = None
        self._known: Identities | None = None
        self._ssh: list[SshKey] | None = None
        self._refused: list[str] = []  # why files that a passphrase protects stay closed

    def __repr__(self) -> str:
        known = self._known
        more = len(known.ssh) + len(known.plugins) + len(known.locked) if known else 0
        return f"<AgeKeySource of {len(known.plain) + more if known else len(self._given)}>"

    @classmethod
    def from_text(cls, text: str, *, origin: str = "age key") -> AgeKeySource:
        """Identities as age-keygen writes them, one `AGE-SECRET-KEY-1…` a line, or a whole SSH private key.

        Raises FileError that names `origin` and the line, never the line's text.
        """
        from sops_python.keys.age_identities import Identities

        source = cls()
        source._known = Identities()
        source._known.add(text.encode(), origin)
        if source._known.locked:
            raise FileError(
                f"{origin}: identities that a passphrase protects can't be used here; decrypt them with age first"
            )
        try:
            for key in source._known.ssh:
                key.check()
        except MasterKeyError as error:
            raise FileError(error.reason) from None
        return source

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> AgeKeySource:
        """All identities that sops would find: SOPS_AGE_KEY, SOPS_AGE_KEY_FILE, SOPS_AGE_KEY_CMD, its default key file;
        for SSH recipients also SOPS_AGE_SSH_PRIVATE_KEY_FILE, SOPS_AGE_SSH_PRIVATE_KEY_CMD, `~/.ssh/id_ed25519` and
        `~/.ssh/id_rsa`.

        They are read when the first file needs them; what can't be read is told where nothing else opens it.
        """
        return cls(environ=environ)

    def unwrap(self, key: MasterKey) -> bytes:
        """Open one armored age file. Raises MasterKeyError, and FileError where pyrage is not installed."""
        pyrage = _pyrage()
        recipient = str(key.fields.get("recipient"))
        troubles: list[str] = []
        tried = 0
        for candidates in self._candidates(recipient, troubles):
            tried += len(candidates)
            try:
                return bytes(pyrage.decrypt(key.enc.encode(), candidates))
            except pyrage.DecryptError:
                if recipient in self._identities().plain:
                    raise MasterKeyError(
                        "the wrapped data key is damaged, or was not made for this recipient"
                    ) from None
        if self._environment is not None:
            troubles += self._environment.troubles
        if tried:
            troubles.insert(0, f"none of the {tried} age identities given is this recipient's")
        variables = _SSH_VARIABLES if recipient.startswith(_SSH) else _VARIABLES
        raise MasterKeyError("; ".join(dict.fromkeys(troubles)) or f"no age identity was given ({variables})")

    def wrap(self, key: MasterKey, data_key: bytes) -> MasterKey:
        """Encrypt to one recipient; no identity is needed. Raises MasterKeyError."""
        pyrage = _pyrage()
        target = _recipient(str(key.fields.get("recipient")))
        try:
            return key._replace(enc=pyrage.encrypt(data_key, [target], armored=True).decode())
        except pyrage.EncryptError:
            raise MasterKeyError("the age plugin did not encrypt for it") from None

    def _candidates(self, recipient: str, troubles: list[str]) -> Iterator[list[Identity]]:
        """Identities to try, those first that cost least; why others can't be used goes to `troubles`.

        A file's recipient is only a label, so an unknown one does not end the search; a known one shortens it.
        """
        known = self._identities()
        if recipient in known.plain:
            yield [known.plain[recipient]]
            return
        if plain := [*known.plain.values(), *(item for item in self._given if not hasattr(item, "to_public"))]:
            yield plain
        if recipient.startswith(_SSH):
            for keys in self._ssh_keys(recipient):
                if opened := [identity for key in keys if (identity := _opened(key, troubles)) is not None]:
                    yield opened
        if self._environment is not None:
            printed = self._environment.of_command("SOPS_AGE_KEY_CMD", recipient)
            if printed.plain:
                yield list(printed.plain.values())
        if known.plugins and _plugin(recipient) and (plugins := _plugin_identities(known.plugins, troubles)):
            yield plugins
        if known.locked or self._refused:
            yield from self._unlocked()
            troubles += self._refused

    def _identities(self) -> Identities:
        if self._known is None:
            from sops_python.keys.age_identities import Environment, Identities

            if self._environ is not None:
                self._environment = Environment(self._environ)
                self._known = self._environment.identities()
            else:
                self._known = Identities()
            own = {str(item.to_public()): item for item in self._given if hasattr(item, "to_public")}
            self._known.plain = {**own, **self._known.plain}
        return self._known

    def _ssh_keys(self, recipient: str) -> Iterator[list[SshKey]]:
        if self._ssh is None:
            self._ssh = [*self._identities().ssh, *(self._environment.ssh_keys() if self._environment else ())]
        yield [key for key in self._ssh if key.may_open(recipient)]
        if self._environment is not None:
            for variable in ("SOPS_AGE_SSH_PRIVATE_KEY_CMD", "SOPS_AGE_KEY_CMD"):
                yield self._environment.of_command(variable, recipient).ssh

    def _unlocked(self) -> Iterator[list[Identity]]:
        """Of the files that a passphrase protects; each is asked for once."""
        known = self._identities()
        while known.locked:
            try:
                yield known.unlock()
            except MasterKeyError as error:
                self._refused.append(error.reason)


def _plugin_identities(texts: list[str], troubles: list[str]) -> list[Identity]:
    from sops_python.keys.age_plugins import identity_of

    found = []
    for text in texts:
        try:
            found.append(identity_of(text))
        except MasterKeyError as error:
            troubles.append(error.reason)
    return found


def _opened(key: SshKey, troubles: list[str]) -> Identity | None:
    try:
        return key.identity()
    except MasterKeyError as error:
        troubles.append(error.reason)
        return None


def _plugin(recipient: str) -> str:
    """The name of the plugin for `age1NAME1…`; empty for `age1…`."""
    return recipient.removeprefix("age1").rpartition("1")[0] if recipient.startswith("age1") else ""


def _recipient(text: str) -> Any:
    pyrage = _pyrage()
    plugin = _plugin(text)
    kinds = {"tag": pyrage.tag, "tagpq": pyrage.tagpq}  # of hardware keys; encrypting for them needs no plugin
    if plugin and plugin not in kinds:
        from sops_python.keys.age_plugins import recipient_of

        return recipient_of(text, plugin)
    try:
        kind = pyrage.ssh if text.startswith(_SSH) else kinds.get(plugin, pyrage.x25519)
        return kind.Recipient.from_str(text)
    except (pyrage.RecipientError, ValueError):
        raise MasterKeyError("not a recipient: age1… (X25519), ssh-ed25519 …, ssh-rsa … are known") from None


def _pyrage() -> Any:
    try:
        import pyrage
    except ImportError:
        raise FileError("age keys need the extra `age`: install sops-python[age]") from None
    return pyrage
