"""What the user can ask of the world, and what it says where it can't be had."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from local import names
from local.world import paths
from local.world.errors import WorldError
from local.world.options import Options, require_machine


def test_by_default_the_world_has_its_own_cluster_and_builder() -> None:
    assert Options.from_environ({"KUBECONFIG": "/somewhere"}) == Options(None, docker=False)


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"WORLD_CLUSTER": "mine"}, "WORLD_CLUSTER=mine is unknown: it is own or existing"),
        ({"WORLD_CLUSTER": "existing"}, "needs KUBECONFIG to name one kubeconfig file; it is not set"),
        ({"WORLD_CLUSTER": "existing", "KUBECONFIG": "/no/such/file"}, "it is /no/such/file"),
        ({"WORLD_BUILDER": "podman"}, "WORLD_BUILDER=podman is unknown: it is buildkit or docker"),
    ],
)
def test_what_is_not_understood_is_refused_as_input(environ: dict[str, str], message: str) -> None:
    with pytest.raises(WorldError, match=message) as error:
        Options.from_environ(environ)
    assert error.value.code == 2


def test_worlds_of_different_clusters_or_builders_are_different_versions(tmp_path: Path) -> None:
    options = [Options(None, docker=False), Options(None, docker=True), Options(tmp_path, docker=False)]
    assert len({option.version() for option in options}) == 3
    assert options[0].version() == Options(None, docker=False).version()


def test_without_root_the_message_says_what_is_needed_and_what_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(WorldError, match=r"(?s)needs root.*make unit") as error:
        require_machine()
    assert error.value.code == 2


def test_elsewhere_than_on_linux_the_message_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(WorldError, match="needs Linux") as error:
        require_machine()
    assert error.value.code == 2


def test_a_proxy_is_kept_away_from_the_worlds_own_names() -> None:
    environment = paths.proxy_environment({"HTTPS_PROXY": "http://proxy:3128", "no_proxy": "corp.example"})
    direct = environment["NO_PROXY"].split(",")
    assert environment["HTTPS_PROXY"] == "http://proxy:3128"
    assert {"corp.example", names.REGISTRY, names.NODE_ADDRESS, names.SERVICE_NETWORK} <= set(direct)


def test_without_a_proxy_nothing_is_set() -> None:
    assert paths.proxy_environment({"no_proxy": "x"}) == {}
