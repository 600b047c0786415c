"""AWS KMS files, ours and the real sops's, against moto's server, which speaks AWS's API."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import botocore.session
import pytest
import requests
from both_ways import CANARY, RealSops, assert_both_ways

from sops_python import DataKeyError, Keyring, MasterKey, MasterKeyError, decrypt
from sops_python.keys.kms import AwsKmsSource
from tests.integration.aws import serving

REGION = "eu-central-1"


@pytest.fixture(scope="module")
def aws() -> Iterator[Any]:
    """moto's server, where botocore and sops find it; gives a KMS client."""
    with serving() as variables, pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        for name, value in variables.items():
            patch.setenv(name, value)
        yield botocore.session.Session().create_client("kms", region_name=REGION)


@pytest.fixture
def arn(aws: Any) -> str:
    """A new key."""
    return str(aws.create_key()["KeyMetadata"]["Arn"])


@pytest.fixture
def sops(sops_binary: Path, tmp_path: Path) -> RealSops:
    return RealSops(sops_binary, tmp_path)


def master_key(arn: str, **fields: Any) -> MasterKey:
    return MasterKey("kms", {"arn": arn, **fields}, "")


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"context": {"app": "shop", "stage": "prod"}},
        {"role": "arn:aws:iam::123456789012:role/sops"},
    ],
    ids=["plain", "context", "role"],
)
@pytest.mark.parametrize("alias", [False, True], ids=["key", "alias"])
def test_sops_and_this_package_open_each_others_files(
    aws: Any, arn: str, sops: RealSops, fields: dict[str, Any], alias: bool
) -> None:
    if alias:
        name = f"alias/a{arn[-12:]}"
        aws.create_alias(AliasName=name, TargetKeyId=arn)
        arn = f"{arn.partition(':key/')[0]}:{name}"
    assert_both_ways(master_key(arn, **fields), Keyring([AwsKmsSource()]), sops)


def test_many_threads_share_one_client(arn: str) -> None:
    source = AwsKmsSource()
    keys = [source.wrap(master_key(arn), bytes([number]) * 32) for number in range(64)]
    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(source.unwrap, keys)) == [bytes([number]) * 32 for number in range(64)]


def test_another_context_does_not_open(arn: str) -> None:
    source = AwsKmsSource()
    wrapped = source.wrap(master_key(arn, context={"app": "shop"}), bytes(32))
    with pytest.raises(MasterKeyError, match="not wrapped with this key and encryption context"):
        source.unwrap(wrapped._replace(fields={"arn": arn, "context": {"app": "other"}}))


def test_a_key_that_does_not_exist_is_said_to_be_missing(arn: str) -> None:
    with pytest.raises(MasterKeyError, match="no such key or alias"):
        AwsKmsSource().wrap(master_key(f"{arn.partition('/')[0]}/00000000-0000-0000-0000-000000000000"), bytes(32))


def test_an_identity_without_permission_is_told_what_it_lacks(aws: Any, sops: RealSops, monkeypatch: Any) -> None:
    """moto enforces IAM once it is told to."""
    url = os.environ["AWS_ENDPOINT_URL"]
    iam = botocore.session.Session().create_client("iam", region_name="us-east-1")
    iam.create_user(UserName="stranger")
    key = iam.create_access_key(UserName="stranger")["AccessKey"]
    arn = aws.create_key()["KeyMetadata"]["Arn"]
    theirs = sops.encrypt(master_key(arn))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
    requests.post(f"{url}/moto-api/reset-auth", data="0", timeout=10).raise_for_status()
    try:
        with pytest.raises(DataKeyError, match="may not use kms:Decrypt on this key") as caught:
            decrypt(theirs, keys=[AwsKmsSource()])
    finally:
        requests.post(f"{url}/moto-api/reset-auth", data="inf", timeout=10).raise_for_status()
    assert CANARY not in str(caught.value)
