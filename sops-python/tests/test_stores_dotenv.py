"""dotenv: nothing is trimmed, quoted or expanded, in both directions as the real sops has it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sops_python import Branch, Comment, FileError, Format, Keyring, MacVerdict, decrypt, is_encrypted
from sops_python.stores import dotenv

READ = {
    "the_first_equals_sign_parts": ("A=b=c\n", [("A", "b=c")]),
    "nothing_is_trimmed": (" A = b \n", [(" A ", " b ")]),
    "quotes_stay": ("A=\"b\"\nC='d'\n", [("A", '"b"'), ("C", "'d'")]),
    "export_belongs_to_the_name": ("export A=1\n", [("export A", "1")]),
    "a_carriage_return_stays": ("A=1\r\n", [("A", "1\r")]),
    "an_escaped_newline_is_one": ("A=x\\ny\n", [("A", "x\ny")]),
    "a_backslash_has_no_escape": ("A=x\\\\ny\n", [("A", "x\\\ny")]),
    "other_line_separators_end_no_line": ("A=x\x0by\u2028z\x85\n", [("A", "x\x0by\u2028z\x85")]),
    "a_comment_begins_in_column_0": ("# c\nA=1 # d\n #E=2\n", [(Comment(" c"), None), ("A", "1 # d"), (" #E", "2")]),
    "empty_lines_go": ("\n\nA=1\n\n", [("A", "1")]),
    "an_empty_name": ("=1\n", [("", "1")]),
    "a_repeated_name_is_kept": ("A=1\nA=2\n", [("A", "1"), ("A", "2")]),
    "no_newline_at_the_end": ("A=1", [("A", "1")]),
    "a_byte_order_mark_belongs_to_the_first_name": ("\ufeffA=1\n", [("\ufeffA", "1")]),
    "a_value_that_is_no_utf8_stays_bytes": (b"A=\xff\\n\xfe\n", [("A", b"\xff\n\xfe")]),
    "the_name_sops_is_free": ("sops=1\n", [("sops", "1")]),
    "nothing": ("", []),
}


@pytest.mark.parametrize(("text", "expected"), READ.values(), ids=READ.keys())
def test_dotenv_is_read_as_it_stands(text: str | bytes, expected: list[tuple[str, str]]) -> None:
    assert dotenv.load_plain(text.encode() if isinstance(text, str) else text) == [Branch(expected)]


@pytest.mark.parametrize("text", [case[0] for case in READ.values()], ids=READ.keys())
def test_dotenv_is_printed_byte_for_byte_as_sops_prints_it(
    text: str | bytes, sops: Callable[..., bytes], encrypt: Callable[..., bytes], keys: Keyring
) -> None:
    data = text.encode() if isinstance(text, str) else text
    encrypted = encrypt(data or b"A=1", "file.env")
    printed = sops("decrypt", text=encrypted, name="file.env")
    assert dotenv.emit(dotenv.load_plain(data or b"A=1")) == printed
    assert decrypt(encrypted, keys=keys, format=Format.DOTENV).emit() == printed


def test_an_unencrypted_value_that_is_no_utf8_is_read(encrypt: Callable[..., bytes], keys: Keyring) -> None:
    encrypted = encrypt(b"A_unencrypted=\xff\nB=1\n", "file.env")
    decrypted = decrypt(encrypted, keys=keys, format=Format.DOTENV)
    assert decrypted.tree == [[("A_unencrypted", b"\xff"), ("B", "1")]]
    assert decrypted.mac is MacVerdict.VERIFIED


def test_comments_are_encrypted_and_stay_where_they_are(encrypt: Callable[..., bytes], keys: Keyring) -> None:
    encrypted = encrypt("# hunter2\nA=1\n# foot\n", "file.env")
    assert b"hunter2" not in encrypted
    assert decrypt(encrypted, keys=keys, format=Format.DOTENV).emit() == b"# hunter2\nA=1\n# foot\n"


def test_an_encrypted_dotenv_file_is_recognised_without_a_name(encrypt: Callable[..., bytes], keys: Keyring) -> None:
    encrypted = encrypt("A=1\n", "file.env")
    assert is_encrypted(encrypted)
    assert decrypt(encrypted, keys=keys).format is Format.DOTENV


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("A=1\nhunter2\n", "line 2: neither a comment nor NAME=value"),
        ("sops_mac=hunter2\n", "begins with `sops_`"),
        (b"A=1\n\xff=hunter2\n", "line 2: not UTF-8"),
        (b"#\xffhunter2\n", "line 1: not UTF-8"),
    ],
    ids=["no_equals_sign", "a_name_of_the_metadata", "a_name_that_is_no_utf8", "a_comment_that_is_no_utf8"],
)
def test_dotenv_that_sops_or_sense_forbids_is_refused_with_its_line(text: str | bytes, reason: str) -> None:
    with pytest.raises(FileError) as caught:
        dotenv.load_plain(text.encode() if isinstance(text, str) else text)
    assert reason in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_metadata_names_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(FileError, match="a list and a mapping at once"):
        dotenv.load("sops_age__list_0__map_enc=x\nsops_age__map_enc=y\nsops_version=3\n")
    with pytest.raises(FileError, match="an item without a number"):
        dotenv.load("sops_age__list_99999999__map_enc=x\n")
