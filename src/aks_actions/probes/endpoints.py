"""Which Services lead to a workload, and how to ask each of them over HTTP through the API server."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from .figures import probe

_HTTP_PORTS = frozenset({80, 443, 3000, 5000, 8000, 8080, 8443})


@dataclass(frozen=True)
class Question:
    """One port of a Service to ask. `path` is empty where the port does not speak HTTP: its endpoints must do.

    `strict`: the path is known to be answered, so only 200–399 will do; else anything below 500 is an answer.
    """

    service: str
    port: str
    scheme: str
    path: str
    strict: bool

    def url(self, namespace: str) -> str:
        """The path of the API server's proxy to the Service."""
        target = quote(f"{self.scheme}:{self.service}:{self.port}", safe=":")
        return f"/api/v1/namespaces/{namespace}/services/{target}/proxy{self.path}"


def selecting(services: Iterable[dict[str, Any]], templates: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The Services whose selector matches the labels of one of these pod templates."""
    labels = [template["metadata"].get("labels") or {} for template in templates]
    return [
        service
        for service in services
        if (selector := service["spec"].get("selector"))
        and service["spec"].get("type") != "ExternalName"
        and any(selector.items() <= each.items() for each in labels)
    ]


def question(
    service: dict[str, Any], templates: Iterable[Mapping[str, Any]], port: str = "", path: str = ""
) -> Question:
    """How to ask `service`; `port` (a name or number) and `path` as the user wants them, else what the probes ask.

    Raises ValueError for a port that it does not have.
    """
    spec, name = service["spec"], str(service["metadata"]["name"])
    ports = [p for p in spec.get("ports") or () if p.get("protocol", "TCP") == "TCP"]
    if port:
        ports = [p for p in ports if port in (str(p.get("port")), p.get("name"))]
        if not ports:
            raise ValueError(f"Service/{name} has no TCP port {port!r}")
    asked = [(p, _probed(p, spec, templates)) for p in ports]
    chosen, probed = next(
        ((p, found) for p, found in asked if found is not None or _speaks_http(p)), asked[0] if asked else ({}, None)
    )
    shown = str(chosen.get("name") or chosen.get("port") or "")
    secure = chosen.get("appProtocol") == "https" or chosen.get("name") == "https" or chosen.get("port") in (443, 8443)
    scheme = "https" if (probed[1] if probed else secure) else "http"
    if path:
        return Question(name, shown, scheme, path, strict=True)
    if probed is not None:
        return Question(name, shown, scheme, probed[0], strict=True)
    return Question(name, shown, scheme, "/" if _speaks_http(chosen) else "", strict=False)


def _speaks_http(port: Mapping[str, Any]) -> bool:
    words = {str(port.get("appProtocol", "")), *str(port.get("name", "")).split("-")}
    known = port.get("appProtocol")
    return bool(words & {"http", "https", "web"}) or (not known and port.get("port") in _HTTP_PORTS)


def _probed(
    port: Mapping[str, Any], spec: Mapping[str, Any], templates: Iterable[Mapping[str, Any]]
) -> tuple[str, bool] | None:
    """Path and whether TLS of the readiness probe that asks the port which this Service port leads to."""
    target = port.get("targetPort", port.get("port"))
    for template in templates:
        if not (spec.get("selector") or {}).items() <= (template["metadata"].get("labels") or {}).items():
            continue
        for container in template["spec"]["containers"]:
            numbers = {p.get("name"): p.get("containerPort") for p in container.get("ports") or ()}
            found = probe(container, "readiness")
            if found is None or found.handler != "httpGet":
                continue
            if numbers.get(found.port, found.port) == numbers.get(target, target):
                secure = str(container["readinessProbe"]["httpGet"].get("scheme", "HTTP")).upper() == "HTTPS"
                return found.path, secure
    return None
