"""action.yml, dataclass, env mapping, README and outputs say the same."""

from __future__ import annotations

import dataclasses
import importlib
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from aks_actions.cli import COMMANDS
from aks_actions.inputs import ACTIONS, action, parse
from tests.contract.documents import ROOT, rendered

FOLDERS = sorted(COMMANDS.values())
WORDS = {folder: word for word, folder in COMMANDS.items()}


def document(folder: str) -> dict[str, Any]:
    loaded = yaml.safe_load((ACTIONS / folder / "action.yml").read_text())
    assert isinstance(loaded, dict)
    return loaded


def module(folder: str) -> Any:
    return importlib.import_module(f"aks_actions.actions.{WORDS[folder]}")


def test_every_action_has_a_command_and_every_command_an_action() -> None:
    assert sorted(path.parent.relative_to(ACTIONS).as_posix() for path in ACTIONS.glob("**/action.yml")) == FOLDERS


@pytest.mark.parametrize("folder", FOLDERS)
def test_inputs_of_action_yml_and_dataclass_are_the_same(folder: str) -> None:
    fields = {field.name.replace("_", "-") for field in dataclasses.fields(module(folder).Inputs)}
    assert fields == set(document(folder)["inputs"])


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_dataclass_has_no_defaults_of_its_own(folder: str) -> None:
    assert all(field.default is dataclasses.MISSING for field in dataclasses.fields(module(folder).Inputs))


@pytest.mark.parametrize("folder", FOLDERS)
def test_defaults_of_action_yml_are_of_the_dataclass_types(folder: str) -> None:
    required = {name: "1" for name, declared in action(folder).inputs.items() if declared.required}
    assert parse(module(folder).Inputs, action(folder), required, lambda declared: declared.name)


@pytest.mark.parametrize("folder", FOLDERS)
def test_each_input_is_mapped_to_its_variable_and_nothing_else_is(folder: str) -> None:
    (step,) = document(folder)["runs"]["steps"]
    expected = {i.variable: f"${{{{ inputs.{i.name} }}}}" for i in action(folder).inputs.values()}
    assert step.get("env", {}) == expected


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_one_step_only_becomes_the_program(folder: str) -> None:
    (step,) = document(folder)["runs"]["steps"]
    up = "/".join([".."] * (folder.count("/") + 2))
    assert step["run"] == f'exec "$GITHUB_ACTION_PATH/{up}/bin/run" {folder}'


@pytest.mark.parametrize("folder", FOLDERS)
def test_outputs_declared_are_the_outputs_written(folder: str) -> None:
    written = {field.name.replace("_", "-") for field in dataclasses.fields(module(folder).Outputs)}
    assert written == set(document(folder)["outputs"])
    for name, output in document(folder)["outputs"].items():
        assert output["value"] == f"${{{{ steps.run.outputs.{name} }}}}"


@pytest.mark.parametrize("folder", FOLDERS)
def test_secret_inputs_are_no_plain_strings(folder: str) -> None:
    kinds = {field.name: field.type for field in dataclasses.fields(module(folder).Inputs)}
    telling = {name for name in kinds if re.search(r"pass(word|phrase)|token|(age|pgp|api|private)_key$", name)}
    assert {name for name in telling if "Secret" not in str(kinds[name])} == set()


@pytest.mark.parametrize("path", [ROOT / "README.md", *(ACTIONS / folder / "README.md" for folder in FOLDERS)], ids=str)
def test_generated_parts_of_a_readme_are_current(path: Path) -> None:
    assert path.read_text() == rendered(path), "run `make docs`"
