"""The main job, once for all that look at what came of it."""

from __future__ import annotations

import pytest

from local.demo.pipeline import Run, run
from tests.e2e.step import ROOT


@pytest.fixture(scope="session")
def pushed(world: None) -> Run:
    """A push to main; with debug logging on, as a user who looks for a fault would run it."""
    result = run(ROOT, "push", flags=("--env", "RUNNER_DEBUG=1"))
    assert result.code == 0, result.log[-6000:]
    return result
