"""Generated plaintext files of every format, as hypothesis strategies: what readers disagree on comes often."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

# Scalars whose meaning go-yaml and other readers disagree on, and ordinary ones.
WORDS = """
    0123 0o17 0O7 12_345 089 1e3 1_000.5 0x1F -0x1F 0b101 -0b11 +12 .5 5. 1.50 1e21 1e-7 1e400 .inf -.Inf .nan
    true True FALSE yes on off y N null ~ Null 2020-01-02 2020-1-2 2001-12-14t21:59:43.10-05:00 2020-02-30
    190:20:30 1:20 9223372036854775807 -9223372036854775808 18446744073709551616 1234567.25 0.00001
    0x 0o8 1_0 _1 1__2 00 08 -08 + . 1.2.3
"""
TAGGED = ("!!str 123", "!!float 3", "!!binary aGVsbG8=", "!!binary /+79")
PLAIN = st.sampled_from([*WORDS.split(), *TAGGED])
# Not among them: what sops itself writes wrongly (a leading blank in a block inside a list, line separators, a BOM).
TEXT = st.text(
    st.characters(exclude_categories=("Cs",), exclude_characters="\ufeff\u2028\u2029\u0085"), max_size=24
).filter(lambda text: text != "<<" and not ("\n" in text and text[:1] in " \n"))
NUMBERS = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False).filter(
    # sops cannot read back its own unencrypted `-0.0`: it writes `-0`, which is the integer 0.
    lambda number: number != 0
)
KEYS = st.text("abcXYZ019 -._:#'", min_size=1, max_size=8).filter(lambda key: key != "sops")
SUFFIXED = st.builds(lambda key, suffix: key + suffix, KEYS, st.sampled_from(["", "", "_unencrypted", "_secret"]))


def quoted(text: str) -> str:
    """A double-quoted YAML scalar."""
    return '"' + "".join(c if c.isalnum() and c.isascii() else f"\\U{ord(c):08X}" for c in text) + '"'


YAML_SCALARS = PLAIN | TEXT.map(quoted) | NUMBERS.map(repr)
FLOW_VALUES = st.recursive(
    YAML_SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4).map(lambda items: f"[{', '.join(items)}]")
        | st.dictionaries(SUFFIXED, inner, max_size=4).map(
            lambda items: "{" + ", ".join(f"{json.dumps(key)}: {value}" for key, value in items.items()) + "}"
        )
    ),
    max_leaves=25,
)
FLOW_DOCUMENTS = st.dictionaries(SUFFIXED, FLOW_VALUES, min_size=1, max_size=12).map(
    lambda items: "".join(f"{json.dumps(key)}: {value}\n" for key, value in items.items())
)

# No empty one, which sops turns into an empty item of a list; hardly two equal ones, of which sops may drop one.
COMMENTS = st.builds("{}{}".format, st.sampled_from([" about ", " secret ", "!odd: #", " é "]), st.integers(0, 9999))


def _block(value: Any, indent: int) -> str:
    """Block style: a mapping or sequence of `(comment, key, value)` and `(comment, value)`, or a scalar's text."""
    blanks = " " * indent
    lines = []
    for comment, *entry in value[1]:
        if comment is not None:
            lines.append(f"{blanks}#{comment}")
        item = entry[-1]
        if value[0] == "mapping":
            lead = f"{blanks}{json.dumps(entry[0])}:"
            lines += [f"{lead} {item}"] if isinstance(item, str) else [lead, _block(item, indent + 2)]
        elif isinstance(item, str):
            lines.append(f"{blanks}- {item}")
        else:  # a comment between the dash and the first key is one that sops may lose
            (_, *first), *others = item[1]
            lines.append(f"{blanks}- {_block((item[0], [(None, *first), *others]), indent + 2).lstrip()}")
    return "\n".join(lines)


def _collections(inner: Any) -> Any:
    comment = st.none() | COMMENTS
    members = st.lists(st.tuples(comment, SUFFIXED, inner), min_size=1, max_size=4, unique_by=lambda member: member[1])
    # No list in a list: there sops loses comments.
    item = inner.filter(lambda value: isinstance(value, str) or value[0] == "mapping")
    items = st.lists(st.tuples(comment, item), min_size=1, max_size=4)
    return members.map(lambda found: ("mapping", found)) | items.map(lambda found: ("sequence", found))


BLOCK_DOCUMENTS = (
    st.recursive(YAML_SCALARS, _collections, max_leaves=16)
    .filter(lambda value: not isinstance(value, str) and value[0] == "mapping")
    .map(lambda value: _block(value, 0) + "\n")
)
YAML_FILES = st.lists(FLOW_DOCUMENTS | BLOCK_DOCUMENTS, min_size=1, max_size=3).map("---\n".join)

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(SUFFIXED, inner, max_size=4),
    max_leaves=25,
)
JSON_FILES = st.dictionaries(SUFFIXED, JSON_VALUES, min_size=1, max_size=12).map(json.dumps)

_LINE = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=24)
_NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.]{0,8}(_unencrypted|_secret)?", fullmatch=True).filter(
    lambda name: not name.startswith("sops_")
)
DOTENV_FILES = st.lists(
    st.builds(
        "{}={}".format, _NAMES, _LINE | st.sampled_from(["'a b'", '"x"', " lead", "trail ", "a=b=c", "a\\nb", "#x"])
    )
    | _LINE.map("#{}".format)
    | st.just(""),
    min_size=1,
    max_size=12,
).map(lambda lines: "\n".join([*lines, "LAST=1", ""]))

_INI_VALUES = st.text("abcXYZ019 -._:/@é\"'\\`$%", max_size=16).filter(
    lambda value: not value.lstrip().startswith(("`", '"""'))  # a quote that goes on for lines: see the quirks
)
_INI_KEYS = st.builds(
    lambda name, suffix: name + suffix,
    st.text("abcXYZ019_.-", min_size=1, max_size=8).filter(lambda name: name.strip("-.") == name),
    st.sampled_from(["", "", "_unencrypted", "_secret"]),
)
_INI_PAIRS = st.dictionaries(_INI_KEYS, _INI_VALUES, max_size=4).map(
    lambda pairs: "".join(f"{key} = {value}\n" for key, value in pairs.items())
)
INI_FILES = st.builds(
    lambda first, sections: first + "".join(f"[{name}]\n{pairs}" for name, pairs in sections.items()),
    _INI_PAIRS,
    st.dictionaries(
        st.text("abcXYZ019 _.", min_size=1, max_size=8).map(str.strip).filter(bool), _INI_PAIRS, max_size=4
    ),
).filter(lambda text: "=" in text and "[sops]" not in text)

BINARY_FILES = st.binary(min_size=1, max_size=200)

RULES: list[dict[str, Any]] = [
    {},
    {"encrypted_suffix": "_secret"},
    {"unencrypted_suffix": "_secret"},
    {"encrypted_regex": "^[a-c]|1$"},
    {"unencrypted_regex": "[XYZ]"},
    {"encrypted_regex": "_secret$", "mac_only_encrypted": True},
    {"mac_only_encrypted": True},
    {"encrypted_comment_regex": "secret"},
    {"unencrypted_comment_regex": "secret"},
]
