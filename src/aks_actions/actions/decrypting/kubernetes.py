"""Kubernetes Secrets from decrypted values: what kubectl and kustomize would make of them."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...errors import InputError

_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_LABEL = re.compile(r"([a-z0-9.-]{1,253}/)?[A-Za-z0-9]([-_.A-Za-z0-9]{0,61}[A-Za-z0-9])?")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-_.A-Za-z0-9]{0,61}[A-Za-z0-9])?)?")
# The keys that the API server requires of its own types (kubernetes.io/docs/concepts/configuration/secret).
_REQUIRED = {
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
}
_NOT_IN_A_HASH = str.maketrans("013ae", "ghkmt")  # vowels and what looks like them


@dataclass(frozen=True)
class Made:
    """How a Secret is made of values."""

    name: str
    namespace: str
    type: str
    labels: Mapping[str, str]
    immutable: bool
    hashed: bool
    data: Mapping[str, bytes] = field(repr=False, default_factory=dict)


def labels(lines: Iterable[str]) -> dict[str, str]:
    """`key=value` lines. Raises InputError."""
    found = {}
    for line in lines:
        key, equals, value = (part.strip() for part in line.partition("="))
        if not equals or not _LABEL.fullmatch(key) or not _LABEL_VALUE.fullmatch(value):
            raise InputError(
                f"`secret-labels` has {line!r}: no label", do="Such as `app.kubernetes.io/name=shop`, one a line."
            )
        found[key] = value
    return found


def check_name(name: str) -> None:
    """Raise InputError for what can't be a Secret's name."""
    if not _NAME.fullmatch(name):
        raise InputError(
            f"`secret-name` is {name!r}: no name for an object",
            why="It takes lower case letters, digits, `-` and `.`, and begins and ends with a letter or digit.",
        )


def secret(made: Made) -> dict[str, Any]:
    """The manifest. Raises InputError where its type needs other keys, or its name becomes too long."""
    _check_type(made)
    data = {key: base64.b64encode(value).decode() for key, value in sorted(made.data.items())}
    name = f"{made.name}-{_hash(made.type, data)}" if made.hashed else made.name
    check_name(name)
    metadata: dict[str, Any] = {"name": name}
    if made.namespace:
        metadata["namespace"] = made.namespace
    if made.labels:
        metadata["labels"] = dict(made.labels)
    found = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": made.type, "data": data}
    return found | ({"immutable": True} if made.immutable else {})


def _check_type(made: Made) -> None:
    missing = [key for key in _REQUIRED.get(made.type, ()) if key not in made.data]
    if missing:
        raise InputError(
            f"a Secret of type {made.type} needs the key {' and '.join(missing)}",
            why=f"It would hold {', '.join(sorted(made.data)) or 'nothing'}.",
            do=f"Select it in `secret-data`: `path.to.value | {missing[0]}`.",
        )
    if made.type == "kubernetes.io/dockerconfigjson":
        try:
            usable = isinstance(json.loads(made.data[".dockerconfigjson"]).get("auths"), dict)
        except (ValueError, AttributeError):
            usable = False
        if not usable:
            raise InputError(
                "the value of .dockerconfigjson is no configuration of docker",
                why='It must be JSON with an object "auths".',
                do="docker login writes one; or: kubectl create secret docker-registry --dry-run=client -o yaml …",
            )


def _hash(kind: str, data: Mapping[str, str]) -> str:
    """kustomize's own suffix, of the Secret's type and data, so that both make the same name.

    Its name has a place in what is hashed, and is always empty there (kustomize's hasher, as measured).
    """
    content = {"data": data, "kind": "Secret", "name": "", "type": kind}
    encoded = json.dumps(content, separators=(",", ":"), sort_keys=True)  # keys and base64: nothing to escape
    return hashlib.sha256(encoded.encode()).hexdigest()[:10].translate(_NOT_IN_A_HASH)


def is_manifest(document: Any) -> bool:
    """Whether a document is a Kubernetes object already."""
    return isinstance(document, dict) and all(isinstance(document.get(name), str) for name in ("apiVersion", "kind"))
