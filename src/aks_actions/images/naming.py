"""Tags and labels of an image: what a registry accepts, and what opencontainers/image-spec (annotations) names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_LABEL = "org.opencontainers.image."


def sanitised(tag: str) -> str:
    """The tag nearest to `tag` that a registry accepts: `feature/x` is `feature-x`. Raises ValueError if none is."""
    text = re.sub(r"[^A-Za-z0-9_.-]+", "-", tag.strip()).lstrip(".-")[:128]
    if not _TAG.fullmatch(text):
        raise ValueError("a tag has letters, digits, `_`, `.` and `-`")
    return text


def tags(requested: Iterable[str], commit: str) -> tuple[str, ...]:
    """Tags to push, in order, each once; without a request, the commit's SHA. Raises ValueError for what is no tag."""
    chosen = tuple(dict.fromkeys(sanitised(tag) for tag in requested))
    return chosen or ((commit,) if commit else ())


def version(ref: str, chosen: tuple[str, ...]) -> str:
    """The version that the image calls itself: the Git tag that is built (`v1.2.3` is 1.2.3), else its first tag."""
    if ref.startswith("refs/tags/"):
        name = ref.removeprefix("refs/tags/")
        return name[1:] if re.match(r"v\d", name) else name
    return chosen[0] if chosen else ""


def labels(*, commit: str, source: str, version: str, epoch: int | None) -> Mapping[str, str]:
    """OCI labels of a build. `created` is the commit's time (seconds of the epoch), so that a rebuild is equal."""
    created = datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if epoch is not None else ""
    named = {"created": created, "revision": commit, "source": source, "version": version}
    return {_LABEL + name: value for name, value in named.items() if value}


def build_arguments(given: Iterable[str], dockerfile: str, offered: Mapping[str, str]) -> dict[str, str]:
    """The caller's `NAME=value` arguments, and those offered that the Dockerfile declares and the caller does not set.

    Raises ValueError that quotes only the name: a value may be a secret.
    """
    arguments = {name: value for name, value in offered.items() if value and name in declared(dockerfile)}
    for item in given:
        name, equals, value = item.partition("=")
        if not equals or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name.strip()):
            raise ValueError(f"{name[:40]!r} is not written as NAME=value")
        arguments[name.strip()] = value
    return arguments


def declared(dockerfile: str) -> set[str]:
    """Names of the ARGs that a Dockerfile declares."""
    lines = re.findall(r"^[ \t]*ARG[ \t]+((?:.*\\\r?\n)*.*)$", dockerfile, re.MULTILINE | re.IGNORECASE)
    words = (word for line in lines for word in line.replace("\\", " ").split())
    return {word.partition("=")[0] for word in words}


def stages(dockerfile: str) -> list[str]:
    """Names of the stages of a Dockerfile, in order."""
    pattern = r"^[ \t]*FROM[ \t]+(?:--\S+[ \t]+)*\S+[ \t]+AS[ \t]+(\S+)"
    return re.findall(pattern, dockerfile, re.MULTILINE | re.IGNORECASE)
