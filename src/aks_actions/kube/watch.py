"""Lists and watches, shared by everything that waits: one stream per kind and namespace, however many workloads.

Each stream has a thread that hands what it reads to a queue; whoever waits empties the queue into `Objects`, so that
no lock is needed to judge. Source: kubernetes.io, "Efficient detection of changes" (API concepts).
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable
from types import TracebackType

from ..errors import AuthError, Failure, TransientError
from ..rollout.objects import Key, Object, Objects, key_of
from .client import Cluster

# The plural resource of each kind that is watched, under its API group.
RESOURCES = {
    "DaemonSet": "/apis/apps/v1/{}daemonsets",
    "Deployment": "/apis/apps/v1/{}deployments",
    "EndpointSlice": "/apis/discovery.k8s.io/v1/{}endpointslices",
    "Event": "/api/v1/{}events",
    "Job": "/apis/batch/v1/{}jobs",
    "Pod": "/api/v1/{}pods",
    "ReplicaSet": "/apis/apps/v1/{}replicasets",
    "Service": "/api/v1/{}services",
    "StatefulSet": "/apis/apps/v1/{}statefulsets",
}
OPTIONAL = frozenset({"Event", "EndpointSlice"})  # without them verdicts are slower and less well explained, not wrong
PAGE = 500  # objects a request of a list
SILENCE = 30.0  # seconds without a byte after which a watch is opened anew: a dead connection must not hide a failure
PAUSE = 0.3  # seconds before a stream is opened again; doubled, up to LONGEST, as long as nothing comes
LONGEST = 5.0

_Change = Callable[[Objects], object]


class Watch:
    """A view of some kinds in some namespaces that keeps itself up to date.

    Use as a context manager: leaving it ends the streams. `objects` changes only within `update`.
    """

    def __init__(self, cluster: Cluster, wanted: Iterable[tuple[str, str]]) -> None:
        self.objects = Objects()
        self.missing: dict[str, str] = {}  # optional kinds that may not be read, with the reason
        self._changes: queue.SimpleQueue[_Change | Failure] = queue.SimpleQueue()
        self._ended = threading.Event()
        self._streams = [_Stream(cluster, kind, namespace, self) for kind, namespace in sorted(set(wanted))]

    def __enter__(self) -> Watch:
        for stream in self._streams:
            threading.Thread(target=stream.run, daemon=True, name=f"watch {stream.path}").start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()

    @property
    def synced(self) -> bool:
        """Every kind was listed at least once (and what was listed is in `objects` after the next `update`)."""
        return all(stream.synced for stream in self._streams)

    @property
    def trouble(self) -> TransientError | None:
        """Why some stream can't be read at present; None when all can."""
        return next((stream.trouble for stream in self._streams if stream.trouble), None)

    def update(self, timeout: float) -> bool:
        """Take in what has changed, waiting at most `timeout` seconds for the first change.

        Returns whether there was any. Raises AuthError, Cancelled: what a stream met and can't get over.
        """
        try:
            self._take(self._changes.get(timeout=timeout))
        except queue.Empty:
            return False
        while True:
            try:
                self._take(self._changes.get_nowait())
            except queue.Empty:
                return True

    def _take(self, change: _Change | Failure) -> None:
        if isinstance(change, Failure):
            raise change
        change(self.objects)

    def hand_over(self, change: _Change | Failure) -> None:
        self._changes.put(change)

    @property
    def ended(self) -> bool:
        return self._ended.is_set()

    def pause(self, seconds: float) -> None:
        self._ended.wait(seconds)


class _Stream:
    """One list and watch of one kind in one namespace."""

    def __init__(self, cluster: Cluster, kind: str, namespace: str, watch: Watch) -> None:
        self.kind = kind
        self.namespace = namespace
        self.path = RESOURCES[kind].format(f"namespaces/{namespace}/" if namespace else "")
        self.synced = False
        self.trouble: TransientError | None = None
        self._cluster = cluster
        self._watch = watch
        self._version = ""

    def run(self) -> None:
        pause = PAUSE
        while not self._watch.ended:
            began = time.monotonic()
            try:
                if not self._version:
                    self._list()
                lively = self._follow()
            except TransientError as error:
                self.trouble, lively = error, False
                self._version = ""  # the next list, not the next event, tells that the server is back
            except AuthError as error:
                if self.kind not in OPTIONAL:
                    self._watch.hand_over(error)
                    return
                self._watch.missing[self.kind] = error.what
                self.synced = True
                return
            except Failure as error:  # a cancellation, raised by the client's own waiting
                self._watch.hand_over(error)
                return
            # A stream that ended in good order after a while is opened again at once.
            pause = PAUSE if lively or time.monotonic() - began > LONGEST else min(LONGEST, pause * 2)
            self._watch.pause(pause)

    def _list(self) -> None:
        items: list[Object] = []
        query: dict[str, str | int | bool] = {"limit": PAGE}
        while True:
            status, page = self._cluster.request("GET", self.path, query=query)
            if status == 410:  # the list changed too much between two pages
                items, query = [], {"limit": PAGE}
                continue
            if status != 200:
                raise TransientError(
                    f"the API server did not list {self.path}", why=str(page.get("message", f"HTTP {status}"))
                )
            items += [self._lean(item) for item in page.get("items") or ()]
            if not (token := page["metadata"].get("continue")):
                break
            query = {"limit": PAGE, "continue": token}
        self._version = str(page["metadata"]["resourceVersion"])
        kind, namespace = self.kind, self.namespace
        self._watch.hand_over(lambda objects: objects.replace(kind, namespace, items))
        self.synced, self.trouble = True, None

    def _follow(self) -> bool:
        """Hand over changes until the stream ends; whether there were any."""
        lively = False
        query: dict[str, str | bool] = {"resourceVersion": self._version, "allowWatchBookmarks": True}
        for event in self._cluster.stream(self.path, query, silence=SILENCE):
            if self._watch.ended:
                break
            kind, found = event.get("type"), event.get("object") or {}
            if kind == "ERROR":
                # 410 Gone: the server no longer knows our version. Whatever else it is, a new list is the way back.
                self._version = ""
                break
            lively = True
            self._version = str(found["metadata"]["resourceVersion"])
            if kind == "DELETED":
                self._watch.hand_over(_removal(key_of(self._lean(found))))
            elif kind != "BOOKMARK":
                self._watch.hand_over(_addition(self._lean(found)))
        return lively

    def _lean(self, found: Object) -> Object:
        """Items of a list do not name their kind; managedFields are half of an object, and judge nothing."""
        found["metadata"].pop("managedFields", None)
        return {**found, "kind": self.kind}


def _addition(found: Object) -> _Change:
    return lambda objects: objects.put(found)


def _removal(key: Key) -> _Change:
    return lambda objects: objects.remove(key)
