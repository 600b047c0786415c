"""deploy-aks as a workflow runs it: GitHub's OIDC, Entra, ARM, the registry and Key Vault, a real cluster behind."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from local import names
from local.cloud.runner import job_environment
from local.world import entered
from sops_python.decrypt import decrypt
from sops_python.keys.age import AgeKeySource
from tests.conftest import Kubectl
from tests.integration.deploying import Run, config_map, environment, secret

ROOT = Path(__file__).parents[2]
APP = ROOT / "app" / "k8s"
RECOVERY_KEY = ROOT / "local" / "cloud" / "recovery.agekey"
AKS = (
    *("--cluster-name", names.CLUSTER, "--resource-group", names.RESOURCE_GROUP),
    *("--subscription-id", names.SUBSCRIPTION, "--tenant-id", names.TENANT),
)


def deploy(folder: Path, *arguments: str, client: str = names.CLIENT_ID, subject: str = names.SUBJECTS[1]) -> Run:
    """Run it where Azure and GitHub have their names."""
    command = [sys.executable, "-m", "aks_actions.cli", "deploy", "--manifests", ".", "--output", "json", *AKS]
    done = subprocess.run(
        entered([*command, "--client-id", client, *arguments]),
        cwd=folder,
        env=environment(**job_environment(subject)),
        capture_output=True,
        text=True,
        timeout=120,
    )
    return Run(done.returncode, json.loads(done.stdout or "{}"), done.stderr)


@pytest.fixture
def folder(tmp_path: Path, namespace: str) -> Path:
    """One object in a namespace of its own."""
    (tmp_path / "a.json").write_text(config_map("a", namespace, level="info"))
    return tmp_path


def test_an_identity_of_github_deploys_without_any_secret(folder: Path, namespace: str, kubectl: Kubectl) -> None:
    """OIDC → Entra → ARM → API server, no kubelogin, no kubeconfig on disk."""
    run = deploy(folder)
    assert (run.code, run.outputs.get("changed")) == (0, [f"ConfigMap/{namespace}/a"]), run.log
    assert f"Entra → AKS {names.CLUSTER}, as " in run.log
    assert json.loads(kubectl("-n", namespace, "get", "configmap", "a", "-o", "json"))["data"] == {"level": "info"}


def test_a_manifest_encrypted_for_key_vault_is_opened_on_the_fly(tmp_path: Path, world: None) -> None:
    """Planned by the identity of the job; its values are in no line, output or plan."""
    shutil.copy(APP / "secret.sops.yaml", tmp_path)
    shutil.copy(APP / "namespace.yaml", tmp_path)
    run = deploy(tmp_path, "--dry-run", "true")
    assert run.code == 0, run.log
    assert "1 decrypted (SOPS, MAC verified)" in run.log
    recovery = AgeKeySource.from_text(RECOVERY_KEY.read_text())
    opened = decrypt((APP / "secret.sops.yaml").read_bytes(), keys=[recovery]).documents[0]["stringData"]
    assert opened
    for line in (line.strip() for value in opened.values() for line in str(value).splitlines()):
        assert len(line) < 4 or line not in run.log + json.dumps(run.outputs)


def test_a_manifest_encrypted_with_age_reaches_the_cluster_in_clear(
    folder: Path, namespace: str, kubectl: Kubectl
) -> None:
    """What sops itself encrypted is what the Pod sees; the second deploy has nothing to write."""
    (folder / "plain.json").write_text(secret(namespace, "canary-51b8e0c4"))
    sops = Path(sys.executable).with_name("sops")
    recipient = ("--age", names.AGE_RECOVERY_RECIPIENT, "--encrypted-regex", "^stringData$")
    subprocess.run([sops, "encrypt", *recipient, "--in-place", "plain.json"], cwd=folder, check=True)
    assert "canary" not in (folder / "plain.json").read_text()
    first = deploy(folder, "--age-key", RECOVERY_KEY.read_text())
    assert first.code == 0, first.log
    found = json.loads(kubectl("-n", namespace, "get", "secret", "keys", "-o", "json"))["data"]
    assert base64.b64decode(found["key"]).decode() == "canary-51b8e0c4"
    assert "canary" not in first.log
    again = deploy(folder, "--age-key", RECOVERY_KEY.read_text())
    assert (again.code, again.outputs["changed"]) == (0, [])


def test_a_tag_that_does_not_exist_is_refused_before_anything_is_written(folder: Path, namespace: str) -> None:
    """Exit 2, naming the image."""
    run = deploy(folder, "--images", f"x={names.REGISTRY}/gone:v0")
    assert (run.code, f"image {names.REGISTRY}/gone:v0 is not in the registry" in run.log) == (2, True), run.log


REFUSED = {
    "an unknown cluster": (("--cluster-name", "nope"), {}, 2, "cluster nope can't be found"),
    "an unset variable": (("--subscription-id", ""), {}, 2, "subscription-id missing"),
    "a subject that Entra does not know": ((), {"subject": "repo:acme/other:ref:refs/heads/main"}, 3, "AADSTS700213"),
    "an identity without a role": (
        (),
        {"client": names.STRANGER_CLIENT_ID, "subject": names.STRANGER_SUBJECT},
        3,
        "Azure Kubernetes Service Cluster User Role",
    ),
}


@pytest.mark.parametrize(("arguments", "who", "code", "told"), REFUSED.values(), ids=REFUSED.keys())
def test_what_azure_refuses_is_told_in_its_words(
    arguments: tuple[str, ...], who: dict[str, str], code: int, told: str, folder: Path, namespace: str
) -> None:
    """The exit code of its class, and what to do."""
    run = deploy(folder, *arguments, **who)
    assert (run.code, told in run.log) == (code, True), run.log
