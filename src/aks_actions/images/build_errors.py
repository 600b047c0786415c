"""Which class of failure BuildKit's last word belongs to, by its text: it has no codes."""

from __future__ import annotations

import re
from enum import Enum


class Kind(Enum):
    """Why a build ended."""

    INSTRUCTION = "an instruction of the Dockerfile failed"
    DOCKERFILE = "the Dockerfile can't be read"
    STAGE = "the Dockerfile has no such stage"
    MISSING_FILE = "a file to copy is not in the context"
    BASE_IMAGE = "a base image can't be had"
    DENIED = "the registry refuses the login"
    BUILDER = "the builder can't be used"
    TRANSIENT = "the network, a registry or the builder failed in a way that may pass"
    OTHER = "something else"


# The first that matches decides, so what is certain comes before what is only likely.
_RULES: tuple[tuple[Kind, str], ...] = (
    (Kind.INSTRUCTION, r"did not complete successfully: (exit code|cannot)"),
    (
        Kind.DOCKERFILE,
        r"dockerfile parse error|unknown instruction|failed to process \"|no build stage in current context",
    ),
    (Kind.STAGE, r"target stage .* could not be found"),
    (Kind.MISSING_FILE, r"failed to (compute cache key|calculate checksum of ref).*not found"),
    (
        Kind.BUILDER,
        r"no builder .* found|Cannot connect to the Docker daemon|dial unix|no valid drivers|failed to find driver"
        r"|not supported for the \S+ driver",
    ),
    (Kind.TRANSIENT, r"unexpected status[^\n]*\b(408|429|5\d\d)\b|\btoomanyrequests\b|Too Many Requests"),
    (
        Kind.TRANSIENT,
        r"connection (refused|reset|timed out)|i/o timeout|handshake timeout|\bEOF\b|broken pipe|no such host",
    ),
    (
        Kind.TRANSIENT,
        r"(Internal Server Error|Bad Gateway|Service Unavailable|Gateway Time-?out)|context deadline exceeded",
    ),
    # A push beside another of the same layers: BuildKit takes the other's upload for done before it is.
    (Kind.TRANSIENT, r"failed to push[\s\S]*blob unknown to registry"),
    (Kind.BASE_IMAGE, r"failed to resolve source metadata"),
    (Kind.DENIED, r"\b(401|403)\b|denied|insufficient_scope|authorization failed|[Uu]nauthorized"),
)


def kind(error: str) -> Kind:
    """The class of BuildKit's error text."""
    return next((kind for kind, pattern in _RULES if re.search(pattern, error, re.IGNORECASE)), Kind.OTHER)


def registry_of(error: str) -> str:
    """The host that a registry's error names, as far as it does."""
    match = re.search(r"https?://([^/\s\"]+)/|failed to push ([^/\s:]+(?::\d+)?)/", error)
    return (match[1] or match[2]) if match else ""
