"""Who this run is to Azure: GitHub's OIDC token exchanged at Entra, or, from a shell, whoever is logged in.

One credential a job: tokens are asked for once an audience and kept, whoever uses them. A new GitHub assertion is
fetched for each exchange, since an assertion lives five minutes and a rollout longer (AADSTS700024).
"""

from __future__ import annotations

import logging
import re
import threading
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..errors import AuthError, Failure, InputError, TransientError
from .refusals import Identity, claims, entra_refused

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken, TokenCredential

    from ..job import Job

AUDIENCE = "api://AzureADTokenExchange"  # what Entra expects in an assertion from GitHub
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_TENANT = re.compile(r"[0-9A-Za-z.-]+")

_of_job: weakref.WeakKeyDictionary[Job, dict[tuple[str, str], Credential]] = weakref.WeakKeyDictionary()


class Credential:
    """An `azure.core` TokenCredential whose failures are this product's own, and whose tokens are masked."""

    def __init__(
        self,
        make: Callable[[], TokenCredential],
        failure: Callable[[Exception], Failure],
        mask: Callable[[str], object],
    ) -> None:
        self._make = make
        self._failure = failure
        self._mask = mask
        self._inner: TokenCredential | None = None
        self._lock = threading.Lock()

    def get_token(self, *scopes: str, fresh: bool = False, **options: Any) -> AccessToken:
        """A token for `scopes`; with `fresh` never one that was given before.

        Raises AuthError where Entra refuses the identity, TransientError where it can't be reached.
        """
        from azure.core.exceptions import AzureError

        with self._lock:  # threads that start together must not log in together
            if fresh or self._inner is None:
                self._inner = self._make()
            try:
                token = self._inner.get_token(*scopes, **options)
            except AzureError as error:
                raise self._failure(error) from None
        self._mask(token.token)
        return token


def credential(job: Job, tenant_id: str, client_id: str) -> Credential:
    """The identity of this run: by GitHub OIDC inside a workflow, else by the environment or the Azure CLI.

    Nothing is sent before the first token is asked for. Raises InputError for ids that can't be ids.
    """
    known = _of_job.setdefault(job, {})
    key = (tenant_id, client_id)
    if key not in known:
        known[key] = _federated(job, tenant_id, client_id) if federated(job) else _logged_in(job, tenant_id)
    return known[key]


def federated(job: Job) -> bool:
    """Whether this run's identity is the job's own, by OIDC: in GitHub, and wherever its issuer is at hand."""
    return job.in_github or bool(job.environ.get("ACTIONS_ID_TOKEN_REQUEST_URL"))


def _federated(job: Job, tenant_id: str, client_id: str) -> Credential:
    _check_ids(tenant_id, client_id)
    received: dict[str, Any] = {}

    def assertion() -> str:
        token = job.id_token(AUDIENCE)
        received.update(claims(token))
        return token

    def make() -> TokenCredential:
        _quiet()
        from azure.identity import ClientAssertionCredential

        return ClientAssertionCredential(tenant_id, client_id, assertion)

    def failure(error: Exception) -> Failure:
        return _unreachable(error) or entra_refused(str(error), Identity(tenant_id, client_id, received))

    return Credential(make, failure, job.mask)


def _logged_in(job: Job, tenant_id: str) -> Credential:
    def make() -> TokenCredential:
        _quiet()
        from azure.identity import (
            AzureCliCredential,
            AzureDeveloperCliCredential,
            ChainedTokenCredential,
            EnvironmentCredential,
        )

        # No managed identity: looking for its endpoint costs seconds on each machine that has none.
        return ChainedTokenCredential(
            EnvironmentCredential(),
            AzureCliCredential(tenant_id=tenant_id),
            AzureDeveloperCliCredential(tenant_id=tenant_id),
        )

    def failure(error: Exception) -> Failure:
        if (unreachable := _unreachable(error)) is not None:
            return unreachable
        if "AADSTS" in str(error):
            environ = job.environ
            tenant = tenant_id or environ.get("AZURE_TENANT_ID", "")
            return entra_refused(str(error), Identity(tenant, environ.get("AZURE_CLIENT_ID", ""), {}))
        login = "az login" + (f" --tenant {tenant_id}" if tenant_id else "")
        return AuthError(
            "nobody is logged in to Azure here",
            why="Neither AZURE_CLIENT_ID with a secret or certificate, nor the Azure CLI, nor azd gave a token.",
            do=f"{login}\nIn a GitHub workflow, tenant-id and client-id with `id-token: write` are enough.",
            details=str(error),
        )

    return Credential(make, failure, job.mask)


def _check_ids(tenant_id: str, client_id: str) -> None:
    if not tenant_id or not client_id:
        ids = {"tenant-id": tenant_id, "client-id": client_id}
        raise InputError(
            f"{' and '.join(name for name, value in ids.items() if not value)} missing: Azure can't be asked without",
            why="The job's OIDC token is exchanged in one tenant for a token of one application. "
            "An unset variable or secret reads as empty.",
            do="Pass tenant-id and client-id, such as ${{ vars.AZURE_TENANT_ID }} and ${{ vars.AZURE_CLIENT_ID }}.",
        )
    if not _TENANT.fullmatch(tenant_id):
        raise InputError(f"tenant-id is {tenant_id!r}: no tenant's id or domain", do="az account show --query tenantId")
    if not _GUID.fullmatch(client_id):
        raise InputError(
            f"client-id is {client_id!r}: not the id of an application",
            why="It is the `Application (client) ID`, a GUID; not the name and not the object id.",
            do="az ad app list --display-name NAME --query '[].appId'",
        )


def _unreachable(error: Exception) -> Failure | None:
    """The failure of the path to Entra; None where Entra itself answered."""
    from azure.core.exceptions import HttpResponseError, ServiceRequestError, ServiceResponseError

    if isinstance(error, ServiceRequestError | ServiceResponseError):
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            return AuthError(
                "the certificate of Entra's endpoint can't be trusted",
                why="It is not signed by an authority that this machine knows; a company's proxy may stand between.",
                do="Name its CA bundle in REQUESTS_CA_BUNDLE.",
                details=str(error),
            )
        return TransientError(
            "Entra can't be reached", why=type(error).__name__, do="Run the job again.", details=str(error)
        )
    status = error.status_code if isinstance(error, HttpResponseError) else None
    if status is not None and (status >= 500 or status == 429):
        return TransientError(f"Entra answered {status} each time", do="Run the job again.", details=str(error))
    return None


def _quiet() -> None:
    # The SDKs log failures to stderr when nobody configures logging; they are reported once, in our words.
    logging.getLogger("azure").setLevel(logging.CRITICAL)
