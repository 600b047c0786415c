"""Comments on issues and pull requests (docs.github.com/rest/issues/comments)."""

from local.cloud.github_shapes import BOT, MAX_TEXT, Answer, Call, Json, Routes, ids, now, required, short


class Comments:
    """`url` is the repository's in the API, `page` on the web. Every number is an open pull request."""

    def __init__(self, url: str, page: str) -> None:
        self._url = url
        self._page = page
        self._comments: dict[int, Json] = {}

    def routes(self) -> Routes:
        return [
            ("GET", r"issues/(\d+)", self._issue),
            ("GET", r"issues/(\d+)/comments", lambda call: self._of(call.number)),
            ("POST", r"issues/(\d+)/comments", self._create),
            ("GET", r"issues/comments/(\d+)", lambda call: self._comments[call.number]),
            ("PATCH", r"issues/comments/(\d+)", self._update),
            ("DELETE", r"issues/comments/(\d+)", self._delete),
        ]

    def _issue(self, call: Call) -> Answer:
        number = call.number
        return {
            "id": number,
            "node_id": f"PR_{number}",
            "number": number,
            "url": f"{self._url}/issues/{number}",
            "comments_url": f"{self._url}/issues/{number}/comments",
            "html_url": f"{self._page}/pull/{number}",
            "repository_url": self._url,
            "title": f"Pull request {number}",
            "state": "open",
            "user": BOT,
            "comments": len(self._of(number)),
            "pull_request": {"url": f"{self._url}/pulls/{number}", "html_url": f"{self._page}/pull/{number}"},
        }

    def _of(self, number: int) -> list[Json]:
        issue = f"{self._url}/issues/{number}"
        return [comment for comment in self._comments.values() if comment["issue_url"] == issue]

    def _create(self, call: Call) -> Answer:
        body, number, identity = checked(call.body), call.number, next(ids)
        self._comments[identity] = {
            "id": identity,
            "node_id": f"IC_{identity}",
            "url": f"{self._url}/issues/comments/{identity}",
            "html_url": f"{self._page}/pull/{number}#issuecomment-{identity}",
            "issue_url": f"{self._url}/issues/{number}",
            "body": body,
            "user": BOT,
            "author_association": "NONE",
            "created_at": now(),
            "updated_at": now(),
        }
        return self._comments[identity]

    def _update(self, call: Call) -> Answer:
        comment = self._comments[call.number]
        comment.update(body=checked(call.body), updated_at=now())
        return comment

    def _delete(self, call: Call) -> Answer:
        del self._comments[call.number]
        return None


def checked(body: Json) -> str:
    """The comment's text; raises Invalid."""
    required(body, "IssueComment", "body")
    text = str(body["body"])
    short(text, "IssueComment", "body", MAX_TEXT)
    return text
