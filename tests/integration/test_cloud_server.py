"""The server itself: its files, its restarts, and HTTP that is less than polite."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyrage
import pytest
import requests

from local import names
from local.cloud import files
from tests.integration import cloud as doubles
from tests.integration.cloud import Cloud, in_cloud

ADDRESS = doubles.SECOND_ADDRESS
VAULT_HOST = f"{names.VAULT}.vault.azure.net"


@contextlib.contextmanager
def own(state: Path) -> Iterator[Cloud]:
    """Doubles in `state`, for as long as the block lasts."""
    with (state / "log").open("a") as log, doubles.serving(state, log, ADDRESS, registry_port=9):
        yield Cloud(state, has_registry=False)


@contextlib.contextmanager
def connection(host: str) -> Iterator[ssl.SSLSocket]:
    """A raw TLS connection; inside the namespace."""
    context = ssl.create_default_context()
    plain = socket.create_connection((host, 443), timeout=10)
    with context.wrap_socket(plain, server_hostname=host) as tls:
        yield tls


def exchange(tls: ssl.SSLSocket, request: str) -> bytes:
    """Sends a request and returns the answer's first line."""
    tls.sendall(request.replace("\n", "\r\n").encode())
    answer = b""
    while b"\r\n\r\n" not in answer:
        piece = tls.recv(65536)
        assert piece, "the server closed the connection"
        answer += piece
    head, _, body = answer.partition(b"\r\n\r\n")
    length = int(
        next(line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
    )
    while len(body) < length:
        body += tls.recv(65536)
    return head.split(b"\r\n")[0]


@in_cloud
def test_a_connection_survives_refusals_with_unread_and_chunked_bodies(cloud: Cloud) -> None:
    head = f"POST /keys/sops//decrypt HTTP/1.1\nHost: {VAULT_HOST}\n"
    with connection(VAULT_HOST) as tls:
        for _ in range(3):
            assert exchange(tls, f"{head}Content-Length: 5\n\n12345") == b"HTTP/1.1 401 Unauthorized"
            chunks = "5\n12345\n3;extension=1\n678\n0\nTrailer: x\n\n"
            assert exchange(tls, f"{head}Transfer-Encoding: chunked\n\n{chunks}") == b"HTTP/1.1 401 Unauthorized"


@in_cloud
def test_an_unknown_host_is_misdirected(cloud: Cloud) -> None:
    with connection(VAULT_HOST) as tls:
        assert exchange(tls, "GET / HTTP/1.1\nHost: example.org\n\n").startswith(b"HTTP/1.1 421 ")


@in_cloud
def test_a_client_that_stalls_in_its_handshake_holds_up_nobody(cloud: Cloud) -> None:
    with socket.create_connection((VAULT_HOST, 443)):
        assert requests.get(f"https://{VAULT_HOST}/keys", timeout=5).status_code == 401


@in_cloud
def test_the_certificate_is_of_an_authority_that_the_machine_does_not_know(cloud: Cloud) -> None:
    with pytest.raises(requests.exceptions.SSLError):
        requests.get("https://api.github.com/", verify="/etc/ssl/certs/ca-certificates.crt", timeout=10)


def test_the_access_log_holds_no_token(tmp_path: Path) -> None:
    """Paths, hosts and statuses only: queries, headers and bodies stay out."""
    with own(tmp_path) as cloud:
        in_cloud(use_everything)(cloud=cloud)
    log = (tmp_path / "log").read_text()
    assert f"GET {VAULT_HOST} /keys 200" in log
    assert "eyJ" not in log


def use_everything(cloud: Cloud) -> None:
    token = cloud.credential().get_token("https://vault.azure.net/.default").token
    url = f"https://{VAULT_HOST}/keys?api-version=7.6&token={token}"
    assert requests.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=10).status_code == 200


def test_a_restart_keeps_authority_keys_and_tokens_and_ready_tells_the_truth(tmp_path: Path) -> None:
    """Programs that read the bundle or got a token before a restart go on working after it."""
    with own(tmp_path) as cloud:
        before = {path: path.read_bytes() for path in (tmp_path / "cloud").glob("*.pem")} | {
            path: path.read_bytes() for path in (tmp_path / "bundle.pem", tmp_path / "hosts")
        }
        inodes = {path: path.stat().st_ino for path in before}
        in_cloud(save_token)(cloud=cloud)
    assert not (tmp_path / "cloud" / "ready").exists()
    with own(tmp_path) as cloud:
        assert {path: path.read_bytes() for path in before} == before
        assert {path: path.stat().st_ino for path in before} == inodes, "a bind-mounted file was replaced"
        in_cloud(use_token)(cloud=cloud)


def save_token(cloud: Cloud) -> None:
    (cloud.state / "token").write_text(cloud.credential().get_token("https://vault.azure.net/.default").token)


def use_token(cloud: Cloud) -> None:
    headers = {"Authorization": f"Bearer {(cloud.state / 'token').read_text()}"}
    assert requests.get(f"https://{VAULT_HOST}/keys?api-version=7.6", headers=headers, timeout=10).status_code == 200


def test_secrets_on_disk_are_their_owners_alone(tmp_path: Path) -> None:
    """Keys and credentials are 0600; what others read is public."""
    with own(tmp_path):
        modes = {
            path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "cloud").iterdir() if path.name != "ready"
        }
    public = {"ca.pem", "registry-root.pem"}
    assert {name for name, mode in modes.items() if mode != 0o600} == public
    assert "pull-credentials.json" in modes


def test_a_port_in_use_is_one_clear_line(tmp_path: Path) -> None:
    """No traceback, and no file that says ready."""
    (tmp_path / "second").mkdir()
    with own(tmp_path):
        command = [
            sys.executable,
            "-m",
            "local.cloud",
            "--state",
            str(tmp_path / "second"),
            "--address",
            ADDRESS,
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    assert done.stderr == f"the cloud cannot listen on {ADDRESS}:443: Address already in use\n"
    assert not (tmp_path / "second" / "cloud" / "ready").exists()


def test_job_tokens_come_from_the_command_line_too(tmp_path: Path) -> None:
    """NAME=VALUE lines, as act's --env-file reads them."""
    with own(tmp_path):
        command = [sys.executable, "-m", "local.cloud.job_token", "--subject", "repo:a/b:ref:refs/heads/x"]
        done = subprocess.run(
            [*command, "--state", str(tmp_path)], capture_output=True, text=True, timeout=30, check=True
        )
    names_given = [line.partition("=")[0] for line in done.stdout.splitlines()]
    assert names_given == ["ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "GITHUB_TOKEN"]


def test_hosts_are_added_once_however_deep_worlds_nest() -> None:
    """An outer world's section gives way to the new one; the machine's own lines stay."""
    once = files.hosts("127.0.0.1 localhost\n", ["a.test"], "127.77.0.1")
    assert once.splitlines()[0] == "127.0.0.1 localhost"
    assert once.splitlines()[-1] == "127.77.0.1 a.test"
    assert files.hosts(once, ["a.test"], "127.77.0.2") == once.replace("127.77.0.1", "127.77.0.2")


def test_the_machines_own_authorities_stay_in_the_bundle(tmp_path: Path) -> None:
    """A company's private authority goes on working; the world's is added, and an outer world's is dropped."""
    company, other = tmp_path / "company.pem", tmp_path / "other.pem"
    company.write_text("COMPANY\n")
    other.write_text(files.bundle(["OTHER"], "OUTER WORLD"))
    found = files.machine_authorities({"SSL_CERT_FILE": str(company), "REQUESTS_CA_BUNDLE": str(other)})
    made = files.bundle(found, "WORLD")
    assert [line for line in made.splitlines() if not line.startswith("#")] == ["COMPANY", "OTHER", "WORLD"]


def test_the_kubelets_credentials_are_a_credential_provider_response(cloud: Cloud) -> None:
    """As kubelet's exec plugin API v1 has it."""
    response = json.loads((cloud.state / "cloud" / "pull-credentials.json").read_text())
    assert response["apiVersion"] == "credentialprovider.kubelet.k8s.io/v1"
    assert set(response["auth"]) == {names.REGISTRY}
    assert set(response["auth"][names.REGISTRY]) == {"username", "password"}


def test_the_recovery_identity_belongs_to_its_recipient() -> None:
    """local/cloud/recovery.agekey and names.AGE_RECOVERY_RECIPIENT are one pair."""
    lines = Path(files.__file__).with_name("recovery.agekey").read_text().splitlines()
    (identity,) = (line for line in lines if line.startswith("AGE-SECRET-KEY-"))
    assert str(pyrage.x25519.Identity.from_str(identity).to_public()) == names.AGE_RECOVERY_RECIPIENT
