"""From an action's environment, or a shell's flags, to one frozen dataclass of typed inputs.

One home per fact: names, descriptions, defaults and required flags live in actions/NAME/action.yml; types live in
the dataclass, which has no defaults. A test proves that the two agree.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import yaml
from yaml import CSafeLoader

from .errors import InputError

T = TypeVar("T")

ACTIONS = Path(__file__).resolve().parents[2] / "actions"

# How a list is written: one a line, or, as Azure/k8s-deploy's users know it, also with commas and semicolons.
Lines = Annotated[tuple[str, ...], "\n"]
Items = Annotated[tuple[str, ...], "\n,;"]
Selections = Annotated[tuple[str, ...], "\n;"]  # as vault-action's users write them


class Secret(str):
    """A string that no repr shows. The job masks it as soon as it is read."""

    def __repr__(self) -> str:
        return "Secret(…)"


@dataclass(frozen=True)
class Input:
    """One input as action.yml declares it."""

    name: str
    description: str
    required: bool
    default: str

    @property
    def variable(self) -> str:
        """The environment variable that action.yml maps the input to."""
        return "INPUT_" + self.name.upper().replace("-", "_")


@dataclass(frozen=True)
class Action:
    """An action.yml: what it is called, what it takes, what it gives."""

    name: str
    description: str
    inputs: Mapping[str, Input]
    outputs: Mapping[str, str]


@cache
def action(name: str) -> Action:
    """Read actions/NAME/action.yml."""
    document = yaml.load((ACTIONS / name / "action.yml").read_bytes(), Loader=CSafeLoader)
    inputs = {
        key: Input(
            key, str(value.get("description", "")), bool(value.get("required")), _default(value.get("default", ""))
        )
        for key, value in (document.get("inputs") or {}).items()
    }
    outputs = {key: str(value.get("description", "")) for key, value in (document.get("outputs") or {}).items()}
    return Action(name, str(document["description"]), inputs, outputs)


def _default(value: object) -> str:
    # A default such as ${{ github.token }} exists only where GitHub evaluates it.
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return "" if "${{" in text else text


def parse(cls: type[T], spec: Action, values: Mapping[str, str], label: Callable[[Input], str]) -> T:
    """Build `cls` from raw texts by input name. Raises InputError that names the input as the user wrote it."""
    hints = get_type_hints(cls, include_extras=True)
    parsed: dict[str, Any] = {}
    for field in dataclasses.fields(cls):  # type: ignore[arg-type]  # a dataclass, by contract
        declared = spec.inputs[field.name.replace("_", "-")]
        text = values.get(declared.name, declared.default).strip() or declared.default
        if declared.required and not text:
            raise InputError(
                f"{label(declared)} is missing", why=declared.description, do=f"Give {label(declared)} a value."
            )
        try:
            parsed[field.name] = _convert(hints[field.name], text)
        except ValueError as error:
            shown = "…" if hints[field.name] is Secret else repr(text)
            raise InputError(f"{label(declared)} is {shown}: {error}", why=declared.description) from None
    return cls(**parsed)


def from_environment(cls: type[T], spec: Action, environ: Mapping[str, str]) -> T:
    """Inputs of a step: INPUT_NAME variables, as mapped by `env:` in action.yml."""
    values = {i.name: environ[i.variable] for i in spec.inputs.values() if i.variable in environ}
    return parse(cls, spec, values, lambda i: f"input `{i.name}`")


def _convert(hint: Any, text: str) -> Any:
    if get_origin(hint) is Annotated:
        _, separators = get_args(hint)
        return tuple(item for part in re.split(f"[{separators}]", text) if (item := part.strip()))
    if get_origin(hint) is Literal:
        if text not in get_args(hint):
            raise ValueError(f"must be one of {', '.join(filter(None, get_args(hint)))}")
        return text
    return _CONVERTERS[hint](text)


def _boolean(text: str) -> bool:
    if text.lower() in {"true", "yes", "1"}:
        return True
    if text.lower() in {"false", "no", "0", ""}:
        return False
    raise ValueError("must be true or false")


def _integer(text: str) -> int:
    if not re.fullmatch(r"\d+", text):
        raise ValueError("must be a whole number")
    return int(text)


def duration(text: str) -> timedelta:
    """`90`, `90s`, `10m`, `1h30m`: Go's way of writing, as kubectl and k8s-deploy take it; a bare number is seconds."""
    match = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s?)?", text)
    if not text or not match:
        raise ValueError("must be a duration such as 90s, 10m or 1h30m")
    hours, minutes, seconds = (float(group or 0) for group in match.groups())
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


_CONVERTERS: dict[Any, Callable[[str], Any]] = {
    str: str,
    Secret: Secret,
    bool: _boolean,
    int: _integer,
    Path: Path,
    timedelta: duration,
}
