"""One place of a tree: read, set, removed; what is around it stays."""

from __future__ import annotations

import pytest

from sops_python import Branch, Comment, FileError, Sequence
from sops_python.paths import extract, parse_path, set_value, unset_value


def tree() -> Branch:
    return Branch(
        [
            (Comment(" about a"), None),
            ("a", Branch([("b", 1), ("c", "x")])),
            ("l", Sequence([Comment(" first"), "one", Branch([("two", 2)])])),
            ('q"]', "odd"),
        ]
    )


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ('["a"]["b"]', 1),
        ("['a']['c']", "x"),
        ('["l"][0]', "one"),
        ('["l"][1]["two"]', 2),
        ('["q\\"]"]', "odd"),
    ],
)
def test_a_value_is_found(path: str, value: object) -> None:
    assert extract(tree(), path) == value


@pytest.mark.parametrize("path", ['["z"]', '["l"][2]', '["a"][0]', '["l"]["one"]', '["a"]["b"]["c"]'])
def test_a_path_that_leads_nowhere_names_where_it_ends(path: str) -> None:
    with pytest.raises(FileError, match="the file has nothing at"):
        extract(tree(), path)


@pytest.mark.parametrize("path", ["", "a", '["a"', "[a]", '["a"]x', "[-1]"])
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(FileError):
        parse_path(path)


def test_a_value_is_replaced_where_it_stands() -> None:
    branch = tree()
    assert set_value(branch, '["a"]["b"]', "new")
    assert branch[1] == ("a", [("b", "new"), ("c", "x")])
    assert set_value(branch, '["l"][0]', "uno")
    assert branch[2][1] == [Comment(" first"), "uno", [("two", 2)]]


def test_the_same_value_changes_nothing_but_another_type_does() -> None:
    branch = tree()
    assert not set_value(branch, '["a"]["b"]', 1)
    assert set_value(branch, '["a"]["b"]', True)
    assert set_value(branch, '["a"]["b"]', 1)
    assert set_value(branch, '["a"]["b"]', 1.0)


def test_mappings_on_the_way_are_made_and_an_index_past_the_end_appends() -> None:
    branch = tree()
    assert set_value(branch, '["new"]["deep"][0]["x"]', 5)
    assert branch[-1] == ("new", [("deep", [[("x", 5)]])])
    assert set_value(branch, '["l"][2]', "three")
    assert branch[2][1][-1] == "three"  # type: ignore[index]


@pytest.mark.parametrize("path", ['["l"][3]', '["a"][0]', '["a"]["b"]["c"]', '["l"]["x"]'])
def test_a_place_that_can_not_be_is_refused(path: str) -> None:
    with pytest.raises(FileError):
        set_value(tree(), path, 1)


def test_a_value_is_removed_and_nothing_else() -> None:
    branch = tree()
    unset_value(branch, '["a"]["b"]')
    unset_value(branch, '["l"][0]')
    assert branch[1][1] == [("c", "x")]
    assert branch[2][1] == [Comment(" first"), [("two", 2)]]
    with pytest.raises(FileError, match="nothing at"):
        unset_value(branch, '["a"]["b"]')
