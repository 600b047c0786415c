"""Generated files, encrypted by the real sops: what it decrypts them to is what we decrypt them to, byte for byte."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sops_python import Format, Keyring, MacVerdict, decrypt

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
YAML_VALUES = st.recursive(
    YAML_SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4).map(lambda items: f"[{', '.join(items)}]")
        | st.dictionaries(SUFFIXED, inner, max_size=4).map(
            lambda items: "{" + ", ".join(f"{json.dumps(key)}: {value}" for key, value in items.items()) + "}"
        )
    ),
    max_leaves=25,
)
YAML_DOCUMENTS = st.dictionaries(SUFFIXED, YAML_VALUES, min_size=1, max_size=12).map(
    lambda items: "".join(f"{json.dumps(key)}: {value}\n" for key, value in items.items())
)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(SUFFIXED, inner, max_size=4),
    max_leaves=25,
)
JSON_DOCUMENTS = st.dictionaries(SUFFIXED, JSON_VALUES, min_size=1, max_size=12)
RULES = st.sampled_from(
    [
        {},
        {"encrypted_suffix": "_secret"},
        {"unencrypted_suffix": "_secret"},
        {"encrypted_regex": "^[a-c]|1$"},
        {"unencrypted_regex": "[XYZ]"},
        {"encrypted_regex": "(?=a)"},  # not RE2: never matches
        {"encrypted_regex": "_secret$", "mac_only_encrypted": True},
        {"mac_only_encrypted": True},
    ]
)
# Two processes an example, and none for shrinking: a failure is shrunk by hand, with --hypothesis-seed.
BOUNDED = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@BOUNDED
@given(documents=st.lists(YAML_DOCUMENTS, min_size=1, max_size=3), rule=RULES)
def test_generated_yaml_decrypts_to_the_text_that_sops_prints(
    sops: Callable[..., bytes],
    encrypt: Callable[..., bytes],
    keys: Keyring,
    documents: list[str],
    rule: dict[str, Any],
) -> None:
    encrypted = encrypt("---\n".join(documents), **rule)
    decrypted = decrypt(encrypted, keys=keys)
    assert decrypted.emit() == sops("decrypt", text=encrypted)
    assert decrypted.mac is MacVerdict.VERIFIED


@BOUNDED
@given(document=JSON_DOCUMENTS, rule=RULES)
def test_generated_json_decrypts_to_the_text_that_sops_prints(
    sops: Callable[..., bytes],
    encrypt: Callable[..., bytes],
    keys: Keyring,
    document: dict[str, Any],
    rule: dict[str, Any],
) -> None:
    encrypted = encrypt(json.dumps(document), "file.json", **rule)
    decrypted = decrypt(encrypted, keys=keys, format=Format.JSON)
    printed = sops("decrypt", text=encrypted, name="file.json")
    assert decrypted.emit() == printed
    assert decrypted.documents == [json.loads(printed)]
