"""Image references by the distribution grammar."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aks_actions.images.reference import parse

DIGEST = "sha256:" + "ab" * 32


@pytest.mark.parametrize(
    ("text", "name", "tag", "digest"),
    [
        ("nginx", "docker.io/library/nginx", "", ""),
        ("nginx:1.27", "docker.io/library/nginx", "1.27", ""),
        ("acme/shop", "docker.io/acme/shop", "", ""),
        ("docker.io/nginx", "docker.io/library/nginx", "", ""),
        ("index.docker.io/library/nginx", "docker.io/library/nginx", "", ""),
        ("localhost/shop", "localhost/shop", "", ""),
        ("host:1234/app", "host:1234/app", "", ""),
        ("host:1234/app:tag", "host:1234/app", "tag", ""),
        ("worldacr.azurecr.io/team/shop@" + DIGEST, "worldacr.azurecr.io/team/shop", "", DIGEST),
        ("worldacr.azurecr.io/shop:v1@" + DIGEST, "worldacr.azurecr.io/shop", "v1", DIGEST),
        ("[::1]:5000/app:v1", "[::1]:5000/app", "v1", ""),
    ],
)
def test_parts_of_a_reference(text: str, name: str, tag: str, digest: str) -> None:
    """Registries with ports, tags and digests are told apart."""
    found = parse(text)
    assert (found.name, found.tag, found.digest) == (name, tag, digest)
    assert str(found) == text


@pytest.mark.parametrize(
    "text", ["", "Shop", "a//b", "a:b:c", "shop@sha256:12", "shop@" + DIGEST.upper(), "a b", "x:", "-x", "https://a/b"]
)
def test_what_is_no_reference(text: str) -> None:
    """Anything outside the grammar is refused with a reason."""
    with pytest.raises(ValueError, match=r"."):
        parse(text)


component = st.from_regex(r"[a-z0-9]{1,8}([._-][a-z0-9]{1,5})?", fullmatch=True)
hosts = st.from_regex(
    r"[a-z0-9]{1,8}\.[a-z]{2,4}(:[0-9]{1,5})?|localhost(:[0-9]{1,5})?|[a-z]{1,6}:[0-9]{1,5}", fullmatch=True
)
tags = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}", fullmatch=True)
digests = st.from_regex(r"sha256:[0-9a-f]{64}", fullmatch=True)


@given(hosts, st.lists(component, min_size=1, max_size=3), st.none() | tags, st.none() | digests)
def test_any_reference_survives_a_round_trip(host: str, path: list[str], tag: str | None, digest: str | None) -> None:
    """Composed from its parts, a reference is parsed into them."""
    repository = "/".join(path)
    found = parse(f"{host}/{repository}" + (f":{tag}" if tag else "") + (f"@{digest}" if digest else ""))
    assert (found.registry, found.repository, found.tag, found.digest) == (host, repository, tag or "", digest or "")


@given(st.text(max_size=40))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    """Nothing but ValueError is raised, and what is parsed prints as it was."""
    with contextlib.suppress(ValueError):
        assert str(parse(text)) == text
