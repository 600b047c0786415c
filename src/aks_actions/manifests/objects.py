"""Documents to Kubernetes objects: identity checked, lists unpacked, what only the server may set taken out."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from ..errors import InputError, Location
from .reader import Document, Path

MAX_REQUEST = 1536 * 1024  # bytes of JSON; etcd refuses more, in words that nobody understands
MAX_DATA = 1024 * 1024  # bytes of a ConfigMap's or Secret's data, the API server's own limit
_SERVER_SET = (
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
)


class Key(NamedTuple):
    """What makes two manifests the same object; versions of a group are the same object."""

    group: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return "/".join(filter(None, (self.kind, self.namespace, self.name)))


@dataclass(frozen=True)
class Manifest:
    """One object that the user wants, and where it is written.

    `object` is what will be sent, and is never changed in place. It may hold decrypted secrets: no repr shows it.
    """

    object: dict[str, Any] = field(repr=False)
    document: Document = field(repr=False)
    within: Path = ()  # ("items", 3) for a member of a List
    encrypted: bool = False

    @property
    def api_version(self) -> str:
        return str(self.object["apiVersion"])

    @property
    def group(self) -> str:
        group, slash, _ = self.api_version.partition("/")
        return group if slash else ""

    @property
    def kind(self) -> str:
        return str(self.object["kind"])

    @property
    def name(self) -> str:
        return str(self.object["metadata"]["name"])

    @property
    def namespace(self) -> str:
        return str(self.object["metadata"].get("namespace") or "")

    @property
    def key(self) -> Key:
        return Key(self.group, self.kind, self.namespace, self.name)

    def at(self, *path: str | int) -> Location:
        """The place of a field of this object, or of its nearest ancestor that is written."""
        return self.document.at((*self.within, *path))

    def in_namespace(self, namespace: str) -> Manifest:
        """The same object in `namespace`; in none where it is empty (a kind of cluster scope)."""
        if self.namespace == namespace and ("namespace" in self.object["metadata"]) == bool(namespace):
            return self
        metadata = {key: value for key, value in self.object["metadata"].items() if key != "namespace"}
        if namespace:
            metadata["namespace"] = namespace
        return replace(self, object={**self.object, "metadata": metadata})

    def annotated(self, annotations: dict[str, str]) -> Manifest:
        """The same object with more annotations; the manifest's own win."""
        if not annotations:
            return self
        metadata = self.object["metadata"]
        merged = {**annotations, **(metadata.get("annotations") or {})}
        return replace(self, object={**self.object, "metadata": {**metadata, "annotations": merged}})


def manifests(document: Document, *, encrypted: bool = False) -> Iterator[Manifest]:
    """The objects of a document, members of lists included. Raises InputError at the field that is wrong or missing."""
    yield from _unpacked(document.value, document, (), encrypted)


def _unpacked(value: Any, document: Document, within: Path, encrypted: bool) -> Iterator[Manifest]:
    if not isinstance(value, dict):
        raise InputError("this is no Kubernetes object: it is no mapping", at=document.at(within))
    for name in ("apiVersion", "kind"):
        if not isinstance(value.get(name), str) or not value[name]:
            raise InputError(
                f"this object has no {name}" if value.get(name) is None else f"{name} must be text",
                do="Every manifest begins with apiVersion, kind and metadata.name.",
                at=document.at((*within, name)),
            )
    if value["kind"].endswith("List") and isinstance(value.get("items"), list):
        for index, item in enumerate(value["items"]):
            yield from _unpacked(item, document, (*within, "items", index), encrypted)
        return
    if value["apiVersion"].startswith("kustomize.config.k8s.io/"):
        raise InputError(
            "a kustomization is no object of the cluster",
            do="Build it first and deploy the result: kubectl kustomize FOLDER > manifests.yaml",
            at=document.at(within),
        )
    yield _checked(Manifest(value, document, within, encrypted))


def _checked(manifest: Manifest) -> Manifest:
    found = manifest.object
    metadata = found.get("metadata")
    if not isinstance(metadata, dict):
        raise InputError(f"this {manifest.kind} has no metadata.name", at=manifest.at("metadata"))
    if not isinstance(metadata.get("name"), str) or not metadata["name"]:
        generated = "generateName" in metadata
        raise InputError(
            f"this {manifest.kind} has no metadata.name"
            if not metadata.get("name")
            else "metadata.name must be text: quote it",
            why="Server-side apply knows objects by their name; generateName makes a new one each time."
            if generated
            else "",
            at=manifest.at("metadata", "name"),
        )
    if metadata.get("namespace") is not None and not isinstance(metadata["namespace"], str):
        raise InputError("metadata.namespace must be text: quote it", at=manifest.at("metadata", "namespace"))
    for field_name in ("labels", "annotations"):
        values = metadata.get(field_name)
        if values is not None and not isinstance(values, dict):
            raise InputError(f"metadata.{field_name} must be a mapping", at=manifest.at("metadata", field_name))
        for key, value in (values or {}).items():
            if not isinstance(value, str):
                shown = json.dumps(value)
                raise InputError(
                    f"metadata.{field_name} {key!r} is {shown}, which is no text",
                    do=f'Quote it: {key}: "{shown}"',
                    at=manifest.at("metadata", field_name, key),
                )
    kept = {key: value for key, value in metadata.items() if key not in _SERVER_SET and value is not None}
    cleaned = {key: value for key, value in found.items() if key != "status"} | {"metadata": kept}
    if manifest.kind == "Secret" and manifest.group == "":
        cleaned = _with_data(manifest, cleaned)
    return replace(manifest, object=cleaned)


def _with_data(manifest: Manifest, secret: dict[str, Any]) -> dict[str, Any]:
    """`stringData` is write-only, so the server could never tell whether it changed: it becomes `data`."""
    texts = secret.get("stringData") or {}
    data = secret.get("data") or {}
    if not isinstance(texts, dict) or not isinstance(data, dict):
        raise InputError("data and stringData of a Secret must be mappings", at=manifest.at("data"))
    for name, where in (("stringData", texts), ("data", data)):
        for key, value in where.items():
            if not isinstance(value, str):
                raise InputError(f"{name}.{key} must be text: quote it", at=manifest.at(name, key))
    for key, value in data.items():
        try:
            base64.b64decode(value, validate=True)
        except ValueError:
            raise InputError(
                f"data.{key} is not base64",
                do=f"Write it under stringData, or encode it: {key}: $(… | base64 -w0)",
                at=manifest.at("data", key),
            ) from None
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in texts.items()}
    kept = {key: value for key, value in secret.items() if key != "stringData"}
    return {**kept, "data": {**data, **encoded}} if encoded else kept


def unique(found: Iterable[Manifest]) -> None:
    """Raise InputError where two manifests are the same object: the last would win, silently."""
    first: dict[Key, Manifest] = {}
    for manifest in found:
        if (other := first.setdefault(manifest.key, manifest)) is not manifest:
            raise InputError(
                f"{manifest.key} is there twice",
                why=f"at {other.at()} and at {manifest.at()}",
                do="Remove one of them.",
                at=manifest.at(),
            )


def fits(manifest: Manifest) -> None:
    """Raise InputError for an object that the server can't store."""
    size = len(json.dumps(manifest.object, separators=(",", ":")).encode())
    data = (
        sum(len(str(value)) for value in held.values())
        if manifest.kind in ("ConfigMap", "Secret") and isinstance(held := manifest.object.get("data"), dict)
        else 0
    )
    if manifest.kind == "Secret":
        data = data * 3 // 4
    if data > MAX_DATA or size > MAX_REQUEST:
        limit = MAX_DATA if data > MAX_DATA else MAX_REQUEST
        raise InputError(
            f"{manifest.key} is too large: {max(data, size) / 1024:,.0f} KiB of at most {limit // 1024:,} KiB",
            why="The cluster's store takes no more in one object.",
            do="Split it, or mount the data from a volume.",
            at=manifest.at(),
        )
