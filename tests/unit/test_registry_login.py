"""docker's configuration: whose login is used, and that a build's own leaves nothing behind."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from aks_actions.errors import InputError
from aks_actions.registry import login
from aks_actions.registry.acr import is_acr
from aks_actions.registry.docker_config import with_login
from aks_actions.registry.login import Login

HOST = "acr.azurecr.io"
AUTH = base64.b64encode(b"user:pass:word").decode()


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "docker").mkdir()
    (tmp_path / "temp").mkdir()
    (tmp_path / "bin").mkdir()
    return {
        "DOCKER_CONFIG": str(tmp_path / "docker"),
        "RUNNER_TEMP": str(tmp_path / "temp"),
        "PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin",
    }


def configure(environ: dict[str, str], **config: Any) -> None:
    (Path(environ["DOCKER_CONFIG"]) / "config.json").write_text(json.dumps(config))


def helper(environ: dict[str, str], name: str, script: str) -> None:
    path = Path(environ["PATH"].split(":")[0]) / f"docker-credential-{name}"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_without_a_configuration_nobody_is_logged_in(environ: dict[str, str]) -> None:
    assert login.find(environ, HOST) is None


def test_a_login_is_read_from_the_file(environ: dict[str, str]) -> None:
    configure(environ, auths={HOST: {"auth": AUTH}})
    assert login.find(environ, HOST) == Login("user", "pass:word")
    assert login.find(environ, "other.example") is None


def test_docker_hub_has_its_own_name_in_the_file(environ: dict[str, str]) -> None:
    configure(environ, auths={"https://index.docker.io/v1/": {"auth": AUTH}})
    assert login.find(environ, "docker.io") == Login("user", "pass:word")


def test_an_identity_token_is_a_refresh_token(environ: dict[str, str]) -> None:
    configure(environ, auths={HOST: {"identitytoken": "t0ken"}})
    assert login.find(environ, HOST) == Login("", "t0ken", refresh=True)


def test_a_credential_helper_is_asked_for_the_host(environ: dict[str, str]) -> None:
    helper(environ, "vault", 'read host; echo "{\\"Username\\": \\"$host\\", \\"Secret\\": \\"s\\"}"')
    configure(environ, credsStore="vault")
    assert login.find(environ, HOST) == Login(HOST, "s")


@pytest.mark.parametrize("script", ["exit 1", "echo no json", "echo '[]'"])
def test_a_helper_that_knows_nothing_is_no_login(environ: dict[str, str], script: str) -> None:
    helper(environ, "vault", script)
    configure(environ, credHelpers={HOST: "vault"})
    assert login.find(environ, HOST) is None


def test_a_helper_that_is_not_installed_is_no_login(environ: dict[str, str]) -> None:
    configure(environ, credsStore="nowhere")
    assert login.find(environ, HOST) is None


def test_a_broken_configuration_is_named_and_not_quoted(environ: dict[str, str]) -> None:
    (Path(environ["DOCKER_CONFIG"]) / "config.json").write_text('{"auths": hunter2')
    with pytest.raises(InputError) as caught:
        login.find(environ, HOST)
    assert "hunter2" not in str(vars(caught.value))


def test_no_repr_shows_a_password() -> None:
    assert "hunter2" not in repr(Login("user", "hunter2"))


def test_a_builds_login_is_added_to_a_private_copy(environ: dict[str, str], tmp_path: Path) -> None:
    theirs = Path(environ["DOCKER_CONFIG"])
    (theirs / "cli-plugins").mkdir()
    configure(environ, auths={"other.example": {"auth": AUTH}}, credsStore="vault", proxies={"default": {}})
    before = (theirs / "config.json").read_text()
    with with_login(environ, HOST, Login("user", "hunter2")) as variables:
        ours = Path(variables["DOCKER_CONFIG"])
        assert ours.stat().st_mode & 0o777 == 0o700
        assert (ours / "config.json").stat().st_mode & 0o777 == 0o600
        assert login.find({**environ, **variables}, HOST) == Login("user", "hunter2")
        config = json.loads((ours / "config.json").read_text())
        assert config["credsStore"] == "vault"
        assert config["proxies"] == {"default": {}}
        assert "other.example" in config["auths"]
        assert (ours / "cli-plugins").resolve() == theirs / "cli-plugins"
        assert variables["BUILDX_CONFIG"] == str(theirs / "buildx")
    assert not ours.exists()
    assert (theirs / "cli-plugins").is_dir()
    assert (theirs / "config.json").read_text() == before


def test_the_private_copy_goes_when_the_build_fails(environ: dict[str, str]) -> None:
    with pytest.raises(KeyboardInterrupt), with_login(environ, HOST, Login("user", "hunter2")):
        raise KeyboardInterrupt
    assert list(Path(environ["RUNNER_TEMP"]).iterdir()) == []


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("acr.azurecr.io", True),
        ("acr.azurecr.cn", True),
        ("azurecr.io.evil.example", False),
        ("ghcr.io", False),
        ("evilazurecr.io", False),
    ],
)
def test_an_entra_token_is_for_azures_registries_alone(host: str, expected: bool) -> None:
    assert is_acr(host) is expected
