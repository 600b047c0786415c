"""What an API server's refusal to apply an object means, at the line of the manifest that it is about.

Source of the shapes: Status in k8s.io/apimachinery, pkg/apis/meta/v1/types.go.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from ..errors import Failure, InputError, Location, RolloutFailed, TransientError
from ..manifests import fieldpath
from ..manifests.objects import Manifest

# Strict decoding's words, and those of the apply's own schema, which says 500 and lists all after one prefix.
_UNKNOWN_FIELD = re.compile(r'unknown field "(?P<strict>[^"]+)"|(?P<schema>\.\S+): field not declared in schema')
_WRONG_TYPE = re.compile(r"failed to create typed patch object .*?: (?P<path>\.\S+): (?P<says>expected [\w-]+)")
_IMMUTABLE = re.compile(
    r"immutable|may not change once set|updates to \w+ spec for fields other than|cannot be changed"
)
_ADMISSION = re.compile(r"admission webhook|ValidatingAdmissionPolicy|violates PodSecurity")


@dataclass(frozen=True)
class Denial:
    """A refused apply. With `hide`, no text that may quote a secret value is passed on."""

    manifest: Manifest
    status: int
    answer: dict[str, Any] = field(repr=False)
    hide: bool

    @property
    def message(self) -> str:
        return str(self.answer.get("message") or f"HTTP {self.status}")

    @property
    def causes(self) -> list[dict[str, Any]]:
        return (self.answer.get("details") or {}).get("causes") or []

    @property
    def conflicts(self) -> list[dict[str, Any]]:
        """The fields that belong to other managers."""
        return self._causes("FieldManagerConflict")

    def failure(self) -> Failure:
        """An admission webhook may answer with any status, and a terminating namespace says 403: the order counts."""
        key, message = self.manifest.key, self.message
        if self.conflicts:
            return self._conflict()
        if self.status == 409:
            return TransientError(f"{key} was changed by others each time we applied it", why=self._why, at=self._at)
        if self._causes("NamespaceTerminating"):
            return terminating(self.manifest)
        if self.status == 403 and "exceeded quota" in message:
            return self._quota()
        if self.status == 403 or _ADMISSION.search(message):
            return RolloutFailed(f"{key} was denied by the cluster's admission", why=self._why, at=self._at)
        if self.status == 422 and _IMMUTABLE.search(message):
            return self._immutable()
        if self.status == 422:
            return InputError(f"{key} is not valid", why=self._why, at=self._first_field)
        if self.status == 400 or _UNKNOWN_FIELD.search(message):
            return self._strict()
        if wrong := _WRONG_TYPE.search(message):
            return self._wrong_type(wrong["path"], wrong["says"])
        if self.status == 404 and message.startswith("namespaces "):
            return no_namespace(self.manifest)
        if self.status == 404:
            what = f"the cluster does not serve {self.manifest.api_version} {self.manifest.kind}"
            return InputError(what, why=self._why, at=self.manifest.at("kind"))
        if self.status == 413 or "request is too large" in message:
            return InputError(f"{key} is too large for the cluster's store", why=self._why, at=self._at)
        return RolloutFailed(f"{key} was refused with {self.status}", why=self._why, at=self._at)

    def _causes(self, reason: str) -> list[dict[str, Any]]:
        return [cause for cause in self.causes if cause.get("reason") == reason]

    @property
    def _why(self) -> str:
        if not self.hide:
            return self.message
        faults = ", ".join(f"{cause.get('field', '?')}: {cause.get('reason', 'refused')}" for cause in self.causes)
        return (
            faults
            or f"{self.answer.get('reason') or self.status}; the text is withheld, since it may quote secret values"
        )

    @property
    def _at(self) -> Location:
        return self.manifest.at()

    @property
    def _first_field(self) -> Location:
        return self._place(str(self.causes[0].get("field") or "")) if self.causes else self._at

    def _place(self, path: str) -> Location:
        return self.manifest.at(*fieldpath.parse(path, self.manifest.object))

    def _conflict(self) -> Failure:
        fields = [str(cause.get("field", "")) for cause in self.conflicts]
        owners = [str(cause.get("message", "")) for cause in self.conflicts]
        what = fields[0].lstrip(".") if len(fields) == 1 else f"{len(fields)} fields"
        return RolloutFailed(
            f"{self.manifest.key}: {what} belong{'s' if len(fields) == 1 else ''} to another field manager",
            why="\n".join(f"{path.lstrip('.')}: {owner}" for path, owner in zip(fields, owners, strict=True)),
            do="They were applied by kubectl before: take them over, once, with `force: true`."
            if all("kubectl-client-side-apply" in owner for owner in owners)
            else "Leave the field out of the manifest, or take it over for good with `force: true`.",
            at=self._place(fields[0]),
        )

    def _quota(self) -> Failure:
        return RolloutFailed(
            f"{self.manifest.key} exceeds a quota of namespace {self.manifest.namespace}",
            why=self._why,
            do=f"Raise the ResourceQuota or ask for less: kubectl describe quota -n {self.manifest.namespace}",
            at=self._at,
        )

    def _immutable(self) -> Failure:
        manifest = self.manifest
        namespace = f" -n {manifest.namespace}" if manifest.namespace else ""
        return RolloutFailed(
            f"{manifest.key} can't be changed in this way",
            why=self._why,
            do="Such a field is fixed when the object is made. Give the object another name, or delete it yourself, "
            f"with all that ends:\nkubectl delete {manifest.kind.lower()} {manifest.name}{namespace}",
            at=self._first_field,
        )

    def _strict(self) -> Failure:
        manifest = self.manifest
        unknown = _UNKNOWN_FIELD.search(self.message)
        path = (unknown["strict"] or unknown["schema"]) if unknown else ""
        what = f"there is no field {path.lstrip('.')}" if unknown else "the manifest can't be decoded"
        return InputError(
            f"{manifest.key}: {what}",
            why=self._why,
            do=f"Its fields: kubectl explain {manifest.kind.lower()} --api-version={manifest.api_version} --recursive",
            at=self._place(path),
        )

    def _wrong_type(self, path: str, says: str) -> Failure:
        return InputError(
            f"{self.manifest.key}: {path.lstrip('.')} is of the wrong type: {says}",
            why=self._why,
            do="In YAML a number, true or no that is meant as text needs quotes." if says == "expected string" else "",
            at=self._place(path),
        )


def terminating(manifest: Manifest) -> InputError:
    """The namespace of a manifest is being deleted."""
    return InputError(
        f"namespace {manifest.namespace or manifest.name} is terminating",
        why="It is being deleted: nothing new can be made in it.",
        do="Wait until it is gone, then run again; finalizers that hold it are in: "
        f"kubectl get namespace {manifest.namespace or manifest.name} -o yaml",
        at=manifest.at("metadata", "namespace"),
    )


def no_namespace(manifest: Manifest) -> InputError:
    """The namespace of a manifest is neither in the cluster nor among the manifests."""
    return InputError(
        f"namespace {manifest.namespace} does not exist",
        why=f"{manifest.key} belongs to it, and no manifest makes it.",
        do=f"Add a Namespace to the manifests, or: kubectl create namespace {manifest.namespace}",
        at=manifest.at("metadata", "namespace"),
    )
