"""Deployments and their statuses (docs.github.com/rest/deployments)."""

import hashlib
import re

from local.cloud.github_shapes import BOT, Answer, Call, Json, Routes, ids, now, one_of, required, short

STATES = ("error", "failure", "inactive", "in_progress", "queued", "pending", "success")
FILTERS = ("sha", "ref", "task", "environment")
MAX_DESCRIPTION = 140


class Deployments:
    """`url` is the repository's in the API. Newest first in every listing."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._deployments: dict[int, Json] = {}
        self._statuses: dict[int, list[Json]] = {}

    def routes(self) -> Routes:
        return [
            ("GET", "deployments", self._list),
            ("POST", "deployments", self._create),
            ("GET", r"deployments/(\d+)", lambda call: self._deployments[call.number]),
            ("GET", r"deployments/(\d+)/statuses", lambda call: self._statuses[call.number][::-1]),
            ("POST", r"deployments/(\d+)/statuses", self._create_status),
            ("GET", r"deployments/(\d+)/statuses/(\d+)", self._get_status),
        ]

    def _list(self, call: Call) -> Answer:
        wanted = {name: call.query[name] for name in FILTERS if call.query.get(name)}
        found = [
            item for item in self._deployments.values() if all(item[name] == value for name, value in wanted.items())
        ]
        return found[::-1]

    def _create(self, call: Call) -> Answer:
        body = call.body
        required(body, "Deployment", "ref")
        short(body.get("description"), "Deployment", "description", MAX_DESCRIPTION)
        number, ref, environment = next(ids), body["ref"], body.get("environment") or "production"
        # The double has no Git objects: a ref that is no commit gets a commit of its own, always the same.
        sha = (
            ref if re.fullmatch(r"[0-9a-f]{40}", ref) else hashlib.sha1(ref.encode(), usedforsecurity=False).hexdigest()
        )
        self._statuses[number] = []
        self._deployments[number] = {
            "id": number,
            "node_id": f"DE_{number}",
            "url": f"{self._url}/deployments/{number}",
            "sha": sha,
            "ref": ref,
            "task": body.get("task") or "deploy",
            "payload": body.get("payload") or {},
            "original_environment": environment,
            "environment": environment,
            "description": body.get("description"),
            "creator": BOT,
            "created_at": now(),
            "updated_at": now(),
            "statuses_url": f"{self._url}/deployments/{number}/statuses",
            "repository_url": self._url,
            "transient_environment": bool(body.get("transient_environment", False)),
            "production_environment": bool(body.get("production_environment", environment == "production")),
        }
        return self._deployments[number]

    def _create_status(self, call: Call) -> Answer:
        body, deployment = call.body, self._deployments[call.number]
        required(body, "DeploymentStatus", "state")
        one_of(body["state"], "DeploymentStatus", "state", STATES)
        short(body.get("description"), "DeploymentStatus", "description", MAX_DESCRIPTION)
        if body["state"] == "success" and body.get("auto_inactive", True):
            self._retire_earlier(deployment)
        return self._add_status(deployment, body)

    def _add_status(self, deployment: Json, body: Json) -> Json:
        identity = next(ids)
        status = {
            "id": identity,
            "node_id": f"DES_{identity}",
            "url": f"{deployment['statuses_url']}/{identity}",
            "state": body["state"],
            "creator": BOT,
            "description": body.get("description") or "",
            "environment": body.get("environment") or deployment["environment"],
            "target_url": body.get("log_url") or body.get("target_url") or "",
            "log_url": body.get("log_url") or body.get("target_url") or "",
            "environment_url": body.get("environment_url") or "",
            "created_at": now(),
            "updated_at": now(),
            "deployment_url": deployment["url"],
            "repository_url": self._url,
        }
        deployment["updated_at"] = status["created_at"]
        self._statuses[deployment["id"]].append(status)
        return status

    def _retire_earlier(self, successor: Json) -> None:
        """auto_inactive: earlier successes in the same environment become inactive, transient ones aside."""
        for deployment in self._deployments.values():
            statuses = self._statuses[deployment["id"]]
            same = deployment["environment"] == successor["environment"] and deployment is not successor
            if same and not deployment["transient_environment"] and statuses and statuses[-1]["state"] == "success":
                self._add_status(deployment, {"state": "inactive"})

    def _get_status(self, call: Call) -> Answer:
        return {str(status["id"]): status for status in self._statuses[call.number]}[call.parts[1]]
