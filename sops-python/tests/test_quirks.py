"""What go-yaml, sops and Key Vault files do that other readers do not, each named by what it shows."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sops_python import Comment, FileError, Format, Keyring, MacVerdict, Timestamp, decrypt
from sops_python.scalars import float_fixed, float_json, float_yaml
from sops_python.stores import json as json_store
from sops_python.stores import yaml as yaml_store
from sops_python.stores.yaml_scalars import resolve

SCALARS = {
    "octal_with_a_leading_zero": ("0123", 83),
    "octal_of_yaml_1_2": ("0o17", 15),
    "underscores_are_ignored": ("12_345", 12345),
    "not_octal_so_a_float": ("089", 89.0),
    "binary": ("-0b101", -5),
    "hexadecimal": ("0x1F", 31),
    "base_60_is_a_string": ("190:20:30", "190:20:30"),
    "on_is_a_string": ("on", "on"),
    "yes_is_a_string": ("yes", "yes"),
    "true_in_capitals": ("TRUE", True),
    "empty_is_null": ("", None),
    "above_uint64_is_a_float": ("18446744073709551616", 18446744073709551616.0),
    "beyond_float64_is_a_string": ("1e400", "1e400"),
    "float_with_an_underscore": ("1_000.5", 1000.5),
    "float_without_a_leading_digit": (".5", 0.5),
    "infinity": ("-.Inf", float("-inf")),
    "date_is_midnight": ("2020-1-2", "2020-01-02T00:00:00Z"),
    "nanoseconds_are_kept": ("2001-12-14 21:59:43.100000001", "2001-12-14T21:59:43.100000001Z"),
    "zone_is_kept": ("2001-12-14t21:59:43.10-05:00", "2001-12-14T21:59:43.1-05:00"),
    "zero_zone_is_z": ("2020-01-02T00:00:00+00:00", "2020-01-02T00:00:00Z"),
    "no_such_day_is_a_string": ("2021-02-29", "2021-02-29"),
    "month_13_is_a_string": ("2020-13-01", "2020-13-01"),
    "blank_forbids_a_zone": ("2020-01-02 00:00:00Z", "2020-01-02 00:00:00Z"),
}


@pytest.mark.parametrize(("text", "value"), SCALARS.values(), ids=SCALARS.keys())
def test_a_plain_scalar_is_what_go_yaml_takes_it_for(text: str, value: object) -> None:
    resolved = resolve(text)
    assert resolved == value
    assert type(resolved) is (Timestamp if isinstance(value, str) and value != text else type(value))


@pytest.mark.parametrize(
    ("value", "hashed", "yaml", "json"),
    [
        (1.5, "1.5", "1.5", "1.5"),
        (1000000.0, "1000000", "1e+06", "1000000"),
        (1234567.25, "1234567.25", "1.23456725e+06", "1234567.25"),
        (1e21, "1" + "0" * 21, "1e+21", "1e+21"),
        (1e-7, "0.0000001", "1e-07", "1e-7"),
        (1e-6, "0.000001", "1e-06", "0.000001"),
        (-0.0, "-0", "-0", "-0"),
        (0.0001, "0.0001", "0.0001", "0.0001"),
    ],
)
def test_a_float_is_hashed_and_printed_as_go_does(value: float, hashed: str, yaml: str, json: str) -> None:
    assert (float_fixed(value), float_yaml(value), float_json(value)) == (hashed, yaml, json)


COMMENTED = """\
# top

# head of a
a: # line a
  # head b
  b: 1 # line b
  # deeper before c
c: 2
# foot of c

# head d
d:
  - x # line x
  # head y
  - y
  # foot y

  - # odd
    k: v # line v
  #
e: | # block
  text
# before f
f: {x: 1, # in flow
  y: 2}
g:
  h:
    i: 1
  # at h's level, under i
j: &anchor # behind an anchor
  k: 1
---
# second
l: "é 😀" # after what is not ASCII
...
# after the end
"""


def test_comments_stand_where_sops_puts_them(sops: Callable[..., bytes], encrypt: Callable[..., bytes]) -> None:
    printed = sops("decrypt", text=encrypt(COMMENTED))
    assert yaml_store.emit(yaml_store.load(COMMENTED)) == printed


def test_encrypted_comments_are_decrypted_in_mappings_and_sequences(
    sops: Callable[..., bytes], encrypt: Callable[..., bytes], keys: Keyring
) -> None:
    encrypted = encrypt(COMMENTED)
    assert b"type:comment]" in encrypted
    assert b"head b" not in encrypted
    assert decrypt(encrypted, keys=keys).emit() == sops("decrypt", text=encrypted)


def test_a_bare_hash_in_a_list_is_an_empty_string_that_sops_wrote(encrypt: Callable[..., bytes], keys: Keyring) -> None:
    decrypted = decrypt(encrypt("a:\n  #\n  - 1\n"), keys=keys)
    assert decrypted.documents == [{"a": ["", 1]}]


def test_a_comment_rule_opens_also_what_sops_cannot_open_again(encrypt: Callable[..., bytes], keys: Keyring) -> None:
    # sops moves the comment above the dash, and then takes `e` for encrypted: it panics on its own file.
    text = "l:\n  - a: 1\n  -\n    # secret\n    d: 1\n    e: 2\nm: # secret\n  n: x\n"
    encrypted = encrypt(text, encrypted_comment_regex="secret")
    assert encrypted.count(b"ENC[") == 3  # d, n and the MAC
    assert decrypt(encrypted, keys=keys).documents == [{"l": [{"a": 1}, {"d": 1, "e": 2}], "m": {"n": "x"}}]


def test_an_unencrypted_comment_rule_is_read(encrypt: Callable[..., bytes], keys: Keyring) -> None:
    encrypted = encrypt("a: 1\n# public\nb: 2\n", unencrypted_comment_regex="public")
    assert b"\nb: 2\n" in encrypted
    assert decrypt(encrypted, keys=keys).documents == [{"a": 1, "b": 2}]


def test_aliases_are_expanded_and_merge_keys_merged(encrypt: Callable[..., bytes], keys: Keyring) -> None:
    decrypted = decrypt(encrypt("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: *a\n"), keys=keys)
    assert decrypted.documents == [{"a": {"x": 1, "y": 2}, "b": {"x": 1, "y": 3}, "c": {"x": 1, "y": 2}}]
    assert b"!!merge <<:" in decrypted.emit()


def test_an_alias_may_use_a_redefined_anchor() -> None:
    assert yaml_store.load("a: &x 1\nb: &x 2\nc: *x\n") == [[("a", 1), ("b", 2), ("c", 2)]]


def test_binary_that_is_not_utf8_stays_bytes(encrypt: Callable[..., bytes], keys: Keyring) -> None:
    decrypted = decrypt(encrypt("a: !!binary /+79\nb: !!binary aGVsbG8=\n"), keys=keys)
    assert decrypted.documents == [{"a": b"\xff\xee\xfd", "b": "hello"}]
    assert decrypted.emit() == b"a: !!binary /+79\nb: hello\n"


def test_an_integer_written_otherwise_still_verifies(encrypt: Callable[..., bytes], keys: Keyring) -> None:
    encrypted = encrypt("a_unencrypted: 16\nb: 1\n")
    assert decrypt(encrypted.replace(b": 16", b": 0x10"), keys=keys).mac is MacVerdict.VERIFIED


def test_large_json_integers_verify_with_the_legacy_verdict(encrypt: Callable[..., bytes], keys: Keyring) -> None:
    encrypted = encrypt('{"a_unencrypted": 9007199254740992, "b": 1}', "file.json")
    changed = encrypted.replace(b"9007199254740992", b"9007199254740993")  # what sops printed before it knew better
    assert decrypt(encrypted, keys=keys).mac is MacVerdict.VERIFIED
    decrypted = decrypt(changed, keys=keys)
    assert decrypted.mac is MacVerdict.LEGACY_FLOAT64
    assert decrypted.documents[0]["a_unencrypted"] == 9007199254740993


def test_duplicate_json_keys_are_kept(sops: Callable[..., bytes], encrypt: Callable[..., bytes], keys: Keyring) -> None:
    encrypted = encrypt('{"a": "1", "b": {"c": "<&>"}, "a": "2"}', "file.json")
    decrypted = decrypt(encrypted, keys=keys)
    assert decrypted.emit() == sops("decrypt", text=encrypted, name="file.json")
    assert decrypted.documents == [{"a": "2", "b": {"c": "<&>"}}]


def test_yaml_is_emitted_as_json_without_comments(
    sops: Callable[..., bytes], encrypt: Callable[..., bytes], keys: Keyring
) -> None:
    encrypted = encrypt("# c\na:\n  # d\n  - 1\n  - x # e\nb: 2020-01-02\n")
    assert decrypt(encrypted, keys=keys).emit(Format.JSON) == sops("decrypt", "--output-type", "json", text=encrypted)


def test_an_empty_document_between_others_is_an_empty_mapping(encrypt: Callable[..., bytes], keys: Keyring) -> None:
    assert decrypt(encrypt("a: 1\n---\n---\nb: 2\n"), keys=keys).emit() == b"a: 1\n---\n{}\n---\nb: 2\n"


def test_half_a_surrogate_pair_in_json_becomes_the_replacement_character() -> None:
    assert json_store.load('{"a\\ud800": ["\\udfff"]}') == [[("a\ufffd", ["\ufffd"])]]


def test_a_block_with_a_leading_blank_inside_a_list_can_be_read_again() -> None:
    # sops writes an indentation hint of 4 over an indentation of 2 here.
    tree = yaml_store.load('a: [" x\\ny", {b: "\\n\\nz"}]\n')
    assert yaml_store.load_plain(yaml_store.emit(tree)) == tree


REFUSED_YAML = {
    "a_key_twice": ("a: 1\nb: {c: 1, c: 2}\n", "line 2, column 11: a key that the mapping already has"),
    "an_integer_key": ("1: a\n", "line 1, column 1: a key that is not a string"),
    "a_null_key": ("~: a\n", "a key that is not a string"),
    "a_sequence": ("- 1\n", "the top level is a sequence"),
    "a_scalar": ("hello\n", "the top level is a scalar"),
    "an_unknown_alias": ("a: *b\n", "an alias of an anchor that is not defined"),
    "an_alias_inside_its_own_anchor": ("a: &a {b: *a}\n", "an alias of an anchor that is not defined"),
    "broken_binary": ("a: !!binary '!'\n", "!!binary is not base64"),
    "a_wrong_tag": ("a: !!int x\n", "not of its tag, !!int"),
    "broken_syntax": ("a: [1\nb: 2\n", "broken YAML"),
    "a_control_character": ("a: \x01\n", "broken YAML"),
    "deep_nesting": ("a: " + "[" * 300 + "]" * 300, "nested deeper than 200 levels"),
    "deep_aliases": (
        "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 300)),
        "aliases expand to more",
    ),
    "an_alias_bomb": (
        "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
        + "".join(f"{b}: &{b} [{','.join([f'*{a}'] * 10)}]\n" for a, b in zip("abcdefg", "bcdefgh", strict=True)),
        "aliases expand to more than 100000 nodes",
    ),
}


@pytest.mark.parametrize(("text", "reason"), REFUSED_YAML.values(), ids=REFUSED_YAML.keys())
def test_yaml_that_sops_or_sense_forbids_is_refused_with_its_place(text: str, reason: str) -> None:
    with pytest.raises(FileError) as caught:
        yaml_store.load(text)
    assert reason in str(caught.value)


REFUSED_JSON = {
    "an_array": ("[1]", "not an object"),
    "text_after_it": ('{"a": 1} x', "line 1, column 10: broken JSON"),
    "nan": ('{"a": NaN}', "NaN is not JSON"),
    "out_of_range": ('{"a": 1e400}', "a number is out of range"),
    "deep_nesting": ('{"a": ' + "[" * 300 + "]" * 300 + "}", "nested deeper than 200 levels"),
    "absurd_nesting": ('{"a": ' + "[" * 100_000, "nested too deeply"),
}


@pytest.mark.parametrize(("text", "reason"), REFUSED_JSON.values(), ids=REFUSED_JSON.keys())
def test_json_that_is_not_one_object_is_refused(text: str, reason: str) -> None:
    with pytest.raises(FileError) as caught:
        json_store.load(text)
    assert reason in str(caught.value)


def test_no_repr_shows_a_value() -> None:
    tree = yaml_store.load("secret: hunter2 # hunter2\nlist: [hunter2, 2020-01-02]\n")
    assert "hunter2" not in repr(tree)
    assert "2020" not in repr(tree[0][2][1][1] if isinstance(tree[0][2][1], list) else tree)
    assert "hunter2" not in repr(Comment("hunter2"))
