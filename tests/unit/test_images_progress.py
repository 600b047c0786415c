"""BuildKit's plain progress: which step failed, where, and what kind of failure it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from aks_actions.actions.building.failures import explained
from aks_actions.errors import AuthError, BuildFailed, Failure, InputError, TransientError
from aks_actions.images.build_errors import Kind, kind, registry_of
from aks_actions.images.progress import Progress

TESTS_FAILED = Path(__file__).parent.parent / "data" / "buildx-tests-failed.txt"
SOLVE = "failed to build: failed to solve: "
PUSH = "failed to push acr.azurecr.io/shop:1: "


def progress(text: str) -> Progress:
    read = Progress()
    for line in text.splitlines():
        read.feed(line)
    return read


def test_the_failing_step_is_found_with_its_whole_log_and_its_line() -> None:
    read = progress(TESTS_FAILED.read_text())
    assert read.failed is not None
    assert read.failed.name.startswith("[test 1/1] RUN python -m unittest")
    assert "FAIL: test_readiness (test_app.Readiness)" in read.failed.log
    assert read.dockerfile_line == 9


def test_cached_steps_are_counted_and_internal_ones_are_not() -> None:
    assert progress(TESTS_FAILED.read_text()).note == "4 steps, 2 cached"


def test_failing_tests_are_shown_with_the_dockerfiles_line() -> None:
    error = explained(progress(TESTS_FAILED.read_text()), Path("Dockerfile"), "docker buildx build --target test .")
    assert isinstance(error, BuildFailed)
    assert str(error.at) == "Dockerfile:9"
    assert "FAILED (failures=1)" in error.why
    assert "exit code: 1" in error.what
    assert "--target test" in error.do


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('process "/bin/sh -c make" did not complete successfully: exit code: 2', Kind.INSTRUCTION),
        ('process "curl http://x: 503" did not complete successfully: exit code: 22', Kind.INSTRUCTION),
        ("dockerfile parse error on line 6: unknown instruction: RON (did you mean RUN?)", Kind.DOCKERFILE),
        ('target stage "nope" could not be found', Kind.STAGE),
        ('failed to compute cache key: failed to calculate checksum of ref a::b: "/x": not found', Kind.MISSING_FILE),
        ('no builder "nope" found', Kind.BUILDER),
        ("Cannot connect to the Docker daemon at unix:///var/run/docker.sock.", Kind.BUILDER),
        ("nope:1: failed to resolve source metadata for docker.io/library/nope:1: not found", Kind.BASE_IMAGE),
        ("failed to resolve source metadata for docker.io/a/b: unexpected status: 503", Kind.TRANSIENT),
        (PUSH + "unexpected status from PUT request to https://acr.azurecr.io/v2/: 502 Bad Gateway", Kind.TRANSIENT),
        (PUSH + "errors:\nunknown: blob unknown to registry - sha256:9c7e", Kind.TRANSIENT),
        (PUSH + "failed to do request: dial tcp 10.0.0.1:443: connect: connection refused", Kind.TRANSIENT),
        (PUSH + "unexpected status: 401 Unauthorized", Kind.DENIED),
        (PUSH + "server message: insufficient_scope: authorization failed", Kind.DENIED),
        ("exporter option nonsense", Kind.OTHER),
    ],
)
def test_buildkits_last_word_belongs_to_a_class(text: str, expected: Kind) -> None:
    assert kind(SOLVE + text) is expected


@pytest.mark.parametrize(
    ("text", "failure"),
    [
        (PUSH + "unexpected status: 403 Forbidden", AuthError),
        (PUSH + "unexpected status: 503 Service Unavailable", TransientError),
        ('target stage "x" could not be found', InputError),
        ("nope:1: failed to resolve source metadata for nope:1: not found", BuildFailed),
        ("something new", BuildFailed),
    ],
)
def test_each_class_has_its_exit_code(text: str, failure: type[Failure]) -> None:
    assert type(explained(progress(f"ERROR: {SOLVE}{text}"), Path("Dockerfile"), "")) is failure


def test_a_denied_push_to_acr_names_the_role_to_give() -> None:
    error = explained(progress(f"ERROR: {SOLVE}{PUSH}unexpected status: 403 Forbidden"), Path("Dockerfile"), "")
    assert "AcrPush" in error.do
    assert "az acr show --name acr " in error.do


def test_the_registry_is_read_from_the_error() -> None:
    assert registry_of(PUSH) == "acr.azurecr.io"
    assert registry_of('Get "https://r.example:5000/v2/": x') == "r.example:5000"
    assert registry_of("nothing") == ""
