"""What GitHub's runner service gives a job: the OIDC request variables, and a GITHUB_TOKEN.

Both are signed with a key of the state directory (`cloud/runner.key`), so that whoever owns the world can ask for any
subject or permission, and the doubles keep no list of jobs.
"""

import secrets
import time
from pathlib import Path
from typing import Any, Literal

import jwt

from local import names
from local.cloud.files import write
from local.cloud.identities import OIDC_ISSUER

Audience = Literal["oidc", "rest"]
JOB_SECONDS = 6 * 3600  # GitHub ends a job after six hours
REQUEST_URL = f"{OIDC_ISSUER}/idtoken/1/1?api-version=2.0"


def _key_file(state: Path) -> Path:
    return state / "cloud" / "runner.key"


def ensure_key(state: Path) -> str:
    if not _key_file(state).exists():
        write(_key_file(state), secrets.token_hex(32).encode(), secret=True)
    return _key_file(state).read_text()


def _token(state: Path, audience: Audience, claims: dict[str, Any]) -> str:
    now = int(time.time())
    claims = {"aud": audience, "iat": now, "exp": now + JOB_SECONDS, **claims}
    return jwt.encode(claims, _key_file(state).read_text(), algorithm="HS256")


def read_token(state: Path, audience: Audience, token: str) -> dict[str, Any]:
    """The claims of a job's token; raises jwt.InvalidTokenError for a foreign, expired or misdirected one."""
    claims: dict[str, Any] = jwt.decode(token, ensure_key(state), algorithms=["HS256"], audience=audience)
    return claims


def job_token(
    subject: str, *, state: Path = names.STATE, repository: str = names.REPOSITORY, lifetime: int = 300, **claims: str
) -> str:
    """An ACTIONS_ID_TOKEN_REQUEST_TOKEN whose id tokens have this subject.

    `lifetime` is theirs in seconds (negative: expired when issued); `claims` override the usual ones, as `event_name`.
    Raises FileNotFoundError where no double was ever started on `state`.
    """
    oidc = {"sub": subject, "repository": repository, **claims}
    return _token(state, "oidc", {"oidc": oidc, "lifetime": lifetime})


def job_environment(
    subject: str, *, state: Path = names.STATE, repository: str = names.REPOSITORY, lifetime: int = 300, **claims: str
) -> dict[str, str]:
    """The two variables that a job with `id-token: write` sees; see `job_token`."""
    token = job_token(subject, state=state, repository=repository, lifetime=lifetime, **claims)
    return {"ACTIONS_ID_TOKEN_REQUEST_URL": REQUEST_URL, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": token}


def github_token(
    *,
    state: Path = names.STATE,
    repository: str = names.REPOSITORY,
    permissions: dict[str, Literal["read", "write"]] | None = None,
    rate_limit: int = 1000,
) -> str:
    """A GITHUB_TOKEN for one repository; by default one that may write deployments, checks and comments.

    `permissions` are named as in a workflow; `rate_limit` is in requests per hour.
    """
    if permissions is None:
        permissions = {
            "contents": "read",
            "deployments": "write",
            "checks": "write",
            "issues": "write",
            "pull-requests": "write",
        }
    claims = {
        "repository": repository,
        "permissions": permissions,
        "rate_limit": rate_limit,
        "jti": secrets.token_hex(8),
    }
    return "ghs_" + _token(state, "rest", claims)
