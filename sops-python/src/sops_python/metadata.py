"""The `sops` section of a file: master keys, key groups, selection rule, MAC. Read leniently, as versions differ."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from sops_python.errors import FileError
from sops_python.scalars import parse_timestamp
from sops_python.selection import DEFAULT_UNENCRYPTED_SUFFIX, Rule, RuleKind
from sops_python.tree import Branch, Sequence

# The lists of master keys, in the order in which sops puts them into a group; and what names a key to a person.
_IDENTITY_FIELDS: dict[str, tuple[str, ...]] = {
    "kms": ("arn",),
    "gcp_kms": ("resource_id",),
    "azure_kv": ("vault_url", "name", "version"),
    "hc_vault": ("vault_address", "engine_path", "key_name"),
    "pgp": ("fp",),
    "age": ("recipient",),
    "hckms": ("key_id",),
}
_RULE_KINDS = tuple((kind.value, kind) for kind in RuleKind)
DEFAULT_DECRYPTION_ORDER = ("age", "pgp")
METADATA_KEY = "sops"
DATA_KEY_BYTES = 32


class MasterKey(NamedTuple):
    """One recipient: the list it stands in (`age`, `azure_kv`, …), its public fields and the wrapped data key."""

    kind: str
    fields: Mapping[str, Any]
    enc: str
    created_at: str = ""

    def __repr__(self) -> str:
        return f"<MasterKey {self.kind} {self.identity}>"

    @property
    def identity(self) -> str:
        """What names this key: a recipient, a fingerprint, an ARN or a URL."""
        parts = [str(self.fields.get(name) or "").strip("/") for name in _IDENTITY_FIELDS[self.kind]]
        if self.kind == "azure_kv":
            parts.insert(1, "keys")
        return "/".join(part for part in parts if part)

    @property
    def blob(self) -> tuple[str, ...]:
        """What is asked when this key is unwrapped: equal for two entries that get the same answer."""
        if self.kind == "kms":  # who may use an AWS key depends on these, and so does what it opens
            return self.kind, self.enc, *(str(self.fields.get(name)) for name in _ENTRY_FIELDS["kms"])
        return self.kind, self.identity, self.enc


KeyGroup = tuple[MasterKey, ...]


class Metadata(NamedTuple):
    """Everything that the `sops` section says, apart from what only other tools use."""

    groups: tuple[KeyGroup, ...]
    threshold: int  # how many groups are needed
    rule: Rule
    mac: str
    lastmodified: str
    mac_only_encrypted: bool
    version: str

    def __repr__(self) -> str:
        return f"<Metadata of {self.groups}, {self.rule}>"

    @property
    def master_keys(self) -> tuple[MasterKey, ...]:
        """All recipients of all groups."""
        return tuple(key for group in self.groups for key in group)


# The fields of each kind's entry, in the order in which sops writes them.
_ENTRY_FIELDS: dict[str, tuple[str, ...]] = {
    "kms": ("arn", "role", "context", "created_at", "enc", "aws_profile"),
    "gcp_kms": ("resource_id", "created_at", "enc"),
    "hckms": ("key_id", "created_at", "enc"),
    "azure_kv": ("vault_url", "name", "version", "created_at", "enc"),
    "hc_vault": ("vault_address", "engine_path", "key_name", "created_at", "enc"),
    "age": ("recipient", "enc"),
    "pgp": ("created_at", "enc", "fp"),
}
_OPTIONAL_FIELDS = ("role", "context")
_BEFORE_DATE = ("kms", "gcp_kms", "hckms", "azure_kv", "hc_vault", "age")  # of a file with one group
_IN_GROUP = ("pgp", "kms", "gcp_kms", "hckms", "azure_kv", "hc_vault", "age")


def metadata_branch(metadata: Metadata) -> Branch:
    """The `sops` section as sops 3.11 writes it: the same names in the same order, other fields left out.

    Lists without items are left out, but for two in key groups, which sops always writes.
    """
    branch = Branch()
    (whole, *others) = metadata.groups
    if others:
        branch.append(("shamir_threshold", metadata.threshold))
        groups = Sequence(_lists(group, _IN_GROUP, always=("hc_vault", "age")) for group in metadata.groups)
        branch.append(("key_groups", groups))
    else:
        branch += _lists(whole, _BEFORE_DATE)
    branch += [("lastmodified", metadata.lastmodified), ("mac", metadata.mac)]
    if not others:
        branch += _lists(whole, ("pgp",))
    branch.append((metadata.rule.kind.value, metadata.rule.pattern))
    if metadata.mac_only_encrypted:
        branch.append(("mac_only_encrypted", True))
    branch.append(("version", metadata.version))
    return branch


def _lists(group: KeyGroup, kinds: tuple[str, ...], always: tuple[str, ...] = ()) -> Branch:
    found = Branch()
    for kind in kinds:
        entries = Sequence(_entry(key) for key in group if key.kind == kind)
        if entries or kind in always:
            found.append((kind, entries))
    return found


def _entry(key: MasterKey) -> Branch:
    values = {**key.fields, "enc": key.enc, "created_at": key.created_at}
    entry = Branch()
    for name in _ENTRY_FIELDS[key.kind]:
        value = values.get(name)
        if isinstance(value, Mapping):
            value = Branch(sorted(value.items()))  # an AWS encryption context
        if value or name not in _OPTIONAL_FIELDS:
            entry.append((name, value or ""))
    return entry


def parse_metadata(raw: object) -> Metadata:
    """Read the decoded `sops` section. Raises FileError that says which field is missing or wrong."""
    if not isinstance(raw, Mapping):
        raise FileError("the sops metadata is not a mapping; the file is cut or damaged")
    groups = _groups(raw)
    threshold = _integer(raw, "shamir_threshold") or len(groups)
    if len(groups) == 1:
        threshold = 1  # one group holds the whole key, whatever the threshold says: so sops has it
    if not 1 <= threshold <= len(groups):
        raise FileError(f"the sops metadata asks for {threshold} key groups but holds {len(groups)}")
    modified = parse_timestamp(_text(raw, "lastmodified"))
    if modified is None:
        raise FileError("the sops metadata has no valid `lastmodified`; the file is cut or damaged")
    return Metadata(
        groups=groups,
        threshold=threshold,
        rule=_rule(raw),
        mac=_text(raw, "mac"),
        # RFC 3339 to the second: the form that authenticates the MAC.
        lastmodified=re.sub(r"\.\d+", "", modified) if "." in modified else str(modified),
        mac_only_encrypted=_text(raw, "mac_only_encrypted").lower() == "true",
        version=_text(raw, "version"),
    )


def _groups(raw: Mapping[str, Any]) -> tuple[KeyGroup, ...]:
    whole = _group(raw)
    if whole:  # top-level lists win over key_groups
        return (whole,)
    groups = tuple(_group(entry) for entry in _entries(raw, "key_groups"))
    if not any(groups):
        raise FileError("the sops metadata names no master key; the file is cut or damaged")
    return groups


def _group(raw: Mapping[str, Any]) -> KeyGroup:
    return tuple(_master_key(kind, entry) for kind in _IDENTITY_FIELDS for entry in _entries(raw, kind) if entry)


def _master_key(kind: str, entry: Mapping[str, Any]) -> MasterKey:
    fields = {name: value for name, value in entry.items() if name != "enc"}
    enc = entry.get("enc")
    if not isinstance(enc, str) or not enc:
        raise FileError(f"a master key of `{kind}` in the sops metadata has no `enc`; the file is cut or damaged")
    return MasterKey(kind, fields, enc, str(fields.get("created_at") or ""))


def _rule(raw: Mapping[str, Any]) -> Rule:
    rules = [Rule(kind, pattern) for name, kind in _RULE_KINDS if (pattern := _text(raw, name))]
    if len(rules) > 1:
        names = ", ".join(rule.kind.value for rule in rules)
        raise FileError(f"the sops metadata has more than one rule of what is encrypted: {names}")
    return rules[0] if rules else Rule(RuleKind.UNENCRYPTED_SUFFIX, DEFAULT_UNENCRYPTED_SUFFIX)


def _entries(raw: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    value = raw.get(name) or []  # old versions write null or []
    if not isinstance(value, list) or not all(entry is None or isinstance(entry, Mapping) for entry in value):
        raise FileError(f"`{name}` in the sops metadata is not a list of mappings; the file is cut or damaged")
    return [entry or {} for entry in value]


def _text(raw: Mapping[str, Any], name: str) -> str:
    value = raw.get(name)
    if value is None:
        return ""
    if isinstance(value, bool | int | float | str):
        return str(value)
    raise FileError(f"`{name}` in the sops metadata is not a scalar; the file is cut or damaged")


def _integer(raw: Mapping[str, Any], name: str) -> int:
    text = _text(raw, name)
    if not text:
        return 0
    if not text.isascii() or not text.isdigit() or len(text) > 4:
        raise FileError(f"`{name}` in the sops metadata is not a number; the file is cut or damaged")
    return int(text)
