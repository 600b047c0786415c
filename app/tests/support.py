"""What the tests share: a shop with throwaway keys, and a server on a loopback port."""

import base64
import http.client
import json
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from shop.config import Config
from shop.keys import PAYMENT_API_KEY_FILE, SIGNING_KEY_FILE, Keys, load_keys
from shop.lifecycle import Lifecycle
from shop.routes import Application, Request, Response
from shop.server import Server

ENVIRON = {"SHOP_VERSION": "1.2.3", "SHOP_COMMIT": "3f2c9ab", "POD_NAME": "shop-7d9f-abcde", "SHOP_HOST": "127.0.0.1"}
CONFIG = Config.from_environ(ENVIRON)


def write_secret_files(directory: Path) -> tuple[str, str]:
    """A mounted Secret's two files; the base64 body of the signing key, and the payment API key."""
    body = base64.b64encode(secrets.token_bytes(96)).decode()
    lines = "\n".join(body[start : start + 64] for start in range(0, len(body), 64))
    framed = f"-----BEGIN SHOP SIGNING KEY-----\n{lines}\n-----END SHOP SIGNING KEY-----\n"
    (directory / SIGNING_KEY_FILE).write_text(framed)
    payment = secrets.token_urlsafe(32)
    (directory / PAYMENT_API_KEY_FILE).write_text(payment + "\n")
    return body, payment


def loaded_keys(directory: Path) -> Keys:
    write_secret_files(directory)
    return load_keys(directory)


def application(keys: Keys | None, *, lifecycle: Lifecycle | None = None) -> Application:
    return Application(CONFIG, keys, lifecycle or Lifecycle(), clock=lambda: 1_000_000.0)


def post(shop: Application, path: str, value: object, headers: Mapping[str, str] | None = None) -> Response:
    return shop.respond(Request("POST", path, headers or {}, json.dumps(value).encode()))


@contextmanager
def serving(shop: Application, lifecycle: Lifecycle) -> Iterator[Server]:
    server = Server(("127.0.0.1", 0), shop, lifecycle)
    server.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def connected(port: int) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        yield connection
    finally:
        connection.close()
