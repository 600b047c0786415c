"""What all formats have in common: names, layout of encrypted files, other output formats, `--extract`, round trips."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import documents
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sops_python import Branch, FileError, Format, Keyring, Sequence, Timestamp, decrypt, read
from sops_python.metadata import metadata_branch
from sops_python.paths import extract
from sops_python.stores import detect, format_of, store_for

NAMES = {
    "a.yaml": Format.YAML,
    "dir.json/a.yml": Format.YAML,
    "a.enc.json": Format.JSON,
    ".env": Format.DOTENV,
    "prod.env": Format.DOTENV,
    "a.ini": Format.INI,
    ".env.local": Format.BINARY,
    "json": Format.BINARY,
    "a.YAML": Format.BINARY,
    "key.pem": Format.BINARY,
}


@pytest.mark.parametrize(("name", "known"), NAMES.items())
def test_a_name_tells_the_format_as_it_tells_sops(name: str, known: Format) -> None:
    assert format_of(name) is known


FILES = {
    Format.YAML: ("a.yaml", "# c\na: 1\nb:\n  - 2020-01-02\n  - x_y\nc_unencrypted: 'yes'\n---\nd: |\n  e\n"),
    Format.JSON: ("a.json", '{"a": 1, "b": [true, null, {"c": "<&>"}], "d": [], "e": {}}'),
    Format.DOTENV: ("a.env", "# c\nA=1\nB=x\\ny\n"),
    Format.INI: ("a.ini", "a=1\n; c\n[s]\nb=2\n"),
    Format.BINARY: ("a.bin", b"\x00\xff\r\n"),
}


@pytest.mark.parametrize("known", Format)
def test_the_format_of_an_encrypted_file_is_seen_without_a_name(known: Format, encrypt: Callable[..., bytes]) -> None:
    name, text = FILES[known]
    seen = detect(encrypt(text, name).decode())
    assert seen is (Format.JSON if known is Format.BINARY else known)  # binary files are JSON


GROUPS = {"shamir_threshold": 2, "encrypted_regex": "^(a|data)", "mac_only_encrypted": True}


@pytest.mark.parametrize("known", Format)
@pytest.mark.parametrize("indent", [None, 2, 3])
def test_an_encrypted_file_is_laid_out_byte_for_byte_as_sops_lays_it_out(
    known: Format, indent: int | None, sops: Callable[..., bytes], identity: Any
) -> None:
    name, text = FILES[known]
    recipient = str(identity.to_public())
    groups = {"key_groups": [{"age": [recipient]}, {"age": [recipient, recipient]}], **GROUPS}
    stores = {store: {"indent": indent} for store in ("yaml", "json", "json_binary")} if indent else {}
    written = sops("encrypt", text=text, name=name, config=json.dumps({"creation_rules": [groups], "stores": stores}))
    encrypted = read(written, format=known)
    metadata = metadata_branch(encrypted.metadata)
    if known is Format.BINARY:  # whose rule sops doesn't write at first: everything is encrypted
        metadata = Branch((key, value) for key, value in metadata if key != "unencrypted_suffix")
    again = store_for(known).emit_encrypted(encrypted.tree, metadata, indent=indent)
    if known is Format.INI:  # sops writes the names in no order
        assert sorted(again.splitlines()) == sorted(written.splitlines())
    else:
        assert again == written


VALUES = """
text: "two\\nlines"
int: 5
float: 1.50
large: 1e21
whole: 100.0
bool: true
null_: null
time: 2001-12-14t21:59:43.10-05:00
empty: ""
bytes: !!binary /+79
flat: {k: v, i: 1}
nested: {k: {l: 1, m: x}}
list: [1, {a: b}, []]
none: []
nothing: {}
"""
KEYS = [line.partition(":")[0] for line in VALUES.strip().splitlines()]
# sops prints Go's own notation for lists in INI, and refuses what is no text in dotenv.
OURS = {("dotenv", key) for key in ("int", "float", "large", "whole", "bool", "null_", "time")} | {
    ("ini", "list"),
    ("ini", "none"),
}


@pytest.fixture(scope="module")
def values(encrypt: Callable[..., bytes]) -> bytes:
    """One value of each kind, encrypted."""
    return encrypt(VALUES)


@pytest.mark.parametrize(
    ("key", "output"),
    [(key, output) for key in KEYS for output in Format if (output.value, key) not in OURS],
    ids=lambda value: value.value if isinstance(value, Format) else value,
)
def test_a_value_is_extracted_byte_for_byte_as_sops_extracts_it(
    key: str, output: Format, values: bytes, sops: Callable[..., bytes], keys: Keyring
) -> None:
    value = extract(decrypt(values, keys=keys).tree[0], f'["{key}"]')
    try:
        ours: bytes | None = store_for(output).emit_value(value)
    except FileError:
        ours = None
    arguments = ("decrypt", "--extract", f'["{key}"]', "--output-type", output.value)
    if ours is None:
        with pytest.raises(AssertionError):
            sops(*arguments, text=values)
    else:
        assert ours == sops(*arguments, text=values)


FLAT = "# c\na: 1\nf: 1.50\nw: 100.0\ng: 1e21\ninf: -.inf\nb: true\nn: null\nt: 2020-01-02\nx: !!binary /+79\n"
OUTPUTS = {
    "dotenv_of_scalars": (Format.DOTENV, FLAT),
    "json_of_scalars": (Format.JSON, FLAT.replace("inf: -.inf\n", "")),
    "ini_of_sections": (
        Format.INI,
        "# top\ns:\n" + "".join(f"  {line}\n" for line in FLAT.splitlines()) + "# d\nt: {}\n",
    ),
    "ini_of_many_documents": (Format.INI, "s: {a: 1}\n---\ns: {b: 2}\n"),
    "json_of_the_first_document": (Format.JSON, "a: 1\n---\nb: 2\n"),
    "dotenv_of_the_first_document": (Format.DOTENV, "a: 1\n---\nb: 2\n"),
    "binary_of_data": (Format.BINARY, "a: 1\ndata: x\n"),
}


@pytest.mark.parametrize(("output", "text"), OUTPUTS.values(), ids=OUTPUTS.keys())
def test_another_output_type_is_printed_byte_for_byte_as_sops_prints_it(
    output: Format, text: str, sops: Callable[..., bytes], encrypt: Callable[..., bytes], keys: Keyring
) -> None:
    encrypted = encrypt(text)
    printed = sops("decrypt", "--output-type", output.value, text=encrypted)
    assert decrypt(encrypted, keys=keys).emit(output) == printed


IMPOSSIBLE = {
    "dotenv_of_a_mapping": (Format.DOTENV, Branch([("a", Branch())])),
    "dotenv_of_a_sequence": (Format.DOTENV, Branch([("a", Sequence(["hunter2"]))])),
    "ini_without_sections": (Format.INI, Branch([("a", "hunter2")])),
    "json_of_infinity": (Format.JSON, Branch([("a", float("inf"))])),
    "binary_without_data": (Format.BINARY, Branch([("a", "hunter2")])),
    "binary_of_a_number": (Format.BINARY, Branch([("data", 5)])),
    "binary_of_a_time": (Format.BINARY, Branch([("data", Timestamp("2020-01-02T00:00:00Z"))])),
}


@pytest.mark.parametrize(("output", "branch"), IMPOSSIBLE.values(), ids=IMPOSSIBLE.keys())
def test_what_a_format_cannot_say_is_refused_without_its_values(output: Format, branch: Branch) -> None:
    with pytest.raises(FileError) as caught:
        store_for(output).emit([branch])
    assert "hunter2" not in str(caught.value)


def test_binary_has_one_document() -> None:
    with pytest.raises(FileError, match="no binary file"):
        store_for(Format.BINARY).emit([Branch([("data", "x")]), Branch()])


def test_bytes_that_are_no_utf8_are_replaced_in_json_one_by_one_as_go_does(
    sops: Callable[..., bytes], encrypt: Callable[..., bytes], keys: Keyring
) -> None:
    encrypted = encrypt(b"\xe2\x82\xff\xef\xbf\xbd", "a.bin")
    printed = sops("decrypt", "--output-type", "json", text=encrypted, name="a.bin")
    assert decrypt(encrypted, keys=keys, format=Format.BINARY).emit(Format.JSON) == printed
    assert b'"\\ufffd\\ufffd\\ufffd\xef\xbf\xbd"' in printed


STRATEGIES = {
    Format.YAML: documents.YAML_FILES,
    Format.JSON: documents.JSON_FILES,
    Format.DOTENV: documents.DOTENV_FILES,
    Format.INI: documents.INI_FILES,
    Format.BINARY: documents.BINARY_FILES,
}


@pytest.mark.parametrize("known", Format)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_what_is_emitted_is_read_as_the_same_tree(known: Format, data: st.DataObject) -> None:
    content = data.draw(STRATEGIES[known])
    store = store_for(known)
    tree = store.load_plain(content if isinstance(content, bytes) else content.encode())
    emitted = store.emit(tree)
    again = store.load_plain(emitted)
    assert store.emit(again) == emitted  # not the trees: NaN is unequal to itself
    metadata = Branch([("version", "3.11.0")])
    written = store.emit_encrypted(tree, metadata)
    (first, *_) = store.load(written.decode())
    assert ("sops", metadata) in first
