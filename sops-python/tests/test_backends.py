"""Kinds of keys beside each other: key groups of several kinds, thresholds, recipients that are missing."""

from __future__ import annotations

import itertools
from pathlib import Path

import pyrage
import pytest
from both_ways import PLAIN, RealSops, assert_both_ways
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from test_kms_moto import arn, aws, master_key

from sops_python import Creation, DataKeyError, Format, Keyring, MasterKey, decrypt, encrypt
from sops_python.keys import KeySource
from sops_python.keys.age import AgeKeySource
from sops_python.keys.kms import AwsKmsSource

__all__ = ["arn", "aws"]


@pytest.fixture
def sops(sops_binary: Path, tmp_path: Path) -> RealSops:
    return RealSops(sops_binary, tmp_path)


@pytest.fixture
def ssh() -> tuple[str, str]:
    """An SSH key: its public and its private half."""
    key = ed25519.Ed25519PrivateKey.generate()
    pem = (serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption())
    public = (serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return key.public_key().public_bytes(*public).decode(), key.private_bytes(*pem).decode()


@pytest.fixture
def three(
    arn: str, ssh: tuple[str, str], identity: pyrage.x25519.Identity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, tuple[MasterKey, KeySource]]:
    """Master keys of three kinds, with what opens each; sops finds them all in the environment."""
    public, private = ssh
    (tmp_path / "ssh").write_text(private)
    monkeypatch.setenv("SOPS_AGE_KEY", str(identity))
    monkeypatch.setenv("SOPS_AGE_SSH_PRIVATE_KEY_FILE", str(tmp_path / "ssh"))
    return {
        "age": (MasterKey("age", {"recipient": str(identity.to_public())}, ""), AgeKeySource([identity])),
        "ssh": (MasterKey("age", {"recipient": public}, ""), AgeKeySource.from_text(private)),
        "kms": (master_key(arn), AwsKmsSource()),
    }


@pytest.mark.parametrize("kind", ["age", "ssh"])
def test_each_opens_the_others_files_of_every_format(
    three: dict[str, tuple[MasterKey, KeySource]], sops: RealSops, kind: str
) -> None:
    key, source = three[kind]
    assert_both_ways(key, Keyring([source]), sops)


def test_two_groups_of_three_kinds_open_what_sops_wrote(
    three: dict[str, tuple[MasterKey, KeySource]], sops: RealSops
) -> None:
    encrypted = sops.encrypt(*(key for key, _ in three.values()), threshold=2)
    for pair in itertools.combinations(three, 2):
        assert decrypt(encrypted, keys=[three[kind][1] for kind in pair]).emit() == PLAIN
    for kind in three:
        with pytest.raises(DataKeyError, match="1 of 3 key groups could be opened and 2 are needed"):
            decrypt(encrypted, keys=[three[kind][1]])


def test_sops_opens_our_file_of_three_groups_with_any_two(
    three: dict[str, tuple[MasterKey, KeySource]], sops: RealSops, monkeypatch: pytest.MonkeyPatch
) -> None:
    creation = Creation(groups=tuple((key,) for key, _ in three.values()), threshold=2)
    encrypted = encrypt(PLAIN, creation, keys=[source for _, source in three.values()], format=Format.YAML)
    with monkeypatch.context() as missing:
        missing.delenv("SOPS_AGE_KEY")
        assert sops.decrypt(encrypted) == PLAIN
    with monkeypatch.context() as missing:
        missing.delenv("AWS_ACCESS_KEY_ID")
        assert sops.decrypt(encrypted) == PLAIN


def test_one_recipient_of_a_group_is_enough(three: dict[str, tuple[MasterKey, KeySource]]) -> None:
    creation = Creation(groups=(tuple(key for key, _ in three.values()),))
    encrypted = encrypt(PLAIN, creation, keys=[source for _, source in three.values()], format=Format.YAML)
    for _, source in three.values():
        assert decrypt(encrypted, keys=[source]).emit() == PLAIN
