"""A repository of the double: what its paths answer, with which permission. The resources have a file each."""

import re
from dataclasses import dataclass

from local.cloud.github_checks import Checks
from local.cloud.github_comments import Comments
from local.cloud.github_deployments import Deployments
from local.cloud.github_shapes import API, WEB, Handler, Json, Routes


@dataclass(frozen=True)
class Route:
    """What answers a path, and the permissions of which the caller needs one."""

    permissions: tuple[str, ...]
    parts: tuple[str, ...]  # the variable ones of the path
    handler: Handler


class Repository:
    """`name` is OWNER/NAME. Handlers raise KeyError for what does not exist, Invalid for a bad body."""

    def __init__(self, name: str) -> None:
        url, page = f"{API}/repos/{name}", f"{WEB}/{name}"
        self._routes: list[tuple[tuple[str, ...], Routes]] = [
            (("contents", "metadata"), [("GET", "", lambda _: description(name))]),
            (("deployments",), Deployments(url).routes()),
            (("issues", "pull-requests"), Comments(url, page).routes()),
            (("checks",), Checks(url, page).routes()),
        ]

    def route(self, method: str, path: list[str]) -> Route | None:
        """What answers a path below /repos/OWNER/NAME."""
        for permissions, routes in self._routes:
            for allowed, pattern, handler in routes:
                match = re.fullmatch(pattern, "/".join(path))
                if method == allowed and match:
                    return Route(permissions, match.groups(), handler)
        return None


def description(name: str) -> Json:
    owner, _, short = name.partition("/")
    return {
        "id": 1,
        "node_id": "R_1",
        "name": short,
        "full_name": name,
        "private": True,
        "visibility": "private",
        "owner": {"login": owner, "id": 1, "type": "Organization", "url": f"{API}/orgs/{owner}"},
        "html_url": f"{WEB}/{name}",
        "url": f"{API}/repos/{name}",
        "default_branch": "main",
        "archived": False,
        "disabled": False,
        "fork": False,
    }
