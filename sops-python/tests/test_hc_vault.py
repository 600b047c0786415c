"""Vault's wire, against a scripted transport: no socket is opened."""

from __future__ import annotations

import secrets
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from scripted import Answer, Script, nothing_waits

from sops_python import MasterKey, MasterKeyError
from sops_python.keys.hc_vault import VaultTransitSource

ADDRESS = "https://vault.acme.example:8200"
TOKEN = "hvs.token"
DATA_KEY = secrets.token_bytes(32)
KEY = MasterKey(
    "hc_vault",
    {"vault_address": ADDRESS, "engine_path": "teams/shop/transit", "key_name": "sops"},
    "vault:v1:d3JhcHBlZA==",
)
OPENED = (200, {"data": {"plaintext": b64encode(DATA_KEY).decode()}}, {})
WRAPPED = (200, {"data": {"ciphertext": "vault:v2:d3JhcHBlZA==", "key_version": 2}}, {})


def vault(*answers: Answer | Exception, **options: Any) -> tuple[VaultTransitSource, Script]:
    script = Script(*answers)
    options = {"address": ADDRESS, **options}
    return VaultTransitSource(TOKEN, session=script.session(), sleep=nothing_waits, **options), script


def from_environment(*answers: Answer, **environ: str) -> tuple[VaultTransitSource, Script]:
    script = Script(*answers)
    source = VaultTransitSource.from_environment({"VAULT_ADDR": ADDRESS, "VAULT_TOKEN": TOKEN, **environ})
    source._service._session = script.session()
    return source, script


def test_one_decrypt_request_opens_a_data_key() -> None:
    source, script = vault(OPENED)
    assert source.unwrap(KEY) == DATA_KEY
    (request,) = script.requests
    assert (request.method, request.url) == ("POST", f"{ADDRESS}/v1/teams/shop/transit/decrypt/sops")
    assert script.bodies() == [{"ciphertext": KEY.enc}]
    assert (request.headers["X-Vault-Token"], request.headers["X-Vault-Request"]) == (TOKEN, "true")
    assert "X-Vault-Namespace" not in request.headers


def test_one_encrypt_request_wraps_a_data_key() -> None:
    source, script = vault(WRAPPED, namespace="acme")
    wrapped = source.wrap(KEY._replace(enc=""), DATA_KEY)
    assert script.requests[0].url == f"{ADDRESS}/v1/teams/shop/transit/encrypt/sops"
    assert script.requests[0].headers["X-Vault-Namespace"] == "acme"
    assert script.bodies() == [{"plaintext": b64encode(DATA_KEY).decode()}]
    assert (wrapped.enc, wrapped.fields) == ("vault:v2:d3JhcHBlZA==", KEY.fields)
    assert wrapped.created_at


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"vault_address": "https://evil.example"}, "evil.example is not an allowed address; no token was sent to it"),
        ({"vault_address": ADDRESS.replace("https", "http")}, "not an allowed address"),
        ({"vault_address": None}, "refused"),
        ({"engine_path": "transit/../sys"}, "malformed"),
        ({"engine_path": "transit?x"}, "malformed"),
        ({"engine_path": ""}, "malformed"),
        ({"engine_path": "a//b"}, "malformed"),
        ({"engine_path": "a%2fb"}, "malformed"),
        ({"key_name": "a/b"}, "malformed"),
        ({"key_name": ".."}, "malformed"),
        ({"key_name": "a\n"}, "malformed"),
    ],
)
def test_a_hostile_file_gets_neither_token_nor_request(fields: dict[str, Any], reason: str) -> None:
    source, script = vault()
    with pytest.raises(MasterKeyError) as caught:
        source.unwrap(KEY._replace(fields={**KEY.fields, **fields}))
    assert reason in caught.value.reason
    assert script.requests == []


def test_a_refused_address_says_how_to_allow_it() -> None:
    with pytest.raises(MasterKeyError, match="allow it with VAULT_ADDR or SOPS_HC_VAULT_ALLOWLIST"):
        VaultTransitSource(TOKEN).unwrap(KEY)


@pytest.mark.parametrize("listed", [ADDRESS, f"https://other.example, {ADDRESS}/", "vault.acme.example:8200", "all"])
def test_the_allow_list_of_the_environment_adds_addresses(listed: str) -> None:
    source, script = from_environment(OPENED, VAULT_ADDR="", SOPS_HC_VAULT_ALLOWLIST=listed)
    assert source.unwrap(KEY) == DATA_KEY
    assert len(script.requests) == 1


@pytest.mark.parametrize("listed", ["", "none", "https://other.example"])
def test_without_an_address_or_a_list_no_vault_gets_the_token(listed: str) -> None:
    source, script = from_environment(VAULT_ADDR="", SOPS_HC_VAULT_ALLOWLIST=listed)
    with pytest.raises(MasterKeyError, match="not an allowed address"):
        source.unwrap(KEY)
    assert script.requests == []


@pytest.mark.parametrize(
    ("environ", "verify", "certificate"),
    [
        ({"VAULT_CACERT": "/ca.pem"}, "/ca.pem", None),
        ({"VAULT_CAPATH": "/certs"}, "/certs", None),
        ({"VAULT_SKIP_VERIFY": "true", "VAULT_CACERT": "/ca.pem"}, False, None),
        ({"VAULT_CLIENT_CERT": "/c.pem", "VAULT_CLIENT_KEY": "/c.key"}, True, ("/c.pem", "/c.key")),
        ({}, True, None),
    ],
)
def test_certificates_are_as_vaults_own_variables_have_them(
    environ: dict[str, str], verify: object, certificate: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    source, script = from_environment(OPENED, **environ)
    source.unwrap(KEY)
    assert (script.options[0]["verify"], script.options[0]["cert"]) == (verify, certificate)


def test_a_named_authority_wins_over_that_of_all_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/other.pem")
    source, script = from_environment(OPENED, VAULT_CACERT="/ca.pem")
    source.unwrap(KEY)
    assert script.options[0]["verify"] == "/ca.pem"


def test_the_token_that_vault_login_left_is_used(tmp_path: Path) -> None:
    (tmp_path / ".vault-token").write_text("hvs.stored\n")
    source, script = from_environment(OPENED, VAULT_TOKEN="", HOME=str(tmp_path))
    source.unwrap(KEY)
    assert script.requests[0].headers["X-Vault-Token"] == "hvs.stored"


@pytest.mark.parametrize(("token", "reason"), [("", "no Vault token was found"), ("a\nX-Evil: b", "not one")])
def test_a_token_that_cannot_be_is_not_sent(token: str, reason: str) -> None:
    source, script = from_environment(VAULT_TOKEN=token, HOME="/nonexistent")
    with pytest.raises(MasterKeyError, match=reason) as caught:
        source.unwrap(KEY)
    assert "Evil" not in caught.value.reason
    assert script.requests == []


@pytest.mark.parametrize("enc", ["", "vault:v1:", "vault:v1:a b", "d3JhcHBlZA==", "vault:vX:aa"])
def test_a_damaged_blob_is_not_sent(enc: str) -> None:
    source, script = vault()
    with pytest.raises(MasterKeyError, match="damaged"):
        source.unwrap(KEY._replace(enc=enc))
    assert script.requests == []


def refused(status: int, text: str) -> Answer:
    return status, {"errors": [text, "internal words"]}, {}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (refused(403, "permission denied"), 'its policies lack `update` on "teams/shop/transit/decrypt/sops"'),
        (refused(400, "encryption key not found"), "no such key"),
        (refused(400, "cipher: message authentication failed"), "not wrapped with this key"),
        (refused(400, "invalid ciphertext: version is too new"), "no such version"),
        (refused(400, "ciphertext or signature version is disallowed by policy (too old)"), "min_decryption_version"),
        (refused(404, 'no handler for route "x/y". route entry not found.'), "no secrets engine at this path"),
        (refused(404, "namespace not found"), "VAULT_NAMESPACE"),
        (refused(400, "anything else"), "Vault refused the request (400)"),
        ((307, {}, {"Location": "https://evil.example/"}), "redirect (307), which is not followed"),
        ((418, ["teapot"], {}), "Vault refused (418)"),
        ((200, {"data": None}, {}), "not its API's"),
        ((200, [], {}), "not its API's"),
        ((200, {"data": {"plaintext": 1}}, {}), "not its API's"),
    ],
)
def test_a_refusal_says_what_is_missing_and_quotes_no_free_text(answer: Any, reason: str) -> None:
    source, script = vault(answer)
    with pytest.raises(MasterKeyError) as caught:
        source.unwrap(KEY)
    assert reason in caught.value.reason
    assert "internal words" not in caught.value.reason
    assert TOKEN not in caught.value.reason
    assert not caught.value.transient
    assert len(script.requests) == 1


def test_a_sealed_vault_is_transient() -> None:
    source, _ = vault(*[(503, {"errors": ["Vault is sealed"]}, {})] * 4)
    with pytest.raises(MasterKeyError, match="Vault is unavailable") as caught:
        source.unwrap(KEY)
    assert caught.value.transient


@pytest.mark.parametrize("answer", [(200, {"data": {}}, {}), (200, {"data": {"ciphertext": "x"}}, {}), (200, 1, {})])
def test_a_wrapped_key_that_is_not_vaults_is_refused(answer: Any) -> None:
    with pytest.raises(MasterKeyError, match="not its API's"):
        vault(answer)[0].wrap(KEY, DATA_KEY)


def test_a_source_shows_no_token() -> None:
    assert repr(vault()[0]) == f"<VaultTransitSource for {ADDRESS}>"
