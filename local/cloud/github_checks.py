"""Check runs (docs.github.com/rest/checks/runs)."""

from local.cloud.github_shapes import MAX_TEXT, Answer, Call, Invalid, Json, Routes, ids, now, one_of, required, short

STATUSES = ("queued", "in_progress", "completed", "waiting", "requested", "pending")
CONCLUSIONS = ("action_required", "cancelled", "failure", "neutral", "success", "skipped", "stale", "timed_out")
LEVELS = ("notice", "warning", "failure")
MAX_ANNOTATIONS = 50  # in one request; further requests add to them
APP: Json = {"id": 15368, "slug": "github-actions", "name": "GitHub Actions"}


class Checks:
    """`url` is the repository's in the API, `page` on the web."""

    def __init__(self, url: str, page: str) -> None:
        self._url = url
        self._page = page
        self._checks: dict[int, Json] = {}
        self._annotations: dict[int, list[Json]] = {}

    def routes(self) -> Routes:
        return [
            ("POST", "check-runs", self._create),
            ("GET", r"check-runs/(\d+)", lambda call: self._checks[call.number]),
            ("PATCH", r"check-runs/(\d+)", self._update),
            ("GET", r"check-runs/(\d+)/annotations", lambda call: self._annotations[call.number]),
            ("GET", r"commits/([^/]+)/check-runs", self._of_commit),
        ]

    def _create(self, call: Call) -> Answer:
        body = call.body
        required(body, "CheckRun", "name", "head_sha")
        changes = checked(body)
        identity = next(ids)
        self._annotations[identity] = []
        self._checks[identity] = {
            "id": identity,
            "node_id": f"CR_{identity}",
            "name": body["name"],
            "head_sha": body["head_sha"],
            "external_id": body.get("external_id", ""),
            "url": f"{self._url}/check-runs/{identity}",
            "html_url": f"{self._page}/runs/{identity}",
            "details_url": body.get("details_url") or f"{self._page}/runs/{identity}",
            "status": "queued",
            "conclusion": None,
            "started_at": body.get("started_at") or now(),
            "completed_at": None,
            "output": {
                "title": None,
                "summary": None,
                "text": None,
                "annotations_count": 0,
                "annotations_url": f"{self._url}/check-runs/{identity}/annotations",
            },
            "check_suite": {"id": 1},
            "app": APP,
            "pull_requests": [],
        }
        return self._change(identity, changes)

    def _update(self, call: Call) -> Answer:
        if call.number not in self._checks:
            raise KeyError(call.number)
        return self._change(call.number, checked(call.body))

    def _change(self, identity: int, body: Json) -> Json:
        check = self._checks[identity]
        fields = ("name", "status", "conclusion", "details_url", "external_id", "started_at", "completed_at")
        check.update({field: body[field] for field in fields if field in body})
        output = dict(body.get("output", {}))
        self._annotations[identity] += output.pop("annotations", [])
        check["output"].update({field: output[field] for field in ("title", "summary", "text") if field in output})
        check["output"]["annotations_count"] = len(self._annotations[identity])
        return check

    def _of_commit(self, call: Call) -> Answer:
        wanted = {
            field: value
            for field, name in (("name", "check_name"), ("status", "status"))
            if (value := call.query.get(name))
        }
        found = [
            check
            for check in self._checks.values()
            if check["head_sha"] == call.parts[0] and all(check[field] == value for field, value in wanted.items())
        ]
        return {"total_count": len(found), "check_runs": found[::-1]}


def checked(body: Json) -> Json:
    """The body, a conclusion having completed the run; raises Invalid."""
    if "conclusion" in body:
        one_of(body["conclusion"], "CheckRun", "conclusion", CONCLUSIONS)
        body = {"completed_at": now(), **body, "status": "completed"}
    elif body.get("status") == "completed":
        raise Invalid("CheckRun", "conclusion", "missing_field")
    if "status" in body:
        one_of(body["status"], "CheckRun", "status", STATUSES)
    if output := body.get("output"):
        required(output, "CheckRun", "summary")
        short(output["summary"], "CheckRun", "summary", MAX_TEXT)
        annotations = output.get("annotations", [])
        if len(annotations) > MAX_ANNOTATIONS:
            raise Invalid("CheckRun", "annotations", "invalid", f"No more than {MAX_ANNOTATIONS} items are allowed")
        for annotation in annotations:
            required(annotation, "CheckRun", "path", "start_line", "end_line", "annotation_level", "message")
            one_of(annotation["annotation_level"], "CheckRun", "annotation_level", LEVELS)
    return body
