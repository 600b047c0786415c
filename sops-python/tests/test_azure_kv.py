"""Key Vault's wire, against a scripted transport: no socket is opened."""

from __future__ import annotations

import json
import re
import secrets
import time
from base64 import urlsafe_b64encode
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from scripted import Answer, Script

from sops_python import MasterKey, MasterKeyError
from sops_python.keys.azure_kv import AzureKeyVaultSource

DATA_KEY = secrets.token_bytes(32)
VAULT_KEY = MasterKey(
    "azure_kv", {"vault_url": "https://shop.vault.azure.net", "name": "sops", "version": "1f"}, "d3JhcHBlZA"
)


class Token(NamedTuple):
    """As azure-core's."""

    token: str
    expires_on: int


class Credential:
    """Gives numbered tokens that live for `seconds`, or raises."""

    def __init__(self, seconds: float = 3600, error: Exception | None = None) -> None:
        self.seconds = seconds
        self.error = error
        self.scopes: list[str] = []

    def get_token(self, *scopes: str, **_: Any) -> Token:
        self.scopes += scopes
        if self.error:
            raise self.error
        return Token(f"token-{len(self.scopes)}", int(time.time() + self.seconds))


OPENED = (
    200,
    {"kid": "https://shop.vault.azure.net/keys/sops/1f", "value": urlsafe_b64encode(DATA_KEY).decode().rstrip("=")},
    {},
)


def refused(status: int, code: str, inner: str = "", **headers: str) -> Answer:
    error: dict[str, Any] = {"code": code, "message": "oid=00000000 internal words"}
    if inner:
        error["innererror"] = {"code": inner}
    return status, {"error": error}, {name.replace("_", "-"): value for name, value in headers.items()}


class Vault(NamedTuple):
    """A source, its transport, its credential, and the seconds it waited."""

    source: AzureKeyVaultSource
    script: Script
    credential: Credential
    waited: list[float]


def vault(*answers: Answer | Exception, credential: Credential | None = None) -> Vault:
    script, waited = Script(*answers), list[float]()
    chosen = credential or Credential()
    return Vault(AzureKeyVaultSource(chosen, session=script.session(), sleep=waited.append), script, chosen, waited)


def test_one_decrypt_request_opens_a_data_key() -> None:
    source, script, credential, _ = vault(OPENED)
    assert source.unwrap(VAULT_KEY) == DATA_KEY
    (request,) = script.requests
    assert request.method == "POST"
    assert request.url == "https://shop.vault.azure.net/keys/sops/1f/decrypt?api-version=7.4"
    assert json.loads(request.body or b"") == {"alg": "RSA-OAEP-256", "value": "d3JhcHBlZA"}
    assert request.headers["Authorization"] == "Bearer token-1"
    assert credential.scopes == ["https://vault.azure.net/.default"]


def test_one_token_serves_many_files_and_a_dying_one_is_replaced() -> None:
    source, script, credential, _ = vault(*[OPENED] * 6)
    for _ in range(3):
        source.unwrap(VAULT_KEY)
    assert len(credential.scopes) == 1
    source, script, credential, _ = vault(*[OPENED] * 2, credential=Credential(seconds=60))
    source.unwrap(VAULT_KEY)
    source.unwrap(VAULT_KEY)
    assert [request.headers["Authorization"] for request in script.requests] == ["Bearer token-1", "Bearer token-2"]


def test_threads_that_start_together_ask_for_one_token() -> None:
    source, script, credential, _ = vault(*[OPENED] * 64)
    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(source.unwrap, [VAULT_KEY] * 64)) == [DATA_KEY] * 64
    assert len(credential.scopes) == 1
    assert len(script.requests) == 64


@pytest.mark.parametrize(
    ("host", "scope"),
    [
        ("a.vault.usgovcloudapi.net", "https://vault.usgovcloudapi.net/.default"),
        ("a.vault.azure.cn", "https://vault.azure.cn/.default"),
        ("a.managedhsm.azure.net", "https://managedhsm.azure.net/.default"),
    ],
)
def test_the_token_is_asked_for_the_vaults_own_cloud(host: str, scope: str) -> None:
    source, _, credential, _ = vault(OPENED)
    source.unwrap(MasterKey("azure_kv", {**VAULT_KEY.fields, "vault_url": f"https://{host}/"}, VAULT_KEY.enc))
    assert credential.scopes == [scope]


@pytest.mark.parametrize(
    "fields",
    [
        {"vault_url": "https://shop.vault.azure.net.evil.example"},
        {"vault_url": "http://shop.vault.azure.net"},
        {"vault_url": None},
        {"name": "sops/../../secrets/x"},
        {"version": "1?x="},
        {"name": ""},
    ],
)
def test_a_hostile_address_gets_neither_token_nor_request(fields: dict[str, Any]) -> None:
    source, script, credential, _ = vault()
    with pytest.raises(MasterKeyError, match=r"refused|malformed"):
        source.unwrap(MasterKey("azure_kv", {**VAULT_KEY.fields, **fields}, VAULT_KEY.enc))
    assert (script.requests, credential.scopes) == ([], [])


def test_a_host_of_ones_own_can_be_allowed() -> None:
    session = Script(OPENED).session()
    source = AzureKeyVaultSource(Credential(), session=session, allowed_hosts=["*.vault.internal.example"])
    key = MasterKey("azure_kv", {**VAULT_KEY.fields, "vault_url": "https://a.vault.internal.example"}, VAULT_KEY.enc)
    assert source.unwrap(key) == DATA_KEY


def test_throttling_waits_as_long_as_it_is_asked_to() -> None:
    source, script, _, waited = vault(
        refused(429, "Throttled", Retry_After="7"), refused(503, "ServiceUnavailable"), OPENED
    )
    assert source.unwrap(VAULT_KEY) == DATA_KEY
    assert waited[0] == 7
    assert 0 < waited[1] <= 2
    assert len(script.requests) == 3


def test_throttling_without_end_is_transient() -> None:
    source, script, _, waited = vault(*[refused(429, "Throttled", Retry_After="1")] * 4)
    with pytest.raises(MasterKeyError, match="throttles requests") as caught:
        source.unwrap(VAULT_KEY)
    assert caught.value.transient
    assert (len(script.requests), waited) == (4, [1, 1, 1])


def test_a_wait_beyond_the_bound_is_not_waited_for() -> None:
    source, script, _, waited = vault(refused(429, "Throttled", Retry_After="3600"))
    with pytest.raises(MasterKeyError, match="asks to wait 3600 s"):
        source.unwrap(VAULT_KEY)
    assert (len(script.requests), waited) == (1, [])


def test_a_lost_connection_is_tried_again_and_then_transient() -> None:
    source, script, _, _ = vault(requests.ConnectionError("reset"), OPENED)
    assert source.unwrap(VAULT_KEY) == DATA_KEY
    source, script, _, _ = vault(*[requests.ConnectTimeout()] * 4)
    with pytest.raises(MasterKeyError, match="cannot be reached") as caught:
        source.unwrap(VAULT_KEY)
    assert caught.value.transient
    assert len(script.requests) == 4


def test_a_redirect_is_not_followed() -> None:
    source, script, _, _ = vault((302, {}, {"Location": "https://evil.example/"}))
    with pytest.raises(MasterKeyError, match=r"redirect \(302\), which is not followed"):
        source.unwrap(VAULT_KEY)
    assert len(script.requests) == 1


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (refused(403, "Forbidden", "ForbiddenByRbac"), "Key Vault Crypto User"),
        (refused(403, "Forbidden", "ForbiddenByPolicy"), "key permission `decrypt`"),
        (refused(403, "Forbidden", "KeyDisabled"), "disabled"),
        (refused(403, "Forbidden", "ForbiddenByFirewall"), "firewall"),
        (refused(403, "Forbidden"), "Key Vault Crypto User"),
        (refused(404, "KeyNotFound"), "no such key or version"),
        (refused(401, "Unauthorized"), "another tenant"),
        (refused(400, "BadParameter"), "not wrapped with this key version"),
        ((418, ["teapot"], {}), "the vault refused (418)"),
        ((200, {"kid": "x"}, {}), "an answer that is not its API's"),
        ((200, [], {}), "an answer that is not its API's"),
    ],
)
def test_a_refusal_says_what_is_missing_and_quotes_no_free_text(answer: Any, reason: str) -> None:
    with pytest.raises(MasterKeyError) as caught:
        vault(answer).source.unwrap(VAULT_KEY)
    assert reason in caught.value.reason
    assert "internal words" not in caught.value.reason
    assert not caught.value.transient


def test_a_netrc_does_not_replace_the_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text("machine shop.vault.azure.net login a password b\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    source, script, _, _ = vault(OPENED)
    source.unwrap(VAULT_KEY)
    assert script.requests[0].headers["Authorization"] == "Bearer token-1"


def test_a_credential_without_a_token_is_told_from_an_unreachable_authority() -> None:
    with pytest.raises(MasterKeyError, match="no Azure token: AADSTS700024") as caught:
        vault(credential=Credential(error=ClientAuthenticationError("AADSTS700024: expired\nTrace"))).source.unwrap(
            VAULT_KEY
        )
    assert not caught.value.transient
    with pytest.raises(MasterKeyError, match="ServiceRequestError") as caught:
        vault(credential=Credential(error=ServiceRequestError("no route"))).source.unwrap(VAULT_KEY)
    assert caught.value.transient


def test_what_rsa_oaep_256_wrapped_is_what_the_vaults_answer_means() -> None:
    private = rsa.generate_private_key(65537, 2048)
    oaep = padding.OAEP(padding.MGF1(SHA256()), SHA256(), None)
    wrapped = urlsafe_b64encode(private.public_key().encrypt(DATA_KEY, oaep)).decode()
    source, script, _, _ = vault(OPENED)
    source.unwrap(MasterKey("azure_kv", VAULT_KEY.fields, wrapped))  # padding and blanks in a file do no harm
    assert "=" not in json.loads(script.requests[0].body or b"")["value"]


def wrapped_by(version: str) -> Answer:
    return 200, {"kid": f"https://shop.vault.azure.net/keys/sops/{version}", "value": "d3JhcHBlZA=="}, {}


def test_one_encrypt_request_wraps_a_data_key_with_the_version_that_the_file_names() -> None:
    source, script, _, _ = vault(wrapped_by("1f"))
    wrapped = source.wrap(VAULT_KEY._replace(enc=""), DATA_KEY)
    (request,) = script.requests
    assert request.url == "https://shop.vault.azure.net/keys/sops/1f/encrypt?api-version=7.4"
    assert script.bodies() == [{"alg": "RSA-OAEP-256", "value": urlsafe_b64encode(DATA_KEY).decode().rstrip("=")}]
    assert wrapped.enc == "d3JhcHBlZA"
    assert wrapped.fields == VAULT_KEY.fields
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", wrapped.created_at)


def test_a_key_without_a_version_gets_the_one_that_wrapped() -> None:
    source, script, _, _ = vault(wrapped_by("2e"))
    wrapped = source.wrap(VAULT_KEY._replace(fields={**VAULT_KEY.fields, "version": ""}), DATA_KEY)
    assert script.requests[0].url == "https://shop.vault.azure.net/keys/sops//encrypt?api-version=7.4"
    assert wrapped.fields["version"] == "2e"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (refused(403, "Forbidden", "ForbiddenByRbac"), "keys/encrypt on this key: give it the role"),
        (refused(400, "BadParameter"), "cannot wrap with this key"),
        (refused(403, "Forbidden", "KeyOperationForbidden"), "lacks `encrypt`"),
        ((200, {"value": "d3JhcHBlZA"}, {}), "not its API's"),
        ((200, {"kid": "x", "value": "<b>"}, {}), "not its API's"),
        ((200, ["x"], {}), "not its API's"),
        ((200, b"<html>", {}), "not its API's"),
    ],
)
def test_a_key_that_cannot_wrap_says_what_is_missing(answer: Any, reason: str) -> None:
    with pytest.raises(MasterKeyError, match=re.escape(reason)):
        vault(answer).source.wrap(VAULT_KEY, DATA_KEY)
