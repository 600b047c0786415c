"""deploy-aks on the real cluster: what is written, what is not, and what goes back."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Kubectl
from tests.integration.deploying import NOT_THERE, command, config_map, deploy, environment, secret, web

SECRET = "canary-9f3c2b7e"


@pytest.fixture
def folder(tmp_path: Path, namespace: str) -> Path:
    """An application's manifests, in a namespace that exists."""
    (tmp_path / "app.yaml").write_text(web(namespace))
    (tmp_path / "settings.json").write_text(config_map("settings", namespace, LEVEL="info"))
    (tmp_path / "secret.json").write_text(secret(namespace, SECRET))
    return tmp_path


def live(kubectl: Kubectl, namespace: str, kind: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(kubectl("-n", namespace, "get", kind, name, "-o", "json"))
    return found


def test_a_deploy_ends_when_its_pods_serve_and_the_next_one_writes_nothing(
    folder: Path, namespace: str, kubectl: Kubectl
) -> None:
    """New objects are applied in waves and followed; the same again is proved unchanged, whatever the commit."""
    first = deploy(folder)
    assert first.code == 0, first.log
    assert first.outputs["result"] == "succeeded"
    assert first.outputs["changed"] == [
        f"{kind}/{namespace}/{name}"
        for kind, name in (("Deployment", "web"), ("Secret", "keys"), ("ConfigMap", "settings"))
    ]
    assert first.outputs["revision"] == {"web": "1"}
    before = live(kubectl, namespace, "deployment", "web")
    assert before["status"]["availableReplicas"] == 2
    second = deploy(folder, GITHUB_REPOSITORY="acme/shop", GITHUB_SHA="abc", GITHUB_RUN_ID="1")
    assert (second.code, second.outputs["changed"]) == (0, [])
    assert "3 unchanged (proved, no request)" in second.log
    assert (
        live(kubectl, namespace, "deployment", "web")["metadata"]["resourceVersion"]
        == before["metadata"]["resourceVersion"]
    )


def test_a_change_brings_the_trace_of_its_run(folder: Path, namespace: str, kubectl: Kubectl) -> None:
    """Repository, commit and run are on what changed, and on nothing else; pods are not restarted for them."""
    deploy(folder)
    (folder / "settings.json").write_text(config_map("settings", namespace, LEVEL="debug"))
    run = deploy(
        folder, GITHUB_REPOSITORY="acme/shop", GITHUB_SHA="abc", GITHUB_RUN_ID="1", GITHUB_SERVER_URL="https://h"
    )
    assert run.outputs["changed"] == [f"ConfigMap/{namespace}/settings"]
    assert "data.LEVEL  info → debug" in run.log
    assert live(kubectl, namespace, "configmap", "settings")["metadata"]["annotations"] == {
        "aks-actions/repository": "acme/shop",
        "aks-actions/commit": "abc",
        "aks-actions/run": "https://h/acme/shop/actions/runs/1",
    }
    assert "aks-actions/commit" not in live(kubectl, namespace, "deployment", "web")["metadata"]["annotations"]


def test_a_failed_rollout_goes_back_to_what_was_live(folder: Path, namespace: str, kubectl: Kubectl) -> None:
    """Template, ConfigMap and Secret are as before, what the run made is gone, the old pods never stopped."""
    deploy(folder)
    kept = [live(kubectl, namespace, *what) for what in (("configmap", "settings"), ("secret", "keys"))]
    (folder / "app.yaml").write_text(web(namespace, image=NOT_THERE))
    (folder / "settings.json").write_text(config_map("settings", namespace, LEVEL="debug"))
    (folder / "secret.json").write_text(secret(namespace, f"{SECRET}-2"))
    (folder / "more.json").write_text(config_map("more", namespace))
    run = deploy(folder)
    assert (run.code, run.outputs["result"]) == (1, "rolled-back"), run.log
    assert "app.yaml:2" in run.log
    assert "ErrImagePull" in run.log
    assert "is as it was before, as revision 3: 2 of 2 updated, 2 available: ready" in run.log
    again = [live(kubectl, namespace, *what) for what in (("configmap", "settings"), ("secret", "keys"))]
    assert [found["data"] for found in again] == [found["data"] for found in kept]
    assert "more" not in kubectl("-n", namespace, "get", "configmap", "-o", "name")
    assert live(kubectl, namespace, "deployment", "web")["status"]["availableReplicas"] == 2
    assert SECRET not in run.log


def test_a_failed_first_deploy_is_left_to_be_looked_at(folder: Path, namespace: str, kubectl: Kubectl) -> None:
    """There is nothing to go back to, and the evidence is worth more."""
    (folder / "app.yaml").write_text(web(namespace, image=NOT_THERE))
    run = deploy(folder)
    assert (run.code, run.outputs["result"]) == (1, "failed")
    assert "no earlier state to go back to" in run.log
    assert "configmap/settings" in kubectl("-n", namespace, "get", "configmap", "-o", "name")


def test_a_dry_run_writes_nothing(folder: Path, namespace: str, kubectl: Kubectl) -> None:
    """Not even where everything is new."""
    run = deploy(folder, "--dry-run", "true")
    assert (run.code, run.outputs["result"]) == (0, "dry-run")
    assert len(run.outputs["changed"]) == 3
    assert kubectl("-n", namespace, "get", "deployment,secret", "-o", "name") == ""


def test_a_set_with_its_own_namespace_and_definitions(tmp_path: Path, kubectl: Kubectl, namespace: str) -> None:
    """Namespace, CRD and custom resource in one set, in any order; a dry run says what could not be checked."""
    group, made = f"{namespace}.example", f"{namespace}-made"
    (tmp_path / "all.yaml").write_text(f"""
apiVersion: {group}/v1
kind: Widget
metadata: {{name: w, namespace: {made}}}
spec: {{size: 3}}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: widgets.{group}}}
spec:
  group: {group}
  scope: Namespaced
  names: {{plural: widgets, kind: Widget, singular: widget, listKind: WidgetList}}
  versions:
    - name: v1
      served: true
      storage: true
      schema: {{openAPIV3Schema: {{type: object, x-kubernetes-preserve-unknown-fields: true}}}}
---
apiVersion: v1
kind: Namespace
metadata: {{name: {made}}}
""")
    try:
        dry = deploy(tmp_path, "--dry-run", "true")
        assert (dry.code, f"Not checked by the server, which lacks what they need: Widget/{made}/w" in dry.log) == (
            0,
            True,
        )
        assert deploy(tmp_path).outputs["result"] == "succeeded"
        again = deploy(tmp_path)
        assert (again.code, again.outputs["changed"]) == (0, [])
    finally:
        kubectl("delete", "--ignore-not-found", "--wait=false", f"crd/widgets.{group}", f"namespace/{made}")


def test_a_cancelled_apply_ends_at_once_and_lists_what_was_done(
    tmp_path: Path, namespace: str, kubectl: Kubectl
) -> None:
    """SIGINT in the middle: no new writes, applied and pending named, exit 130 well within seven seconds."""
    total = 1500
    (tmp_path / "many.yaml").write_text("\n---\n".join(config_map(f"c{i:04}", namespace, a="1") for i in range(total)))
    child = subprocess.Popen(
        command("--manifests", "."),
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not kubectl("-n", namespace, "get", "configmap", "-o", "name").count("c0"):
        assert child.poll() is None
    child.send_signal(signal.SIGINT)
    began = time.monotonic()
    out, log = child.communicate(timeout=20)
    assert time.monotonic() - began < 7
    assert child.returncode == 130
    applied = json.loads(out)["changed"]
    there = kubectl("-n", namespace, "get", "configmap", "-o", "name").count("configmap/c")
    assert len(applied) == there
    assert 0 < there < total
    assert f"applied: ConfigMap/{namespace}/c0000" in log
    assert "pending: " in log
