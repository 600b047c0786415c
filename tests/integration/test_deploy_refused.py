"""What deploy-aks refuses on the real cluster: the exit code, the line, and nothing written before all is checked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from local import names
from tests.conftest import Kubectl
from tests.integration.deploying import config_map, deploy, web

SERVICE = (
    "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec:\n  selector: {app: web}\n  ports:\n  - port: 99999\n"
)
TYPO = """apiVersion: apps/v1
kind: Deployment
metadata: {name: typo}
spec:
  selector: {matchLabels: {app: typo}}
  template:
    metadata: {labels: {app: typo}}
    spec:
      containers:
      - name: web
        image: busybox:stable
        imagePulPolicy: Always
"""
REFUSED = {
    "syntax": ("a: [", 2, "broken.yaml:2:1"),
    "a kind that nobody has": ("apiVersion: a.b/v1\nkind: Foo\nmetadata: {name: x}\n", 2, "broken.yaml:2:1"),
    "a value out of range": (SERVICE, 2, "broken.yaml:7:5"),
    "an unknown field": (TYPO, 2, "broken.yaml:12:9"),
    "a namespace that does not exist": (config_map("x", "nobody-has-it"), 2, "namespace nobody-has-it does not exist"),
    "a kustomization": ("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n", 2, "kubectl kustomize"),
    "no object at all": ("# nothing\n", 0, ""),  # beside others, an empty file is nothing to complain about
}


@pytest.mark.parametrize(("text", "code", "told"), REFUSED.values(), ids=REFUSED.keys())
def test_one_bad_manifest_keeps_all_from_being_applied(
    text: str, code: int, told: str, tmp_path: Path, namespace: str, kubectl: Kubectl
) -> None:
    """Parsed, resolved and tried on the server first: the good ones are not written either."""
    (tmp_path / "a-good.json").write_text(config_map("good", namespace))
    (tmp_path / "broken.yaml").write_text(text)
    run = deploy(tmp_path, "--namespace", namespace)
    assert (run.code, told in run.log) == (code, True), run.log
    there = "configmap/good" in kubectl("-n", namespace, "get", "configmap", "-o", "name")
    assert there == (code == 0)


def test_an_empty_glob_is_refused(tmp_path: Path, world: None) -> None:
    """A glob that matches nothing is a mistake, not an empty deploy."""
    run = deploy(tmp_path, "--manifests", "k8s/*.yaml")
    assert (run.code, "matches no manifest" in run.log) == (2, True)


def test_an_immutable_field_is_refused_and_nothing_deleted(tmp_path: Path, namespace: str, kubectl: Kubectl) -> None:
    """Exit 1, at the field's line, with the command that would delete it."""
    (tmp_path / "app.yaml").write_text(web(namespace, replicas=0))
    kubectl("-n", namespace, "create", "configmap", "settings")
    assert deploy(tmp_path).code == 0
    (tmp_path / "app.yaml").write_text(web(namespace, replicas=0).replace("{app: web}", "{app: other}"))
    run = deploy(tmp_path)
    assert (run.code, "app.yaml:7:3" in run.log, "field is immutable" in run.log) == (1, True, True), run.log


def test_a_field_of_another_manager_is_a_conflict_until_forced(
    tmp_path: Path, namespace: str, kubectl: Kubectl
) -> None:
    """Owner and field are named; `force` takes over."""
    (tmp_path / "a.json").write_text(config_map("a", namespace, level="info"))
    assert deploy(tmp_path).code == 0
    kubectl("-n", namespace, "patch", "configmap", "a", "--field-manager=ops", "-p", '{"data":{"level":"debug"}}')
    refused = deploy(tmp_path)
    assert (refused.code, "data.level belongs to another field manager" in refused.log) == (1, True), refused.log
    assert 'conflict with "ops"' in refused.log
    assert deploy(tmp_path, "--force", "true").code == 0
    assert json.loads(kubectl("-n", namespace, "get", "configmap", "a", "-o", "json"))["data"] == {"level": "info"}


def test_a_terminating_namespace_is_refused(tmp_path: Path, namespace: str, kubectl: Kubectl) -> None:
    """Exit 2 before anything is written."""
    held = {"metadata": {"finalizers": ["example.com/held"]}}
    kubectl("-n", namespace, "create", "configmap", "held")
    kubectl("-n", namespace, "patch", "configmap", "held", "--type=merge", "-p", json.dumps(held))
    kubectl("delete", "namespace", namespace, "--wait=false")
    try:
        (tmp_path / "a.json").write_text(config_map("a", namespace))
        run = deploy(tmp_path)
        assert (run.code, f"namespace {namespace} is terminating" in run.log) == (2, True)
    finally:
        kubectl("-n", namespace, "patch", "configmap", "held", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')


@pytest.fixture
def reader(tmp_path: Path, namespace: str, kubectl: Kubectl) -> Path:
    """The kubeconfig of a user who may read the namespace, and write nothing."""
    import yaml

    kubectl("-n", namespace, "create", "serviceaccount", "reader")
    kubectl(
        "-n", namespace, "create", "rolebinding", "reader", "--clusterrole=view", f"--serviceaccount={namespace}:reader"
    )
    config = yaml.safe_load((names.STATE / "kubeconfig").read_text())
    config["users"][0]["user"] = {"token": kubectl("-n", namespace, "create", "token", "reader").strip()}
    path = tmp_path / "reader.kubeconfig"
    path.write_text(yaml.safe_dump(config))
    return path


def test_a_missing_permission_is_named_before_anything_is_written(
    tmp_path: Path, reader: Path, namespace: str, kubectl: Kubectl
) -> None:
    """Exit 3, with all permissions that are missing and the role that gives them."""
    (tmp_path / "a.json").write_text(config_map("a", namespace))
    (tmp_path / "b.yaml").write_text(web(namespace))
    run = deploy(tmp_path, "--kubeconfig", str(reader))
    assert run.code == 3, run.log
    assert f"system:serviceaccount:{namespace}:reader may not create configmaps in namespace {namespace}" in run.log
    assert f"patch deployments.apps in namespace {namespace}" in run.log
    assert "Nothing was written" in run.log
    assert "configmap/a" not in kubectl("-n", namespace, "get", "configmap", "-o", "name")


def test_a_token_that_the_cluster_does_not_know(tmp_path: Path, reader: Path, namespace: str) -> None:
    """Exit 3, and the token is in no line."""
    text = reader.read_text()
    token = text.partition("token: ")[2].split()[0]
    reader.write_text(text.replace(token, "n0nsense-token"))
    (tmp_path / "a.json").write_text(config_map("a", namespace))
    run = deploy(tmp_path, "--kubeconfig", str(reader))
    assert (run.code, "does not accept our token (401)" in run.log, "n0nsense" in run.log) == (3, True, False)
