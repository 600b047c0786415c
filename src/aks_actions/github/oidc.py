"""GitHub's OIDC issuer: one fresh assertion a call, since each lives five minutes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import quote

from ..errors import AuthError, TransientError

_PERMISSION = "permissions:\n  id-token: write\n  contents: read"


def available(environ: Mapping[str, str]) -> bool:
    """Whether this job may ask for a token at all."""
    return bool(environ.get("ACTIONS_ID_TOKEN_REQUEST_URL") and environ.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN"))


def id_token(environ: Mapping[str, str], audience: str) -> str:
    """A signed token of this job for `audience`.

    Raises AuthError where the job lacks `id-token: write` or the issuer refuses, TransientError where it stays silent.
    """
    import urllib3

    if not available(environ):
        raise AuthError(
            "this job can't ask GitHub for an identity token",
            why="ACTIONS_ID_TOKEN_REQUEST_URL is not set: the job has no `id-token: write` permission, "
            "or it runs for a pull request from a fork.",
            do=f"Add to the job in the workflow:\n{_PERMISSION}",
        )
    url = f"{environ['ACTIONS_ID_TOKEN_REQUEST_URL']}&audience={quote(audience, safe='')}"
    retries = urllib3.Retry(4, backoff_factor=0.5, status_forcelist=(429, 500, 502, 503, 504), raise_on_status=False)
    pool = urllib3.PoolManager(
        ca_certs=_ca_bundle(environ), timeout=urllib3.Timeout(connect=5, read=10), retries=retries
    )
    try:
        answer = pool.request(
            "GET", url, headers={"Authorization": f"bearer {environ['ACTIONS_ID_TOKEN_REQUEST_TOKEN']}"}
        )
    except urllib3.exceptions.HTTPError as error:
        raise TransientError(
            "GitHub's OIDC issuer did not answer", why=type(error).__name__, do="Run the job again."
        ) from None
    if answer.status >= 500 or answer.status == 429:
        raise TransientError(f"GitHub's OIDC issuer answered {answer.status} five times", do="Run the job again.")
    try:
        if answer.status == 200:
            return str(json.loads(answer.data)["value"])
    except (ValueError, KeyError):
        pass
    raise AuthError(
        f"GitHub's OIDC issuer refused to sign a token (HTTP {answer.status})",
        details=answer.data.decode("utf-8", "replace")[:2000],
    )


def _ca_bundle(environ: Mapping[str, str]) -> str | None:
    # urllib3 reads none of these by itself; the SDKs beside us do.
    return environ.get("REQUESTS_CA_BUNDLE") or environ.get("SSL_CERT_FILE") or None
