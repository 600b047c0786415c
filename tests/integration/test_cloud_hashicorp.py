"""HashiCorp Vault's transit engine, judged by hvac."""

from __future__ import annotations

import base64

import hvac
import pytest
import requests
from hvac.exceptions import Forbidden, InvalidPath, InvalidRequest

from local import names
from tests.integration.cloud import Cloud, in_cloud
from tests.integration.key_services import cloud

__all__ = ["cloud"]

PLAINTEXT = base64.b64encode(b"a data key").decode()
KEY = names.HC_VAULT_KEY


def client(token: str = names.HC_VAULT_TOKEN, namespace: str | None = None) -> hvac.Client:
    return hvac.Client(names.HC_VAULT_URL, token, namespace=namespace)


@in_cloud
def test_what_transit_encrypts_it_decrypts(cloud: Cloud) -> None:
    transit = client().secrets.transit
    sealed = transit.encrypt_data(KEY, plaintext=PLAINTEXT)["data"]["ciphertext"]
    assert sealed.startswith("vault:v1:")
    assert transit.decrypt_data(KEY, ciphertext=sealed)["data"]["plaintext"] == PLAINTEXT


@in_cloud
def test_a_rotated_key_opens_what_its_older_version_wrapped_until_it_may_not(cloud: Cloud) -> None:
    transit = client(names.HC_VAULT_ROOT_TOKEN).secrets.transit
    transit.create_key("turning")
    old = transit.encrypt_data("turning", plaintext=PLAINTEXT)["data"]["ciphertext"]
    transit.rotate_key("turning")
    new = transit.encrypt_data("turning", plaintext=PLAINTEXT)["data"]["ciphertext"]
    assert new.startswith("vault:v2:")
    assert transit.read_key("turning")["data"]["latest_version"] == 2
    assert transit.decrypt_data("turning", ciphertext=old)["data"]["plaintext"] == PLAINTEXT
    transit.update_key_configuration("turning", min_decryption_version=2)
    assert transit.decrypt_data("turning", ciphertext=new)["data"]["plaintext"] == PLAINTEXT
    with pytest.raises(InvalidRequest, match="disallowed by policy"):
        transit.decrypt_data("turning", ciphertext=old)


@in_cloud
def test_a_token_may_what_its_policies_say(cloud: Cloud) -> None:
    assert client().is_authenticated()
    assert client(names.HC_VAULT_STRANGER_TOKEN).is_authenticated()
    assert not client("hvs.wrong").is_authenticated()
    for token in (names.HC_VAULT_STRANGER_TOKEN, "hvs.wrong"):
        with pytest.raises(Forbidden, match="permission denied"):
            client(token).secrets.transit.encrypt_data(KEY, plaintext=PLAINTEXT)
    with pytest.raises(Forbidden):
        client().secrets.transit.read_key(KEY)
    with pytest.raises(Forbidden):
        client().secrets.transit.encrypt_data("sops-of-others", plaintext=PLAINTEXT)


@in_cloud
@pytest.mark.parametrize(
    ("ciphertext", "reason"),
    [
        ("nonsense", "no prefix"),
        ("vault:v9:AAAA", "version is too new"),
        ("vault:v1:AAAA", "invalid ciphertext length"),
        (f"vault:v1:{'A' * 64}", "message authentication failed"),
    ],
)
def test_what_transit_did_not_encrypt_it_refuses(cloud: Cloud, ciphertext: str, reason: str) -> None:
    with pytest.raises(InvalidRequest, match=reason):
        client().secrets.transit.decrypt_data(KEY, ciphertext=ciphertext)


@in_cloud
def test_unknown_keys_engines_and_namespaces_are_refused(cloud: Cloud) -> None:
    root = client(names.HC_VAULT_ROOT_TOKEN)
    with pytest.raises(InvalidRequest, match="encryption key not found"):
        root.secrets.transit.decrypt_data("none", ciphertext="vault:v1:AAAA")
    with pytest.raises(InvalidPath):
        root.secrets.transit.read_key("none")
    with pytest.raises(InvalidPath, match="no handler for route"):
        root.secrets.transit.decrypt_data(KEY, ciphertext="x", mount_point="other")
    with pytest.raises(InvalidPath, match="namespace not found"):
        client(namespace="other").secrets.transit.decrypt_data(KEY, ciphertext="x")


@in_cloud
def test_health_needs_no_token(cloud: Cloud) -> None:
    assert requests.get(f"{names.HC_VAULT_URL}/v1/sys/health", timeout=10).json()["sealed"] is False
