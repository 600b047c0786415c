"""Azure Container Registry's token exchange, with a real docker-registry behind it."""

from __future__ import annotations

import hashlib
import json
import uuid
from typing import Any

import pytest
import requests
from azure.core.credentials import TokenCredential

from local import names
from tests.integration.cloud import Cloud, in_cloud

REGISTRY = f"https://{names.REGISTRY}"
ZERO_USER = "00000000-0000-0000-0000-000000000000"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
MEGABYTE = 1024 * 1024


@pytest.fixture(autouse=True)
def registry(cloud: Cloud) -> None:
    if not cloud.has_registry:
        pytest.skip("docker-registry is not installed")


def exchange(credential: TokenCredential) -> requests.Response:
    access = credential.get_token("https://containerregistry.azure.net/.default").token
    form = {"grant_type": "access_token", "service": names.REGISTRY, "tenant": names.TENANT, "access_token": access}
    return requests.post(f"{REGISTRY}/oauth2/exchange", data=form, timeout=10)


def refresh_token(cloud: Cloud) -> str:
    return str(exchange(cloud.credential()).json()["refresh_token"])


def kubelet(cloud: Cloud) -> dict[str, Any]:
    credentials: dict[str, Any] = json.loads((cloud.state / "cloud" / "pull-credentials.json").read_text())
    assert credentials["kind"] == "CredentialProviderResponse"
    return dict(credentials["auth"][names.REGISTRY])


def session(refresh: str, scope: str) -> requests.Session:
    """A client that may do what `scope` says, by the OAuth form."""
    form = {"grant_type": "refresh_token", "service": names.REGISTRY, "scope": scope, "refresh_token": refresh}
    answer = requests.post(f"{REGISTRY}/oauth2/token", data=form, timeout=10)
    answer.raise_for_status()
    client = requests.Session()
    client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    return client


def push_blob(client: requests.Session, repository: str, blob: bytes, *, chunked: bool = False) -> dict[str, Any]:
    """POST, PATCH, PUT, as docker and BuildKit do it; returns the descriptor."""
    digest = f"sha256:{hashlib.sha256(blob).hexdigest()}"
    opened = client.post(f"{REGISTRY}/v2/{repository}/blobs/uploads/", timeout=30)
    assert opened.status_code == 202, opened.text
    assert opened.headers["Location"].startswith(f"{REGISTRY}/v2/")
    parts = (blob[at : at + 100_000] for at in range(0, len(blob), 100_000))
    headers = {"Content-Type": "application/octet-stream"}
    sent = client.patch(opened.headers["Location"], data=parts if chunked else blob, headers=headers, timeout=60)
    assert sent.status_code == 202, sent.text
    done = client.put(sent.headers["Location"], params={"digest": digest}, timeout=30)
    assert (done.status_code, done.headers["Docker-Content-Digest"]) == (201, digest)
    return {"mediaType": "application/octet-stream", "digest": digest, "size": len(blob)}


def push(client: requests.Session, repository: str, blob: bytes) -> str:
    """An image of one blob, tagged v1; returns the manifest's digest."""
    config = push_blob(client, repository, b"{}") | {"mediaType": "application/vnd.oci.image.config.v1+json"}
    layer = push_blob(client, repository, blob, chunked=True)
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer]}
    answer = client.put(
        f"{REGISTRY}/v2/{repository}/manifests/v1",
        data=json.dumps(manifest),
        headers={"Content-Type": MANIFEST},
        timeout=30,
    )
    assert answer.status_code == 201, answer.text
    return answer.headers["Docker-Content-Digest"]


@in_cloud
def test_a_stranger_to_the_registry_is_told_where_tokens_are(cloud: Cloud) -> None:
    answer = requests.get(f"{REGISTRY}/v2/", timeout=10)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == f'Bearer realm="{REGISTRY}/oauth2/token",service="{names.REGISTRY}"'


@in_cloud
def test_what_the_deployer_pushes_the_kubelet_pulls(cloud: Cloud) -> None:
    repository, blob = f"test/{uuid.uuid4().hex[:8]}", bytes(range(256)) * (20 * MEGABYTE // 256)
    digest = push(session(refresh_token(cloud), f"repository:{repository}:pull,push"), repository, blob)
    client = session(kubelet(cloud)["password"], f"repository:{repository}:pull")
    accept = {"Accept": MANIFEST}
    manifest = client.get(f"{REGISTRY}/v2/{repository}/manifests/{digest}", headers=accept, timeout=30).json()
    head = client.head(f"{REGISTRY}/v2/{repository}/manifests/v1", headers=accept, timeout=30)
    assert head.headers["Docker-Content-Digest"] == digest
    layer = manifest["layers"][0]["digest"]
    assert client.get(f"{REGISTRY}/v2/{repository}/blobs/{layer}", timeout=60).content == blob
    part = client.get(f"{REGISTRY}/v2/{repository}/blobs/{layer}", headers={"Range": "bytes=256-511"}, timeout=60)
    assert (part.status_code, part.content) == (206, bytes(range(256)))
    assert (
        client.get(f"{REGISTRY}/v2/{repository}/manifests/none", timeout=30).json()["errors"][0]["code"]
        == "MANIFEST_UNKNOWN"
    )


@in_cloud
def test_the_kubelet_cannot_push(cloud: Cloud) -> None:
    repository = f"test/{uuid.uuid4().hex[:8]}"
    client = session(kubelet(cloud)["password"], f"repository:{repository}:pull,push")
    refused = client.post(f"{REGISTRY}/v2/{repository}/blobs/uploads/", timeout=30)
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (401, "UNAUTHORIZED")


@in_cloud
def test_a_token_reaches_no_further_than_its_scope(cloud: Cloud) -> None:
    client = session(refresh_token(cloud), "repository:test/mine:pull,push")
    assert client.post(f"{REGISTRY}/v2/test/yours/blobs/uploads/", timeout=30).status_code == 401


@in_cloud
def test_docker_logs_in_with_basic_auth_or_a_password_form(cloud: Cloud) -> None:
    refresh = refresh_token(cloud)
    scopes = {"service": names.REGISTRY, "scope": ["repository:a:pull", "repository:b:pull,push"]}
    basic = requests.get(f"{REGISTRY}/oauth2/token", params=scopes, auth=(ZERO_USER, refresh), timeout=10)
    assert basic.json()["access_token"]
    form = {"grant_type": "password", "username": ZERO_USER, "password": refresh, "access_type": "offline", **scopes}
    answer = requests.post(f"{REGISTRY}/oauth2/token", data=form, timeout=10).json()
    assert answer["access_token"]
    assert answer["refresh_token"]
    for repository in "ab":
        uri = f"{REGISTRY}/v2/{repository}/tags/list"
        got = requests.get(uri, headers={"Authorization": f"Bearer {basic.json()['access_token']}"}, timeout=10)
        assert got.json()["errors"][0]["code"] == "NAME_UNKNOWN"


@in_cloud
def test_nobody_without_a_role_gets_in(cloud: Cloud) -> None:
    answer = exchange(cloud.stranger())
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (401, "UNAUTHORIZED")


@in_cloud
def test_a_token_of_another_kind_is_refused(cloud: Cloud) -> None:
    arm = cloud.credential().get_token("https://management.azure.com/.default").token
    form = {"grant_type": "access_token", "service": names.REGISTRY, "access_token": arm}
    assert requests.post(f"{REGISTRY}/oauth2/exchange", data=form, timeout=10).status_code == 401
    access = session(refresh_token(cloud), "repository:a:pull").headers["Authorization"]
    form = {"grant_type": "refresh_token", "service": names.REGISTRY, "refresh_token": str(access).split()[1]}
    assert requests.post(f"{REGISTRY}/oauth2/token", data=form, timeout=10).status_code == 401
    assert requests.get(f"{REGISTRY}/oauth2/token", auth=(ZERO_USER, "nonsense"), timeout=10).status_code == 401
