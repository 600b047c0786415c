"""That the world heals is tested on a machine of its own: nobody's world is touched, and one may be up meanwhile."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

RECOVERY = Path(__file__).with_name("world_recovery.py")
# To the world a machine is a network namespace, with a directory of its own for state, locks and run-time files.
MACHINE = """\
set -e
for directory in /run /var/lib /var/log; do mount -t tmpfs -o mode=0755 own "$directory"; done
mkdir -m 1777 /run/lock
ip link set lo up
"$@" # not exec: the shell, PID 1 here, takes in orphans
"""
NAMESPACES = ["unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"]


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="namespaces need Linux and root")
def test_the_world_heals_whatever_is_killed_and_leaves_nothing_behind() -> None:
    inner = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(RECOVERY)]
    done = subprocess.run(
        [*NAMESPACES, "sh", "-c", MACHINE, "machine", *inner], capture_output=True, text=True, timeout=1200, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
