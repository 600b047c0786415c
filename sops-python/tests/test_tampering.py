"""Files that were changed, cut, swapped or meant for others: the right error, and never a plaintext in it."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable
from pathlib import Path

import pyrage
import pytest

from sops_python import (
    DataKeyError,
    FileError,
    IntegrityError,
    Keyring,
    MacVerdict,
    NotEncryptedError,
    decrypt,
    decrypt_file,
    is_encrypted,
    read,
)
from sops_python.keys.age import AgeKeySource

CANARY = "canary-7f3a"
SECRETS = f"user: admin\npassword: {CANARY}\nnested:\n  token: [{CANARY}-1, {CANARY}-2]\npublic_unencrypted: 1\n"


@pytest.fixture(scope="module")
def encrypted(encrypt: Callable[..., bytes]) -> str:
    """An encrypted YAML file."""
    return encrypt(SECRETS).decode()


def value_of(key: str, text: str) -> str:
    """The ciphertext that stands at a top-level key."""
    found = re.search(rf"^{key}: (ENC\[.*\])$", text, re.MULTILINE)
    assert found
    return found[1]


def refuse(text: str, keys: Keyring, error: type[Exception]) -> str:
    """The message of the error that decrypting raises, after a search of its whole traceback for the canary."""
    with pytest.raises(error) as caught:
        decrypt(text.encode(), keys=keys)
    printed = "".join(traceback.format_exception(caught.value))
    assert CANARY not in printed
    assert CANARY not in repr(caught.value.args)
    assert caught.value.__cause__ is None
    return str(caught.value)


def test_a_changed_ciphertext_does_not_open(encrypted: str, keys: Keyring) -> None:
    old = value_of("password", encrypted)
    changed = old[:24] + ("A" if old[24] != "A" else "B") + old[25:]
    message = refuse(encrypted.replace(old, changed), keys, IntegrityError)
    assert message.startswith("password: the encrypted value does not open")


def test_swapped_values_do_not_open(encrypted: str, keys: Keyring) -> None:
    user, password = value_of("user", encrypted), value_of("password", encrypted)
    swapped = encrypted.replace(user, "X").replace(password, user).replace("user: X", f"user: {password}")
    assert refuse(swapped, keys, IntegrityError).startswith("user: ")


def test_plaintext_in_place_of_a_ciphertext_is_named_by_its_path_only(encrypted: str, keys: Keyring) -> None:
    inner = re.search(r"- (ENC.*)\n.*- (ENC.*)", encrypted)
    assert inner
    message = refuse(encrypted.replace(inner[2], CANARY), keys, IntegrityError)
    assert message == "nested.token[1]: expected an encrypted value, found plaintext"


def test_a_number_in_place_of_a_ciphertext_is_refused(encrypted: str, keys: Keyring) -> None:
    assert "user: expected" in refuse(encrypted.replace(value_of("user", encrypted), "5"), keys, IntegrityError)


@pytest.mark.parametrize("value", ['""', "null", "[]", "{}"])
def test_a_value_replaced_by_nothing_is_a_mac_mismatch(encrypted: str, keys: Keyring, value: str) -> None:
    assert "MAC mismatch" in refuse(encrypted.replace(value_of("user", encrypted), value), keys, IntegrityError)


def test_a_changed_unencrypted_value_is_a_mac_mismatch(encrypted: str, keys: Keyring) -> None:
    changed = encrypted.replace("public_unencrypted: 1", "public_unencrypted: 2")
    assert "MAC mismatch" in refuse(changed, keys, IntegrityError)
    assert decrypt(changed.encode(), keys=keys, ignore_mac=True).mac is MacVerdict.MISMATCH


def test_the_mac_of_another_file_is_refused(encrypted: str, encrypt: Callable[..., bytes], keys: Keyring) -> None:
    mac = re.compile(r"^    mac: .*$", re.MULTILINE)
    foreign = mac.search(encrypt("a: 1\n").decode())
    assert foreign
    assert "sops.mac" in refuse(mac.sub(foreign[0], encrypted), keys, IntegrityError)


def test_a_file_without_a_mac_needs_an_explicit_permission(encrypted: str, keys: Keyring) -> None:
    bare = re.sub(r"^    mac: .*\n", "", encrypted, flags=re.MULTILINE)
    assert "has no MAC" in refuse(bare, keys, IntegrityError)
    assert decrypt(bare.encode(), keys=keys, ignore_mac=True).mac is MacVerdict.ABSENT


def test_a_changed_date_breaks_the_mac(encrypted: str, keys: Keyring) -> None:
    changed = re.sub(r'lastmodified: "\d{4}', 'lastmodified: "1999', encrypted)
    assert "sops.mac" in refuse(changed, keys, IntegrityError)


def test_the_zone_of_the_date_may_be_written_otherwise(encrypted: str, keys: Keyring) -> None:
    changed = re.sub(r'(lastmodified: ".*)Z"', r'\1+00:00"', encrypted)
    assert decrypt(changed.encode(), keys=keys).mac is MacVerdict.VERIFIED


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7, 0.9, 0.95])
def test_a_cut_file_is_refused_and_never_taken_for_plaintext(encrypted: str, keys: Keyring, share: float) -> None:
    cut = encrypted[: int(len(encrypted) * share)]
    refuse(cut, keys, FileError)
    assert is_encrypted(cut.encode()) or "ENC[" not in cut or "type:" not in cut


def test_a_file_for_somebody_else_lists_its_recipients_and_why(
    encrypted: str, identity: pyrage.x25519.Identity
) -> None:
    stranger = pyrage.x25519.Identity.generate()
    message = refuse(encrypted, Keyring([AgeKeySource([stranger])]), DataKeyError)
    assert f"age {identity.to_public()}: none of the 1 age identities given is this recipient's" in message
    assert str(stranger) not in message
    assert "no key of this kind was given" in refuse(encrypted, Keyring([]), DataKeyError)


def test_a_damaged_data_key_is_told_from_a_foreign_one(encrypted: str, keys: Keyring) -> None:
    ring = Keyring(keys._sources)  # one that has not opened this key yet
    lines = encrypted.splitlines(keepends=True)
    at = next(number for number, line in enumerate(lines) if "BEGIN AGE" in line) + 4
    lines[at] = lines[at].replace(lines[at].strip()[:4], "AAAA")
    assert "damaged" in refuse("".join(lines), ring, DataKeyError)


def test_plain_files_are_not_encrypted(keys: Keyring) -> None:
    for text in (SECRETS, "", "sops: 1\n", "a: [\n", '{"a": 1}', "about: sops\n", f"\xff{CANARY}"):
        data = text.encode("latin-1")
        assert not is_encrypted(data)
        if text.isascii():
            refuse(text, keys, FileError)
    assert "no sops metadata" in refuse(SECRETS, keys, NotEncryptedError)


def test_recipients_are_read_without_any_key(encrypted: str, identity: pyrage.x25519.Identity) -> None:
    metadata = read(encrypted.encode()).metadata
    assert [(key.kind, key.identity) for key in metadata.master_keys] == [("age", str(identity.to_public()))]
    assert "ENC[" not in repr(metadata)
    assert "BEGIN AGE" not in repr(metadata)


def test_errors_of_a_file_begin_with_its_path(encrypted: str, tmp_path: Path) -> None:
    path = tmp_path / "secrets.yaml"
    path.write_text(encrypted)
    with pytest.raises(DataKeyError, match=r"secrets\.yaml: no master key") as caught:
        decrypt_file(path, keys=[])
    assert len(caught.value.attempts) == 1
    with pytest.raises(FileError, match="larger than 100 bytes"):
        decrypt_file(path, keys=[], limit=100)
    with pytest.raises(FileError, match="cannot be read: No such file"):
        decrypt_file(tmp_path / "none.yaml", keys=[])


def test_a_hostile_envelope_takes_no_time(encrypted: str, keys: Keyring) -> None:
    hostile = "ENC[AES256_GCM,data:" + ",iv:x,tag:x" * 20_000
    refuse(encrypted.replace(value_of("user", encrypted), hostile), keys, IntegrityError)
