"""Server-side apply of one object by our field manager.

Source: https://kubernetes.io/docs/reference/using-api/server-side-apply/
"""

from __future__ import annotations

from typing import Any

from ..manifests.objects import Manifest
from .client import APPLY, Cluster
from .denials import Denial
from .refusals import unexpected

MANAGER = "aks-actions"
_STALE_TRIES = 4


class DryRunUnsupportedError(Exception):
    """A webhook in the way has side effects, so the server refuses any dry run of this kind."""


def apply(cluster: Cluster, manifest: Manifest, path: str, *, force: bool, dry_run: bool, hide: bool) -> dict[str, Any]:
    """Apply an object; the object as it is afterwards, or, with `dry_run`, as it would be.

    `hide` keeps the server's quotes of values out of messages. Raises InputError where the manifest is at fault,
    RolloutFailed where the cluster's state or policy refuses it, AuthError and TransientError as the client does,
    DryRunUnsupportedError.
    """
    query: dict[str, str | bool] = {"fieldManager": MANAGER, "fieldValidation": "Strict", "force": force}
    if dry_run:
        query["dryRun"] = "All"
    for _ in range(_STALE_TRIES):
        status, answer = cluster.request("PATCH", path, query=query, body=manifest.object, content_type=APPLY)
        if status in (200, 201):
            return answer
        denial = Denial(manifest, status, answer, hide)
        if status != 409 or denial.conflicts:
            break  # any other conflict: somebody wrote at the same moment, so the server has to merge anew
    if dry_run and "does not support dry run" in denial.message:
        raise DryRunUnsupportedError(denial.message)
    raise denial.failure()


def delete(cluster: Cluster, path: str, uid: str) -> bool:
    """Delete exactly the object with this UID, its dependents after it; False where it is gone or another one now."""
    body = {
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "propagationPolicy": "Background",
        "preconditions": {"uid": uid},
    }
    status, answer = cluster.request("DELETE", path, body=body)
    if status not in (200, 202, 404, 409):  # denied by a policy, say
        raise unexpected(cluster.name, "DELETE", path, status, answer)
    return status in (200, 202)
