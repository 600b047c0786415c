"""What GitHub's resources have in common."""

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

API = "https://api.github.com"
WEB = "https://github.com"
MAX_TEXT = 65535  # characters of a comment or a check's summary
Json = dict[str, Any]
Answer = Json | list[Json] | None  # None is 204
BOT: Json = {
    "login": "github-actions[bot]",
    "id": 41898282,
    "type": "Bot",
    "url": f"{API}/users/github-actions%5Bbot%5D",
}
ids = itertools.count(1_000_001)


@dataclass(frozen=True)
class Call:
    """A request to a resource: the variable parts of its path, its JSON body and its query."""

    parts: tuple[str, ...]
    body: Json
    query: dict[str, str]

    @property
    def number(self) -> int:
        """The path's first variable part."""
        return int(self.parts[0])


Handler = Callable[[Call], Answer]
Routes = list[tuple[str, str, Handler]]  # method, pattern of the path, handler


class Invalid(Exception):
    """A request that GitHub answers with 422."""

    def __init__(self, resource: str, field: str, code: str, message: str = "") -> None:
        super().__init__("Validation Failed")
        self.errors = [{"resource": resource, "field": field, "code": code} | ({"message": message} if message else {})]


def now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def required(body: Json, resource: str, *fields: str) -> None:
    for field in fields:
        if not body.get(field):
            raise Invalid(resource, field, "missing_field")


def short(text: str | None, resource: str, field: str, limit: int) -> None:
    if text and len(text) > limit:
        raise Invalid(resource, field, "invalid", f"{field} is too long (maximum is {limit} characters)")


def one_of(value: object, resource: str, field: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise Invalid(resource, field, "invalid", f"{field} is not included in the list: {', '.join(allowed)}")
