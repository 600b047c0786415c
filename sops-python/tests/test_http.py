"""What all key services share: waits, retries, pools, certificates."""

from __future__ import annotations

import time
from email.utils import formatdate
from typing import Any

import pytest
import requests
from requests.cookies import MockRequest, create_cookie
from scripted import Script, nothing_waits
from urllib3.poolmanager import PoolManager

from sops_python import MasterKeyError
from sops_python.keys.http import POOL, KeyService, new_session, retry_after, word

URL = "https://keys.example/x"


def plain(status: int, _: Any) -> str:
    return f"refused {status}"


def ask(*answers: Any, **options: Any) -> tuple[Any, Script, list[float]]:
    script, waited = Script(*answers), list[float]()
    service = KeyService("The service", session=script.session(), sleep=waited.append, **options)
    return service.post(URL, {"a": "b"}, {"X-Token": "t"}, plain), script, waited


def test_a_retry_after_may_be_a_date() -> None:
    (answer, script, waited) = ask((503, {}, {"Retry-After": formatdate(time.time() + 9, usegmt=True)}), (200, [1], {}))
    assert answer == [1]
    assert len(script.requests) == 2
    assert 7 < waited[0] <= 9


@pytest.mark.parametrize(("text", "seconds"), [("3", 3.0), ("", None), ("soon", None), ("-1", None), ("٣", None)])
def test_what_is_no_retry_after_is_ignored(text: str, seconds: float | None) -> None:
    assert retry_after(text) == seconds


def test_a_date_that_has_passed_means_now() -> None:
    assert retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0.0


def test_a_pool_has_a_connection_for_each_request_in_flight_and_throws_none_away() -> None:
    from sops_python.keys import IN_FLIGHT

    with new_session() as session:
        manager = session.get_adapter("https://keys.example").poolmanager  # type: ignore[attr-defined]
        assert isinstance(manager, PoolManager)
        pool = manager.connection_from_host("keys.example", 443, "https")
        assert pool.pool is not None
        assert (pool.block, pool.pool.maxsize) == (True, POOL)
        assert POOL >= IN_FLIGHT


def test_an_untrusted_certificate_is_final_and_named() -> None:
    error = requests.exceptions.SSLError("[SSL: CERTIFICATE_VERIFY_FAILED] unable to get local issuer certificate")
    with pytest.raises(MasterKeyError, match="an authority that this machine does not trust") as caught:
        ask(error)
    assert not caught.value.transient


def test_a_handshake_that_breaks_off_is_tried_again() -> None:
    assert ask(requests.exceptions.SSLError("EOF occurred in violation of protocol"), (200, {}, {}))[0] == {}


def test_no_failure_holds_the_request_or_the_answer() -> None:
    for answer in ((500, {"x": "INTERNAL"}, {}), (418, {"x": "INTERNAL"}, {}), requests.ConnectionError("INTERNAL")):
        script = Script(*[answer] * 4)
        service = KeyService("The service", session=script.session(), sleep=nothing_waits)
        with pytest.raises(MasterKeyError) as caught:
            service.post(URL, {"a": "b"}, {"X-Token": "t"}, plain)
        assert "INTERNAL" not in caught.value.reason
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_cookies_are_not_kept() -> None:
    with new_session() as session:
        received = MockRequest(requests.Request("GET", URL).prepare())
        session.cookies.set_cookie_if_ok(create_cookie("a", "b", domain="keys.example"), received)
        assert not session.cookies


@pytest.mark.parametrize(
    ("value", "quoted"),
    [("KeyDisabled", "KeyDisabled"), ("A_B", "A_B"), ("two words", ""), ("x" * 65, ""), (7, ""), ("é", "")],
)
def test_only_a_code_is_quoted(value: object, quoted: str) -> None:
    assert word(value) == quoted
