"""Decrypted values for kustomize and as Kubernetes Secrets; kubectl's own kustomize judges both."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from aks_actions.errors import InputError
from tests.unit.decrypting import Workspace

KUBECTL = Path(sys.executable).with_name("kubectl")
APP = "database:\n    password: hunter2hunter2\n    users:\n        - ann-lee\n        - bob-ray\n"
ENV = "API_KEY=s3cr3t-api-key\nMODE=production-mode\n"
ALL = ("--unencrypted-suffix", "_clear")


KUSTOMIZATION = """\
resources: [../base, https://example.com/remote.yaml]
secretGenerator:
    - name: app
      envs: [app.env]
      files: [tls.key, renamed=config.yaml]
patches:
    - path: patch.yaml
"""


def overlay(workspace: Workspace, kustomization: str = KUSTOMIZATION) -> Path:
    folder = workspace.folder / "overlay"
    workspace.encrypt("overlay/app.env", ENV, *ALL)
    workspace.encrypt("overlay/tls.key", "a private key of mine\n", *ALL)
    workspace.encrypt("overlay/config.yaml", APP, *ALL)
    (folder / "patch.yaml").write_text("{}\n")
    (folder / "kustomization.yaml").write_text(kustomization)
    (workspace.folder / "base").mkdir()
    manifest = "apiVersion: v1\nkind: Secret\nmetadata:\n    name: base\nstringData:\n    password: base-password\n"
    workspace.encrypt("base/secret.yaml", manifest)
    (workspace.folder / "base" / "kustomization.yaml").write_text("resources: [secret.yaml]\n")
    return folder


def test_kustomize_builds_from_what_was_decrypted_in_place(workspace: Workspace) -> None:
    folder = overlay(workspace, KUSTOMIZATION.replace(", https://example.com/remote.yaml", "").partition("patches")[0])
    before = {path: path.read_bytes() for path in workspace.folder.rglob("*") if path.is_file()}
    outputs = workspace.run(files="", kustomizations="overlay")
    assert sorted(outputs.files.splitlines()) == [
        "base/secret.yaml",
        "overlay/app.env",
        "overlay/config.yaml",
        "overlay/tls.key",
    ]
    built = subprocess.run([KUBECTL, "kustomize", str(folder)], capture_output=True, check=True).stdout
    secrets = {item["metadata"]["name"][:4]: item for item in yaml.safe_load_all(built)}
    data = {key: base64.b64decode(value).decode() for key, value in secrets["app-"]["data"].items()}
    assert data["API_KEY"] == "s3cr3t-api-key"
    assert data["tls.key"] == "a private key of mine\n"
    assert yaml.safe_load(data["renamed"]) == yaml.safe_load(APP)
    assert secrets["base"]["stringData"] == {"password": "base-password"}
    assert workspace.clean().restored == 4
    assert {path: path.read_bytes() for path in before} == before


def test_what_comes_from_a_url_is_passed_over(workspace: Workspace) -> None:
    overlay(workspace)
    assert len(workspace.run(files="", kustomizations="overlay").files.splitlines()) == 4


def test_a_kustomization_with_encrypted_literals_is_decrypted_itself(workspace: Workspace) -> None:
    text = "secretGenerator:\n    - name: app\n      literals:\n        - password=literal-password\n"
    workspace.encrypt("kustomization.yaml", text, "--encrypted-regex", "^literals$")
    workspace.run(files="", kustomizations=".")
    assert (workspace.folder / "kustomization.yaml").read_text() == text
    assert workspace.clean().restored == 1


def test_a_source_that_is_missing_is_named_with_its_kustomization(workspace: Workspace) -> None:
    overlay(workspace)
    (workspace.folder / "overlay" / "tls.key").unlink()
    with pytest.raises(InputError, match=r"overlay/kustomization\.yaml names tls\.key"):
        workspace.run(files="", kustomizations="overlay")


def made(workspace: Workspace, **given: str) -> dict[str, object]:
    outputs = workspace.run(kubernetes="manifests", **given)
    (path,) = outputs.files.splitlines()
    assert Path(path).stat().st_mode & 0o777 == 0o600
    found = yaml.safe_load(Path(path).read_text())
    assert isinstance(found, dict)
    return found


def test_a_dotenv_file_becomes_a_key_a_variable_and_any_other_a_key_a_file(workspace: Workspace) -> None:
    workspace.encrypt("app.env", ENV, *ALL)
    workspace.encrypt("tls.key.enc", "a private key of mine\n", *ALL)
    secret = made(workspace, files="app.env\ntls.key.enc", secret_name="shop", namespace="shop", secret_labels="a=b")
    assert secret["metadata"] == {"name": "shop", "namespace": "shop", "labels": {"a": "b"}}
    assert secret["type"] == "Opaque"
    data = {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}  # type: ignore[attr-defined]
    assert data == {"API_KEY": "s3cr3t-api-key", "MODE": "production-mode", "tls.key": "a private key of mine\n"}


def test_the_hash_of_a_name_is_kustomizes_own(workspace: Workspace) -> None:
    workspace.encrypt("app.env", ENV, *ALL)
    secret = made(workspace, files="app.env", secret_name="shop", secret_hash="true", secret_immutable="true")
    folder = workspace.folder / "kustomize"
    folder.mkdir()
    (folder / "app.env").write_text(ENV)
    (folder / "kustomization.yaml").write_text("secretGenerator: [{name: shop, envs: [app.env]}]\n")
    built = subprocess.run([KUBECTL, "kustomize", str(folder)], capture_output=True, check=True).stdout
    assert secret["metadata"]["name"] == yaml.safe_load(built)["metadata"]["name"]  # type: ignore[index]
    assert secret["immutable"] is True


def test_binary_values_are_data_as_they_are(workspace: Workspace) -> None:
    path = workspace.folder / "keystore.p12"
    path.write_bytes(b"\x00\xff\xfe binary")
    workspace.encrypt_in_place(path)
    secret = made(workspace, files="keystore.p12", secret_name="keys")
    assert base64.b64decode(secret["data"]["keystore.p12"]) == b"\x00\xff\xfe binary"  # type: ignore[index]


def test_a_pull_secret_is_checked_for_what_the_server_requires(workspace: Workspace) -> None:
    config = json.dumps({"auths": {"acr.example": {"auth": "dXNlcjpwYXNzd29yZA=="}}})
    workspace.encrypt("docker.yaml", json.dumps({"config": config, "other": "no docker config"}), *ALL)
    kind = "kubernetes.io/dockerconfigjson"
    given = {"secret_name": "pull", "secret_type": kind, "files": "docker.yaml"}
    secret = made(workspace, secret_data="config | .dockerconfigjson", **given)
    assert base64.b64decode(secret["data"][".dockerconfigjson"]).decode() == config  # type: ignore[index]
    with pytest.raises(InputError, match="needs the key"):
        made(workspace, secret_data="config | other", **given)
    with pytest.raises(InputError, match="no configuration of docker"):
        made(workspace, secret_data="other | .dockerconfigjson", **given)


def test_an_encrypted_manifest_stays_what_it_is(workspace: Workspace) -> None:
    manifest = "apiVersion: v1\nkind: Secret\nmetadata:\n    name: base\nstringData:\n    password: base-password\n"
    workspace.encrypt("secret.yaml", manifest)
    outputs = workspace.run(files="secret.yaml", kubernetes="manifests")
    assert Path(outputs.files).read_text() == manifest
    assert outputs.secret_names == "base"


def test_other_files_need_the_name_of_a_secret(workspace: Workspace) -> None:
    workspace.encrypt("app.env", ENV, *ALL)
    with pytest.raises(InputError, match="`secret-name` is empty"):
        workspace.run(files="app.env", kubernetes="manifests")


@pytest.mark.parametrize(
    "given",
    [
        {"files": ""},
        {"secret_name": "x"},
        {"secret_data": "a | b"},
        {"in_place": "true", "output_directory": "out"},
        {"in_place": "true", "kubernetes": "apply"},
        {"kubernetes": "apply", "secret_name": "Not_A_Name"},
        {"kubernetes": "apply", "secret_name": "x", "secret_labels": "no label"},
    ],
    ids=str,
)
def test_inputs_that_contradict_each_other_are_refused_before_a_file_is_read(
    workspace: Workspace, given: dict[str, str]
) -> None:
    workspace.encrypt("app.yaml", APP, *ALL)
    shutil.rmtree(workspace.temp)  # nothing can be written there
    with pytest.raises(InputError):
        workspace.run(**given)
    assert "Decrypt" not in workspace.log.getvalue()
