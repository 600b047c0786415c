"""Which Key Vault secrets a line means, and what is told of odd ones; no vault is asked here."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

import pytest

from aks_actions.actions.decrypting import vaults
from aks_actions.actions.keys import Given
from aks_actions.azure import key_vault
from aks_actions.azure.key_vault import Vault
from aks_actions.errors import InputError
from aks_actions.http import Answer
from aks_actions.job import Job

HOST = "shop.vault.azure.net"


class Token:
    token = "a token"


class Identity:
    def __init__(self) -> None:
        self.scopes: list[str] = []

    def get_token(self, scope: str) -> Token:
        self.scopes.append(scope)
        return Token()


class Service:
    """Answers by URL path."""

    def __init__(self, answers: Mapping[str, dict[str, Any]]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def request(self, _: str, url: str, **__: object) -> Answer:
        self.asked.append(url)
        path = url.partition(HOST)[2].partition("?")[0]
        return Answer(200, {}, json.dumps(self.answers[path]).encode())


def secret(name: str, **attributes: object) -> dict[str, Any]:
    managed = {"managed": True} if attributes.pop("managed", False) else {}
    identity = f"https://{HOST}/secrets/{name}"
    return {"id": identity, "attributes": {"enabled": True, **attributes}, "value": f"value of {name}", **managed}


def read(monkeypatch: pytest.MonkeyPatch, line: str, service: Service) -> tuple[list[vaults.Contents], str]:
    monkeypatch.setattr(vaults, "Http", lambda *_: service)
    monkeypatch.setattr(vaults, "credential", lambda *_: Identity())
    job = Job({}, io.StringIO())
    with job.log.phase("Key Vault") as phase:
        found = vaults.read(job, vaults.parse([line], ()), Given(), phase)
    return found, job.log.stream.getvalue()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("line", "host", "name", "variable"),
    [
        ("shop/db", HOST, "db", ""),
        ("Shop/db | DB", HOST, "db", "DB"),
        ("shop.vault.usgovcloudapi.net/db", "shop.vault.usgovcloudapi.net", "db", ""),
        ("shop/app-* | APP_", HOST, "app-*", "APP_"),
        ("shop/*", HOST, "*", ""),
    ],
)
def test_a_line_names_a_vault_and_a_secret(line: str, host: str, name: str, variable: str) -> None:
    (named,) = vaults.parse([line], ())
    assert (named.host, named.name, named.variable) == (host, name, variable)


@pytest.mark.parametrize(
    "line",
    [
        "shop",
        "shop/",
        "/db",
        "shop/a/b",
        "shop/db#1",
        "shop/app-*#0123456789abcdef0123456789abcdef",
        "shop/db |",
        "a b/c",
    ],
)
def test_a_line_that_names_none_is_refused(line: str) -> None:
    with pytest.raises(InputError):
        vaults.parse([line], ())


@pytest.mark.parametrize("vault", ["vault.evil.example", "shop.vault.azure.net.evil.example", "a.b.vault.azure.net"])
def test_a_host_that_is_not_azures_gets_no_token(vault: str) -> None:
    with pytest.raises(InputError, match="gets no token"):
        vaults.parse([f"{vault}/db"], ())
    assert vaults.parse([f"{vault}/db"], (vault,))[0].host == vault


def test_two_versions_of_one_secret_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vaults, "credential", lambda *_: Identity())
    lines = ["shop/db", "shop/db#0123456789abcdef0123456789abcdef"]
    job = Job({}, io.StringIO())
    with job.log.phase("Key Vault") as phase, pytest.raises(InputError, match="two versions"):
        vaults.read(job, vaults.parse(lines, ()), Given(), phase)


def test_a_secret_of_a_certificate_is_left_out_of_a_pattern_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service({"/secrets": {"value": [secret("tls", managed=True), secret("db")]}, "/secrets/db": secret("db")})
    (found,), log = read(monkeypatch, "shop/*", service)
    assert found.documents == [{"db": "value of db"}]
    assert "tls (of a certificate: name it to get it)" in log


@pytest.mark.parametrize(
    ("attributes", "telling"),
    [({"exp": 1_600_000_000}, "expired on 2020-09-13"), ({"nbf": 4_000_000_000}, "is not valid before 2096-10-02")],
)
def test_a_secret_out_of_its_time_is_given_and_told(
    monkeypatch: pytest.MonkeyPatch, attributes: dict[str, int], telling: str
) -> None:
    service = Service({"/secrets/db": secret("db", **attributes)})
    (found,), log = read(monkeypatch, "shop/db", service)
    assert found.documents == [{"db": "value of db"}]
    assert telling in log


def test_a_page_that_leads_elsewhere_is_not_followed() -> None:
    service = Service({"/secrets": {"value": [], "nextLink": "https://vault.evil.example/secrets?x"}})
    vault = Vault(HOST, Identity(), service, "")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="not Key Vault's"):
        list(vault.list())
    assert len(service.asked) == 1


def test_the_token_is_for_the_clouds_own_resource() -> None:
    identity = Identity()
    host = "shop.vault.azure.cn"
    service = Service({})
    service.request = lambda *_, **__: Answer(200, {}, b'{"value": "x"}')  # type: ignore[method-assign]
    key_vault.Vault(host, identity, service, "").get("db")  # type: ignore[arg-type]
    assert identity.scopes == ["https://vault.azure.cn/.default"]
