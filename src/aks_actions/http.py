"""Plain requests, to issuers and registries: the machine's proxies and authorities, retries that are bounded."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

from .errors import AuthError, TransientError

ATTEMPTS = 5
_LONGEST_WAIT = 30.0  # seconds; a longer Retry-After is not waited for
_TRANSIENT = frozenset({408, 429, 500, 502, 503, 504})


@dataclass(frozen=True)
class Answer:
    """Status, headers by lower-case name, body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")[:2000]


class Http:
    """`wait` sleeps between attempts; a job's own sleep makes a cancellation end it at once."""

    def __init__(self, environ: Mapping[str, str], wait: Callable[[float], None] = time.sleep) -> None:
        self._environ = environ
        self._wait = wait
        self._pools: dict[str, Any] = {}

    def request(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, form: Mapping[str, str] | None = None
    ) -> Answer:
        """One answer, below 500. Redirects are followed for reads, without credentials to another host.

        Raises TransientError for a network, a 429 or a 5xx that lasted, AuthError where TLS can't be trusted.
        """
        import urllib3

        host = urlsplit(url).netloc
        sent = dict(headers or {}) | ({"Content-Type": "application/x-www-form-urlencoded"} if form else {})
        body = urlencode(form) if form else None
        trouble = ""
        for attempt in range(ATTEMPTS):
            pause = random.uniform(0.5, 1.0) * 2**attempt / 2  # noqa: S311  # jitter
            try:
                answer = self._pool(url).request(
                    method,
                    url,
                    headers=sent,
                    body=body,
                    redirect=method in {"GET", "HEAD"},
                    retries=urllib3.Retry(5, connect=0, read=0, status=0, other=0, respect_retry_after_header=False),
                )
            except urllib3.exceptions.HTTPError as error:
                if "CERTIFICATE_VERIFY_FAILED" in str(error):
                    raise AuthError(
                        f"the certificate of {host} can't be trusted",
                        why="It is not signed by an authority that this machine knows.",
                        do="Name the authority's bundle in REQUESTS_CA_BUNDLE.",
                        details=str(error),
                    ) from None
                trouble = f"{type(error).__name__}: {error}"
            else:
                if answer.status not in _TRANSIENT:
                    return Answer(answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.data)
                trouble = f"HTTP {answer.status}"
                pause = max(pause, _retry_after(answer.headers.get("Retry-After", "")))
            if pause > _LONGEST_WAIT:
                break
            if attempt < ATTEMPTS - 1:
                self._wait(pause)
        raise TransientError(
            f"{host} can't be used now: {trouble.partition(':')[0]}",
            why=f"It was tried {attempt + 1} times.",
            do="Run the job again.",
            details=trouble,
        )

    def _pool(self, url: str) -> Any:
        import urllib3

        parts = urlsplit(url)
        proxies = getproxies()
        proxy = proxies.get(parts.scheme, "")
        if proxy and proxy_bypass(parts.netloc):
            proxy = ""
        if proxy not in self._pools:
            # urllib3 reads neither variable by itself; the SDKs beside us do.
            bundle = self._environ.get("REQUESTS_CA_BUNDLE") or self._environ.get("SSL_CERT_FILE") or None
            options: dict[str, Any] = {"ca_certs": bundle, "timeout": urllib3.Timeout(connect=10, read=30)}
            if proxy and (login := urllib3.util.parse_url(proxy).auth):
                options["proxy_headers"] = urllib3.make_headers(proxy_basic_auth=unquote(login))
            self._pools[proxy] = urllib3.ProxyManager(proxy, **options) if proxy else urllib3.PoolManager(**options)
        return self._pools[proxy]


def _retry_after(value: str) -> float:
    return float(value) if value.isdigit() else 0.0
