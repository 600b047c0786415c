"""Masks: no line and no usual encoding of a secret can be printed."""

from __future__ import annotations

import base64
import json

from hypothesis import given
from hypothesis import strategies as st

from aks_actions.github.masks import MOST, leaves, masks

PEM = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nq1w2e3r4t5\n-----END KEY-----\n"


def test_each_line_of_a_secret_is_masked_by_itself() -> None:
    assert {"MIIEvQIBADANBgkqhkiG9w0BAQEFAASC", "q1w2e3r4t5"} <= masks(PEM)


def test_base64_as_a_shell_prints_it_is_masked() -> None:
    assert base64.b64encode(b"hunter2secret\n").decode() in masks("hunter2secret")


def test_wrapped_base64_is_masked_line_by_line() -> None:
    printed = base64.encodebytes(PEM.strip().encode() * 4).decode().splitlines()
    assert set(printed) <= masks(PEM.strip() * 4)


def test_base64_of_bytes_is_masked_as_base64_prints_it() -> None:
    secret = bytes(range(256))
    printed = base64.encodebytes(secret).decode().splitlines()
    assert set(printed) <= {line for leaf in leaves({"raw": secret}) for line in masks(leaf)}


def test_every_line_of_a_secret_is_masked_and_of_very_many_no_further_encodings() -> None:
    lines = {f"line {number}" for number in range(100_000)}
    found = masks("\n".join(sorted(lines)))
    assert lines <= found
    assert len(found) < len(lines) + 10
    few = masks("\n".join(sorted(lines)[: MOST // 2]))
    assert len(few) > MOST // 2 + 10


def test_leaves_of_a_secret_that_is_json_are_masked() -> None:
    assert "p4ssw0rd" in masks(json.dumps({"auths": {"r": {"password": "p4ssw0rd"}}}))


def test_short_and_brace_lines_are_never_masked() -> None:
    assert masks("{\n}\nabc") == masks("{\n}\nabc") - {"{", "}", "abc"}
    assert masks("abc") == set()


def test_a_signed_token_is_masked_by_one_line() -> None:
    token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl-_"
    assert masks(token) == {token}


def test_leaves_are_found_at_any_depth_and_are_no_keys() -> None:
    assert list(leaves({"user": {"names": ["ann", 7, None, True]}})) == ["ann", "7"]


@given(st.text(min_size=8).filter(lambda text: any(c.isalnum() for c in text) and len(text.strip()) >= 8))
def test_no_line_with_a_word_in_it_stays_unmasked(secret: str) -> None:
    found = masks(secret)
    for line in secret.strip().splitlines():
        if len(line.strip()) >= 4 and any(c.isalnum() for c in line):
            assert line.strip() in found
