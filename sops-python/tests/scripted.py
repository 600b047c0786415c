"""A transport of prepared answers: what is said to a service, and made of its answers, without a socket."""

from __future__ import annotations

import json
from typing import Any

import requests
from requests.adapters import BaseAdapter

Answer = tuple[int, object, dict[str, str]]


class Script(BaseAdapter):
    """Gives prepared answers (or raises them) and keeps the requests."""

    def __init__(self, *answers: Answer | Exception) -> None:
        super().__init__()
        self.answers = list(answers)
        self.requests: list[requests.PreparedRequest] = []
        self.options: list[dict[str, Any]] = []

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]
        self.requests.append(request)
        self.options.append(options)
        planned = self.answers.pop(0)
        if isinstance(planned, Exception):
            raise planned
        answer = requests.Response()
        answer.status_code, body, headers = planned
        answer._content = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer.headers.update(headers)
        answer.request, answer.url = request, str(request.url)
        return answer

    def close(self) -> None:
        """Nothing is open."""

    def session(self) -> requests.Session:
        """A session that reaches nothing but this script."""
        session = requests.Session()
        session.mount("https://", self)
        session.mount("http://", self)
        return session

    def bodies(self) -> list[dict[str, str]]:
        """What was sent."""
        return [json.loads(request.body or b"") for request in self.requests]


def nothing_waits(_: float) -> None:
    """A `sleep` for tests that don't ask how long."""
