"""What is built: inputs are checked against each other, the disk and Git before anything is asked of anybody."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from aks_actions.actions.build import Inputs
from aks_actions.actions.building.runs import export_arguments
from aks_actions.actions.building.subject import Subject, prepare
from aks_actions.errors import InputError
from aks_actions.inputs import action, parse
from aks_actions.job import Job
from aks_actions.process.buildx import Builder

COMMIT = "e22d58e7cf835bbabb2ca84a07b179527f5f3e78"
DOCKERFILE = "FROM busybox AS base\nARG COMMIT\nFROM base AS test\nFROM base AS final\n"


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    return tmp_path


def prepared(given: dict[str, str] | None = None, **environ: str) -> Subject:
    values = {"image": "acr.azurecr.io/shop", **(given or {})}
    parsed = parse(Inputs, action("build"), values, lambda declared: declared.name)
    variables = {"GITHUB_SHA": COMMIT, "SOURCE_DATE_EPOCH": "1700000000", **environ}
    return prepare(parsed, Job(variables, io.StringIO()))


def test_the_commit_is_tag_label_and_argument() -> None:
    subject = prepared()
    assert subject.references == (f"acr.azurecr.io/shop:{COMMIT}",)
    assert subject.labels["org.opencontainers.image.revision"] == COMMIT
    assert subject.arguments == {"COMMIT": COMMIT}
    assert subject.epoch == 1_700_000_000


def test_the_source_label_is_the_repository_on_github() -> None:
    subject = prepared(GITHUB_SERVER_URL="https://github.com", GITHUB_REPOSITORY="acme/shop")
    assert subject.labels["org.opencontainers.image.source"] == "https://github.com/acme/shop"


@pytest.mark.parametrize(
    ("given", "telling"),
    [
        ({"image": "acr.azurecr.io/Shop"}, "lower case"),
        ({"image": "acr.azurecr.io/shop:v1"}, "holds a tag"),
        ({"image": f"acr.azurecr.io/shop@sha256:{'0' * 64}"}, "holds a digest"),
        ({"image": "shop"}, "names no registry"),
        ({"image": "/shop"}, "no image reference"),
        ({"context": "nowhere"}, "is not there"),
        ({"context": "Dockerfile"}, "is no folder"),
        ({"file": "Dockerfile.prod"}, "Dockerfile.prod can't be read"),
        ({"target": "nope"}, "no stage 'nope'"),
        ({"test-target": "tset"}, "no stage 'tset'"),
        ({"tags": "!!!"}, "a tag has letters"),
        ({"build-args": "no value"}, "NAME=value"),
    ],
)
def test_an_input_that_can_not_be_used_is_named(given: dict[str, str], telling: str) -> None:
    with pytest.raises(InputError, match=telling):
        prepared(given)


def test_stages_are_known_whatever_their_letter_case() -> None:
    assert prepared({"target": "FINAL"}).image.repository == "shop"


def test_without_push_no_registry_and_no_tag_are_needed() -> None:
    assert prepared({"image": "shop", "push": "false"}, GITHUB_SHA="").references == ()
    assert prepared({"image": "/shop", "push": "false"}).image.repository == "shop"  # a fork has no variables


def test_an_epoch_that_is_no_number_is_refused() -> None:
    with pytest.raises(InputError, match="SOURCE_DATE_EPOCH"):
        prepared(SOURCE_DATE_EPOCH="yesterday")


def test_what_a_builder_can_do_decides_how_it_exports(tmp_path: Path) -> None:
    def arguments(driver: str, provenance: str = "min") -> str:
        builder = Builder("b", driver, "")
        found = export_arguments(builder, prepared(), push=True, provenance=provenance, metadata=tmp_path / "m")
        return " ".join(found)

    assert "push=true,rewrite-timestamp=true --provenance=mode=min" in arguments("docker-container")
    assert "--provenance=false" in arguments("remote", "false")
    assert arguments("docker").endswith("--push")
