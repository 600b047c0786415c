"""What unit tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.decrypting import Workspace


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A job's folders, with the working directory in them, and an age key that files are encrypted for."""
    workspace = Workspace(tmp_path)
    monkeypatch.chdir(workspace.folder)
    return workspace
