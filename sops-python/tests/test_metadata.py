"""The `sops` section: written as sops 3.11 writes it, read from files of all versions since 3.0."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sops_python import Format, Keyring, MacVerdict, MasterKey, Metadata, decrypt, read
from sops_python.metadata import KeyGroup, metadata_branch, parse_metadata
from sops_python.selection import Rule, RuleKind
from sops_python.stores import yaml
from sops_python.tree import Branch, Sequence, to_plain

DATE = "2024-01-02T03:04:05Z"
KINDS = {
    "kms": {"arn": "arn:aws:kms:us-east-1:1:key/a", "role": "arn:aws:iam::1:role/r", "context": {"b": "2", "a": "1"}},
    "gcp_kms": {"resource_id": "projects/p/locations/l/keyRings/r/cryptoKeys/k"},
    "hckms": {"key_id": "cn-north-4:uuid"},
    "azure_kv": {"vault_url": "https://v.vault.azure.net", "name": "n", "version": "v"},
    "hc_vault": {"vault_address": "https://vault.example", "engine_path": "transit", "key_name": "k"},
    "pgp": {"fp": "ABCDEF"},
}
OTHERS = tuple(MasterKey(kind, fields, f"wrapped-by-{kind}\nx\n", DATE) for kind, fields in reversed(KINDS.items()))


@pytest.mark.parametrize("groups", [1, 2], ids=["one_group", "several_groups"])
def test_every_kind_of_master_key_is_written_as_sops_writes_it(
    groups: int,
    encrypt: Callable[..., bytes],
    sops: Callable[..., bytes],
    identity: Any,
    sops_binary: Path,
    tmp_path: Path,
) -> None:
    """`sops set` writes the whole section anew, the master keys as it read them."""
    if groups == 1:
        encrypted = read(encrypt("a: 1\n"))
        changed: tuple[KeyGroup, ...] = ((*encrypted.metadata.groups[0], *OTHERS),)
    else:
        group = {"age": [str(identity.to_public())]}
        config = json.dumps({"creation_rules": [{"key_groups": [group, group], "shamir_threshold": 2}]})
        encrypted = read(sops("encrypt", text="a: 1\n", config=config))
        changed = (OTHERS, *encrypted.metadata.groups)
    metadata = encrypted.metadata._replace(groups=changed)
    ours = yaml.emit_encrypted(encrypted.tree, metadata_branch(metadata))
    path = tmp_path / "file.yaml"
    path.write_bytes(ours)
    environment = {"SOPS_AGE_KEY": str(identity), "HOME": str(tmp_path), "PATH": ""}
    done = subprocess.run([sops_binary, "set", path, '["a"]', "2"], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert section(path.read_bytes()) == section(ours)


def section(data: bytes) -> str:
    """The section's text, without what changes whenever a file is written."""
    return re.sub(r"(lastmodified|mac): .*", r"\1", data.decode().partition("\nsops:\n")[2])


def metadata_of(**fields: Any) -> Metadata:
    """Metadata of one age key, but for `fields`."""
    made: dict[str, Any] = {
        "groups": ((MasterKey("age", {"recipient": "age1x"}, "x"),),),
        "threshold": 1,
        "rule": Rule(RuleKind.UNENCRYPTED_SUFFIX, "_unencrypted"),
        "mac": "m",
        "lastmodified": DATE,
        "mac_only_encrypted": False,
        "version": "3.11.0",
    }
    return Metadata(**{**made, **fields})


@pytest.mark.parametrize(
    "metadata",
    [
        metadata_of(),
        metadata_of(mac_only_encrypted=True, rule=Rule(RuleKind.ENCRYPTED_COMMENT_REGEX, "^x$")),
        metadata_of(groups=(OTHERS, OTHERS[:1], ()), threshold=2),
    ],
    ids=["one_group", "a_rule_and_a_mac_of_encrypted_values", "three_groups_of_which_one_is_empty"],
)
def test_what_is_written_is_read_again(metadata: Metadata) -> None:
    branch = metadata_branch(metadata)
    again = parse_metadata(to_plain(branch))
    assert metadata_branch(again) == branch
    assert (again.threshold, again.rule, again.mac) == (metadata.threshold, metadata.rule, metadata.mac)


def test_unknown_fields_are_left_out_as_sops_leaves_them_out() -> None:
    raw = {"age": [{"recipient": "r", "enc": "x", "created_at": DATE, "new": 1}], "lastmodified": DATE, "newer": 2}
    branch = metadata_branch(parse_metadata(raw))
    assert [name for name, _ in branch] == ["age", "lastmodified", "mac", "unencrypted_suffix", "version"]
    assert branch[0][1] == Sequence([Branch([("recipient", "r"), ("enc", "x")])])


def test_no_repr_shows_a_wrapped_key_or_a_mac() -> None:
    assert "wrapped-by" not in repr(metadata_of(groups=(OTHERS,), mac="wrapped-by"))


OLD_YAML = {
    "sops_3_0_with_empty_lists_for_other_kinds": lambda text: text.replace(
        "sops:\n", "sops:\n    kms: []\n    gcp_kms: []\n    azure_kv: []\n    hc_vault: []\n    pgp: []\n"
    ),
    "sops_3_0_with_nulls_for_other_kinds": lambda text: text.replace("sops:\n", "sops:\n    kms: null\n    pgp:\n"),
    "sops_3_0_without_a_rule": lambda text: text.replace("    unencrypted_suffix: _unencrypted\n", ""),
    "sops_3_2_with_an_unquoted_date": lambda text: re.sub('lastmodified: "(.*)"', r"lastmodified: \1", text),
    "a_date_with_a_zone_in_digits": lambda text: re.sub('lastmodified: "(.*)Z"', r'lastmodified: "\1+00:00"', text),
    "a_date_with_a_fraction": lambda text: re.sub('lastmodified: "(.*)Z"', r'lastmodified: "\1.5Z"', text),
    "a_threshold_of_0": lambda text: text.replace("sops:\n", "sops:\n    shamir_threshold: 0\n"),
    "a_threshold_that_one_group_does_not_need": lambda text: text.replace(
        "sops:\n", "sops:\n    shamir_threshold: 2\n"
    ),
    "an_empty_list_of_groups": lambda text: text.replace("sops:\n", "sops:\n    key_groups: []\n"),
    "key_groups_beside_lists_that_win": lambda text: text.replace(
        "sops:\n", "sops:\n    key_groups:\n        - age:\n            - recipient: age1other\n              enc: x\n"
    ),
    "sops_3_12_with_fields_of_later_versions": lambda text: text.replace("sops:\n", "sops:\n    later: {a: [1]}\n"),
    "comments_of_a_hand": lambda text: text.replace("sops:\n", "\n# do not touch\nsops:\n    # nor this\n"),
}
SOPS_REFUSES = {
    "a_version_that_is_a_number": lambda text: text.replace("version: 3.11.0", "version: 3.7"),
    "no_version": lambda text: text.replace("    version: 3.11.0\n", ""),
    "a_mac_flag_that_is_a_text": lambda text: text.replace("sops:\n", 'sops:\n    mac_only_encrypted: "false"\n'),
}


@pytest.mark.parametrize("change", OLD_YAML.values(), ids=OLD_YAML.keys())
def test_yaml_with_metadata_of_other_versions_is_opened_as_sops_opens_it(
    change: Callable[[str], str], sops: Callable[..., bytes], encrypt: Callable[..., bytes], keys: Keyring
) -> None:
    """Modelled on what those versions write: a file of sops 3.11 with its metadata changed by hand."""
    changed = change(encrypt("a: 1\nb_unencrypted: x\n").decode())
    decrypted = decrypt(changed.encode(), keys=keys)
    assert decrypted.mac is MacVerdict.VERIFIED
    assert decrypted.documents == [{"a": 1, "b_unencrypted": "x"}]
    assert decrypted.emit() == sops("decrypt", text=changed)


@pytest.mark.parametrize("change", SOPS_REFUSES.values(), ids=SOPS_REFUSES.keys())
def test_yaml_with_metadata_that_sops_is_too_strict_for_is_opened(
    change: Callable[[str], str], encrypt: Callable[..., bytes], keys: Keyring
) -> None:
    changed = change(encrypt("a: 1\n").decode())
    assert decrypt(changed.encode(), keys=keys).mac is MacVerdict.VERIFIED


def test_json_with_the_nulls_that_sops_wrote_up_to_3_9_is_opened(encrypt: Callable[..., bytes], keys: Keyring) -> None:
    nulls = b'"sops": {\n\t\t"kms": null,\n\t\t"gcp_kms": null,\n\t\t"azure_kv": null,\n\t\t"pgp": null,'
    changed = encrypt('{"a": 1}', "file.json").replace(b'"sops": {', nulls)
    assert nulls in changed
    assert decrypt(changed, keys=keys, format=Format.JSON).documents == [{"a": 1}]


FLAT = {
    "texts_for_flags_and_numbers": {"mac_only_encrypted": "true", "shamir_threshold": "2"},
    "names_of_empty_lists": {"kms": "", "pgp": ""},
}


@pytest.mark.parametrize("extra", FLAT.values(), ids=FLAT.keys())
def test_dotenv_metadata_are_texts(extra: dict[str, str], encrypt: Callable[..., bytes]) -> None:
    encrypted = encrypt("A=1\n", "file.env").decode()
    metadata = read(
        (encrypted + "".join(f"sops_{name}={text}\n" for name, text in extra.items())).encode(), format=Format.DOTENV
    ).metadata
    assert metadata.mac_only_encrypted is ("mac_only_encrypted" in extra)
    assert metadata.threshold == 1
    assert len(metadata.master_keys) == 1


def test_a_list_with_gaps_and_a_group_that_is_null_are_read() -> None:
    flat = "sops_age__list_3__map_enc=x\nsops_age__list_3__map_recipient=r\nsops_lastmodified=" + DATE
    assert [key.identity for key in read(flat.encode(), format=Format.DOTENV).metadata.master_keys] == ["r"]
    raw = {"key_groups": [None, {"age": [{"recipient": "r", "enc": "x"}], "pgp": None}], "lastmodified": DATE}
    metadata = parse_metadata({**raw, "shamir_threshold": 1})
    assert [len(group) for group in metadata.groups] == [0, 1]
