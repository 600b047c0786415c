"""Tags, labels and build arguments."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aks_actions.images import naming

COMMIT = "e22d58e7cf835bbabb2ca84a07b179527f5f3e78"
DOCKERFILE = """\
ARG BASE=python:3.13-slim
FROM --platform=$BUILDPLATFORM ${BASE} AS base
# ARG COMMENTED
ARG VERSION COMMIT=unknown
arg lower=1 \\
    CONTINUED
FROM base as test
RUN echo ARG INLINE
"""


@pytest.mark.parametrize(
    ("given", "tag"),
    [("v1.2.3", "v1.2.3"), ("feature/x", "feature-x"), (".hidden", "hidden"), ("a+b", "a-b"), ("x" * 200, "x" * 128)],
)
def test_a_tag_becomes_what_a_registry_accepts(given: str, tag: str) -> None:
    assert naming.sanitised(given) == tag


@given(st.text())
def test_whatever_is_asked_for_a_tag_is_valid_or_refused(text: str) -> None:
    try:
        tag = naming.sanitised(text)
    except ValueError:
        return
    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", tag)


def test_without_tags_the_commit_is_the_tag() -> None:
    assert naming.tags([], COMMIT) == (COMMIT,)
    assert naming.tags([], "") == ()


def test_tags_keep_their_order_and_come_once() -> None:
    assert naming.tags(["b", "a", "b"], COMMIT) == ("b", "a")


@pytest.mark.parametrize(
    ("ref", "version"),
    [("refs/tags/v1.2.3", "1.2.3"), ("refs/tags/vendor", "vendor"), ("refs/heads/main", "first"), ("", "first")],
)
def test_the_version_is_the_git_tag_or_the_first_tag(ref: str, version: str) -> None:
    assert naming.version(ref, ("first", "second")) == version


def test_labels_are_the_oci_names_and_empty_ones_are_left_out() -> None:
    labels = naming.labels(commit=COMMIT, source="", version="1", epoch=1_700_000_000)
    assert labels == {
        "org.opencontainers.image.created": "2023-11-14T22:13:20Z",
        "org.opencontainers.image.revision": COMMIT,
        "org.opencontainers.image.version": "1",
    }


def test_arguments_and_stages_are_found_as_docker_reads_them() -> None:
    assert naming.declared(DOCKERFILE) == {"BASE", "VERSION", "COMMIT", "lower", "CONTINUED"}
    assert naming.stages(DOCKERFILE) == ["base", "test"]


def test_arguments_are_offered_where_declared_and_the_callers_win() -> None:
    offered = {"VERSION": "1", "COMMIT": COMMIT, "UNKNOWN": "x"}
    arguments = naming.build_arguments(["COMMIT=mine", "EXTRA=a=b"], DOCKERFILE, offered)
    assert arguments == {"VERSION": "1", "COMMIT": "mine", "EXTRA": "a=b"}


def test_a_malformed_argument_is_refused_without_its_value() -> None:
    with pytest.raises(ValueError, match="NAME=value") as caught:
        naming.build_arguments(["not a name=hunter2"], DOCKERFILE, {})
    assert "hunter2" not in str(caught.value)
