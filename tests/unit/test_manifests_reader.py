"""The manifest reader: kubectl's values, the user's lines, no mercy for hostile files."""

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from aks_actions.errors import InputError
from aks_actions.manifests.reader import Document, Source, documents


def read(text: str | bytes, file: str = "app.yaml") -> list[Document]:
    return list(documents(Source(file, text.encode() if isinstance(text, str) else text)))


def refused(text: str | bytes, file: str = "app.yaml") -> tuple[str, str]:
    with pytest.raises(InputError) as caught:
        read(text, file)
    return caught.value.what, str(caught.value.at)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("22:22", "22:22"),  # PyYAML: 1342
        ("y", True),
        ("Off", False),
        ("0644", 420),
        ("0o644", 420),
        ("0x1F", 31),
        ("1_000", 1000),
        ("1e3", 1000.0),
        ("2026-01-01", "2026-01-01"),  # PyYAML: a date
        ("~", None),
        ("", None),
        ("1.10", 1.1),
        ('"1.10"', "1.10"),
        ("!!str 8080", "8080"),
        ("-x", "-x"),
        ("99999999999999999999999", 1e23),
    ],
)
def test_scalars_are_what_kubectl_makes_of_them(written: str, value: object) -> None:
    """Unquoted scalars follow go-yaml, since that is what users tried their manifests with."""
    found = read(f"key: {written}\n")[0].value["key"]
    assert (found, type(found)) == (value, type(value))


def test_keys_become_text_as_kubectl_makes_it() -> None:
    """JSON has text keys only, and YAML's `y` and `on` are true."""
    assert read("{1: a, on: b, 1.5: c}\n")[0].value == {"1": "a", "true": "b", "1.5": "c"}


def test_documents_know_where_they_begin() -> None:
    """Each document's line is that of its first key, comments and empty documents skipped."""
    text = "# a comment\na: 1\n---\n---\n# nothing\n---\n\nb: 2\n"
    assert [(document.value, document.line) for document in read(text)] == [({"a": 1}, 2), ({"b": 2}, 8)]


def test_a_field_is_found_at_its_own_line_or_its_parents() -> None:
    """A path that is written is found there; one that is not, at the nearest ancestor that is."""
    document = read("a: 0\n---\nspec:\n  ports:\n  - port: 1\n  - {port: 2, name: x}\n")[1]
    assert str(document.at(("spec", "ports", 1, "name"))) == "app.yaml:6:15"
    assert str(document.at(("spec", "ports", 1, "missing"))) == "app.yaml:6:5"
    assert str(document.at(("nowhere",))) == "app.yaml:3"


@pytest.mark.parametrize(
    ("text", "what", "at"),
    [
        ("a: 1\nb: [1,\n", "is no YAML", "app.yaml:3:1"),
        ("a: 1\nb:\n  c: 1\n  c: 2\n", "the key 'c' is there twice", "app.yaml:4:3"),
        ("a: !!python/object/apply:os.system [id]\n", "is not allowed", "app.yaml:1:4"),
        ("a: !Ref x\n", "the tag !Ref is not allowed", "app.yaml:1:4"),
        ("a: *gone\n", "the alias *gone", "app.yaml:1:4"),
        ("a: &a [*a]\n", "the alias *a", "app.yaml:1:8"),
        ("? [1]\n: 2\n", "a key must be text", "app.yaml:1:3"),
        (b"a: \xff\n", "is no YAML", "app.yaml"),
        ("\ta: 1\n", "is no YAML", "app.yaml:1:1"),
    ],
)
def test_broken_files_are_refused_at_the_place(text: str | bytes, what: str, at: str) -> None:
    """Syntax, duplicate keys, foreign tags: file, line and column, never a traceback."""
    found = refused(text)
    assert what in found[0]
    assert found[1] == at


@pytest.mark.parametrize("text", ["[" * 200_000, "{a: " * 100_000, "- " * 100_000], ids=["list", "map", "block"])
def test_deep_nesting_is_refused_instead_of_crashing(text: str) -> None:
    """libyaml's own composer would overflow the C stack here."""
    assert "levels deep" in refused(text)[0]


def test_an_alias_bomb_is_refused() -> None:
    """Nine levels of nine aliases would be a billion values."""
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 10)]
    assert "aliases are expanded" in refused("\n".join(levels))[0]


def test_anchors_and_merges_work_as_copies() -> None:
    """An alias is a value of its own; `<<` fills in what the mapping itself lacks."""
    value = read("base: &b {x: [1], z: 2}\none: {<<: *b, z: 3}\ntwo: *b\n")[0].value
    assert value == {"base": {"x": [1], "z": 2}, "one": {"x": [1], "z": 3}, "two": {"x": [1], "z": 2}}
    assert value["two"]["x"] is not value["base"]["x"]


def test_json_files_may_hold_several_objects() -> None:
    """One JSON text after the other, as kubectl takes them."""
    found = read('{"a": 1}\n\n{"b": 2}', "app.json")
    assert [(document.value, document.line) for document in found] == [({"a": 1}, 1), ({"b": 2}, 3)]


def test_json_faults_have_a_place() -> None:
    """Bad syntax and duplicate keys of JSON are as exact as YAML's."""
    assert refused('{"a": 1,\n "a": 2}', "app.json") == ("the key 'a' is there twice", "app.json:2:2")
    assert refused('{"a":\n}', "app.json")[1] == "app.json:2:1"


scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20)
keys = st.text(min_size=1, max_size=12)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4), max_leaves=20
)


@given(st.dictionaries(keys, values, min_size=1, max_size=5))
def test_json_is_read_as_written(value: dict[str, object]) -> None:
    """Whatever JSON says is what is read."""
    assert read(json.dumps(value), "a.json")[0].value == value


@given(st.dictionaries(keys, values, min_size=1, max_size=5))
def test_yaml_is_read_as_written_and_every_key_has_its_line(value: dict[str, object]) -> None:
    """What PyYAML writes with all scalars quoted is read back, and each top-level key is on the line that it is on."""
    text = yaml.safe_dump(value, default_style='"', allow_unicode=True, width=10**6, sort_keys=False)
    document = read(text)[0]
    # Quoted scalars carry explicit tags where they are no strings, so types survive.
    assert document.value == value
    lines = text.splitlines()
    for key in value:
        at = document.at((key,))
        quoted = yaml.safe_dump(key, default_style='"', allow_unicode=True, width=10**6).removesuffix("\n")
        assert lines[at.line - 1].removeprefix("? ").startswith(quoted)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """No input makes the reader raise anything but InputError."""
    try:
        read(data)
        read(data, "a.json")
    except InputError as error:
        assert error.at is not None
