"""What is trusted by connections that share it, without opening any."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme

from sops_python.keys.http import new_session

URL = "https://keys.example/x"


@pytest.fixture
def authority(tmp_path: Path) -> str:
    """A file of one authority."""
    path = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(path))
    return str(path)


def pool(session: requests.Session, verify: bool | str, url: str = URL) -> Any:
    """The pool that a request would take its connection from, as `send` prepares it."""
    adapter: Any = session.get_adapter(url)
    request = requests.Request("GET", url).prepare()
    found = adapter.get_connection_with_tls_context(request, verify)
    adapter.cert_verify(found, url, verify, None)
    return found


def test_authorities_are_read_once_for_all_hosts_and_connections(authority: str) -> None:
    with new_session() as session:
        first, other = pool(session, authority), pool(session, authority, "https://other.example/")
        assert first is not other
        assert first.conn_kw["ssl_context"] is other.conn_kw["ssl_context"]
        assert (first.ca_certs, first.ca_cert_dir) == (None, None)  # or urllib3 would read them again


def test_certificates_and_names_are_checked_against_the_authorities_given(authority: str) -> None:
    with new_session() as session:
        found = pool(session, authority)
        context = found.conn_kw["ssl_context"]
        assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
        assert found.cert_reqs == "CERT_REQUIRED"
        assert len(context.get_ca_certs()) == 1
        assert pool(session, True).conn_kw["ssl_context"] is not context
        assert len(pool(session, True).conn_kw["ssl_context"].get_ca_certs()) > 1


def test_only_who_asks_for_it_checks_no_certificates() -> None:
    with new_session() as session:
        found = pool(session, False)
        assert "ssl_context" not in found.conn_kw
        assert found.cert_reqs == "CERT_NONE"


def test_a_file_of_authorities_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with new_session() as session, pytest.raises(OSError):
        pool(session, str(tmp_path / "none.pem"))
