"""token.actions.githubusercontent.com: GitHub's issuer of id tokens for jobs.

Shapes: docs.github.com, "OpenID Connect reference".
"""

import re
import time
import uuid
from pathlib import Path
from typing import Any

import jwt

from local.cloud.identities import OIDC_ISSUER
from local.cloud.keys import SigningKey
from local.cloud.runner import read_token
from local.cloud.wire import Request, Response, refuse, reply

SHA = "0" * 40


class GitHubOidc:
    """Discovery, keys, and the endpoint that ACTIONS_ID_TOKEN_REQUEST_URL names."""

    def __init__(self, key: SigningKey, state: Path) -> None:
        self.key = key
        self._state = state

    def __call__(self, request: Request) -> Response:
        match request.segments:
            case [".well-known", "openid-configuration"]:
                return reply(200, discovery())
            case [".well-known", "jwks"]:
                return reply(200, self.key.jwks())
            case ["idtoken", _, _] if request.method == "GET":
                return reply(200, {"count": 1, "value": self._id_token(request)})
        raise refuse(404, {"message": "Not Found"})

    def _id_token(self, request: Request) -> str:
        try:
            job = read_token(self._state, "oidc", request.bearer() or "")
        except jwt.InvalidTokenError as error:
            raise refuse(401, {"message": "Bad credentials"}) from error
        oidc: dict[str, Any] = job["oidc"]
        now = int(time.time())
        audience = request.query.get("audience") or f"https://github.com/{oidc['repository'].partition('/')[0]}"
        times = {"iat": now, "nbf": min(now - 600, now + job["lifetime"]), "exp": now + job["lifetime"]}
        return self.key.sign(usual_claims(oidc["sub"], oidc["repository"]) | oidc | times | {"aud": audience})


def discovery() -> dict[str, Any]:
    return {
        "issuer": OIDC_ISSUER,
        "jwks_uri": f"{OIDC_ISSUER}/.well-known/jwks",
        "subject_types_supported": ["public", "pairwise"],
        "response_types_supported": ["id_token"],
        "claims_supported": [
            "sub",
            "aud",
            "exp",
            "iat",
            "iss",
            "jti",
            "nbf",
            *usual_claims("repo:o/r:ref:refs/heads/main", "o/r"),
        ],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid"],
    }


def usual_claims(subject: str, repository: str) -> dict[str, str]:
    """A job's claims, as far as its subject tells (`repo:O/R:environment:E`, `…:ref:R`, `…:pull_request`)."""
    owner = repository.partition("/")[0]
    ref_in_subject = re.search(r":ref:(refs/.+)$", subject)
    environment = re.search(r":environment:(.+)$", subject)
    pull_request = subject.endswith(":pull_request")
    ref = ref_in_subject[1] if ref_in_subject else "refs/pull/1/merge" if pull_request else "refs/heads/main"
    workflow = f"{repository}/.github/workflows/main.yml@{ref}"
    claims = {
        "iss": OIDC_ISSUER,
        "jti": str(uuid.uuid4()),
        "repository": repository,
        "repository_id": "1",
        "repository_owner": owner,
        "repository_owner_id": "1",
        "repository_visibility": "private",
        "ref": ref,
        "ref_type": "tag" if ref.startswith("refs/tags/") else "branch",
        "ref_protected": "false",
        "sha": SHA,
        "run_id": "1",
        "run_number": "1",
        "run_attempt": "1",
        "actor": owner,
        "actor_id": "1",
        "workflow": "main",
        "workflow_ref": workflow,
        "workflow_sha": SHA,
        "job_workflow_ref": workflow,
        "job_workflow_sha": SHA,
        "head_ref": "change" if pull_request else "",
        "base_ref": "main" if pull_request else "",
        "event_name": "pull_request" if pull_request else "push",
        "runner_environment": "self-hosted",
    }
    return claims | ({"environment": environment[1]} if environment else {})
