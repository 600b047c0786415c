"""api.github.com: authentication, rate limits, ETags and pages around the repository's resources (`github_state`).

Shapes: docs.github.com/rest, API version 2022-11-28.
"""

import hashlib
import json
import re
import threading
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jwt

from local import names
from local.cloud.github_shapes import API, Call, Invalid
from local.cloud.github_state import Repository
from local.cloud.runner import read_token
from local.cloud.wire import Refusal, Request, Response, refuse, reply

VERSIONS = ("2022-11-28", "2026-03-10")
DOCS = "https://docs.github.com/rest"
HOUR = 3600


@dataclass
class Quota:
    """Requests of one token inside the running hour."""

    limit: int
    reset: int = field(default_factory=lambda: int(time.time()) + HOUR)
    used: int = 0

    def headers(self) -> tuple[tuple[str, str], ...]:
        return (
            ("X-RateLimit-Limit", str(self.limit)),
            ("X-RateLimit-Remaining", str(max(0, self.limit - self.used))),
            ("X-RateLimit-Reset", str(self.reset)),
            ("X-RateLimit-Used", str(self.used)),
            ("X-RateLimit-Resource", "core"),
        )


@dataclass(frozen=True)
class Caller:
    """What a GITHUB_TOKEN allows: one repository, and permissions named as in a workflow."""

    repository: str
    permissions: dict[str, str]

    def may(self, permission: str, *, write: bool) -> bool:
        return self.permissions.get(permission) == "write" or (not write and self.permissions.get(permission) == "read")


class GitHubRest:
    def __init__(self, state: Path) -> None:
        self._state = state
        self._lock = threading.Lock()
        self._repositories: dict[str, Repository] = {}
        self._quotas: dict[str, Quota] = {}

    def __call__(self, request: Request) -> Response:
        version = request.headers.get("X-GitHub-Api-Version", VERSIONS[0])
        selected = ("X-GitHub-Api-Version-Selected", version)
        common = (
            selected,
            ("X-GitHub-Request-Id", str(uuid.uuid4())),
            ("X-GitHub-Media-Type", "github.v3; format=json"),
        )
        body = request.read()  # before the lock: a slow client holds up nobody
        with self._lock:
            try:
                if version not in VERSIONS:
                    raise error(400, f"The API version '{version}' is not supported. Supported: {', '.join(VERSIONS)}.")
                return self._answer(request, body).with_headers(*common)
            except Refusal as refusal:
                return refusal.response.with_headers(*common)

    def _answer(self, request: Request, body: bytes) -> Response:
        caller, quota = self._caller(request)
        if request.segments == ["rate_limit"]:
            core = {
                "limit": quota.limit,
                "used": quota.used,
                "remaining": quota.limit - quota.used,
                "reset": quota.reset,
            }
            return reply(200, {"resources": {"core": core}, "rate": core}, *quota.headers())
        if quota.used >= quota.limit:
            refused = error(403, "API rate limit exceeded for installation.")
            raise Refusal(refused.response.with_headers(*quota.headers()))
        quota.used += 1
        try:
            response = self._resource(request, caller, body)
        except Refusal as refusal:
            raise Refusal(refusal.response.with_headers(*quota.headers())) from refusal
        if request.method == "GET" and response.status == 200 and isinstance(response.body, bytes):
            etag = f'W/"{hashlib.sha256(response.body).hexdigest()}"'
            if etag in request.headers.get("If-None-Match", ""):
                quota.used -= 1  # an unchanged answer is free
                response = Response(304)
            response = response.with_headers(("ETag", etag), ("Cache-Control", "private, max-age=60, s-maxage=60"))
        return response.with_headers(*quota.headers())

    def _caller(self, request: Request) -> tuple[Caller, Quota]:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if not token:
            raise error(404, "Not Found")  # to strangers a private repository does not exist
        try:
            if scheme.lower() not in ("bearer", "token") or not token.startswith("ghs_"):
                raise jwt.InvalidTokenError("not a GITHUB_TOKEN")
            claims = read_token(self._state, "rest", token.removeprefix("ghs_"))
        except jwt.InvalidTokenError as refused:
            raise error(401, "Bad credentials") from refused
        quota = self._quotas.get(claims["jti"])
        if quota is None or quota.reset <= time.time():
            quota = self._quotas[claims["jti"]] = Quota(claims["rate_limit"])
        return Caller(claims["repository"], claims["permissions"]), quota

    def _resource(self, request: Request, caller: Caller, body: bytes) -> Response:
        parts = request.segments
        name = "/".join(parts[1:3])
        # A GITHUB_TOKEN sees its own repository; the rest of the (private) world is 404 to it.
        if parts[0] != "repos" or name != caller.repository or name.partition("/")[0] != names.OWNER:
            raise error(404, "Not Found")
        repository = self._repositories.setdefault(name, Repository(name))
        route = repository.route(request.method, parts[3:])
        if route is None:
            raise error(404, "Not Found")
        if not any(caller.may(permission, write=request.method != "GET") for permission in route.permissions):
            accepted = "; ".join(
                f"{permission}={'read' if request.method == 'GET' else 'write'}" for permission in route.permissions
            )
            refused = error(403, "Resource not accessible by integration").response
            raise Refusal(refused.with_headers(("X-Accepted-GitHub-Permissions", accepted.replace("-", "_"))))
        try:
            value = json.loads(body or b"{}")
            answer = route.handler(Call(route.parts, value if isinstance(value, dict) else {}, request.query))
        except json.JSONDecodeError as broken:
            raise error(400, "Problems parsing JSON") from broken
        except KeyError as missing:
            raise error(404, "Not Found") from missing
        except Invalid as invalid:
            raise error(422, str(invalid), errors=invalid.errors) from invalid
        if answer is None:
            return Response(204)
        return (
            page(request, answer)
            if isinstance(answer, list)
            else reply(201 if request.method == "POST" else 200, answer)
        )


def page(request: Request, items: list[dict[str, Any]]) -> Response:
    """One page of a listing and the Link header to the others."""
    size = min(max(int(request.query.get("per_page", "30")), 1), 100)
    number = max(int(request.query.get("page", "1")), 1)
    last = max(1, -(-len(items) // size))
    query = re.sub(r"&?\bpage=\d+", "", request.raw_query).strip("&")
    query = query + "&" if query else ""
    relations = [("next", number + 1), ("last", last)] if number < last else []
    relations += [("prev", number - 1), ("first", 1)] if number > 1 else []
    link = ", ".join(f'<{API}{request.path}?{query}page={target}>; rel="{relation}"' for relation, target in relations)
    return reply(200, items[(number - 1) * size : number * size], *([("Link", link)] if link else []))


def error(status: int, message: str, **more: Any) -> Refusal:
    return refuse(status, {"message": message, **more, "documentation_url": DOCS, "status": str(status)})
