"""Readiness probes: functions that ask once, shortly, and answer yes or no."""

import http.client
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

TIMEOUT = 0.5  # seconds; everything asked is on this machine

Probe = Callable[[], bool]
Tls = Callable[[], ssl.SSLContext]


def tls(authority: Path | None, certificate: Path | None = None, key: Path | None = None) -> Tls:
    """A TLS context made at first use, when its files exist; without an authority the server is not verified."""
    made: list[ssl.SSLContext] = []

    def context() -> ssl.SSLContext:
        if not made:
            fresh = ssl.create_default_context(cafile=authority) if authority else _unverified()
            if certificate:
                fresh.load_cert_chain(certificate, key)
            made.append(fresh)
        return made[0]

    return context


def _unverified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def http_get(host: str, port: int, path: str, context: Tls | None = None) -> int | None:
    """The status of a GET, or None when nobody answers."""
    if context:
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            host, port, timeout=TIMEOUT, context=context()
        )
    else:
        connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def answers(host: str, port: int, path: str, context: Tls | None = None, expected: int = 200) -> Probe:
    return lambda: http_get(host, port, path, context) == expected


def unix_socket(path: Path) -> Probe:
    def probe() -> bool:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(TIMEOUT)
            try:
                connection.connect(str(path))
            except OSError:
                return False
            return True

    return probe


def exists(path: Path) -> Probe:
    return path.exists
