"""`.sops.yaml`: who can open a new file, and what of it is encrypted.

The first creation rule whose `path_regex` matches a file's path, relative to the configuration's folder, is used.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sops_python.encrypt import Creation
from sops_python.errors import FileError
from sops_python.files import read_limited
from sops_python.metadata import KeyGroup
from sops_python.recipients import from_config, unique
from sops_python.selection import DEFAULT_RULE, Rule, RuleKind, regex
from sops_python.stores import Format, store_for
from sops_python.tree import to_plain

NAME = ".sops.yaml"
_LEVELS = 100  # folders above a file that are looked into, as sops does
# The names of a rule's own lists of keys, in the order in which they are written → the kind of their master keys.
_RULE_KEYS = {
    "age": "age",
    "pgp": "pgp",
    "kms": "kms",
    "gcp_kms": "gcp_kms",
    "hckms": "hckms",
    "azure_keyvault": "azure_kv",
    "hc_vault_transit_uri": "hc_vault",
}
_GROUP_KEYS = {**{name: kind for name, kind in _RULE_KEYS.items() if kind != "hc_vault"}, "hc_vault": "hc_vault"}


@dataclass(frozen=True)
class Config:
    """A configuration that was read."""

    path: Path
    content: Mapping[str, Any]

    def creation(self, file: str | os.PathLike[str], file_format: Format, *, context: str = "") -> Creation:
        """The first creation rule that fits a file. Raises FileError where there is none, or it is broken.

        `context`: an encryption context for AWS keys, `name:value,…`.
        """
        rules = self._list(self.content, "creation_rules", "")
        place = _relative(Path(file), self.path.parent)
        for number, rule in enumerate(rules):
            where = f"creation_rules[{number}]"
            if not isinstance(rule, Mapping):
                raise self._broken(where, "is no mapping")
            pattern = rule.get("path_regex") or ""
            if not isinstance(pattern, str):
                raise self._broken(f"{where}.path_regex", "is no text")
            if pattern:
                matches = regex(pattern)
                if matches is None:
                    raise self._broken(f"{where}.path_regex", "is no regular expression of RE2")
                if not matches(place):
                    continue
            return self._creation(rule, where, file_format, context)
        raise FileError(
            f"{self.path}: none of its {len(rules)} creation rules matches {place}; add one, or name recipients"
        )

    def indent(self, file_format: Format) -> int | None:
        """The configured blanks a level of a format; None where nothing is said."""
        stores = self.content.get("stores")
        name = "json_binary" if file_format is Format.BINARY else file_format.value
        found = (stores.get(name) or {}) if isinstance(stores, Mapping) else {}
        indent = found.get("indent") if isinstance(found, Mapping) else None
        if indent is not None and (not isinstance(indent, int) or not 0 <= indent <= 16):
            raise self._broken(f"stores.{name}.indent", "is no number of blanks")
        return indent

    def _creation(self, rule: Mapping[str, Any], where: str, file_format: Format, context: str) -> Creation:
        groups = self._groups(rule, where, context)
        threshold = rule.get("shamir_threshold") or 0
        if not isinstance(threshold, int) or isinstance(threshold, bool) or not 0 <= threshold <= len(groups):
            raise self._broken(f"{where}.shamir_threshold", f"is no number from 1 to {len(groups)}, the key groups")
        return Creation(
            groups=groups,
            threshold=threshold,
            rule=self._rule(rule, where),
            mac_only_encrypted=rule.get("mac_only_encrypted") is True,
            indent=self.indent(file_format),
        )

    def _rule(self, rule: Mapping[str, Any], where: str) -> Rule:
        given = [(kind, rule[kind.value]) for kind in RuleKind if rule.get(kind.value)]
        if len(given) > 1:
            names = " and ".join(kind.value for kind, _ in given)
            raise self._broken(where, f"has {names}; only one of them can say what is encrypted")
        for kind, pattern in given:
            if not isinstance(pattern, str):
                raise self._broken(f"{where}.{kind.value}", "is no text")
            if kind.value.endswith("regex") and regex(pattern) is None:
                raise self._broken(f"{where}.{kind.value}", "is no regular expression of RE2, so it would never match")
            return Rule(kind, pattern)
        return DEFAULT_RULE

    def _groups(self, rule: Mapping[str, Any], where: str, context: str) -> tuple[KeyGroup, ...]:
        groups = self._list(rule, "key_groups", where)
        if groups:
            named = [(f"{where}.key_groups[{number}]", group) for number, group in enumerate(groups)]
            found = tuple(self._group(group, at) for at, group in named)
        else:
            found = (self._keys(rule, _RULE_KEYS, where, context, str(rule.get("aws_profile") or "")),)
        for number, group in enumerate(found):
            if not group:
                raise self._broken(f"{where}.key_groups[{number}]" if groups else where, "names no recipient")
        return found

    def _group(self, group: Any, where: str) -> KeyGroup:
        if not isinstance(group, Mapping):
            raise self._broken(where, "is no mapping")
        merged = self._list(group, "merge", where)
        keys = [key for number, part in enumerate(merged) for key in self._group(part, f"{where}.merge[{number}]")]
        return unique([*keys, *self._keys(group, _GROUP_KEYS, where, "", "")])

    def _keys(
        self, entries: Mapping[str, Any], names: Mapping[str, str], where: str, context: str, profile: str
    ) -> KeyGroup:
        keys = []
        for name, kind in names.items():
            place = f"{self.path}: {where}.{name}"
            keys += from_config(kind, entries.get(name), place, context=context, aws_profile=profile)
        return unique(keys)

    def _list(self, mapping: Mapping[str, Any], name: str, where: str) -> list[Any]:
        value = mapping.get(name) or []
        if not isinstance(value, list):
            raise self._broken(f"{where}.{name}".lstrip("."), "is no list")
        return value

    def _broken(self, where: str, why: str) -> FileError:
        return FileError(f"{self.path}: {where} {why}")


def find(start: str | os.PathLike[str]) -> Path | None:
    """The nearest `.sops.yaml` in the folder of a file or above it."""
    folder = Path(start).absolute().parent
    for candidate in [folder, *folder.parents][:_LEVELS]:
        if (candidate / NAME).is_file():
            return candidate / NAME
    return None


def load(path: str | os.PathLike[str]) -> Config:
    """Read a configuration. Raises FileError that names the file and the place in it."""
    data = read_limited(path)
    try:
        documents = store_for(Format.YAML).load_plain(data)
    except FileError as error:
        raise FileError(f"{os.fspath(path)}: {error}") from None
    return Config(Path(path), to_plain(documents[0], merge=True) if documents else {})


def _relative(file: Path, folder: Path) -> str:
    """The path that `path_regex` is matched with: from the configuration's folder on, with forward slashes."""
    file, folder = Path(os.path.abspath(file)), Path(os.path.abspath(folder))  # noqa: PTH100  # symlinks stay as named
    return (file.relative_to(folder) if file.is_relative_to(folder) else file).as_posix()
