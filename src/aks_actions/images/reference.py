"""Image references, by the grammar of github.com/distribution/reference: registries with ports, tags, digests."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

DOCKER_HUB = "docker.io"

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_HOST = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_DIGEST = r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}"
_REFERENCE = re.compile(
    rf"(?P<path>(?:{_HOST}/)?{_COMPONENT}(?:/{_COMPONENT})*)(?::(?P<tag>{_TAG}))?(?:@(?P<digest>{_DIGEST}))?"
)
_SHA256 = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class Reference:
    """One image. `registry` is empty where the text names none; `name` says what it then means."""

    registry: str
    repository: str
    tag: str = ""
    digest: str = ""

    @property
    def path(self) -> str:
        """Registry and repository as they were written."""
        return f"{self.registry}/{self.repository}" if self.registry else self.repository

    @property
    def name(self) -> str:
        """Registry and repository in full: `nginx` is `docker.io/library/nginx`."""
        registry = self.registry or DOCKER_HUB
        if registry in (DOCKER_HUB, "index.docker.io"):
            return f"{DOCKER_HUB}/{self.repository if '/' in self.repository else f'library/{self.repository}'}"
        return f"{registry}/{self.repository}"

    def at(self, digest: str) -> Reference:
        """The same image by digest alone: a tag beside a digest is decoration that may lie."""
        return replace(self, tag="", digest=digest)

    def __str__(self) -> str:
        return self.path + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")


def parse(text: str) -> Reference:
    """A reference from its text. Raises ValueError with the reason."""
    match = _REFERENCE.fullmatch(text)
    if not match:
        lowered = _REFERENCE.fullmatch(text.lower())
        raise ValueError(
            "a repository's name is lower case" if lowered and text != text.lower() else "this is no image reference"
        )
    digest = match["digest"] or ""
    if digest.lower().startswith("sha256:") and not _SHA256.fullmatch(digest):
        raise ValueError("a sha256 digest has 64 lower-case hexadecimal digits")
    registry, repository = _split(match["path"])
    if len(match["path"]) > 255:
        raise ValueError("a repository's name has at most 255 characters")
    if repository != repository.lower():
        raise ValueError("a repository's name is lower case")
    return Reference(registry, repository, match["tag"] or "", digest)


def _split(path: str) -> tuple[str, str]:
    """A first part with a dot, a port or an upper-case letter is a registry, as is `localhost`."""
    first, slash, rest = path.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost" or first != first.lower()):
        return first, rest
    return "", path
