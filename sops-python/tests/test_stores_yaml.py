"""YAML that is hard to write so that it can be read again, next to what the real sops prints."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sops_python import Branch, FileError, Keyring, decrypt
from sops_python.stores import yaml

PRINTED = {
    "carriage_returns_at_line_ends": "a: 1\r\nb: |\r\n  x\r\n  y\r\n",
    "block_styles": "a: |\n  x\n\n  y\n\nb: >\n  x\n  y\n\n   z\nc: |+\n  x\n\nd: >-\n  x\n  y\ne: |2\n   x\n",
    "texts_over_many_lines": "a: x\n  y\n  z\nb: 'x\n  y'\nc: \"x\\\n  y\"\n",
    "long_texts_stay_on_one_line": "a: " + "word " * 60 + "\n",
    "long_keys": f"{'k' * 130}: 1\n? |\n  k\n  l\n: 2\n",
    "tags": "a: !custom x\nb: !!str 3\nc: !!float 3\nd: !!set {x, y}\n",
    "merge_keys": "a: &x {k: v}\nb: {<<: *x, c: 1}\n",
    "words_of_yaml_1_1": "a: Yes\nb: NO\nc: y\nd: 12:30:45\ne: =\n",
    "texts_that_look_otherwise": 'a: \'#x\'\nb: \'x: y\'\nc: \'- x\'\nd: "x "\ne: "\\n"\nf: "0x1"\ng: "2020-01-01"\n',
    "control_characters": 'a: "\\u00e9\\t\\0\\x85\\u2028\\ufeff"\nb: "x\\r\\ny"\nc: "x\\ty"\n',
    "nested_sequences": "a:\n- x\n-   - y\n    - z\n- - q\n",
    "a_null_between_documents": "a: 1\n---\n---\nb: 2\n",
}


@pytest.mark.parametrize("text", PRINTED.values(), ids=PRINTED.keys())
def test_yaml_is_printed_byte_for_byte_as_sops_prints_it(
    text: str, sops: Callable[..., bytes], encrypt: Callable[..., bytes], keys: Keyring
) -> None:
    encrypted = encrypt(text)
    printed = sops("decrypt", text=encrypted)
    assert yaml.emit(yaml.load_plain(text.encode())) == printed
    assert decrypt(encrypted, keys=keys).emit() == printed


BETTER = {
    "a_text_whose_lines_begin_with_a_tab": "\tx\n\ty\n",  # sops prints null
    "a_block_with_a_leading_blank": " x\ny",  # sops writes a hint that is wrong inside a list
    "the_text_of_a_merge_key": "<<",  # sops prints a merge tag
    "a_line_separator": "x\u2028y\n",
}


@pytest.mark.parametrize("value", BETTER.values(), ids=BETTER.keys())
def test_a_text_that_sops_cannot_read_again_is_written_so_that_it_can_be(value: str) -> None:
    from sops_python import Sequence

    tree = [Branch([("a", value), ("l", Sequence([value, Branch([("b", value)])]))])]
    assert yaml.load_plain(yaml.emit(tree)) == tree
    encrypted = yaml.emit_encrypted(tree, Branch([("version", "3.11.0")]), indent=2)
    assert yaml.load(encrypted.decode())[0][:-1] == tree[0]


def test_each_document_holds_the_metadata(encrypt: Callable[..., bytes]) -> None:
    written = yaml.emit_encrypted([Branch([("a", 1)]), Branch()], Branch([("version", "3.11.0")]))
    assert written == b"a: 1\nsops:\n    version: 3.11.0\n---\nsops:\n    version: 3.11.0\n"
    assert encrypt("a: 1\n---\n---\nb: 1\n").count(b"\nsops:\n") == 3


def test_yaml_that_is_no_utf8_is_refused() -> None:
    with pytest.raises(FileError, match=r"not UTF-8 \(byte 3\)"):
        yaml.load_plain(b"a: \xff\n")
