"""Inputs: from a step's environment or a shell's flags to typed values, or to an error that names the input."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

import pytest

from aks_actions.errors import InputError
from aks_actions.inputs import Action, Input, Items, Lines, Secret, from_environment, parse


@dataclass(frozen=True)
class Example:
    manifests: Items
    images: Lines
    timeout: timedelta
    force: bool
    retries: int
    mode: Literal["rolling", "canary"]
    age_key: Secret


def declare(name: str, default: str = "", required: bool = False) -> Input:
    return Input(name, f"What {name} is.", required, default)


SPEC = Action(
    "example",
    "An example.",
    {
        i.name: i
        for i in (
            declare("manifests", required=True),
            declare("images"),
            declare("timeout", "10m"),
            declare("force", "false"),
            declare("retries", "3"),
            declare("mode", "rolling"),
            declare("age-key"),
        )
    },
    {},
)


def read(**values: str) -> Example:
    environ = {"INPUT_MANIFESTS": "k8s"} | {f"INPUT_{name}": text for name, text in values.items()}
    return from_environment(Example, SPEC, environ)


def test_defaults_come_from_action_yml() -> None:
    assert read() == Example(("k8s",), (), timedelta(minutes=10), False, 3, "rolling", Secret(""))


def test_an_empty_input_is_its_default() -> None:
    assert read(TIMEOUT="  ").timeout == timedelta(minutes=10)


def test_items_are_split_at_newlines_commas_and_semicolons() -> None:
    assert read(MANIFESTS="a.yaml, b.yaml\n;c/").manifests == ("a.yaml", "b.yaml", "c/")


def test_lines_keep_commas() -> None:
    assert read(IMAGES="a=b,c\n\n d \n").images == ("a=b,c", "d")


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("1h30m", 5400), ("10m", 600), ("1m0.5s", 60.5)]
)
def test_durations_are_written_as_for_kubectl(text: str, seconds: float) -> None:
    assert read(TIMEOUT=text).timeout.total_seconds() == seconds


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"MANIFESTS": " "}, "input `manifests` is missing"),
        ({"TIMEOUT": "soon"}, "input `timeout` is 'soon': must be a duration"),
        ({"FORCE": "maybe"}, "input `force` is 'maybe': must be true or false"),
        ({"RETRIES": "-1"}, "input `retries` is '-1': must be a whole number"),
        ({"MODE": "big-bang"}, "input `mode` is 'big-bang': must be one of rolling, canary"),
    ],
)
def test_a_bad_input_is_named_with_what_it_must_be(values: dict[str, str], says: str) -> None:
    with pytest.raises(InputError) as caught:
        read(**values)
    assert says in caught.value.what


def test_flags_are_named_as_the_user_wrote_them() -> None:
    with pytest.raises(InputError, match="--timeout"):
        parse(Example, SPEC, {"manifests": "x", "timeout": "soon"}, lambda declared: f"--{declared.name}")


def test_a_secret_shows_in_no_repr() -> None:
    assert "AGE-SECRET" not in repr(read(AGE_KEY="AGE-SECRET-KEY-1"))
