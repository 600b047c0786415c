"""What every service of the double is made of: a request in, a response out, a refusal raised."""

import email.message
import io
import json
import urllib.parse
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from typing import Any

JSON_TYPE = "application/json; charset=utf-8"
MAX_BODY = 64 * 1024 * 1024  # bytes of a body that is read whole; blobs are streamed and have no limit
CHUNK = 256 * 1024

Pieces = Generator[bytes, None, None]  # a body that is streamed; closed when it is no longer needed


@dataclass(frozen=True)
class Response:
    """A status, headers and a body: bytes, or pieces that are sent as they come."""

    status: int
    body: bytes | Pieces = b""
    headers: tuple[tuple[str, str], ...] = ()

    def with_headers(self, *headers: tuple[str, str]) -> "Response":
        return Response(self.status, self.body, self.headers + headers)


def reply(status: int, value: object, *headers: tuple[str, str]) -> Response:
    """A JSON response."""
    return Response(status, json.dumps(value).encode(), (("Content-Type", JSON_TYPE), *headers))


class Refusal(Exception):
    """A request that is answered with an error: raised anywhere inside a service, sent by the server."""

    def __init__(self, response: Response) -> None:
        super().__init__(f"refused with {response.status}")
        self.response = response


def refuse(status: int, value: object, *headers: tuple[str, str]) -> Refusal:
    return Refusal(reply(status, value, *headers))


class ClientGone(Exception):
    """The client closed the connection, stalled, or broke the framing inside a request body."""


class Body:
    """A request's body on the wire, by Content-Length or chunked (RFC 9112, section 7.1)."""

    def __init__(self, stream: io.BufferedIOBase, headers: email.message.Message) -> None:
        self._stream = stream
        self.chunked = "chunked" in headers.get("Transfer-Encoding", "").lower()
        self.length = int(headers.get("Content-Length") or 0)
        self._left = self.length
        self.ended = not self.chunked and self.length == 0

    def __iter__(self) -> Iterator[bytes]:
        """The body's bytes, decoded, at most CHUNK at a time; raises ClientGone when it breaks off."""
        try:
            while not self.ended:
                if piece := self._next():
                    yield piece
        except (OSError, ValueError) as error:
            raise ClientGone(str(error)) from error

    def _next(self) -> bytes:
        if self.chunked and self._left == 0:
            self._left = int(self._stream.readline(1024).split(b";")[0], 16)
            if self._left == 0:
                while self._stream.readline(8192) not in (b"\r\n", b"\n", b""):
                    pass  # trailers
                self.ended = True
                return b""
        piece = self._stream.read(min(self._left, CHUNK))
        if not piece:
            raise ValueError("the connection ended inside a request body")
        self._left -= len(piece)
        if self._left == 0:
            if self.chunked:
                self._stream.readline()
            else:
                self.ended = True
        return piece

    def read(self) -> bytes:
        pieces, total = [], 0
        for piece in self:
            total += len(piece)
            if total > MAX_BODY:
                raise Refusal(Response(413))
            pieces.append(piece)
        return b"".join(pieces)


@dataclass(frozen=True)
class Request:
    """One request. `path` is as sent (not decoded), without the query; `query` holds the last value of each name."""

    method: str
    host: str
    path: str
    raw_query: str
    headers: email.message.Message  # any letter case
    body: Body
    _cache: dict[str, bytes] = field(default_factory=dict, repr=False)

    @property
    def query(self) -> dict[str, str]:
        return dict(urllib.parse.parse_qsl(self.raw_query, keep_blank_values=True))

    @property
    def segments(self) -> list[str]:
        """The path's parts, decoded; empty ones are kept, since `keys/NAME//decrypt` means the newest version."""
        return [urllib.parse.unquote(part) for part in self.path.split("/")[1:]]

    def read(self) -> bytes:
        if "body" not in self._cache:
            self._cache["body"] = self.body.read()
        return self._cache["body"]

    def form(self) -> dict[str, str]:
        return dict(urllib.parse.parse_qsl(self.read().decode(errors="replace"), keep_blank_values=True))

    def json(self) -> dict[str, Any]:
        """The body as a JSON object; raises ValueError for anything else."""
        value = json.loads(self.read() or b"{}")
        if not isinstance(value, dict):
            raise ValueError("the body must be a JSON object")
        return value

    def bearer(self) -> str | None:
        """The token of `Authorization: Bearer …`, or None when the request carries none."""
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" and token.strip() else None


Service = Callable[[Request], Response]
