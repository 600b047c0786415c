"""One process of the world."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from local.world import paths

Kind = Literal["service", "task"]


@dataclass(frozen=True)
class Component:
    """A process of the world. A service is ready when `ready()` says so, a task when it has ended with 0."""

    name: str
    argv: list[str]
    needs: tuple[str, ...] = ()
    ready: Callable[[], bool] = lambda: True
    kind: Kind = "service"
    then: Callable[[], None] = lambda: None  # done once, inside of the world, when it is ready
    environment: Mapping[str, str] = field(default_factory=lambda: paths.component_environment(os.environ), repr=False)


def binary(name: str) -> str:
    return str(paths.BIN / name)


def task(name: str) -> list[str]:
    """The command line of one of `local.world.tasks`."""
    return paths.python_command("local.world.tasks", name)
