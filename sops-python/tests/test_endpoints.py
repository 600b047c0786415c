"""Endpoint pinning: a file can't send a token anywhere but where it was made for."""

from __future__ import annotations

import pytest

from sops_python import MasterKeyError
from sops_python.endpoints import pinned_origin, pinned_region, pinned_resource, pinned_role

ACCOUNT = "111122223333"
KEY = f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/0d3e6a4f-3d77-4a3d-9f63-0f1d5b1f7c11"
CRYPTO_KEY = "projects/shop/locations/europe-west1/keyRings/sops/cryptoKeys/main"


@pytest.mark.parametrize(
    ("arn", "region"),
    [
        (KEY, "eu-central-1"),
        (f"arn:aws:kms:us-east-1:{ACCOUNT}:alias/team/sops", "us-east-1"),
        (f"arn:aws:kms:ap-southeast-5:{ACCOUNT}:key/mrk-0d3e6a4f3d774a3d9f630f1d5b1f7c11", "ap-southeast-5"),
        (f"arn:aws-cn:kms:cn-northwest-1:{ACCOUNT}:key/0d3e", "cn-northwest-1"),
        (f"arn:aws-us-gov:kms:us-gov-west-1:{ACCOUNT}:key/0d3e", "us-gov-west-1"),
    ],
)
def test_the_region_of_a_kms_key_is_its_arns(arn: str, region: str) -> None:
    assert pinned_region(arn, ["*"]) == region


@pytest.mark.parametrize(
    "arn",
    [
        "",
        "0d3e6a4f-3d77-4a3d-9f63-0f1d5b1f7c11",
        KEY.replace("eu-central-1", "evil.example"),
        KEY.replace("eu-central-1", "evil.example/#"),
        KEY.replace("eu-central-1", "eu-central-1.evil.example"),
        KEY.replace("eu-central-1", "eu-central-1@evil"),
        KEY.replace("eu-central-1", ""),
        KEY.replace("eu-central-1", "cn-north-1"),
        KEY.replace("eu-central-1", "us-gov-west-1"),
        KEY.replace("arn:aws:", "arn:aws-cn:"),
        KEY.replace("arn:aws:", "arn:aws-evil:"),
        KEY.replace("kms", "s3"),
        KEY.replace(ACCOUNT, "1"),
        KEY.replace("key/", "grant/"),
        KEY + "\n",
        KEY + "/../x",
        KEY.replace(ACCOUNT, "١٢٣٤٥٦٧٨٩٠١٢"),
    ],
)
def test_an_arn_that_could_lead_elsewhere_is_refused(arn: str) -> None:
    with pytest.raises(MasterKeyError, match="refused"):
        pinned_region(arn, ["*"])


def test_accounts_can_be_listed() -> None:
    assert pinned_region(KEY, [f"arn:aws:kms:*:{ACCOUNT}:*"]) == "eu-central-1"
    with pytest.raises(MasterKeyError, match="not an allowed one; no request was sent"):
        pinned_region(KEY, ["arn:aws:kms:*:444455556666:*"])


@pytest.mark.parametrize("arn", [f"arn:aws:iam::{ACCOUNT}:role/sops", f"arn:aws-cn:iam::{ACCOUNT}:role/a/b+c=d,e.f@g"])
def test_a_role_is_an_iam_role(arn: str) -> None:
    assert pinned_role(arn) == arn


@pytest.mark.parametrize(
    "arn", [KEY, f"arn:aws:iam::{ACCOUNT}:user/x", f"arn:aws:iam:x:{ACCOUNT}:role/x", "role/x", ""]
)
def test_what_is_no_role_is_refused(arn: str) -> None:
    with pytest.raises(MasterKeyError, match="refused"):
        pinned_role(arn)


@pytest.mark.parametrize("name", [CRYPTO_KEY, CRYPTO_KEY.replace("shop", "acme.example:shop-1")])
def test_a_resource_id_is_that_of_a_crypto_key(name: str) -> None:
    assert pinned_resource(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        f"/{CRYPTO_KEY}",
        f"{CRYPTO_KEY}/cryptoKeyVersions/1",
        CRYPTO_KEY.replace("main", "../x"),
        CRYPTO_KEY.replace("main", "main?x=y"),
        CRYPTO_KEY.replace("main", "main:encrypt"),
        CRYPTO_KEY.replace("shop", "a/b"),
        CRYPTO_KEY.replace("shop", "@evil.example"),
        CRYPTO_KEY + "\n",
    ],
)
def test_any_other_resource_id_is_refused(name: str) -> None:
    with pytest.raises(MasterKeyError, match="refused"):
        pinned_resource(name)


@pytest.mark.parametrize(
    ("url", "allowed", "origin"),
    [
        ("https://vault.acme.example", "https://vault.acme.example", "https://vault.acme.example"),
        ("https://Vault.acme.example:443/", "https://vault.acme.example", "https://vault.acme.example"),
        ("https://vault.acme.example:8200", "https://*.acme.example:8200/", "https://vault.acme.example:8200"),
        ("http://127.0.0.1:8200", "http://127.0.0.1:8200", "http://127.0.0.1:8200"),
        ("http://localhost", "http://localhost:80", "http://localhost"),
        ("https://[::1]:8200", "https://[::1]:8200", "https://[::1]:8200"),
        ("https://anything.example:1", "all", "https://anything.example:1"),
    ],
)
def test_an_allowed_origin_is_given_back(url: str, allowed: str, origin: str) -> None:
    assert pinned_origin(url, ["https://other.example", allowed]) == origin


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://evil.example", "https://vault.acme.example"),
        ("https://vault.acme.example.evil.example", "https://vault.acme.example"),
        ("https://a.b.acme.example", "https://*.acme.example"),
        ("https://vault.acme.example:8201", "https://vault.acme.example:8200"),
        ("http://vault.acme.example", "https://vault.acme.example"),
        ("http://vault.acme.example:443", "https://vault.acme.example"),
        ("https://vault.acme.example", "http://vault.acme.example"),
        ("http://anything.example", "all"),
        ("https://vault.acme.example@evil.example", "all"),
        ("https://user:pass@vault.acme.example", "all"),
        ("https://vault.acme.example/prefix", "all"),
        ("https://vault.acme.example?x", "all"),
        ("https://*.acme.example", "https://*.acme.example"),
        ("unix:///run/vault.sock", "unix:///run/vault.sock"),
        ("https://evil.example\\.acme.example", "all"),
        ("vault.acme.example", "all"),
        ("", "all"),
    ],
)
def test_any_other_origin_is_refused(url: str, allowed: str) -> None:
    with pytest.raises(MasterKeyError, match="refused"):
        pinned_origin(url, [allowed])


def test_nothing_is_allowed_unless_it_is_said() -> None:
    with pytest.raises(MasterKeyError, match=r"vault\.acme\.example is not an allowed address; no token was sent"):
        pinned_origin("https://vault.acme.example", [])
