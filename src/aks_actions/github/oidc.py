"""GitHub's OIDC issuer: one fresh assertion a call, since each lives five minutes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from urllib.parse import quote

from ..errors import AuthError
from ..http import Http

_PERMISSION = "permissions:\n  id-token: write\n  contents: read"


def available(environ: Mapping[str, str]) -> bool:
    """Whether this job may ask for a token at all."""
    return bool(environ.get("ACTIONS_ID_TOKEN_REQUEST_URL") and environ.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN"))


def id_token(environ: Mapping[str, str], audience: str, wait: Callable[[float], None] = time.sleep) -> str:
    """A signed token of this job for `audience`.

    Raises AuthError where the job lacks `id-token: write` or the issuer refuses, TransientError where it stays silent.
    """
    if not available(environ):
        raise AuthError(
            "this job can't ask GitHub for an identity token",
            why="ACTIONS_ID_TOKEN_REQUEST_URL is not set: the job has no `id-token: write` permission, "
            "or it runs for a pull request from a fork.",
            do=f"Add to the job in the workflow:\n{_PERMISSION}",
        )
    url = f"{environ['ACTIONS_ID_TOKEN_REQUEST_URL']}&audience={quote(audience, safe='')}"
    bearer = {"Authorization": f"bearer {environ['ACTIONS_ID_TOKEN_REQUEST_TOKEN']}"}
    answer = Http(environ, wait).request("GET", url, headers=bearer)
    try:
        if answer.status == 200:
            return str(json.loads(answer.body)["value"])
    except (ValueError, KeyError):
        pass
    raise AuthError(
        f"GitHub's OIDC issuer refused to sign a token (HTTP {answer.status})",
        details="" if answer.status == 200 else answer.text,
    )
