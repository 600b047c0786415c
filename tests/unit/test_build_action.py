"""The build action without a registry, on a program that speaks as buildx does."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from aks_actions.actions.build import Inputs, Outputs, run
from aks_actions.errors import Failure, InputError, TransientError
from aks_actions.inputs import action, parse
from aks_actions.job import Job

INSPECT = """\
Name:          mine
Driver:        docker-container
Nodes:
Name:             mine0
Status:           running
BuildKit version: v0.20.0
"""
UNAVAILABLE = "ERROR: failed to build: failed to solve: unexpected status from HEAD request to https://r/: 503"


class Patient(Job):
    """A job that notes how long it would have slept."""

    slept: list[float]

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.check()


class Machine:
    """A folder with a Dockerfile and a `buildx` that logs its arguments."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = io.StringIO()
        (folder / "Dockerfile").write_text("FROM busybox AS base\nARG VERSION\nFROM base AS test\n")
        (folder / "inspect").write_text(INSPECT)
        self.buildx('echo "#5 [base 2/2] RUN make"; echo "#5 CACHED"')
        path = f"{folder}:/usr/bin:/bin"
        self.job = Patient({"PATH": path, "RUNNER_TEMP": str(folder), "INPUT_SECRET": "x", "KEPT": "y"}, self.log)
        self.job.slept = []

    def buildx(self, build: str) -> None:
        script = self.folder / "buildx"
        script.write_text(
            f"#!/bin/sh\ncd {self.folder}\n"
            f'if [ "$1" = inspect ]; then cat inspect; exit; fi\necho "$@" >> calls\nenv >> environment\n{build}\n'
        )
        script.chmod(0o755)

    def run(self, **given: str) -> Outputs:
        values = {"image": "acr.azurecr.io/shop", "push": "false", "context": str(self.folder)}
        values |= {name.replace("_", "-"): value for name, value in given.items()}
        return run(parse(Inputs, action("build"), values, lambda declared: declared.name), self.job)

    @property
    def calls(self) -> list[str]:
        return (self.folder / "calls").read_text().splitlines()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_tests_are_built_first_and_nothing_is_pushed(machine: Machine) -> None:
    assert machine.run(test_target="test", tags="v1", platforms="linux/amd64,linux/arm64") == Outputs("", "", "")
    first, second = machine.calls
    assert "--target test" in first
    assert "--platform linux/amd64,linux/arm64" in second
    assert "--build-arg VERSION=v1" in second
    assert "--builder mine " in second
    assert "push=true" not in first + second
    assert "1 steps, 1 cached" in machine.log.getvalue()


def test_the_jobs_inputs_are_not_in_the_builders_environment(machine: Machine) -> None:
    machine.run()
    environment = (machine.folder / "environment").read_text()
    assert "KEPT=y" in environment
    assert "INPUT_SECRET" not in environment


def test_a_fault_that_may_pass_is_tried_again(machine: Machine) -> None:
    machine.buildx(f'if [ ! -e tried ]; then touch tried; echo "{UNAVAILABLE}"; exit 1; fi')
    machine.run()
    assert len(machine.calls) == 2
    assert machine.job.slept == [3.0]
    assert "attempt 1 of 3 failed" in machine.log.getvalue()


def test_a_fault_that_stays_is_transient_after_three_attempts(machine: Machine) -> None:
    machine.buildx(f'echo "{UNAVAILABLE}"; exit 1')
    with pytest.raises(TransientError):
        machine.run()
    assert len(machine.calls) == 3


def test_a_broken_dockerfile_is_tried_once(machine: Machine) -> None:
    machine.buildx('echo "ERROR: failed to solve: dockerfile parse error on line 2: unknown instruction: RON"; exit 1')
    with pytest.raises(Failure, match="can't be read"):
        machine.run()
    assert len(machine.calls) == 1


def test_workflow_commands_in_a_builds_output_are_not_obeyed(machine: Machine) -> None:
    machine.job.commands.enabled = True
    machine.buildx('echo "::error::injected"; echo "##[error]injected"')
    machine.run()
    for line in machine.log.getvalue().splitlines():
        assert not line.lstrip().startswith("::error")
        assert "##[error]" not in line


@pytest.mark.parametrize(
    "inspect", ["Name: default\nError:  failed to connect to the docker API\n", "Name: b\nStatus:   inactive\n"]
)
def test_a_builder_that_does_not_run_is_named_with_a_remedy(machine: Machine, inspect: str) -> None:
    (machine.folder / "inspect").write_text(inspect)
    with pytest.raises(InputError, match="can't be used") as caught:
        machine.run()
    assert "setup-buildx-action" in caught.value.do


def test_without_buildx_it_is_told_what_to_install(machine: Machine) -> None:
    (machine.folder / "buildx").unlink()
    machine.job.environ = {"PATH": str(machine.folder)}  # a runner has docker in /usr/bin
    with pytest.raises(InputError, match="buildx is not installed") as caught:
        machine.run()
    assert "setup-buildx-action" in caught.value.do
