"""Kinds to paths: what this API server serves, asked once a run (aggregated discovery, two requests)."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ..errors import TransientError
from .client import Cluster
from .refusals import unexpected

_AGGREGATED = (
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json"
)


@dataclass(frozen=True)
class Resource:
    """How a kind is reached: `/api/v1/namespaces/shop/configmaps/settings`."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool
    verbs: frozenset[str] = frozenset()

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """The URL's path of one object, or of the collection where `name` is empty."""
        parts = ["", "apis", self.group, self.version] if self.group else ["", "api", self.version]
        if self.namespaced and namespace:
            parts += ["namespaces", namespace]
        parts += [self.plural, *([name] if name else []), *([subresource] if subresource else [])]
        return "/".join(quote(part, safe=":") for part in parts)


class Discovery:
    """The kinds that a cluster serves."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str], Resource] = {}
        self._broken: set[str] = set()

    def find(self, api_version: str, kind: str, *, fresh: bool = False) -> Resource | None:
        """The resource of a kind; None where the server has none.

        Raises TransientError where the group is served by an aggregated API that does not answer.
        """
        with self._lock:
            if fresh or not self._known:
                self._read()
            found = self._known.get((api_version, kind))
            if found is None and api_version in self._broken:
                raise TransientError(
                    f"the cluster can't say whether it has {api_version} {kind}",
                    why="That API is served by an extension (an APIService) that does not answer.",
                    do=f"kubectl get apiservices | grep {api_version.partition('/')[0]}",
                )
            return found

    def _read(self) -> None:
        self._known, self._broken = {}, set()
        for root in ("/api", "/apis"):
            status, found = self._cluster.request("GET", root, accept=_AGGREGATED)
            if status != 200:
                raise unexpected(self._cluster.name, "GET", root, status, found)
            if found.get("kind") == "APIGroupDiscoveryList":
                self._aggregated(found)
            else:
                self._one_by_one(root, found)

    def _aggregated(self, found: dict[str, Any]) -> None:
        for group in found.get("items") or []:
            name = group.get("metadata", {}).get("name", "")
            for version in group.get("versions") or []:
                api_version = f"{name}/{version['version']}" if name else version["version"]
                if version.get("freshness") == "Stale":
                    self._broken.add(api_version)
                for item in version.get("resources") or []:
                    kind = (item.get("responseKind") or {}).get("kind", "")
                    self._add(
                        name,
                        version["version"],
                        kind,
                        item["resource"],
                        item.get("scope") == "Namespaced",
                        item.get("verbs"),
                    )

    def _one_by_one(self, root: str, found: dict[str, Any]) -> None:
        """Servers older than 1.26, or a proxy that drops the Accept header."""
        versions = found.get("versions") or [
            v["groupVersion"] for g in found.get("groups") or [] for v in g.get("versions") or []
        ]
        for api_version in versions:
            status, listed = self._cluster.request("GET", f"{root}/{api_version}")
            if status != 200:
                self._broken.add(api_version)
                continue
            group, _, version = api_version.rpartition("/")
            for item in listed.get("resources") or []:
                if "/" not in item["name"]:
                    self._add(
                        group, version, item["kind"], item["name"], bool(item.get("namespaced")), item.get("verbs")
                    )

    def _add(self, group: str, version: str, kind: str, plural: str, namespaced: bool, verbs: list[str] | None) -> None:
        resource = Resource(group, version, kind, plural, namespaced, frozenset(verbs or ()))
        self._known.setdefault((resource.api_version, kind), resource)
