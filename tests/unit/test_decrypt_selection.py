"""Which values a line of `environment`, `values`, `value-files` or `secret-data` selects, and under which names."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from aks_actions.actions.decrypting import selection
from aks_actions.actions.decrypting.selection import ENVIRONMENT, SECRET_DATA, VALUE_FILES, VALUES, Target, Wanted
from aks_actions.errors import InputError


@dataclass
class File:
    name: str
    documents: list[Any] = field(default_factory=list)
    content: bytes = b""

    def whole(self) -> bytes:
        return self.content


DB = {"password": "hunter2", "port": 5432, "tls": True, "empty": None}
A = File("a.yaml", [{"db": DB, "tls.key": "pem", "list": [{"n": 1}], "a key": "blank"}], b"whole text")
B = File("conf/b.yaml", [{"other": "value", "db": {"only": "b"}, "raw": b"\xff"}], b"\xff\xfe")


def take(target: Target, *lines: str) -> dict[str, str | bytes]:
    return selection.select(target, selection.parse(target, lines), [A, B])


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("db.password", "hunter2"),
        ("db.port", "5432"),
        ("db.tls", "true"),
        ("tls.key", "pem"),
        ("list.0.n", "1"),
        ("db.only", "b"),
        ("a key", "blank"),
        ("conf/b.yaml db.only", "b"),
        ("conf/* other", "value"),
        ("a.yaml .", "whole text"),
        ("raw", b"\xff"),
        ("conf/b.yaml .", b"\xff\xfe"),
    ],
)
def test_a_path_finds_its_value_in_any_document(path: str, value: str | bytes) -> None:
    assert take(ENVIRONMENT, f"{path} | NAME") == {"NAME": value}


@pytest.mark.parametrize(
    ("path", "telling"),
    [
        ("db.passwort", "no decrypted file has"),
        ("a.yaml other", "no decrypted file has"),
        ("list.7.n", "no decrypted file has"),
        ("db.password.x", "no decrypted file has"),
        ("nothing.*", "no decrypted file has"),
        ("list", "a list"),
        ("db.empty", "null"),
        ("db", "more than one document"),
        (".", "more than one file"),
    ],
)
def test_a_path_that_is_no_single_value_is_refused(path: str, telling: str) -> None:
    with pytest.raises(InputError, match=telling) as caught:
        take(ENVIRONMENT, f"{path} | NAME")
    assert "hunter2" not in str(vars(caught.value))


def test_a_wildcard_takes_all_values_below_with_the_name_as_prefix() -> None:
    assert take(ENVIRONMENT, "a.yaml db.* | DB_") == {"DB_PASSWORD": "hunter2", "DB_PORT": "5432", "DB_TLS": "true"}


def test_a_wildcard_without_a_name_uses_the_keys_as_they_are() -> None:
    assert take(VALUES, "a.yaml db.*") == {"password": "hunter2", "port": "5432", "tls": "true"}
    assert take(SECRET_DATA, "a.yaml db.* | db.") == {"db.password": "hunter2", "db.port": "5432", "db.tls": "true"}


def test_a_wildcard_that_makes_no_name_is_refused() -> None:
    with pytest.raises(InputError, match="can't give the value"):
        take(ENVIRONMENT, "list.*")


@pytest.mark.parametrize("line", ["a.b", "a.b |", "| NAME", "a.b | NO-NAME", "a.b | A | B", "a.b | 1A", ""])
def test_a_line_that_maps_nothing_is_refused(line: str) -> None:
    with pytest.raises(InputError):
        selection.parse(ENVIRONMENT, [line])


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../b", "a//b", ".", "a/./b", "a\\b", "a\nb", "a/"])
def test_a_value_is_never_written_outside_of_the_folder(name: str) -> None:
    with pytest.raises(InputError):
        selection.parse(VALUE_FILES, [f"a.b | {name}"])


def test_a_file_may_be_in_a_subfolder() -> None:
    assert selection.parse(VALUE_FILES, ["a | certs/.tls/key.pem"]) == [Wanted("a", "certs/.tls/key.pem")]


def test_a_name_is_given_once() -> None:
    assert selection.parse(ENVIRONMENT, ["a | A", "b|B"]) == [Wanted("a", "A"), Wanted("b", "B")]
    with pytest.raises(InputError, match="twice"):
        selection.parse(ENVIRONMENT, ["a | A", "b | A"])
    with pytest.raises(InputError, match="twice"):
        take(ENVIRONMENT, "a.yaml db.password | DB_PORT", "a.yaml db.* | DB_")


def test_bytes_become_text_in_base64() -> None:
    assert selection.text(b"\xff") == "/w=="
    assert selection.text("text") == "text"
