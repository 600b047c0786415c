"""`encrypt`, `set`, `unset`, `edit`, `rotate`, `updatekeys`, `groups`: what they write, the real sops reads."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pyrage
import pytest

from sops_python.cli import main

PLAIN = "# about\nuser: admin\nlist:\n    # first\n    - one\n    - two: 2\npassword: hunter2\n"
Sops = Callable[..., bytes]


@pytest.fixture
def home(identity: pyrage.x25519.Identity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an age key in the environment and nothing else that could name recipients."""
    monkeypatch.setenv("SOPS_AGE_KEY", str(identity))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def secrets(home: Path, encrypt: Callable[..., bytes]) -> Path:
    """A file that the real sops encrypted."""
    path = home / "secrets.yaml"
    path.write_bytes(encrypt(PLAIN))
    return path


def envelopes(path: Path) -> list[str]:
    return re.findall(r"ENC\[AES256_GCM,data:[^\]]+\]", path.read_text().partition("\nsops:")[0])


def recipient(identity: pyrage.x25519.Identity) -> str:
    return str(identity.to_public())


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.yaml", PLAIN),
        ("a.json", '{\n\t"user": "admin",\n\t"port": 5432\n}\n'),
        ("a.env", "# about\nUSER=admin\nEMPTY=\n"),
        ("a.ini", "[db]\nuser = admin\n"),
        ("a.bin", "any\x00bytes"),
    ],
)
def test_a_file_of_each_format_is_encrypted_in_place_and_read_by_sops(
    home: Path, sops: Sops, identity: pyrage.x25519.Identity, name: str, text: str
) -> None:
    path = home / name
    path.write_text(text)
    assert main(["encrypt", "-i", "--age", recipient(identity), name]) == 0
    encrypted = path.read_bytes()
    assert b"admin" not in encrypted
    assert b"bytes" not in encrypted
    printed = sops("decrypt", text=encrypted, name=name).decode()
    assert printed.replace("    ", "") == text.replace("    ", "")
    assert main(["decrypt", "-i", name]) == 0
    assert path.read_text() == printed


def test_the_first_creation_rule_that_matches_says_for_whom_and_what(
    home: Path, identity: pyrage.x25519.Identity
) -> None:
    other = pyrage.x25519.Identity.generate()
    rules = [
        {"path_regex": "^other/", "age": recipient(other)},
        {"path_regex": r"\.yaml$", "age": [recipient(identity), recipient(other)], "encrypted_regex": "^password$"},
    ]
    (home / ".sops.yaml").write_text(json.dumps({"creation_rules": rules, "stores": {"yaml": {"indent": 2}}}))
    (home / "deep").mkdir()
    (home / "deep" / "a.yaml").write_text(PLAIN)
    assert main(["encrypt", "-i", "deep/a.yaml"]) == 0
    written = (home / "deep" / "a.yaml").read_text()
    assert "user: admin\n" in written
    assert re.search(r"^password: ENC\[", written, re.MULTILINE)
    assert recipient(other) in written
    assert "\n  age:\n    - recipient:" in written


def test_a_file_that_no_rule_matches_is_refused_and_left_alone(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / ".sops.yaml").write_text("creation_rules: [{path_regex: ^k8s/, age: age1x}]")
    (home / "a.yaml").write_text(PLAIN)
    assert main(["encrypt", "-i", "a.yaml"]) == 2
    assert "none of its 1 creation rules matches a.yaml" in capsys.readouterr().err
    assert (home / "a.yaml").read_text() == PLAIN


def test_nobody_to_encrypt_for_is_an_input_error(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "a.yaml").write_text(PLAIN)
    assert main(["encrypt", "a.yaml"]) == 2
    assert "nobody says for whom it is encrypted" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("rule", "place"),
    [
        ("{age: nonsense}", r"creation_rules\[0\]\.age"),
        ("{encrypted_regex: '(?=a)', age: AGE}", r"encrypted_regex is no regular expression"),
        ("{encrypted_regex: a, encrypted_suffix: b, age: AGE}", "only one of them"),
        ("{path_regex: '(', age: AGE}", "path_regex"),
        ("{shamir_threshold: 2, age: AGE}", "shamir_threshold"),
        ("{}", "names no recipient"),
        ("{key_groups: [{}]}", r"key_groups\[0\] names no recipient"),
        ("{key_groups: x}", "key_groups is no list"),
    ],
)
def test_a_broken_rule_is_named_by_its_place(
    home: Path, identity: pyrage.x25519.Identity, capsys: pytest.CaptureFixture[str], rule: str, place: str
) -> None:
    (home / ".sops.yaml").write_text(f"creation_rules: [{rule.replace('AGE', recipient(identity))}]")
    (home / "a.yaml").write_text(PLAIN)
    assert main(["encrypt", "a.yaml"]) == 2
    message = capsys.readouterr().err
    assert re.search(place, message), message
    assert ".sops.yaml" in message


def test_an_encrypted_file_is_not_encrypted_again(secrets: Path, identity: pyrage.x25519.Identity) -> None:
    before = secrets.read_bytes()
    assert main(["encrypt", "-i", "--age", recipient(identity), "secrets.yaml"]) == 2
    assert secrets.read_bytes() == before


def test_a_set_value_is_read_by_sops_and_no_other_envelope_changes(secrets: Path, sops: Sops) -> None:
    before = envelopes(secrets)
    assert main(["set", "secrets.yaml", '["list"][1]["two"]', '"zwei"']) == 0
    after = envelopes(secrets)
    assert sops("decrypt", text=secrets.read_bytes()).decode() == PLAIN.replace("two: 2", "two: zwei")
    assert [old == new for old, new in zip(before, after, strict=True)].count(False) == 1


def test_a_set_value_may_be_a_whole_structure_from_standard_input(
    secrets: Path, sops: Sops, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    source = tmp_path / "value.json"
    source.write_text('{"a": [1, true, null, 1.5], "b": {}}')
    monkeypatch.setattr(sys, "stdin", source.open())
    assert main(["set", "--value-stdin", "secrets.yaml", '["new"]']) == 0
    printed = sops("decrypt", "--extract", '["new"]', "--output-type", "json", text=secrets.read_bytes())
    assert json.loads(printed) == {"a": [1, True, None, 1.5], "b": {}}


@pytest.mark.parametrize("value", ["text", '"a", "b": 1', "", "{"])
def test_a_value_that_is_not_json_is_refused_and_nothing_written(secrets: Path, value: str) -> None:
    before = secrets.read_bytes()
    assert main(["set", "secrets.yaml", '["a"]', value]) == 2
    assert secrets.read_bytes() == before


def test_an_idempotent_set_leaves_the_file_alone(secrets: Path) -> None:
    before = secrets.read_bytes()
    assert main(["set", "--idempotent", "secrets.yaml", '["user"]', '"admin"']) == 0
    assert secrets.read_bytes() == before


def test_an_unset_value_is_gone_and_a_missing_one_an_error(secrets: Path, sops: Sops) -> None:
    assert main(["unset", "secrets.yaml", '["list"][0]']) == 0
    assert "one" not in sops("decrypt", text=secrets.read_bytes()).decode()
    assert main(["unset", "secrets.yaml", '["nobody"]']) == 2
    assert main(["unset", "--idempotent", "secrets.yaml", '["nobody"]']) == 0


def test_a_rotated_file_has_a_new_data_key_and_the_same_values(
    secrets: Path, sops: Sops, identity: pyrage.x25519.Identity
) -> None:
    before = envelopes(secrets)
    other = pyrage.x25519.Identity.generate()
    assert main(["rotate", "-i", "--add-age", recipient(other), "secrets.yaml"]) == 0
    assert not set(before) & set(envelopes(secrets))
    assert recipient(other) in secrets.read_text()
    assert sops("decrypt", text=secrets.read_bytes()).decode() == PLAIN
    assert main(["rotate", "-i", "--rm-age", recipient(other), "secrets.yaml"]) == 0
    assert recipient(other) not in secrets.read_text()


def test_the_last_recipient_can_not_be_removed(secrets: Path, identity: pyrage.x25519.Identity) -> None:
    before = secrets.read_bytes()
    assert main(["rotate", "-i", "--rm-age", recipient(identity), "secrets.yaml"]) == 2
    assert secrets.read_bytes() == before


def test_updated_recipients_leave_values_and_the_wrapped_keys_of_others_alone(
    secrets: Path, sops: Sops, identity: pyrage.x25519.Identity, capsys: pytest.CaptureFixture[str]
) -> None:
    other = pyrage.x25519.Identity.generate()
    before = secrets.read_text()
    config = {"creation_rules": [{"age": [recipient(identity), recipient(other)]}]}
    (secrets.parent / ".sops.yaml").write_text(json.dumps(config))
    assert main(["updatekeys", "--yes", "."]) == 0
    assert f"+ group 0: age {recipient(other)}" in capsys.readouterr().err
    after = secrets.read_text()
    assert set(before.splitlines()) <= set(after.splitlines())
    assert sops("decrypt", text=after).decode() == PLAIN
    assert main(["updatekeys", "--yes", "secrets.yaml"]) == 0
    assert "up to date" in capsys.readouterr().err
    assert secrets.read_text() == after


def test_recipients_are_not_changed_without_consent(secrets: Path) -> None:
    before = secrets.read_bytes()
    other = recipient(pyrage.x25519.Identity.generate())
    (secrets.parent / ".sops.yaml").write_text(json.dumps({"creation_rules": [{"age": other}]}))
    assert main(["updatekeys", "secrets.yaml"]) == 2
    assert secrets.read_bytes() == before


def test_key_groups_are_added_and_deleted_and_read_by_sops(
    secrets: Path, sops: Sops, identity: pyrage.x25519.Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = pyrage.x25519.Identity.generate()
    assert main(["groups", "add", "-i", "-f", "secrets.yaml", "--age", recipient(other)]) == 0
    assert "shamir_threshold: 2" in secrets.read_text()
    assert main(["decrypt", "secrets.yaml"]) == 3
    monkeypatch.setenv("SOPS_AGE_KEY", f"{identity}\n{other}")
    assert main(["decrypt", "secrets.yaml"]) == 0
    assert main(["groups", "delete", "-i", "-f", "secrets.yaml", "1"]) == 0
    assert sops("decrypt", text=secrets.read_bytes()).decode() == PLAIN


def test_a_files_version_stays_where_its_values_do(secrets: Path, identity: pyrage.x25519.Identity) -> None:
    secrets.write_text(secrets.read_text().replace("version: 3.11.0", "version: 3.13.2"))
    other = recipient(pyrage.x25519.Identity.generate())
    config = {"creation_rules": [{"age": [recipient(identity), other]}]}
    (secrets.parent / ".sops.yaml").write_text(json.dumps(config))
    assert main(["updatekeys", "--yes", "secrets.yaml"]) == 0
    assert "version: 3.13.2" in secrets.read_text()


def test_an_indent_of_nothing_is_kept_when_a_json_file_changes(home: Path, encrypt: Callable[..., bytes]) -> None:
    (home / "a.json").write_bytes(encrypt('{"a": {"b": "c"}}', "a.json"))
    (home / ".sops.yaml").write_text("stores: {json: {indent: 0}}")
    assert main(["set", "a.json", '["a"]["b"]', '"d"']) == 0
    assert "\n\t" not in (home / "a.json").read_text()
