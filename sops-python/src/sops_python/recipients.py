"""Master keys as users write them, in flags, variables and `.sops.yaml`: from text to MasterKey. Only thinks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sops_python.errors import FileError
from sops_python.metadata import KeyGroup, MasterKey

_AGE = re.compile(r"age1[0-9a-z]+|ssh-(?:ed25519|rsa) [0-9A-Za-z+/=]+(?: .*)?", re.ASCII)
_FINGERPRINT = re.compile(r"[0-9A-Fa-f]{16,64}!?", re.ASCII)  # ! is GnuPG's: this subkey and no other
_ARN = re.compile(
    r"(arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]+:(?:key|alias)/[0-9A-Za-z/_-]+)(?:\+(arn:aws[a-z-]*:iam::[0-9]+:role/\S+))?",
    re.ASCII,
)
_RESOURCE = re.compile(
    r"projects/[^/\s]+/locations/[^/\s]+/keyRings/[^/\s]+/cryptoKeys/[^/\s]+(?:/cryptoKeyVersions/[0-9]+)?", re.ASCII
)
_AZURE = re.compile(r"(https://[0-9A-Za-z.-]+)/keys/([0-9A-Za-z-]+)(?:/([0-9A-Za-z]*))?/?", re.ASCII)
_VAULT = re.compile(r"(https?://[^/\s?#@]+)/v1/([0-9A-Za-z._/-]+)/keys/([0-9A-Za-z._-]+)/?", re.ASCII)
_HUAWEI = re.compile(r"[0-9a-z-]+:[0-9a-zA-Z-]+", re.ASCII)


def from_text(kind: str, text: str, where: str, *, context: str = "", aws_profile: str = "") -> list[MasterKey]:
    """The master keys of one kind that a flag or variable holds, separated by commas (or lines).

    `where` names the flag. `context` (`name:value,…`) and `aws_profile` are AWS's. Raises FileError.
    """
    found = [_PARSERS[kind](item, where) for part in re.split(r"[,\n]", text) if (item := part.strip())]
    if kind == "kms":
        pairs = _context(context, where)
        found = [_aws(key, pairs, aws_profile) for key in found]
    return found


def from_config(kind: str, entry: Any, where: str, *, context: str = "", aws_profile: str = "") -> list[MasterKey]:
    """The master keys of one kind that a place in `.sops.yaml` holds: a text, or a list of texts or mappings.

    `where` names the place. Raises FileError.
    """
    if entry is None or entry == "":
        return []
    if isinstance(entry, str):
        return from_text(kind, entry, where, context=context, aws_profile=aws_profile)
    if not isinstance(entry, list):
        raise FileError(f"{where} is no text and no list; {_EXAMPLES[kind]}")
    keys = []
    for number, item in enumerate(entry):
        place = f"{where}[{number}]"
        if isinstance(item, Mapping):
            keys.append(_from_mapping(kind, item, place))
        elif isinstance(item, str):
            keys += from_text(kind, item, place, context=context, aws_profile=aws_profile)
        else:
            raise FileError(f"{place} is no text; {_EXAMPLES[kind]}")
    return keys


def unique(keys: Iterable[MasterKey]) -> KeyGroup:
    """A group in which each recipient stands once, in order."""
    return tuple({(key.kind, repr(sorted(key.fields.items()))): key for key in keys}.values())


def _from_mapping(kind: str, item: Mapping[str, Any], where: str) -> MasterKey:
    texts = {str(name): value for name, value in item.items() if isinstance(value, str)}
    if kind == "kms" and "arn" in texts:
        (key,) = from_text(kind, texts["arn"], f"{where}.arn")
        context = item.get("context") or {}
        if not isinstance(context, Mapping):
            raise FileError(f"{where}.context is no mapping of names to values")
        role = {"role": texts["role"]} if texts.get("role") else {}
        key = MasterKey(kind, {**key.fields, **role}, "")
        return _aws(key, {str(name): str(value) for name, value in context.items()}, texts.get("aws_profile", ""))
    if kind == "gcp_kms" and "resource_id" in texts:
        return from_text(kind, texts["resource_id"], f"{where}.resource_id")[0]
    if kind == "azure_kv" and "vaultUrl" in texts and "key" in texts:
        url = f"{texts['vaultUrl'].rstrip('/')}/keys/{texts['key']}/{texts.get('version', '')}"
        return from_text(kind, url, where)[0]
    if kind == "hckms" and "key_id" in texts:
        return from_text(kind, texts["key_id"], f"{where}.key_id")[0]
    raise FileError(f"{where} lacks what names a key; {_EXAMPLES[kind]}")


def _aws(key: MasterKey, context: Mapping[str, str], profile: str) -> MasterKey:
    fields = dict(key.fields)
    if context:
        fields["context"] = dict(context)
    if profile:
        fields["aws_profile"] = profile
    return MasterKey(key.kind, fields, "")


def _context(text: str, where: str) -> dict[str, str]:
    pairs = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, colon, value = part.partition(":")
        if not colon or not name or not value:
            raise FileError(f"{where}: the encryption context is written name:value,name:value")
        pairs[name] = value
    return pairs


def _age(text: str, where: str) -> MasterKey:
    return MasterKey("age", {"recipient": _fitting(_AGE, "age", text, where)[0]}, "")


def _pgp(text: str, where: str) -> MasterKey:
    return MasterKey(
        "pgp", {"fp": _fitting(_FINGERPRINT, "pgp", text.replace(" ", "").removeprefix("0x"), where)[0]}, ""
    )


def _kms(text: str, where: str) -> MasterKey:
    found = _fitting(_ARN, "kms", text.replace(" ", ""), where)
    return MasterKey("kms", {"arn": found[1], **({"role": found[2]} if found[2] else {})}, "")


def _gcp(text: str, where: str) -> MasterKey:
    return MasterKey("gcp_kms", {"resource_id": _fitting(_RESOURCE, "gcp_kms", text, where)[0]}, "")


def _azure(text: str, where: str) -> MasterKey:
    found = _fitting(_AZURE, "azure_kv", text, where)
    return MasterKey("azure_kv", {"vault_url": found[1], "name": found[2], "version": found[3] or ""}, "")


def _vault(text: str, where: str) -> MasterKey:
    found = _fitting(_VAULT, "hc_vault", text, where)
    return MasterKey("hc_vault", {"vault_address": found[1], "engine_path": found[2], "key_name": found[3]}, "")


def _huawei(text: str, where: str) -> MasterKey:
    return MasterKey("hckms", {"key_id": _fitting(_HUAWEI, "hckms", text, where)[0]}, "")


def _fitting(pattern: re.Pattern[str], kind: str, text: str, where: str) -> re.Match[str]:
    found = pattern.fullmatch(text)
    if not found:
        shown = "a private key" if re.search("SECRET|PRIVATE", text.upper()) else repr(text)  # pasted by mistake
        raise FileError(f"{where}: {shown} names no key of this kind; {_EXAMPLES[kind]}")
    return found


_PARSERS: dict[str, Callable[[str, str], MasterKey]] = {
    "age": _age,
    "pgp": _pgp,
    "kms": _kms,
    "gcp_kms": _gcp,
    "azure_kv": _azure,
    "hc_vault": _vault,
    "hckms": _huawei,
}
_EXAMPLES = {
    "age": "such as age1…, ssh-ed25519 AAAA…",
    "pgp": "a fingerprint of hexadecimal digits",
    "kms": "such as arn:aws:kms:eu-central-1:111122223333:key/UUID[+arn:aws:iam::111122223333:role/NAME]",
    "gcp_kms": "such as projects/P/locations/L/keyRings/R/cryptoKeys/K",
    "azure_kv": "such as https://VAULT.vault.azure.net/keys/NAME[/VERSION]",
    "hc_vault": "such as https://vault.example.org:8200/v1/transit/keys/NAME",
    "hckms": "such as REGION:KEY-UUID",
}
