"""What each path answers: requests to responses, without a socket in sight."""

import hmac
import json
import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from shop import cart, content, metrics, page
from shop.config import Config
from shop.keys import Keys
from shop.lifecycle import Lifecycle

PAYMENT_SIGNATURE_HEADER = "x-payment-signature"


@dataclass(frozen=True)
class Request:
    method: str
    path: str  # without the query
    headers: Mapping[str, str] = field(default_factory=dict)  # names in lower case
    body: bytes = b""


@dataclass(frozen=True)
class Response:
    status: int
    body: bytes
    content_type: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


class Application:
    """The shop. `keys` is None when it runs without secrets: then carts and payments answer 503."""

    def __init__(
        self, config: Config, keys: Keys | None, lifecycle: Lifecycle, clock: Callable[[], float] = time.time
    ) -> None:
        self._config = config
        self._keys = keys
        self._lifecycle = lifecycle
        self._clock = clock
        self._identity = {"version": config.version, "commit": config.commit}
        self.metrics = metrics.Metrics({**self._identity, "python": platform.python_version()})
        self._routes: dict[str, dict[str, Callable[[Request], Response]]] = {
            "/": {"GET": self._page},
            "/version": {"GET": self._version},
            "/healthz": {"GET": self._live},
            "/readyz": {"GET": self._ready},
            "/metrics": {"GET": self._metrics},
            "/cart": {"POST": self._cart},
            "/payments": {"POST": self._payment},
        }

    def route(self, path: str) -> str:
        """The name to count a path under: what clients make up is one name, or metrics would grow without end."""
        return path if path in self._routes else "other"

    def respond(self, request: Request) -> Response:
        methods = self._routes.get(request.path)
        if methods is None:
            return Response(404, b"not found\n")
        # HEAD is GET without the body, which the server leaves out.
        handler = methods.get("GET" if request.method == "HEAD" else request.method)
        if handler is None:
            allowed = ", ".join((*methods, "HEAD") if "GET" in methods else methods)
            return Response(405, b"method not allowed\n", headers={"Allow": allowed})
        return handler(request)

    def _page(self, _: Request) -> Response:
        html = page.render(self._config, content.GREETING, content.CATALOGUE, secret_loaded=self._keys is not None)
        headers = {"Content-Security-Policy": page.SECURITY_POLICY, "Cache-Control": "no-store"}
        return Response(200, html.encode(), "text/html; charset=utf-8", headers)

    def _version(self, _: Request) -> Response:
        return _json(200, {"name": self._config.name, **self._identity, "pod": self._config.pod})

    def _live(self, _: Request) -> Response:
        # The process only: a dependency here would restart every replica when that dependency is down.
        return Response(200, b"ok\n")

    def _ready(self, _: Request) -> Response:
        return Response(200 if self._lifecycle.ready else 503, f"{self._lifecycle.phase}\n".encode())

    def _metrics(self, _: Request) -> Response:
        return Response(200, self.metrics.render(ready=self._lifecycle.ready).encode(), metrics.CONTENT_TYPE)

    def _cart(self, request: Request) -> Response:
        """JSON {"cart": token or absent, "item": code, "quantity": n} to the new cart's items, total and token."""
        if self._keys is None:
            return _json(503, {"error": "the shop runs without its secrets"})
        try:
            order = _object(request.body)
            now = self._clock()
            before = cart.unseal(order["cart"], self._keys, now) if "cart" in order else cart.Cart({})
            after = before.with_item(order.get("item"), order.get("quantity"))
        except cart.CartError as error:
            return _json(400, {"error": str(error)})
        token = cart.seal(after, self._keys, now)
        return _json(200, {"items": after.items, "total": after.total, "cart": token})

    def _payment(self, request: Request) -> Response:
        """The payment provider's notice, JSON {"cart": token, "amount": minor units}, with
        `X-Payment-Signature: sha256=HEX`, the HMAC of the body under the shared API key."""
        if self._keys is None:
            return _json(503, {"error": "the shop runs without its secrets"})
        expected = f"sha256={self._keys.sign_payment(request.body).hex()}"
        received = request.headers.get(PAYMENT_SIGNATURE_HEADER, "")
        # As bytes: compare_digest refuses text that is not ASCII.
        if not hmac.compare_digest(expected.encode(), received.encode("utf-8", "replace")):
            return _json(401, {"error": f"{PAYMENT_SIGNATURE_HEADER} does not match the body"})
        try:
            notice = _object(request.body)
            paid = cart.unseal(notice.get("cart"), self._keys, self._clock())
        except cart.CartError as error:
            return _json(400, {"error": str(error)})
        if notice.get("amount") != paid.total:
            return _json(409, {"error": "the amount is not the cart's total", "total": paid.total})
        return _json(200, {"paid": paid.total, "items": paid.items})


def _object(body: bytes) -> dict[str, object]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise cart.CartError("the body is not JSON") from None
    if not isinstance(value, dict):
        raise cart.CartError("the body is not a JSON object")
    return value


def _json(status: int, value: Mapping[str, object]) -> Response:
    headers = {"Cache-Control": "no-store"}
    return Response(status, json.dumps(value).encode() + b"\n", "application/json", headers)
