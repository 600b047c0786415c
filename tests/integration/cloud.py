"""The doubles for a test (the world's when it is up, else the tests' own), and a way into their namespace."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ParamSpec

import pytest
import yaml
from azure.identity import ClientAssertionCredential
from requests import Session

from local import names
from local.cloud.runner import job_environment
from local.world.namespaces import bind, private_mounts

# Away from a world's, which may be coming up at the same time, and from that of another test run.
OWN_ADDRESS = f"127.78.{os.getpid() // 250 % 250 + 1}.{os.getpid() % 250 + 1}"
SECOND_ADDRESS = OWN_ADDRESS.replace("127.78.", "127.79.")  # for a test that starts and stops doubles itself
START_SECONDS = 10
P = ParamSpec("P")


@dataclass(frozen=True)
class Cloud:
    """Doubles that listen, and their state directory."""

    state: Path
    has_registry: bool

    def id_token(self, subject: str, audience: str = "api://AzureADTokenExchange", **options: Any) -> str:
        """An id token as a job asks for it; only inside the namespace."""
        job = job_environment(subject, state=self.state, **options)
        url, headers = (
            job["ACTIONS_ID_TOKEN_REQUEST_URL"],
            {"Authorization": f"bearer {job['ACTIONS_ID_TOKEN_REQUEST_TOKEN']}"},
        )
        with Session() as session:
            answer = session.get(url, params={"audience": audience}, headers=headers, timeout=10)
        answer.raise_for_status()
        return str(answer.json()["value"])

    def credential(
        self,
        subject: str = names.SUBJECTS[0],
        client: str = names.CLIENT_ID,
        tenant: str = names.TENANT,
        **options: Any,
    ) -> ClientAssertionCredential:
        """azure-identity's own, fed with id tokens of `subject`."""
        return ClientAssertionCredential(tenant, client, lambda: self.id_token(subject, **options))

    def stranger(self) -> ClientAssertionCredential:
        """Somebody who can log in and may do nothing."""
        return self.credential(names.STRANGER_SUBJECT, names.STRANGER_CLIENT_ID)

    def enter(self) -> None:
        """Moves this process where the doubles have their real names. There is no way back."""
        private_mounts()
        bind(self.state / "hosts", "/etc/hosts")
        for variable in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
            os.environ[variable] = str(self.state / "bundle.pem")


def in_cloud(test: Callable[P, None]) -> Callable[P, None]:
    """Runs a test that takes `cloud` in a child process inside the doubles' namespace, and reports what it raises."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            _be_the_test(test, writing, args, kwargs)
        os.close(writing)
        with os.fdopen(reading) as report:
            failure = report.read()
        _, status = os.waitpid(child, 0)
        if failure or status:
            pytest.fail(failure or f"the test's process ended with status {status}", pytrace=False)

    return run


def _be_the_test(test: Callable[..., None], report: int, args: Any, kwargs: Any) -> None:
    try:
        kwargs["cloud"].enter()
        test(*args, **kwargs)
    except BaseException:  # whatever it is, it is the test's result
        os.write(report, traceback.format_exc().encode()[:60_000])
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)  # no clean-up of the parent's: fixtures and atexit handlers are its own


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """The world's doubles, held as long as the tests run, or doubles of the tests' own with a registry behind them."""
    require_namespaces()
    with contextlib.ExitStack() as stack:
        if found := _world(stack):
            yield found
            return
        state = tmp_path_factory.mktemp("cloud")
        port = free_port()
        log = stack.enter_context((state / "cloud.log").open("w"))
        stack.enter_context(serving(state, log, OWN_ADDRESS, registry_port=port))
        # A cluster's authority, as the world would leave it there.
        (state / "pki").mkdir()
        shutil.copy(state / "cloud" / "ca.pem", state / "pki" / "ca.crt")
        registry = shutil.which("docker-registry")
        if registry:
            process = stack.enter_context(running([registry, "serve", str(registry_config(state, port))], log))
            wait_for(process, lambda: listens("127.0.0.1", port), log.name)
        yield Cloud(state, has_registry=registry is not None)


def _world(stack: contextlib.ExitStack) -> Cloud | None:
    """The world's doubles when they listen, kept from being replaced meanwhile."""
    if os.environ.get("WORLD_CLOUD") == "own" or not (names.STATE / "cloud" / "ready").exists():
        return None
    fcntl.flock(stack.enter_context(names.IN_USE.open("a")), fcntl.LOCK_SH)
    return Cloud(names.STATE, has_registry=True) if listens(names.CLOUD_ADDRESS, 443) else None


@contextlib.contextmanager
def serving(state: Path, log: Any, address: str, *, registry_port: int) -> Iterator[None]:
    """Doubles of the tests' own."""
    require_namespaces()
    command = [sys.executable, "-m", "local.cloud", "--state", str(state), "--address", address]
    with running([*command, "--registry-port", str(registry_port)], log) as process:
        wait_for(process, lambda: (state / "cloud" / "ready").exists(), log.name)
        yield


@contextlib.contextmanager
def running(command: list[str], log: Any) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(10)


def registry_config(state: Path, port: int) -> Path:
    """docker-registry as the world runs it: in a directory, trusting the double's tokens."""
    token = {
        "realm": f"https://{names.REGISTRY}/oauth2/token",
        "service": names.REGISTRY,
        "issuer": "Azure Container Registry",
        "rootcertbundle": str(state / "cloud" / "registry-root.pem"),
    }
    config = {
        "version": 0.1,
        "log": {"level": "warn", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(state / "registry")}, "delete": {"enabled": True}},
        "http": {"addr": f"127.0.0.1:{port}", "secret": "one registry, no secret to share"},
        "auth": {"token": token},
    }
    path = state / "registry.yml"
    path.write_text(yaml.safe_dump(config))
    return path


def wait_for(process: subprocess.Popen[bytes], started: Callable[[], bool], log: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not started():
        assert process.poll() is None and time.monotonic() < deadline, (
            f"{process.args!r} did not start:\n{Path(log).read_text()}"
        )
        time.sleep(0.02)


def require_namespaces() -> None:
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("mount namespaces and port 443 need Linux and root")


def listens(host: str, port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((host, port)) == 0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
