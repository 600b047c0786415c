"""AWS KMS without AWS: what is asked of botocore, and what its errors mean. No socket is opened."""

from __future__ import annotations

import secrets
from base64 import b64encode
from pathlib import Path
from typing import Any

import botocore.exceptions
import pytest
from botocore.exceptions import ClientError

from sops_python import MasterKey, MasterKeyError
from sops_python.keys import kms
from sops_python.keys.kms import AwsKmsSource, session_name

DATA_KEY = secrets.token_bytes(32)
ARN = "arn:aws:kms:eu-central-1:111122223333:key/0d3e6a4f-3d77-4a3d-9f63-0f1d5b1f7c11"
ROLE = "arn:aws:iam::111122223333:role/sops"
KEY = MasterKey("kms", {"arn": ARN}, b64encode(b"wrapped").decode())


class Client:
    """Answers, or raises, and keeps what it was asked."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.asked: list[dict[str, Any]] = []

    def decrypt(self, **parameters: Any) -> dict[str, bytes]:
        return self._answer(parameters, {"Plaintext": DATA_KEY})

    def encrypt(self, **parameters: Any) -> dict[str, bytes]:
        return self._answer(parameters, {"CiphertextBlob": b"wrapped"})

    def _answer(self, parameters: dict[str, Any], answer: dict[str, bytes]) -> dict[str, bytes]:
        self.asked.append(parameters)
        if self.error:
            raise self.error
        return answer


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str | None, str | None, str]]:
    """What clients were made for: profile, role, region."""
    names: list[tuple[str | None, str | None, str]] = []

    def make(*name: Any) -> Client:
        names.append(name)
        return Client()

    monkeypatch.setattr(kms, "_make_client", make)
    return names


def failing(error: Exception, monkeypatch: pytest.MonkeyPatch) -> AwsKmsSource:
    monkeypatch.setattr(kms, "_make_client", lambda *_: Client(error))
    return AwsKmsSource()


def with_fields(**fields: Any) -> MasterKey:
    return KEY._replace(fields={"arn": ARN, **fields})


def test_what_is_wrapped_and_unwrapped_is_bound_to_key_and_context(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client()
    monkeypatch.setattr(kms, "_make_client", lambda *_: client)
    source, key = AwsKmsSource(), with_fields(context={"app": "shop", "none": None})
    assert source.unwrap(key) == DATA_KEY
    wrapped = source.wrap(key._replace(enc=""), DATA_KEY)
    assert (wrapped.enc, wrapped.fields) == (KEY.enc, key.fields)
    assert wrapped.created_at
    bound = {"KeyId": ARN, "EncryptionContext": {"app": "shop"}}
    assert client.asked == [{"CiphertextBlob": b"wrapped", **bound}, {"Plaintext": DATA_KEY, **bound}]


def test_one_client_serves_all_files_of_a_profile_role_and_region(made: list[Any]) -> None:
    source = AwsKmsSource()
    for _ in range(3):
        source.unwrap(KEY)
        source.unwrap(with_fields(role=ROLE, aws_profile=""))
        source.unwrap(with_fields(aws_profile="shop"))
        source.unwrap(with_fields(arn=ARN.replace("eu-central-1", "us-east-1")))
    assert made == [
        (None, None, "eu-central-1"),
        (None, ROLE, "eu-central-1"),
        ("shop", None, "eu-central-1"),
        (None, None, "us-east-1"),
    ]


def test_a_profile_of_the_callers_wins_over_the_files(made: list[Any]) -> None:
    AwsKmsSource(profile="ci").unwrap(with_fields(aws_profile="shop"))
    assert made == [("ci", None, "eu-central-1")]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"arn": ARN.replace("eu-central-1", "evil.example")}, "refused"),
        ({"arn": None}, "refused"),
        ({"role": "arn:aws:iam::111122223333:user/x"}, "refused"),
        ({"context": ["a"]}, "not a mapping"),
        ({"context": {"a": 1}}, "something else than text"),
    ],
)
def test_a_hostile_or_damaged_file_makes_no_client(made: list[Any], fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(MasterKeyError, match=reason):
        AwsKmsSource().unwrap(with_fields(**fields))
    assert made == []


def test_a_key_of_another_account_can_be_kept_out(made: list[Any]) -> None:
    with pytest.raises(MasterKeyError, match="not an allowed one"):
        AwsKmsSource(allowed_arns=["arn:aws:kms:*:444455556666:*"]).unwrap(KEY)
    assert made == []


def test_a_damaged_blob_is_not_sent(made: list[Any]) -> None:
    with pytest.raises(MasterKeyError, match="not base64"):
        AwsKmsSource().unwrap(KEY._replace(enc="?"))
    assert made == []


def answered(code: str, operation: str = "Decrypt", status: int = 400) -> ClientError:
    response: Any = {
        "Error": {"Code": code, "Message": "internal words"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(response, operation)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (answered("AccessDeniedException"), "may not use kms:Decrypt on this key: allow it in the key policy"),
        (answered("AccessDenied", "AssumeRole", 403), "it needs sts:AssumeRole, and the role's trust policy"),
        (answered("NotFoundException"), "no such key or alias"),
        (answered("DisabledException"), "the key is disabled"),
        (answered("KMSInvalidStateException"), "pending deletion"),
        (answered("InvalidCiphertextException"), "not wrapped with this key and encryption context"),
        (answered("IncorrectKeyException"), "not wrapped with this key"),
        (answered("ExpiredTokenException"), "credentials have expired"),
        (answered("UnrecognizedClientException"), "AWS does not know the credentials"),
        (answered("InvalidSignatureException"), "is the secret access key (or this machine's clock) right?"),
        (answered("Brandnew"), "KMS refused (Brandnew)"),
        (answered("free text"), "KMS refused (no code)"),
        (botocore.exceptions.NoCredentialsError(), "no AWS credentials were found"),
        (botocore.exceptions.PartialCredentialsError(provider="env", cred_var="x"), "not complete"),
        (botocore.exceptions.UnauthorizedSSOTokenError(), "run `aws sso login`"),
        (botocore.exceptions.SSOTokenLoadError(error_msg="internal words"), "run `aws sso login`"),
        (botocore.exceptions.TokenRetrievalError(provider="sso", error_msg="internal words"), "aws sso login"),
        (botocore.exceptions.CredentialRetrievalError(provider="x", error_msg="internal words"), "their provider"),
        (botocore.exceptions.ProfileNotFound(profile="shop"), "there is no AWS profile"),
        (botocore.exceptions.SSLError(endpoint_url="x", error="internal words"), "does not trust (AWS_CA_BUNDLE)"),
        (botocore.exceptions.ParamValidationError(report="internal words"), "failed (ParamValidationError)"),
    ],
)
def test_a_refusal_says_what_is_missing_and_quotes_no_free_text(
    error: Exception, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(MasterKeyError) as caught:
        failing(error, monkeypatch).unwrap(KEY)
    assert reason in caught.value.reason
    assert "internal words" not in caught.value.reason
    assert not caught.value.transient
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (answered("ThrottlingException"), "KMS throttles requests"),
        (answered("Throttling", "AssumeRole"), "STS throttles requests"),
        (answered("KMSInternalException", status=500), "KMS is unavailable"),
        (answered("KeyUnavailableException"), "KMS is unavailable"),
        (answered("Whatever", status=503), "KMS is unavailable"),
        (botocore.exceptions.EndpointConnectionError(endpoint_url="x"), "cannot be reached"),
        (botocore.exceptions.ConnectTimeoutError(endpoint_url="x"), "cannot be reached"),
        (botocore.exceptions.ReadTimeoutError(endpoint_url="x"), "cannot be reached"),
        (botocore.exceptions.ConnectionClosedError(endpoint_url="x"), "cannot be reached"),
    ],
)
def test_what_another_try_might_mend_is_transient(
    error: Exception, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(MasterKeyError, match=reason) as caught:
        failing(error, monkeypatch).unwrap(KEY)
    assert caught.value.transient


def test_a_profile_that_this_machine_lacks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the real botocore, which looks into the user's files only."""
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    with pytest.raises(MasterKeyError, match="no AWS profile 'shop' here; pass a profile that is"):
        AwsKmsSource().unwrap(with_fields(aws_profile="shop"))


def test_a_roles_session_is_named_as_sops_names_it() -> None:
    assert session_name("runner-1.example") == "sops@runner-1.example"
    assert session_name("ünderline_ok é!") == "sops@nderline_ok"
    assert len(session_name("x" * 100)) == 64
