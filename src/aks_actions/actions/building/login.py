"""Who pushes: a given user, this job's Azure identity at ACR, or whoever logged in before."""

from __future__ import annotations

from ...azure.credential import credential
from ...errors import InputError
from ...http import Http
from ...inputs import Secret
from ...job import Job
from ...registry import acr, login
from ...registry.client import Registry
from ...registry.login import Login


def obtain(
    job: Job, http: Http, host: str, *, user: str, password: Secret, tenant_id: str, client_id: str
) -> tuple[Login | None, str]:
    """The login for `host` and how it came, in a phrase; None where docker is not logged in there.

    Raises InputError, AuthError and TransientError of the exchange.
    """
    if bool(user) != bool(password):
        missing = "registry-password" if user else "registry-username"
        raise InputError(
            f"{missing} is missing", why="A login needs both; an unset secret reads as empty.", do=f"Pass {missing}."
        )
    if user:
        return Login(user, password), f"{user} at {host}"
    theirs = login.find(job.environ, host)
    if theirs:
        job.mask(theirs.password)
    if acr.is_acr(host) and (tenant_id or client_id or theirs is None):
        exchanged = acr.exchange(http, credential(job, tenant_id, client_id), host, tenant_id, client_id)
        job.mask(exchanged.password)
        how = "GitHub OIDC → Entra" if job.environ.get("ACTIONS_ID_TOKEN_REQUEST_URL") else "Entra"
        return exchanged, f"{how} → {host}, valid for 3 h"
    return theirs, f"docker's own login at {host}" if theirs else f"none for {host}: docker is not logged in there"


def require_push(http: Http, host: str, repository: str, found: Login, client_id: str) -> None:
    """Raise AuthError now where ACR would refuse the push later."""
    if acr.is_acr(host) and found.refresh:
        Registry(host, http, found).require_push(repository, client_id)
