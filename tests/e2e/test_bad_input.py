"""Bad input, on the real parts: one clear message, the right exit code, nothing half-applied."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from local import names
from tests.conftest import Kubectl
from tests.e2e.step import AZURE, ROOT, step

pytestmark = pytest.mark.usefixtures("world")
SECRET = ROOT / "app" / "k8s" / "secret.sops.yaml"
CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: {namespace}}}\ndata: {{a: b}}\n"


@pytest.fixture
def manifests(tmp_path: Path, namespace: str) -> Path:
    """A good ConfigMap, which must not be applied when anything else is bad."""
    (tmp_path / "good.yaml").write_text(CONFIG.format(name="good", namespace=namespace))
    return tmp_path


def deploy(manifests: Path | str, subject: str | None, **inputs: str) -> tuple[int, str]:
    given = {**AZURE, "manifests": str(manifests), **{name.replace("_", "-"): text for name, text in inputs.items()}}
    return step("deploy-aks", given, subject)


def applied(kubectl: Kubectl, namespace: str) -> list[str]:
    found = kubectl("get", "configmaps,deployments,secrets", "--namespace", namespace, "--output", "name").split()
    return [name for name in found if name != "configmap/kube-root-ca.crt"]


def test_without_id_token_permission_the_lines_to_add_are_shown(manifests: Path) -> None:
    code, log = deploy(manifests, None)
    assert code == 3, log
    assert "id-token: write" in log


def test_a_wrong_subject_is_shown_with_the_federated_credential_to_create(manifests: Path) -> None:
    received = "repo:acme@812/shop@99:environment:production"
    code, log = deploy(manifests, received)
    assert code == 3, log
    assert "AADSTS700213" in log
    assert received in log
    assert f'"subject": "{received}"' in log
    assert "az ad app federated-credential create" in log


@pytest.mark.parametrize(("name", "number"), [("tenant-id", "AADSTS90002"), ("client-id", "AADSTS700016")])
def test_a_wrong_tenant_or_client_is_named(manifests: Path, subject: str, name: str, number: str) -> None:
    wrong = str(uuid.uuid4())
    code, log = deploy(manifests, subject, **{name: wrong})
    assert code == 3, log
    assert number in log
    assert wrong in log


def test_an_unknown_cluster_is_named_with_its_resource_group(manifests: Path, subject: str) -> None:
    code, log = deploy(manifests, subject, cluster_name="aks-nowhere")
    assert code == 2, log
    assert "aks-nowhere" in log
    assert names.RESOURCE_GROUP in log


def test_an_identity_without_a_role_on_the_cluster_is_told_which(manifests: Path) -> None:
    code, log = deploy(manifests, names.STRANGER_SUBJECT, client_id=names.STRANGER_CLIENT_ID)
    assert code == 3, log
    assert "Azure Kubernetes Service Cluster User Role" in log


def test_an_identity_without_permission_on_the_key_is_told_which(tmp_path: Path) -> None:
    inputs = {"files": str(SECRET), "output-directory": str(tmp_path / "out"), "tenant-id": names.TENANT}
    code, log = step("decrypt-secrets", {**inputs, "client-id": names.STRANGER_CLIENT_ID}, names.STRANGER_SUBJECT)
    assert code == 3, log
    assert "Key Vault Crypto User" in log
    assert names.VAULT_URL in log
    assert not list(tmp_path.rglob("*.yaml"))


def test_a_tampered_sops_file_is_refused_and_nothing_applied(
    manifests: Path, subject: str, kubectl: Kubectl, namespace: str
) -> None:
    text = SECRET.read_text()
    labelled = text.replace("name: shop\n", "name: other\n", 1)
    assert labelled != text
    (manifests / "secret.sops.yaml").write_text(labelled)
    code, log = deploy(manifests, subject)
    assert code == 2, log
    assert re.search(r"secret\.sops\.yaml.*MAC|MAC.*secret\.sops\.yaml", log, re.DOTALL)
    assert applied(kubectl, namespace) == []


def test_no_manifests_is_an_input_error(tmp_path: Path, subject: str) -> None:
    code, log = deploy(tmp_path / "nothing-*.yaml", subject)
    assert code == 2, log
    assert "nothing-*.yaml" in log


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("a: [1\nb: 2\n", r"bad\.yaml:2", "YAML"),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\nkind: Secret\n", r"bad\.yaml:4", "kind"),
        ("apiVersion: v1\nmetadata: {name: x}\n", r"bad\.yaml:1", "kind"),
        ("apiVersion: v1\nkind: Gadget\nmetadata: {name: x}\n", r"bad\.yaml:[12]", "Gadget"),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {a: 1}\n", r"bad\.yaml:\d", "data"),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndatum: {a: b}\n", r"bad\.yaml:\d", "datum"),
    ],
    ids=["syntax", "duplicate key", "no kind", "unknown kind", "wrong type", "unknown field"],
)
def test_a_broken_manifest_is_named_by_line_and_nothing_is_applied(
    manifests: Path, subject: str, kubectl: Kubectl, namespace: str, text: str, place: str, says: str
) -> None:
    (manifests / "bad.yaml").write_text(text)
    code, log = deploy(manifests, subject, namespace=namespace)
    assert code == 2, log
    assert re.search(place, log), log
    assert says in log
    assert applied(kubectl, namespace) == []


def test_a_tag_that_does_not_exist_is_an_input_error(
    manifests: Path, subject: str, kubectl: Kubectl, namespace: str
) -> None:
    deployment = yaml.safe_load((ROOT / "app" / "k8s" / "deployment.yaml").read_text())
    deployment["metadata"]["namespace"] = namespace
    (manifests / "deployment.yaml").write_text(yaml.safe_dump(deployment))
    code, log = deploy(manifests, subject, images=f"shop={names.REGISTRY}/shop:never-was")
    assert code == 2, log
    assert f"{names.REGISTRY}/shop:never-was" in log
    assert applied(kubectl, namespace) == []


@pytest.fixture
def terminating(kubectl: Kubectl) -> Iterator[str]:
    name = f"test-{uuid.uuid4().hex[:8]}"
    kubectl("create", "namespace", name)
    held = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "held", "namespace": name, "finalizers": ["example.com/held"]},
    }
    kubectl("create", "--filename", "-", document=held)
    kubectl("delete", "namespace", name, "--wait=false")
    yield name
    unheld = '{"metadata": {"finalizers": null}}'
    kubectl("patch", "configmap", "held", "--namespace", name, "--type", "merge", "--patch", unheld)


def test_a_namespace_that_is_terminating_is_refused(manifests: Path, subject: str, terminating: str) -> None:
    (manifests / "late.yaml").write_text(CONFIG.format(name="late", namespace=terminating))
    code, log = deploy(manifests, subject)
    assert code == 2, log
    assert terminating in log
    assert "terminating" in log.lower()


def test_a_push_without_the_role_names_it(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM python:3.13-slim\n")
    inputs = {
        "image": f"{names.REGISTRY}/stranger",
        "tags": "v1",
        "context": str(tmp_path),
        "tenant-id": names.TENANT,
        "client-id": names.STRANGER_CLIENT_ID,
    }
    code, log = step("build", inputs, names.STRANGER_SUBJECT)
    assert code == 3, log
    assert "AcrPush" in log
