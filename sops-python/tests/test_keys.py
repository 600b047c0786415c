"""From recipients to the data key: groups and thresholds, lenient metadata, age identities, pinned endpoints."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyrage
import pytest

from sops_python import DataKeyError, FileError, Keyring, MasterKey, MasterKeyError, TransientError, decrypt
from sops_python.endpoints import AZURE_VAULTS, pinned_host
from sops_python.keys.age import AgeKeySource
from sops_python.keys.age_identities import default_key_file
from sops_python.metadata import parse_metadata
from sops_python.shamir import combine

MINIMAL: dict[str, Any] = {"age": [{"recipient": "age1x", "enc": "x"}], "lastmodified": "2024-01-02T03:04:05Z"}


@pytest.fixture(scope="module")
def people() -> list[pyrage.x25519.Identity]:
    """Three recipients."""
    return [pyrage.x25519.Identity.generate() for _ in range(3)]


@pytest.fixture(scope="module")
def shared(people: list[pyrage.x25519.Identity], sops: Callable[..., bytes]) -> bytes:
    """A file of three groups of which two are needed."""
    groups = "".join(f"      - age: [{person.to_public()}]\n" for person in people)
    config = f"creation_rules:\n  - shamir_threshold: 2\n    key_groups:\n{groups}"
    return sops("encrypt", text="a: secret\n", config=config)


@pytest.mark.parametrize("present", [*itertools.combinations(range(3), 2), (0, 1, 2)])
def test_two_groups_of_three_open_a_file(
    shared: bytes, people: list[pyrage.x25519.Identity], present: tuple[int, ...]
) -> None:
    ring = Keyring([AgeKeySource([people[number] for number in present])])
    assert decrypt(shared, keys=ring).documents == [{"a": "secret"}]


def test_one_group_of_three_opens_nothing_and_the_others_are_named(
    shared: bytes, people: list[pyrage.x25519.Identity]
) -> None:
    with pytest.raises(DataKeyError, match="1 of 3 key groups could be opened and 2 are needed") as caught:
        decrypt(shared, keys=[AgeKeySource(people[1:2])])
    assert [attempt.identity for attempt in caught.value.attempts] == [
        str(people[0].to_public()),
        str(people[2].to_public()),
    ]


@pytest.mark.parametrize(
    "shares",
    [
        [b"\x01\x01"],
        [b"\x01\x01", b"\x02\x01"],
        [b"\x01\x01", b"\x02\x02\x02"],
        [b"\x01\x00", b"\x01\x01"],
        [b"\x01"] * 2,
    ],
    ids=["one", "twice_the_same_part", "lengths_differ", "part_zero", "no_secret"],
)
def test_shares_that_do_not_belong_together_are_refused(shares: list[bytes]) -> None:
    with pytest.raises(ValueError, match="shares"):
        combine(shares)


class Known:
    """A key source with the answers it is given."""

    remote = False

    def __init__(self, kind: str, answer: bytes | MasterKeyError) -> None:
        self.kind = kind
        self.answer = answer
        self.asked: list[str] = []

    def unwrap(self, key: MasterKey) -> bytes:
        self.asked.append(key.identity)
        if isinstance(self.answer, MasterKeyError):
            raise self.answer
        return self.answer


def metadata_of(**fields: Any) -> Any:
    return parse_metadata({**MINIMAL, **fields})


VAULT = {"vault_url": "https://v.vault.azure.net/", "name": "k", "version": "1", "enc": "y"}


def test_age_is_tried_before_a_vault_whatever_the_file_says() -> None:
    data_key = secrets.token_bytes(32)
    age, vault = Known("age", data_key), Known("azure_kv", data_key)
    assert Keyring([vault, age]).data_key(metadata_of(azure_kv=[VAULT])) == data_key
    assert (age.asked, vault.asked) == (["age1x"], [])
    Keyring([vault, age], decryption_order=["azure_kv"]).data_key(metadata_of(azure_kv=[VAULT]))
    assert vault.asked == ["https://v.vault.azure.net/keys/k/1"]


def test_the_same_wrapped_key_is_opened_once() -> None:
    age = Known("age", secrets.token_bytes(32))
    ring = Keyring([age])
    assert ring.data_key(metadata_of()) == ring.data_key(metadata_of())
    assert len(age.asked) == 1


def test_a_transient_failure_among_others_makes_the_whole_transient() -> None:
    sources = [Known("age", MasterKeyError("not mine")), Known("azure_kv", MasterKeyError("throttled", transient=True))]
    with pytest.raises(TransientError, match="throttled"):
        Keyring(sources).data_key(metadata_of(azure_kv=[VAULT]))


def test_a_data_key_of_another_length_is_refused() -> None:
    with pytest.raises(FileError, match="has 5 bytes instead of 32"):
        Keyring([Known("age", b"short")]).data_key(metadata_of())


@pytest.mark.parametrize(
    "fields",
    [
        {"kms": None, "gcp_kms": [], "pgp": None},
        {"mac_only_encrypted": "true", "shamir_threshold": "1"},
        {"lastmodified": "2024-01-02T03:04:05.999+00:00"},
        {"version": 3.7},
        {"key_groups": [{"age": []}, {"age": []}]},
        {"kms": [{"arn": "arn:aws:kms:x", "enc": "z", "context": {"a": "b"}, "role": None}]},
    ],
    ids=["null_lists", "strings_as_in_dotenv", "date_with_fraction", "version_as_number", "unused_groups", "context"],
)
def test_metadata_of_other_versions_is_read(fields: dict[str, Any]) -> None:
    metadata = metadata_of(**fields)
    assert len(metadata.groups) == 1
    assert metadata.lastmodified == "2024-01-02T03:04:05Z"


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("text", "not a mapping"),
        ({}, "names no master key"),
        ({**MINIMAL, "lastmodified": "yesterday"}, "no valid `lastmodified`"),
        ({**MINIMAL, "age": [{"recipient": "age1x"}]}, "`age` in the sops metadata has no `enc`"),
        ({**MINIMAL, "age": "age1x"}, "not a list of mappings"),
        ({**MINIMAL, "encrypted_regex": "a", "encrypted_suffix": "b"}, "more than one rule"),
        (
            {
                "lastmodified": MINIMAL["lastmodified"],
                "key_groups": [{"age": MINIMAL["age"]}] * 2,
                "shamir_threshold": 3,
            },
            "asks for 3 key groups but holds 2",
        ),
        ({**MINIMAL, "shamir_threshold": "two"}, "not a number"),
        ({**MINIMAL, "mac": ["x"]}, "not a scalar"),
    ],
)
def test_damaged_metadata_says_which_field(raw: object, reason: str) -> None:
    with pytest.raises(FileError) as caught:
        parse_metadata(raw)
    assert reason in str(caught.value)


def test_age_identities_come_from_the_variable_the_named_file_and_the_default_file(
    encrypt: Callable[..., bytes], identity: pyrage.x25519.Identity, tmp_path: Path
) -> None:
    encrypted = encrypt("a: 1\n")
    text = f"# created: today\n# public key: {identity.to_public()}\n\n{identity}\n"
    default = Path(default_key_file({"HOME": str(tmp_path)}) or "")
    default.parent.mkdir(parents=True)
    default.write_text(text)
    other = str(pyrage.x25519.Identity.generate())
    for environ in (
        {"SOPS_AGE_KEY": text},
        {"SOPS_AGE_KEY_FILE": str(default)},
        {"HOME": str(tmp_path), "SOPS_AGE_KEY": other},
    ):
        assert decrypt(encrypted, keys=[AgeKeySource.from_environment(environ)]).documents == [{"a": 1}]
    assert default_key_file({"XDG_CONFIG_HOME": "/x"}) == "/x/sops/age/keys.txt"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("\nage1public", "line 2: not an X25519 age identity"),
        ("AGE-SECRET-KEY-1QQQ", "line 1: the age identity is damaged"),
    ],
)
def test_a_bad_identity_is_named_by_its_line_and_not_shown(text: str, reason: str) -> None:
    with pytest.raises(FileError) as caught:
        AgeKeySource.from_text(text)
    assert reason in str(caught.value)
    assert text.strip() not in str(caught.value)


def test_an_age_source_shows_no_identity(identity: pyrage.x25519.Identity) -> None:
    assert repr(AgeKeySource([identity])) == "<AgeKeySource of 1>"


@pytest.mark.parametrize(
    "url", ["https://shop.vault.azure.net", "https://Shop.vault.azure.net:443/", "https://h.managedhsm.azure.net/"]
)
def test_the_clouds_own_vaults_are_allowed(url: str) -> None:
    assert pinned_host(url, AZURE_VAULTS).endswith((".vault.azure.net", ".managedhsm.azure.net"))


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.vault.azure.net",
        "https://shop.vault.azure.net.evil.example",
        "https://evil.example/shop.vault.azure.net",
        "https://vault.azure.net",
        "https://a.b.vault.azure.net",
        "https://shop.vault.azure.net@evil.example",
        "https://user@shop.vault.azure.net",
        "https://shop.vault.azure.net:8443",
        "https://shop.vault.azure.net/keys",
        "https://shop.vault.azure.net?x",
        "https://evil.example\\.vault.azure.net",
        "https://evil.example#.vault.azure.net",
        "https://shop.vault.azure.net:x",
        "https://[::1",
        "",
    ],
)
def test_any_other_address_is_refused(url: str) -> None:
    with pytest.raises(MasterKeyError, match="refused"):
        pinned_host(url, AZURE_VAULTS)
