"""Streams /v2/ to the real registry and back, without holding a blob in memory."""

import http.client
from contextlib import closing, suppress

from local.cloud.wire import CHUNK, ClientGone, Pieces, Request, Response, reply

TIMEOUT = 120  # seconds of silence from the registry
HOP_BY_HOP = {
    "connection",
    "keep-alive",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "expect",
}


class RegistryProxy:
    def __init__(self, host: str, port: int) -> None:
        self._address = (host, port)

    def forward(self, request: Request) -> Response:
        upstream = http.client.HTTPConnection(*self._address, timeout=TIMEOUT)
        try:
            upstream.connect()
        except OSError as error:
            upstream.close()
            text = f"the registry behind the double does not answer: {error}"
            return reply(503, {"errors": [{"code": "UNAVAILABLE", "message": text}]})
        try:
            self._send(upstream, request)
            answer = upstream.getresponse()
        except ClientGone:
            upstream.close()
            raise
        except (OSError, http.client.HTTPException) as error:
            upstream.close()
            return reply(502, {"errors": [{"code": "UNAVAILABLE", "message": f"the registry broke off: {error!r}"}]})
        headers = tuple(
            (name, value) for name, value in answer.getheaders() if name.lower() not in HOP_BY_HOP | {"date"}
        )
        return Response(answer.status, pieces(upstream, answer), headers)

    def _send(self, upstream: http.client.HTTPConnection, request: Request) -> None:
        target = request.path + (f"?{request.raw_query}" if request.raw_query else "")
        upstream.putrequest(request.method, target, skip_host=True, skip_accept_encoding=True)
        # The registry builds Location from these two: it must name the registry, not loopback.
        upstream.putheader("Host", request.host)
        upstream.putheader("X-Forwarded-Proto", "https")
        for name, value in request.headers.items():
            if name.lower() not in HOP_BY_HOP | {"host", "x-forwarded-proto", "x-forwarded-host", "forwarded"}:
                upstream.putheader(name, value)
        if request.body.chunked:
            upstream.putheader("Transfer-Encoding", "chunked")
        upstream.endheaders()
        # A registry that refuses early stops reading; its answer is waiting all the same.
        with suppress(BrokenPipeError, ConnectionResetError):
            self._send_body(upstream, request)

    def _send_body(self, upstream: http.client.HTTPConnection, request: Request) -> None:
        for piece in request.body:
            upstream.send(b"%x\r\n%b\r\n" % (len(piece), piece) if request.body.chunked else piece)
        if request.body.chunked:
            upstream.send(b"0\r\n\r\n")


def pieces(upstream: http.client.HTTPConnection, answer: http.client.HTTPResponse) -> Pieces:
    """The answer's body as it comes; raises ConnectionError when it is cut, so that the client's is cut too."""
    with closing(upstream), closing(answer):
        left = answer.length
        while piece := answer.read1(CHUNK):
            left = None if left is None else left - len(piece)
            yield piece
        if left:
            raise ConnectionError("the registry's answer was cut")
