"""Ask the Services of workloads for an answer, through the API server's own proxy: no network of ours is needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from ...errors import AuthError, InputError
from ...job import Job
from ...kube.client import Cluster
from ...probes.endpoints import Question, question, selecting
from ...rollout.objects import Object
from ...rollout.report import Workload
from .workloads import listed, template

IN_A_ROW = 3  # good answers that make one
TIMEOUT = 5.0  # seconds for one answer
PATIENCE = 20.0  # seconds in all for the answers in a row
PAUSE = 0.5  # seconds after an answer that was none


@dataclass(frozen=True)
class Answer:
    """What came of one Service. `milliseconds` is the median of the good answers; `trouble` says what was wrong."""

    service: str
    endpoints: int
    path: str = ""
    status: int = 0
    milliseconds: float = 0.0
    trouble: str = ""

    def __str__(self) -> str:
        ready = f"{self.endpoints} ready endpoint{'s' if self.endpoints != 1 else ''}"
        if self.trouble:
            return f"{self.service}: {self.trouble}"
        if not self.path:
            return f"{self.service}: {ready}; it does not speak HTTP"
        return f"{self.service} answers {self.status} on {self.path} in {self.milliseconds:.0f} ms; {ready}"


def questions(
    cluster: Cluster, namespace: str, named: Sequence[str], live: Mapping[Workload, Object]
) -> list[Question]:
    """What to ask of which Service. Raises InputError for one, or a port, that does not exist."""
    templates = [template(found) for found in live.values()]
    services = {s["metadata"]["name"]: s for s in listed(cluster, "Service", namespace)}
    if not named:
        return [question(service, templates) for service in selecting(services.values(), templates)]
    return [_named(text, services, templates, namespace) for text in named]


def _named(
    text: str, services: Mapping[str, dict[str, Any]], templates: list[dict[str, Any]], namespace: str
) -> Question:
    target, slash, path = text.partition("/")
    name, _, port = target.partition(":")
    if name not in services:
        known = ", ".join(services) or "no Service"
        raise InputError(
            f"namespace {namespace} has no Service {name}", why=f"It has {known}.", do="Correct `services`."
        )
    try:
        return question(services[name], templates, port, slash + path)
    except ValueError as error:
        raise InputError(str(error), do="Correct `services`: `name[:port][/path]`.") from None


def ready_endpoints(cluster: Cluster, namespace: str) -> dict[str, int]:
    """Ready addresses by Service."""
    counts: dict[str, int] = {}
    for each in listed(cluster, "EndpointSlice", namespace):
        service = (each["metadata"].get("labels") or {}).get("kubernetes.io/service-name", "")
        ready = sum((e.get("conditions") or {}).get("ready") is not False for e in each.get("endpoints") or ())
        counts[service] = counts.get(service, 0) + ready
    return counts


def ask(cluster: Cluster, job: Job, namespace: str, asked: Question, endpoints: int, deadline: float) -> Answer:
    """Ask until enough good answers came in a row, or patience or `deadline` (of job.clock) ends."""
    name = f"Service/{asked.service}"
    if not endpoints:
        return Answer(name, 0, trouble="no ready endpoint: its selector matches no ready pod")
    if not asked.path:
        return Answer(name, endpoints)
    times: list[float] = []
    status, body = 0, b""
    ends = min(deadline, job.clock() + PATIENCE)
    while job.clock() < ends:
        job.check()
        begun = job.clock()
        try:
            status, body = cluster.ask(asked.url(namespace), timeout=min(TIMEOUT, max(0.1, ends - begun)))
        except AuthError as error:
            raise AuthError(
                error.what,
                why=f"{error.why}\nA Service is asked through the API server's proxy.".strip(),
                do="Let the identity `get` the resource `services/proxy` in this namespace, or name only Services that "
                "need not be asked in `services`.",
            ) from None
        if _good(asked, status):
            times.append((job.clock() - begun) * 1000)
            if len(times) == IN_A_ROW:
                return Answer(name, endpoints, asked.path, status, median(times))
        else:
            times.clear()
            job.sleep(PAUSE)
    said = " ".join(body.decode("utf-8", "replace").split())[:120]
    what = f"answers HTTP {status}" if status else "gives no answer"
    trouble = f"GET {asked.path} on port {asked.port} {what}" + (f": {said}" if said else "")
    return Answer(name, endpoints, asked.path, status, trouble=trouble)


def _good(asked: Question, status: int) -> bool:
    return 200 <= status < (400 if asked.strict else 500)
