"""Google's token endpoint and Cloud KMS, judged by google-auth and google-cloud-kms."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
import requests
from google.api_core.exceptions import BadRequest, Forbidden, NotFound
from google.auth import crypt, jwt
from google.auth.exceptions import RefreshError
from google.auth.transport.requests import Request
from google.cloud import kms
from google.oauth2 import credentials, service_account

from local import names
from local.cloud.google_accounts import TOKEN_URL, credentials_file
from tests.integration.cloud import Cloud, in_cloud
from tests.integration.key_services import cloud

__all__ = ["cloud"]

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
DECRYPT = f"https://cloudkms.googleapis.com/v1/{names.GCP_KEY}:decrypt"


def account(cloud: Cloud, email: str = names.GCP_DEPLOYER) -> Path:
    return credentials_file(cloud.state / "cloud", email)


def client(cloud: Cloud, email: str = names.GCP_DEPLOYER, *, exchange: bool = False) -> kms.KeyManagementServiceClient:
    """As an account that signs for itself, or with a token of the token endpoint."""
    found: Any = service_account.Credentials.from_service_account_file(str(account(cloud, email)), scopes=[SCOPE])
    if exchange:
        found.refresh(Request())
        found = credentials.Credentials(found.token)
    return kms.KeyManagementServiceClient(credentials=found, transport="rest")


@in_cloud
@pytest.mark.parametrize("exchange", [False, True], ids=["self-signed", "exchanged"])
def test_what_kms_encrypts_it_decrypts(cloud: Cloud, exchange: bool) -> None:
    service = client(cloud, exchange=exchange)
    sealed = service.encrypt(request={"name": names.GCP_KEY, "plaintext": b"a data key"})
    assert sealed.name == f"{names.GCP_KEY}/cryptoKeyVersions/1"
    assert sealed.protection_level == kms.ProtectionLevel.SOFTWARE
    opened = service.decrypt(request={"name": names.GCP_KEY, "ciphertext": sealed.ciphertext})
    assert opened.plaintext == b"a data key"


@in_cloud
def test_checksums_are_verified_and_sent(cloud: Cloud) -> None:
    service = client(cloud)
    # The checksum of "123456789" that the algorithm's catalogues give.
    request = {"name": names.GCP_KEY, "plaintext": b"123456789", "plaintext_crc32c": 0xE3069283}
    sealed = service.encrypt(request=request)
    assert sealed.verified_plaintext_crc32c
    opened = service.decrypt(request={"name": names.GCP_KEY, "ciphertext": sealed.ciphertext})
    assert opened.plaintext_crc32c == 0xE3069283
    with pytest.raises(BadRequest, match="did not match"):
        service.encrypt(request={**request, "plaintext_crc32c": 1})


@in_cloud
def test_additional_data_bind_a_ciphertext(cloud: Cloud) -> None:
    service = client(cloud)
    request = {"name": names.GCP_KEY, "plaintext": b"x", "additional_authenticated_data": b"shop"}
    sealed = service.encrypt(request=request).ciphertext
    with pytest.raises(BadRequest, match="ciphertext is invalid"):
        service.decrypt(request={"name": names.GCP_KEY, "ciphertext": sealed})


@in_cloud
def test_a_key_is_described(cloud: Cloud) -> None:
    assert client(cloud).get_crypto_key(name=names.GCP_KEY).purpose == kms.CryptoKey.CryptoKeyPurpose.ENCRYPT_DECRYPT


@in_cloud
def test_each_account_may_what_its_role_says(cloud: Cloud) -> None:
    sealed = client(cloud).encrypt(request={"name": names.GCP_KEY, "plaintext": b"x"}).ciphertext
    decrypter, stranger = client(cloud, names.GCP_DECRYPTER), client(cloud, names.GCP_STRANGER)
    assert decrypter.decrypt(request={"name": names.GCP_KEY, "ciphertext": sealed}).plaintext == b"x"
    with pytest.raises(Forbidden, match="useToEncrypt"):
        decrypter.encrypt(request={"name": names.GCP_KEY, "plaintext": b"x"})
    with pytest.raises(Forbidden, match="useToDecrypt") as caught:
        stranger.decrypt(request={"name": names.GCP_KEY, "ciphertext": sealed})
    assert caught.value.reason == "IAM_PERMISSION_DENIED"


@in_cloud
def test_unknown_and_disabled_keys_are_refused(cloud: Cloud) -> None:
    service = client(cloud)
    with pytest.raises(NotFound):
        service.encrypt(request={"name": f"{names.GCP_KEY_RING}/cryptoKeys/none", "plaintext": b"x"})
    with pytest.raises(BadRequest, match="DISABLED"):
        service.encrypt(request={"name": names.GCP_DISABLED_KEY, "plaintext": b"x"})
    with pytest.raises(Forbidden):
        service.encrypt(request={"name": names.GCP_KEY.replace("acme-shop", "other"), "plaintext": b"x"})


@in_cloud
@pytest.mark.parametrize(
    ("header", "reason"),
    [({}, "CREDENTIALS_MISSING"), ({"Authorization": "Bearer ya29.wrong"}, "ACCESS_TOKEN_TYPE_UNSUPPORTED")],
)
def test_no_token_and_a_wrong_one_are_refused(cloud: Cloud, header: dict[str, str], reason: str) -> None:
    answer = requests.post(DECRYPT, json={}, headers=header, timeout=10)
    assert (answer.status_code, answer.json()["error"]["status"]) == (401, "UNAUTHENTICATED")
    assert answer.json()["error"]["details"][0]["reason"] == reason
    assert "accounts.google.com" in answer.headers["WWW-Authenticate"]


@in_cloud
def test_a_token_for_another_api_opens_nothing(cloud: Cloud) -> None:
    scope = "https://www.googleapis.com/auth/devstorage.read_only"
    found = service_account.Credentials.from_service_account_file(str(account(cloud)), scopes=[scope])
    found.refresh(Request())
    answer = requests.post(DECRYPT, json={}, headers={"Authorization": f"Bearer {found.token}"}, timeout=10)
    assert answer.json()["error"]["details"][0]["reason"] == "ACCESS_TOKEN_SCOPE_INSUFFICIENT"


@in_cloud
def test_an_assertion_signed_by_another_key_buys_nothing(cloud: Cloud) -> None:
    info = json.loads(account(cloud).read_text())
    info["private_key"] = json.loads(account(cloud, names.GCP_STRANGER).read_text())["private_key"]
    with pytest.raises(RefreshError, match="Invalid JWT Signature"):
        service_account.Credentials.from_service_account_info(info, scopes=[SCOPE]).refresh(Request())


@in_cloud
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"aud": "https://evil.example"}, "audience"),
        ({"iss": "nobody@acme-shop.iam.gserviceaccount.com"}, "account not found"),
        ({"exp": int(time.time()) - 10}, "short-lived"),
        ({"exp": int(time.time()) + 7200}, "short-lived"),
        ({"scope": ""}, "scope"),
    ],
)
def test_an_assertion_has_to_be_right_in_every_claim(cloud: Cloud, change: dict[str, Any], reason: str) -> None:
    info = json.loads(account(cloud).read_text())
    now = int(time.time())
    claims = {"iss": names.GCP_DEPLOYER, "aud": TOKEN_URL, "iat": now, "exp": now + 60, "scope": SCOPE, **change}
    assertion = jwt.encode(crypt.RSASigner.from_service_account_info(info), claims).decode()
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion}
    answer = requests.post(TOKEN_URL, data=form, timeout=10)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert reason in answer.json()["error_description"]
