"""Cloud KMS's wire, against a scripted transport: no socket is opened."""

from __future__ import annotations

import datetime
import json
import secrets
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from google.auth.credentials import Credentials
from google.auth.exceptions import DefaultCredentialsError, RefreshError, TransportError
from scripted import Answer, Script, nothing_waits

from sops_python import MasterKey, MasterKeyError
from sops_python.keys.gcp_kms import GcpKmsSource

pytestmark = pytest.mark.filterwarnings(
    "ignore:The load_credentials_from_dict"
)  # of what a user has in the environment

DATA_KEY = secrets.token_bytes(32)
NAME = "projects/shop/locations/global/keyRings/sops/cryptoKeys/main"
KEY = MasterKey("gcp_kms", {"resource_id": NAME}, b64encode(b"wrapped").decode())
OPENED = (200, {"plaintext": b64encode(DATA_KEY).decode(), "protectionLevel": "SOFTWARE"}, {})
WRAPPED = (200, {"name": f"{NAME}/cryptoKeyVersions/3", "ciphertext": b64encode(b"wrapped").decode()}, {})


class Counting(Credentials):
    """Gives numbered tokens that live for an hour, or raises."""

    def __init__(self, error: Exception | None = None, quota_project: str | None = None) -> None:
        super().__init__()
        self.error = error
        self.asked = 0
        self._quota_project_id = quota_project

    def refresh(self, _: Any) -> None:
        self.asked += 1
        if self.error:
            raise self.error
        self.token = f"token-{self.asked}"
        self.expiry = datetime.datetime.now(datetime.UTC).replace(tzinfo=None) + datetime.timedelta(hours=1)


def kms(*answers: Answer | Exception, credential: Any = None) -> tuple[GcpKmsSource, Script, Counting]:
    script, chosen = Script(*answers), credential or Counting()
    return GcpKmsSource(chosen, session=script.session(), sleep=nothing_waits), script, chosen


def refused(status: int, code: str, reason: str = "") -> Answer:
    details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}] if reason else []
    return status, {"error": {"code": status, "status": code, "message": "internal words", "details": details}}, {}


def test_one_decrypt_request_opens_a_data_key() -> None:
    source, script, credential = kms(*[OPENED] * 3)
    assert [source.unwrap(KEY) for _ in range(3)] == [DATA_KEY] * 3
    request = script.requests[0]
    assert (request.method, request.url) == ("POST", f"https://cloudkms.googleapis.com/v1/{NAME}:decrypt")
    assert script.bodies()[0] == {"ciphertext": KEY.enc}
    assert request.headers["Authorization"] == "Bearer token-1"
    assert credential.asked == 1


def test_one_encrypt_request_wraps_a_data_key() -> None:
    source, script, _ = kms(WRAPPED)
    wrapped = source.wrap(KEY._replace(enc=""), DATA_KEY)
    assert script.requests[0].url == f"https://cloudkms.googleapis.com/v1/{NAME}:encrypt"
    assert script.bodies() == [{"plaintext": b64encode(DATA_KEY).decode()}]
    assert (wrapped.enc, wrapped.fields) == (KEY.enc, KEY.fields)
    assert wrapped.created_at


def test_a_persons_credential_names_who_pays() -> None:
    source, script, _ = kms(OPENED, credential=Counting(quota_project="billing"))
    source.unwrap(KEY)
    assert script.requests[0].headers["x-goog-user-project"] == "billing"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (
            refused(403, "PERMISSION_DENIED", "IAM_PERMISSION_DENIED"),
            "give it the role `Cloud KMS CryptoKey Decrypter`",
        ),
        (refused(403, "PERMISSION_DENIED", "SERVICE_DISABLED"), "is not enabled in the project"),
        (refused(403, "PERMISSION_DENIED", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"), "lacks the scope"),
        (refused(404, "NOT_FOUND"), "no such key"),
        (refused(401, "UNAUTHENTICATED", "ACCESS_TOKEN_TYPE_UNSUPPORTED"), "does not accept the token"),
        (refused(400, "INVALID_ARGUMENT"), "not wrapped with this key"),
        (refused(400, "FAILED_PRECONDITION"), "disabled or destroyed"),
        ((418, ["teapot"], {}), "Cloud KMS refused (418)"),
        ((302, {}, {"Location": "https://evil.example/"}), "redirect (302), which is not followed"),
        ((200, {"ciphertext": "x"}, {}), "not its API's"),
        ((200, {"plaintext": "!"}, {}), "not its API's"),
    ],
)
def test_a_refusal_says_what_is_missing_and_quotes_no_free_text(answer: Any, reason: str) -> None:
    with pytest.raises(MasterKeyError) as caught:
        kms(answer)[0].unwrap(KEY)
    assert reason in caught.value.reason
    assert "internal words" not in caught.value.reason
    assert not caught.value.transient


def test_wrapping_needs_another_role_than_unwrapping() -> None:
    with pytest.raises(MasterKeyError, match=r"useToEncrypt on this key .*CryptoKey Encrypter"):
        kms(refused(403, "PERMISSION_DENIED"))[0].wrap(KEY, DATA_KEY)


def test_throttling_without_end_is_transient() -> None:
    source, script, _ = kms(*[refused(429, "RESOURCE_EXHAUSTED")] * 4)
    with pytest.raises(MasterKeyError, match="Cloud KMS throttles requests") as caught:
        source.unwrap(KEY)
    assert caught.value.transient
    assert len(script.requests) == 4


@pytest.mark.parametrize("name", ["", f"{NAME}/../x", "projects/p", f"{NAME}?x"])
def test_a_hostile_name_gets_neither_token_nor_request(name: str) -> None:
    source, script, credential = kms()
    with pytest.raises(MasterKeyError, match="refused"):
        source.unwrap(MasterKey("gcp_kms", {"resource_id": name}, KEY.enc))
    assert (script.requests, credential.asked) == ([], 0)


def test_a_damaged_blob_is_not_sent() -> None:
    source, script, _ = kms()
    with pytest.raises(MasterKeyError, match="not base64"):
        source.unwrap(KEY._replace(enc="?"))
    assert script.requests == []


@pytest.mark.parametrize(
    ("error", "reason", "transient"),
    [
        (
            RefreshError("invalid_grant: words", {"error": "invalid_grant", "error_description": "words"}),
            "invalid_grant",
            False,
        ),
        (RefreshError("words", retryable=True), "RefreshError", True),
        (TransportError("words"), "TransportError", True),
        (DefaultCredentialsError("words"), "no Google credentials were found", False),
    ],
)
def test_a_credential_without_a_token_says_why(error: Exception, reason: str, transient: bool) -> None:
    with pytest.raises(MasterKeyError) as caught:
        kms(credential=Counting(error))[0].unwrap(KEY)
    assert reason in caught.value.reason
    assert "words" not in caught.value.reason
    assert caught.value.transient is transient


def from_environment(script: Script, **environ: str) -> GcpKmsSource:
    source = GcpKmsSource.from_environment(environ)
    source._service._session = script.session()
    return source


def test_an_access_token_of_the_environment_is_used() -> None:
    script = Script(OPENED)
    from_environment(script, GOOGLE_OAUTH_ACCESS_TOKEN="ya29.x").unwrap(KEY)
    assert script.requests[0].headers["Authorization"] == "Bearer ya29.x"


@pytest.mark.parametrize("as_file", [False, True])
def test_google_credentials_win_over_an_access_token_and_sign_for_themselves(tmp_path: Path, as_file: bool) -> None:
    text = json.dumps(service_account())
    (tmp_path / "key.json").write_text(text)
    given = str(tmp_path / "key.json") if as_file else text
    script = Script(OPENED)
    from_environment(script, GOOGLE_CREDENTIALS=given, GOOGLE_OAUTH_ACCESS_TOKEN="ya29.x").unwrap(KEY)
    assert script.requests[0].headers["Authorization"].startswith("Bearer eyJ")


@pytest.mark.parametrize("text", ["no-such-file", "[1]", '{"type": "service_account", "private_key": "SECRET"}'])
def test_google_credentials_that_cannot_be_used_are_named_and_not_shown(text: str) -> None:
    with pytest.raises(MasterKeyError) as caught:
        from_environment(Script(), GOOGLE_CREDENTIALS=text).unwrap(KEY)
    assert "GOOGLE_CREDENTIALS" in caught.value.reason
    assert text not in caught.value.reason
    assert "SECRET" not in caught.value.reason


@pytest.mark.parametrize(
    "environ", [{"SOPS_GCP_KMS_ENDPOINT": "cloudkms.s3nsapis.fr:443"}, {"SOPS_GCP_KMS_UNIVERSE_DOMAIN": "s3nsapis.fr"}]
)
def test_a_sovereign_cloud_has_an_endpoint_of_its_own(environ: dict[str, str]) -> None:
    script = Script(OPENED)
    from_environment(script, GOOGLE_OAUTH_ACCESS_TOKEN="ya29.x", **environ).unwrap(KEY)
    assert str(script.requests[0].url).startswith("https://cloudkms.s3nsapis.fr/v1/")


def service_account() -> dict[str, str]:
    private = rsa.generate_private_key(65537, 2048)
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return {
        "type": "service_account",
        "client_email": "a@shop.iam.gserviceaccount.com",
        "private_key": pem,
        "private_key_id": "1",
        "token_uri": "https://oauth2.googleapis.com/token",
    }
