"""The build action on the local world: real BuildKit, a real registry behind ACR's exchange, OIDC all the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import names
from local.cloud.runner import job_environment
from local.world import entered

DOCKERFILE = """\
FROM busybox:stable AS base
ARG VERSION
WORKDIR /srv
COPY content .
RUN touch built && echo "$VERSION" > version

FROM base AS test
RUN echo "1 test runs" && grep good content || { echo "FAILED: content is not good"; exit 3; }

FROM base AS final
CMD ["sh"]
"""


class Project:
    """A repository with a Dockerfile, and the build action in it as a step of a GitHub job."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.image = f"{names.REGISTRY}/test-{uuid.uuid4().hex[:8]}"
        self.temp = folder.parent / "runner-temp"
        self.temp.mkdir()
        self.output = folder.parent / "output"
        (folder / "content").write_text("good\n")
        (folder / "Dockerfile").write_text(DOCKERFILE)
        for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
            identity = ["-c", "user.name=a", "-c", "user.email=a@example"]
            subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True)

    def step(self, subject: str = names.SUBJECTS[0], **inputs: str) -> tuple[list[str], dict[str, str]]:
        given = {
            "image": self.image,
            "context": ".",
            "push": "true",
            "provenance": "false",
            "tenant-id": names.TENANT,
            "client-id": names.CLIENT_ID,
            **{name.replace("_", "-"): value for name, value in inputs.items()},
        }
        environ = {
            **os.environ,
            **job_environment(subject),
            **{f"INPUT_{name.upper().replace('-', '_')}": value for name, value in given.items()},
            "GITHUB_ACTIONS": "true",
            "GITHUB_OUTPUT": str(self.output),
            "RUNNER_TEMP": str(self.temp),
        }
        step = "from aks_actions.cli import run_step; import sys; sys.exit(run_step('build'))"
        return entered([sys.executable, "-c", step]), environ

    def build(self, subject: str = names.SUBJECTS[0], **inputs: str) -> tuple[int, str]:
        command, environ = self.step(subject, **inputs)
        self.output.unlink(missing_ok=True)
        done = subprocess.run(
            command, env=environ, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        return done.returncode, done.stdout

    def outputs(self) -> dict[str, str]:
        """What the step wrote to GITHUB_OUTPUT: `name<<delimiter`, lines, the delimiter."""
        found: dict[str, str] = {}
        lines = iter(self.output.read_text().splitlines())
        for line in lines:
            name, _, delimiter = line.partition("<<")
            value: list[str] = []
            while (text := next(lines)) != delimiter:
                value.append(text)
            found[name] = "\n".join(value)
        return found


@pytest.fixture
def project(world: None, tmp_path: Path) -> Iterator[Project]:
    folder = tmp_path / "project"
    folder.mkdir()
    made = Project(folder)
    yield made
    assert list(made.temp.iterdir()) == [], "nothing of the login or the build stays behind"


def test_an_image_is_tested_pushed_and_found_in_the_registry(project: Project) -> None:
    code, log = project.build(test_target="test", tags="v1\nfeature/x")
    assert code == 0, log
    outputs = project.outputs()
    assert outputs["digest"].startswith("sha256:")
    assert outputs["image"] == f"{project.image}@{outputs['digest']}"
    assert outputs["tags"].splitlines() == [f"{project.image}:v1", f"{project.image}:feature-x"]
    for phase in ("Builder", "Credentials", "Test", "Build", "Verify"):
        assert f"▸ {phase}" in log


def test_the_same_commit_gives_the_same_digest_without_any_cache(project: Project, world_tools: Path) -> None:
    assert project.build()[0] == 0
    first = project.outputs()["digest"]
    prune = entered([str(world_tools / "buildx"), "prune", "--force", "--filter", "type=regular"])
    subprocess.run(prune, check=True, capture_output=True)
    time.sleep(1.1)  # files made now have another time than those made before
    code, log = project.build()
    assert code == 0
    assert "steps, 0 cached" in log
    assert project.outputs()["digest"] == first


def test_failing_tests_end_the_build_with_their_lines_and_nothing_is_pushed(project: Project) -> None:
    (project.folder / "content").write_text("bad\n")
    code, log = project.build(test_target="test")
    assert code == 1
    assert "✘ the tests failed" in log
    assert "at Dockerfile:8" in log
    assert "  FAILED: content is not good" in log
    assert "▸ Build " not in log
    assert not project.output.exists()


def test_without_push_no_identity_is_needed(project: Project) -> None:
    code, log = project.build(push="false", tenant_id="", client_id="", test_target="test")
    assert code == 0, log
    assert "▸ Credentials" not in log
    assert project.outputs() == {"digest": "", "image": "", "tags": ""}


def test_an_identity_that_may_not_push_is_refused_before_the_build(project: Project) -> None:
    code, log = project.build(names.STRANGER_SUBJECT, client_id=names.STRANGER_CLIENT_ID)
    assert code == 3
    assert "AcrPush" in log
    assert "▸ Build " not in log


def test_a_builder_that_does_not_exist_is_named_with_those_that_do(project: Project) -> None:
    code, log = project.build(builder="nope")
    assert code == 2
    assert "the builder nope can't be used" in log
    assert "world" in log


def test_the_timeout_ends_the_build(project: Project) -> None:
    (project.folder / "Dockerfile").write_text("FROM busybox:stable\nRUN sleep 300\n")
    began = time.monotonic()
    code, log = project.build(timeout="2s")
    assert code == 5, log
    assert time.monotonic() - began < 15


def test_a_cancelled_build_ends_in_time_and_leaves_no_process(project: Project) -> None:
    marker = uuid.uuid4().hex
    (project.folder / "Dockerfile").write_text(f"FROM busybox:stable\nRUN echo {marker} && sleep 300\n")
    command, environ = project.step()
    with subprocess.Popen(command, env=environ, cwd=project.folder, stdout=subprocess.PIPE, text=True) as step:
        assert step.stdout
        for line in step.stdout:
            if f" {marker}" in line and "RUN" not in line:
                break
        step.send_signal(signal.SIGINT)
        began = time.monotonic()
        rest = step.stdout.read()
        assert step.wait(10) == 130
    assert time.monotonic() - began < 7
    assert "the run was cancelled" in rest
    left = subprocess.run(["pgrep", "-af", f"buildx build.*{project.folder}"], capture_output=True, text=True).stdout
    assert left == ""


def test_the_login_is_in_no_output(project: Project) -> None:
    code, log = project.build()
    assert code == 0
    text = "\n".join(line for line in log.splitlines() if not line.startswith("::add-mask::"))
    assert "eyJ" not in text, "no JWT but in the masks"
    assert json.dumps(project.outputs()).count("eyJ") == 0
