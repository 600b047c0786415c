"""`python src/aks_actions NAME`: an action's step. Inputs come from the environment, as action.yml maps them."""

from __future__ import annotations

import sys
from pathlib import Path

if not __package__:  # bin/run starts this folder by its path, isolated from the caller's PYTHON* variables
    root = Path(__file__).resolve().parents[2]
    # In place of this folder, which Python put first: our `azure` must not stand before Azure's.
    sys.path[:1] = [str(root / "src"), str(root / "sops-python" / "src")]

from aks_actions.cli import run_step

if __name__ == "__main__":
    sys.exit(run_step(sys.argv[1]))
