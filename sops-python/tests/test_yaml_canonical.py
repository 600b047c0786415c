"""The line reader gives up or reads what libyaml reads: on what sops writes, and on anything near to it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sops_python import Branch, Comment, FileError, Sequence
from sops_python.stores import yaml_canonical, yaml_events
from sops_python.tree import Value

KEYS = st.sampled_from(
    ["a", "b", "c", "d e", "x/y", ".z", "$k", "é", "true", "12", "...", '"q r"', "'s: t'", "'it''s'"]
)
WORDS = """
    1 -1.5 0x1F 2020-01-02 null ~ true x -x a:b a#b $x .5 <x é {} [] "" '' "q: r" 'it''s' "a\\nb" ENC[AES256_GCM,data:x]
    - ? : x: &a *a !t {x} [x] @x `x % | > |2 |- << "x 'x "x"y
"""
VALUES = st.sampled_from(
    [*WORDS.split(), "x y", "x: y", "x #y", "x ", " x", "\tx", "x\ty", "x\u00a0y", "x\u2028y", "x\r", "😀"]
)
INDENTS = st.sampled_from(["", "", "", "  ", "    ", "    ", "      ", "        "])
DASHES = st.sampled_from(["", "", "", "", "- ", "- ", "- - ", "-  ", "-"])
BLOCKS = st.builds(
    lambda indent, chomp, lines: f"|{chomp}\n" + "".join(f"{indent}{line}\n" for line in lines),
    INDENTS,
    st.sampled_from(["", "", "-", "+", "2", ">", " "]),
    st.lists(st.sampled_from(["text", "text", "  text", "", "\n", "#text", "  "]), min_size=1, max_size=3),
).map(lambda block: block[:-1])
COMMENTS = st.builds(lambda indent, text: f"{indent}#{text}", INDENTS, st.sampled_from(["", " c", "ENC[x]", "a: 1"]))
ITEMS = st.builds(
    lambda indent, dashes, key, value: f"{indent}{dashes}{key}{value}",
    INDENTS,
    DASHES,
    st.one_of(KEYS.map(lambda key: f"{key}:"), KEYS.map(lambda key: f"{key}:"), st.just("")),
    st.one_of(VALUES.map(lambda value: f" {value}"), BLOCKS.map(lambda block: f" {block}"), st.just("")),
)
LINES = st.one_of(ITEMS, ITEMS, ITEMS, ITEMS, COMMENTS, st.sampled_from(["", "---", "...", " ", "%YAML 1.2"]))
TEXTS = st.builds(
    lambda lines, end: "\n".join(lines) + end, st.lists(LINES, max_size=7), st.sampled_from(["\n", "\n", "\n\n", ""])
)

WRITTEN = """\
# head
a: ENC[AES256_GCM,data:qw==,iv:YQ==,tag:Yg==,type:str]
b:
    # inner
    c: 0x1F
    d:
        - x
        # before y
        - y: 1
          z:
            - - 1
              - 'it''s'
        # foot of the list

    # foot of b
e: |
    first
      second

    third
"quoted key": "quoted"
#ENC[AES256_GCM,data:qw==,iv:YQ==,tag:Yg==,type:comment]
f: {}
g: []
---
h: |-
    stripped
i: |+
    kept

sops:
    age:
        - recipient: age1
          enc: |
            -----BEGIN AGE ENCRYPTED FILE-----
            YWdlLWVuY3J5cHRpb24ub3JnL3YxCg==
            -----END AGE ENCRYPTED FILE-----
    lastmodified: "2026-01-02T03:04:05Z"
"""


def exact(value: Value | list[Branch]) -> object:
    """A tree with its types: in Python True equals 1, and a comment's text is no key."""
    if isinstance(value, Branch):
        return "mapping", [(exact(key), exact(item)) for key, item in value]
    if isinstance(value, Sequence):
        return "sequence", [exact(item) for item in value]
    if isinstance(value, list):
        return [exact(item) for item in value]
    if isinstance(value, Comment):
        return "comment", value.value
    return type(value), str(value)


def full(text: str) -> object:
    """What libyaml makes of a text: a tree, or its refusal."""
    try:
        return exact(yaml_events.load(text))
    except FileError as error:
        return str(error)


def agrees(text: str) -> bool:
    """Whether the line reader gave up, or read what libyaml reads."""
    read = yaml_canonical.load(text)
    return read is None or exact(read) == full(text)


@settings(max_examples=1500, deadline=None)
@given(text=TEXTS)
def test_text_near_to_what_sops_writes_is_left_alone_or_read_as_by_libyaml(text: str) -> None:
    assert agrees(text)


@settings(max_examples=1000, deadline=None)
@given(
    at=st.integers(0, len(WRITTEN)),
    cut=st.integers(0, 12),
    put=st.text("ab:-#|>'\"{}[]&*!?%@,.~ \n\n\t\r\\\u0085\u00a0\u2028\ufeff0", max_size=4),
)
def test_a_changed_file_is_left_alone_or_read_as_by_libyaml(at: int, cut: int, put: str) -> None:
    assert agrees(WRITTEN[:at] + put + WRITTEN[at + cut :])


def test_what_sops_can_write_is_read_without_libyaml() -> None:
    assert exact(yaml_canonical.load(WRITTEN) or []) == full(WRITTEN)


def test_what_sops_wrote_is_read_without_libyaml(encrypt: Callable[..., bytes]) -> None:
    text = encrypt(
        'a: [1, {b: "x: y", c: []}, [2]]\n# comment\n"on": {}\nd_unencrypted: |\n  1\n  2\n---\ne: !!binary /+8=\n'
        "f_unencrypted: {true_: true, n: null, t: 2020-01-02, f: 1.5, s: '1', q: \"it's\"}\n"
    ).decode()
    read = yaml_canonical.load(text)
    assert read is not None
    assert exact(read) == full(text)


LEFT_ALONE = {
    "a_key_twice": "a: 1\na: 2\n",
    "a_key_that_is_no_string": "1: a\n",
    "an_anchor": "a: &x 1\n",
    "an_alias": "a: *x\n",
    "a_tag": "a: !!str 1\n",
    "flow_style": "a: {b: 1}\n",
    "an_explicit_key": "? a\n: 1\n",
    "a_merge": "<<: x\n",
    "a_scalar_of_two_lines": "a: x\n  y\n",
    "a_quoted_scalar_of_two_lines": 'a: "x\n  y"\n',
    "an_escape": 'a: "\\n"\n',
    "a_folded_block": "a: >\n  x\n",
    "a_block_with_a_hint": "a: |2\n    x\n",
    "a_comment_after_a_block": "a: |\n  x\n# c\nb: 1\n",
    "a_comment_at_a_lines_end": "a: 1 # x\n",
    "a_list_at_its_keys_own_indentation": "a:\n- 1\n",
    "a_missing_value": "a:\nb: 1\n",
    "an_odd_indentation": "a:\n    b: 1\n  c: 2\n",
    "a_tab": "a: x\ty\n",
    "a_carriage_return": "a: x\r\n",
    "a_control_character": "a: \x01\n",
    "a_line_separator": "a: x\u2028y\n",
    "a_byte_order_mark": "\ufeffa: 1\n",
    "a_directive": "%YAML 1.1\n---\na: 1\n",
    "an_empty_document": "---\n---\na: 1\n",
    "a_top_level_sequence": "- a\n",
    "deep_nesting": "".join(f"{' ' * level}a:\n" for level in range(300)) + " " * 300 + "a: 1\n",
    "no_final_newline": "a: 1",
    "nothing": "",
}


@pytest.mark.parametrize("text", LEFT_ALONE.values(), ids=LEFT_ALONE.keys())
def test_what_may_mean_something_else_is_left_to_libyaml(text: str) -> None:
    assert yaml_canonical.load(text) is None
