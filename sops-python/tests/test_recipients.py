"""Master keys as users write them: flags, variables and `.sops.yaml`."""

from __future__ import annotations

from typing import Any

import pytest

from sops_python import FileError
from sops_python.recipients import from_config, from_text, unique

ARN = "arn:aws:kms:eu-central-1:111122223333:key/1b2c-3d"
ROLE = "arn:aws:iam::111122223333:role/sops"
SSH = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIF me@host"

WRITTEN: dict[str, tuple[str, str, list[dict[str, Any]]]] = {
    "age_recipients_with_blanks": ("age", " age1abc , age1def,", [{"recipient": "age1abc"}, {"recipient": "age1def"}]),
    "an_ssh_key_with_its_comment": ("age", SSH, [{"recipient": SSH}]),
    "a_fingerprint_in_groups_of_four": (
        "pgp",
        "85D7 7543 B3D6 24B6 3CEA 9E6D BC17 301B 491B 3F21",
        [{"fp": "85D77543B3D624B63CEA9E6DBC17301B491B3F21"}],
    ),
    "fingerprints_in_the_case_they_were_written_in": (
        "pgp",
        "bc17301b491b3f21, 0xBC17301B491B3F21",
        [{"fp": "bc17301b491b3f21"}, {"fp": "BC17301B491B3F21"}],
    ),
    "a_fingerprint_of_one_subkey": ("pgp", "BC17301B491B3F21!", [{"fp": "BC17301B491B3F21!"}]),
    "an_arn": ("kms", ARN, [{"arn": ARN}]),
    "an_arn_with_a_role": ("kms", f"{ARN}+{ROLE}", [{"arn": ARN, "role": ROLE}]),
    "an_alias_in_china": (
        "kms",
        "arn:aws-cn:kms:cn-north-1:1:alias/a/b",
        [{"arn": "arn:aws-cn:kms:cn-north-1:1:alias/a/b"}],
    ),
    "a_resource_id": (
        "gcp_kms",
        "projects/p/locations/global/keyRings/r/cryptoKeys/k",
        [{"resource_id": "projects/p/locations/global/keyRings/r/cryptoKeys/k"}],
    ),
    "an_azure_url": (
        "azure_kv",
        "https://shop.vault.azure.net/keys/sops/1f2e",
        [{"vault_url": "https://shop.vault.azure.net", "name": "sops", "version": "1f2e"}],
    ),
    "an_azure_url_without_version": (
        "azure_kv",
        "https://shop.vault.azure.net/keys/sops",
        [{"vault_url": "https://shop.vault.azure.net", "name": "sops", "version": ""}],
    ),
    "a_vault_uri_with_a_deep_engine": (
        "hc_vault",
        "https://vault.example.org:8200/v1/team/a/transit/keys/dev",
        [
            {
                "vault_address": "https://vault.example.org:8200",
                "engine_path": "team/a/transit",
                "key_name": "dev",
            }
        ],
    ),
    "a_key_of_huawei": ("hckms", "cn-north-1:0a1b-2c", [{"key_id": "cn-north-1:0a1b-2c"}]),
}


@pytest.mark.parametrize(("kind", "text", "fields"), WRITTEN.values(), ids=WRITTEN.keys())
def test_a_text_names_keys(kind: str, text: str, fields: list[dict[str, Any]]) -> None:
    keys = from_text(kind, text, "--flag")
    assert [(key.kind, dict(key.fields), key.enc) for key in keys] == [(kind, item, "") for item in fields]


def test_context_and_profile_belong_to_every_aws_key() -> None:
    (key,) = from_text("kms", ARN, "--kms", context="App:shop,Env:prod", aws_profile="ci")
    assert dict(key.fields) == {"arn": ARN, "context": {"App": "shop", "Env": "prod"}, "aws_profile": "ci"}


MAPPINGS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "aws": (
        "kms",
        {"arn": ARN, "role": ROLE, "context": {"App": "shop"}, "aws_profile": "ci"},
        {"arn": ARN, "role": ROLE, "context": {"App": "shop"}, "aws_profile": "ci"},
    ),
    "google": (
        "gcp_kms",
        {"resource_id": "projects/p/locations/l/keyRings/r/cryptoKeys/k"},
        {"resource_id": "projects/p/locations/l/keyRings/r/cryptoKeys/k"},
    ),
    "azure": (
        "azure_kv",
        {"vaultUrl": "https://shop.vault.azure.net/", "key": "sops"},
        {"vault_url": "https://shop.vault.azure.net", "name": "sops", "version": ""},
    ),
    "huawei": ("hckms", {"key_id": "r:k"}, {"key_id": "r:k"}),
}


@pytest.mark.parametrize(("kind", "item", "fields"), MAPPINGS.values(), ids=MAPPINGS.keys())
def test_a_configurations_mapping_names_a_key(kind: str, item: dict[str, Any], fields: dict[str, Any]) -> None:
    (key,) = from_config(kind, [item], "creation_rules[0].x")
    assert dict(key.fields) == fields


REFUSED: dict[str, tuple[str, Any, str]] = {
    "no_arn": ("kms", "key/1", r"x: 'key/1' names no key"),
    "an_arn_of_another_service": ("kms", "arn:aws:s3:::bucket", "names no key"),
    "an_azure_url_by_http": ("azure_kv", "http://shop.vault.azure.net/keys/a", "names no key"),
    "an_azure_url_with_a_user": ("azure_kv", "https://a@evil.example/keys/a", "names no key"),
    "a_vault_uri_with_a_query": ("hc_vault", "https://v/v1/transit/keys/a?x", "names no key"),
    "a_short_fingerprint": ("pgp", "ABCD", "names no key"),
    "a_list_of_numbers": ("age", [1], r"x\[0\] is no text"),
    "a_mapping_without_a_key": ("kms", [{"role": ROLE}], r"x\[0\] lacks what names a key"),
    "a_number": ("age", 5, "x is no text and no list"),
}


@pytest.mark.parametrize(("kind", "entry", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_what_names_no_key_is_refused_by_its_place(kind: str, entry: Any, message: str) -> None:
    with pytest.raises(FileError, match=message):
        from_config(kind, entry, "x")


def test_a_private_key_that_was_pasted_by_mistake_is_not_shown() -> None:
    with pytest.raises(FileError) as caught:
        from_text("age", "AGE-SECRET-KEY-1QYQSZQGPQYQSZQGP", "--age")
    assert "QYQSZ" not in str(caught.value)


def test_a_recipient_stands_once_in_a_group() -> None:
    keys = from_text("age", "age1abc,age1def,age1abc", "--age")
    assert [key.identity for key in unique(keys)] == ["age1abc", "age1def"]
