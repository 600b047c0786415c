"""Tags to digests, asked of the registry before anything is written: what was checked is what runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ...errors import InputError
from ...http import Http
from ...images.reference import DOCKER_HUB
from ...inputs import Secret
from ...job import Job
from ...manifests.images import Replacement
from ...registry.client import Registry
from ..building import login


def pinned(wanted: Sequence[Replacement], job: Job, tenant_id: str, client_id: str) -> list[Replacement]:
    """The replacements with a digest each. Raises InputError for a tag that does not exist."""
    return [item if item.image.digest else _pinned(item, job, tenant_id, client_id) for item in wanted]


def _pinned(item: Replacement, job: Job, tenant_id: str, client_id: str) -> Replacement:
    host = item.image.registry or DOCKER_HUB
    http = Http(job.environ, job.sleep)
    repository = item.image.name.partition("/")[2]
    user, _ = login.obtain(job, http, host, user="", password=Secret(), tenant_id=tenant_id, client_id=client_id)
    digest = Registry(host, http, user).resolve(repository, item.image.tag)
    if digest is None:
        raise InputError(
            f"image {item.image} is not in the registry",
            why=f"{host} has no tag {item.image.tag} in {repository}.",
            do="Pass the `image` output of actions/build, or push the tag first.",
        )
    job.log.line(f"  {item.image} is {digest}")
    return replace(item, image=item.image.at(digest))
