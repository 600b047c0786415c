"""HTTP to key services: one connection pool, bounded retries, no redirects, no free text of a service in a reason."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from threading import Lock
from typing import TYPE_CHECKING, Any

from sops_python.errors import MasterKeyError

if TYPE_CHECKING:
    import requests

POOL = 32  # connections a host: more than a key ring asks for at a time; beyond it threads wait, none is thrown away
_TIMEOUT = (10, 30)  # seconds to connect, to answer
_TRIES = 4
_LONGEST_WAIT = 30.0  # seconds of Retry-After that are waited for; a longer one ends the attempt
_TRANSIENT = frozenset((408, 429, 500, 502, 503, 504))

Refusal = Callable[[int, Any], str]  # an answer's status and JSON body (None: no JSON) → why, and what to do


class KeyService:
    """The connections to one kind of service. Threads share it."""

    def __init__(
        self,
        name: str,
        *,
        session: requests.Session | None = None,
        sleep: Callable[[float], None] = time.sleep,
        verify: bool | str | None = None,
        certificate: str | tuple[str, str] | None = None,
    ) -> None:
        """`name` begins the reasons.

        `session`: a requests session of the caller's own (proxies, certificates). `verify`: a file or folder of
        authorities, or False; else what the environment says. `certificate`: the client's own, with its key.
        """
        self._name = name
        self._session = session
        self._sleep = sleep
        self._verify = verify
        self._certificate = certificate
        self._lock = Lock()

    def post(self, url: str, body: dict[str, str], headers: dict[str, str], refusal: Refusal) -> Any:
        """The JSON that a 200 brings. `headers` hold the token; `refusal` words what no other try would change.

        Raises MasterKeyError.
        """
        import requests

        for attempt in range(1, _TRIES + 1):
            last = attempt == _TRIES
            wait = 2.0 ** (attempt - 1) * random.uniform(0.5, 1.0)  # noqa: S311  # jitter
            try:
                answer = self.open_session().post(
                    url,
                    json=body,
                    auth=_Headers(headers),
                    timeout=_TIMEOUT,
                    allow_redirects=False,  # a token follows no redirect
                    verify=self._verify,
                    cert=self._certificate,
                )
            except (requests.ConnectionError, requests.Timeout) as error:
                if "CERTIFICATE_VERIFY_FAILED" in str(error):
                    raise self._untrusted() from None
                if last:
                    raise self._failure(f"cannot be reached ({type(error).__name__})", transient=True) from None
            except (requests.RequestException, OSError) as error:  # OSError: a file of authorities that isn't there
                raise MasterKeyError(f"the request to {self._name} failed ({type(error).__name__})") from None
            else:
                if answer.status_code == 200:
                    return self._json(answer)
                asked = retry_after(answer.headers.get("Retry-After", ""))
                if answer.status_code not in _TRANSIENT or last or (asked or 0) > _LONGEST_WAIT:
                    raise self._refused(answer, asked, refusal)
                wait = asked if asked is not None else wait
            self._sleep(wait)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def open_session(self) -> requests.Session:
        """The session of all requests, made with the first."""
        with self._lock:
            if self._session is None:
                self._session = new_session()
            return self._session

    def _json(self, answer: requests.Response) -> Any:
        try:
            return answer.json()
        except ValueError:
            raise self.strange() from None

    def strange(self) -> MasterKeyError:
        """The failure for a 200 that does not hold what the service's API promises."""
        return self._failure("gave an answer that is not its API's")

    def _refused(self, answer: requests.Response, asked: float | None, refusal: Refusal) -> MasterKeyError:
        status = answer.status_code
        if status == 429:
            wait = f"; it asks to wait {asked:.0f} s" if asked is not None else ""
            return self._failure(f"throttles requests (429){wait}", transient=True)
        if status in _TRANSIENT:
            return self._failure(f"is unavailable ({status})", transient=True)
        if 300 <= status < 400:
            return self._failure(f"answered with a redirect ({status}), which is not followed")
        try:
            body = answer.json()
        except ValueError:
            body = None
        return MasterKeyError(refusal(status, body))

    def _untrusted(self) -> MasterKeyError:
        return self._failure(
            "shows a certificate of an authority that this machine does not trust (REQUESTS_CA_BUNDLE)"
        )

    def _failure(self, what: str, *, transient: bool = False) -> MasterKeyError:
        return MasterKeyError(f"{self._name} {what}", transient=transient)


def new_session() -> requests.Session:
    """A session with a pool for many threads, that keeps no cookies: those are no thread's own."""
    from http.cookiejar import DefaultCookiePolicy

    import requests

    from sops_python.keys.adapter import SharedTrustAdapter

    session = requests.Session()
    session.mount("https://", SharedTrustAdapter(pool_connections=POOL, pool_maxsize=POOL, pool_block=True))
    session.mount("http://", SharedTrustAdapter(pool_connections=POOL, pool_maxsize=POOL, pool_block=True))
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
    return session


def retry_after(text: str) -> float | None:
    """Seconds, from the digits or the date of a Retry-After (RFC 9110, section 10.2.3)."""
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (TypeError, ValueError, OverflowError):
        return None


def word(value: object) -> str:
    """A code of a service that may be quoted; empty for anything that could be free text."""
    plain = isinstance(value, str) and len(value) <= 64 and value.isascii()
    return str(value) if plain and str(value).replace("_", "").isalnum() else ""


class _Headers:
    """As `auth`, not as headers: requests would replace a header by what a .netrc says of the host."""

    def __init__(self, headers: dict[str, str]) -> None:
        self._headers = headers

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers.update(self._headers)
        return request
