"""main.yml, unchanged, under act on the local world: what a user's repository would see."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.demo import faults, outside
from local.demo.pipeline import Run, git, run
from local.demo.prober import Prober, settled

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.usefixtures("world")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A consumer's own repository: the application and main.yml, with the actions by their published names."""
    repository = tmp_path / "shop"
    (repository / ".github" / "workflows").mkdir(parents=True)
    workflow = (ROOT / ".github" / "workflows" / "main.yml").read_text()
    workflow = re.sub(r"uses: \./actions/([a-z/-]+)", r"uses: ORG/aks-actions/actions/\1@v1", workflow)
    (repository / ".github" / "workflows" / "main.yml").write_text(workflow)
    subprocess.run(["cp", "-R", str(ROOT / "app"), str(repository)], check=True)
    git(repository.parent, "init", "--quiet", "--initial-branch", "main", str(repository))
    git(repository, "add", "--all")
    commit(repository, "Start")
    return repository


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """What a release of the actions would hold: the files that git knows, and nothing that only lies about here."""
    folder = tmp_path / "aks-actions"
    for name in git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def commit(repository: Path, message: str) -> str:
    author = ("-c", "user.name=test", "-c", "user.email=test@localhost")
    git(repository, *author, "commit", "--quiet", "--all", "--message", message)
    return git(repository, "rev-parse", "HEAD")


def resource_versions() -> dict[str, str]:
    kinds = "deployments,configmaps,secrets,services,networkpolicies,poddisruptionbudgets"
    found = json.loads(outside.kubectl("get", kinds, "--namespace", outside.NAMESPACE, "--output", "json"))
    # A Deployment's status is written by the cluster itself; its generation tells of us.
    return {
        f"{item['kind']}/{item['metadata']['name']}": str(
            item["metadata"].get("generation") or item["metadata"]["resourceVersion"]
        )
        for item in found["items"]
    }


def test_a_push_serves_the_commit_by_its_digest(pushed: Run) -> None:
    digest, head = pushed.outputs("digest")[0], git(ROOT, "rev-parse", "HEAD")
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", digest)
    assert outside.image().endswith(f"@{digest}")
    assert settled(outside.node_port(), head)["commit"] == head


def test_a_push_tells_each_phase_and_ends_healthy(pushed: Run) -> None:
    steps = [(step, name) for step, name, _, _ in pushed.phases]
    assert ("build", "Test") in steps
    assert ("deploy-aks", "Apply") in steps
    assert any(step == "verify-health" for step, _ in steps)
    assert pushed.outputs("healthy")[-1] == "true"


def test_a_pull_request_builds_and_tests_and_pushes_nothing() -> None:
    before = outside.image()
    result = run(ROOT, "pull_request", subject=None)
    assert result.code == 0, result.log[-6000:]
    assert set(result.outputs("digest")) <= {""}
    assert {step for step, *_ in result.phases} == {"build", "decrypt-secrets"}
    assert outside.image() == before


def test_a_dispatch_with_dry_run_changes_nothing(pushed: Run) -> None:
    before = resource_versions()
    digest = outside.image().partition("@")[2]
    result = run(ROOT, "workflow_dispatch", inputs={"environment": "production", "digest": digest, "dry-run": "true"})
    assert result.code == 0, result.log[-6000:]
    assert result.outputs("result")[-1] == "dry-run"
    assert resource_versions() == before


def test_an_unchanged_dispatch_of_the_running_digest_changes_nothing(pushed: Run) -> None:
    before = resource_versions()
    digest = outside.image().partition("@")[2]
    result = run(ROOT, "workflow_dispatch", inputs={"environment": "production", "digest": digest})
    assert result.code == 0, result.log[-6000:]
    assert json.loads(result.outputs("changed")[-1]) == []
    assert resource_versions() == before


def test_a_consumer_deploys_a_changed_text_without_a_failed_request_and_an_earlier_digest_again(
    pushed: Run, clone: Path, published: Path
) -> None:
    first = outside.image()
    flags = ("--local-repository", f"ORG/aks-actions@v1={published}", "--action-offline-mode")
    configuration = clone / "app" / "k8s" / "configmap.yaml"
    configuration.write_text(configuration.read_text() + "\n# changed by a consumer\n")
    head = commit(clone, "Change the text")
    port = outside.node_port()
    with Prober(port) as tally:
        result = run(clone, "push", flags=flags)
    assert result.code == 0, result.log[-6000:]
    assert outside.image() != first
    assert settled(port, head)["commit"] == head
    assert tally.failures == []
    assert tally.requests > 20
    again = {"environment": "production", "digest": first.partition("@")[2]}
    assert run(clone, "workflow_dispatch", inputs=again, flags=flags).code == 0
    assert outside.image() == first


@pytest.fixture(params=sorted(faults.FAULTS))
def fault(request: pytest.FixtureRequest) -> Iterator[str]:
    yield request.param


EVIDENCE = {
    "image": ("shop@sha256:dead", "AcrPull|never pushed|not found|no such digest"),
    "crash": ("no catalogue at /data", "exit"),
    "probe": ("nowhere|404|[Rr]eadiness", "[Rr]eadiness"),
    "secret": ("shop-payments", "not found"),
    "quota": ("demo-quota", "exceeded|quota"),
}


def test_a_broken_commit_fails_fast_with_its_cause_while_the_old_version_serves(
    pushed: Run, fault: str, tmp_path: Path
) -> None:
    before, port = outside.image(), outside.node_port()
    with faults.broken(ROOT, tmp_path, fault) as (repository, inputs), Prober(port) as tally:
        result = run(repository, "workflow_dispatch", inputs=inputs)
    assert result.code != 0
    assert "exit 1, rollout failed" in result.log, result.log[-6000:]
    for evidence in EVIDENCE[fault]:
        assert re.search(evidence, result.log), f"{evidence} is not in\n{result.log[-6000:]}"
    assert "Deployment/shop" in result.log
    assert outside.image() == before
    assert tally.failures == []
    assert result.seconds < 90
