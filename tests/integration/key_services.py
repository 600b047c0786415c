"""Doubles of the key services for a test module: the tests' own, whatever world is up."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.cloud import OWN_ADDRESS, Cloud, serving

ADDRESS = OWN_ADDRESS.replace("127.78.", "127.80.")


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """Takes the place of the fixture that gives the world's doubles."""
    state = tmp_path_factory.mktemp("key-services")
    with (state / "cloud.log").open("w") as log, serving(state, log, ADDRESS, registry_port=9):
        yield Cloud(state, has_registry=False)
