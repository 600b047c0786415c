"""What tests share: the world (for those that ask for it), a namespace of their own, the world's tools."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from local import names

# Tests on the one world, and on a second one of their own, stand in one line; beside them runs what needs none, or
# nothing of it but the doubles, which answer many at a time.
_BESIDE = re.compile(
    r"^(tests/(lint|unit|contract)/|sops-python/|tests/integration/test_(azure_identity|bin_run|cloud_|decrypt_))"
)


class OneLineForTheWorld(LoadScopeScheduling):
    """A scope is what one process runs, in order: all tests of the world together, any others file by file."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid.partition("::")[0] if _BESIDE.match(nodeid) else "world"


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> OneLineForTheWorld:
    return OneLineForTheWorld(config, log)


Kubectl = Callable[..., str]


@pytest.fixture(scope="session")
def world() -> Iterator[None]:
    """The local world, up and held for the whole session."""
    from local.world import use  # Linux's own: unit tests run elsewhere too

    with use():
        yield


@pytest.fixture(scope="session")
def world_tools(world: None) -> Path:
    """The folder of the world's own binaries."""
    return names.STATE / "bin"


@pytest.fixture(scope="session")
def kubectl(world: None) -> Kubectl:
    """kubectl as the cluster's administrator; `document` is given on standard input."""

    def run(*arguments: str, document: object = None) -> str:
        done = subprocess.run(
            [Path(sys.executable).with_name("kubectl"), "--kubeconfig", names.STATE / "kubeconfig", *arguments],
            input=json.dumps(document) if document is not None else None,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture
def namespace(kubectl: Kubectl) -> Iterator[str]:
    """A namespace of the test's own."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    kubectl("create", "namespace", name)
    yield name
    kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture(scope="session")
def subject() -> str:
    """The OIDC subject of a job that may deploy."""
    return f"repo:{names.REPOSITORY}:environment:production"
