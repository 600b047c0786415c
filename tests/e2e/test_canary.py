"""A decrypted value is in the Pod, and nowhere else: no log, output, summary or file of the run."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from local import names
from local.demo import outside
from local.demo.pipeline import Run
from tests.e2e.step import AZURE, ROOT, step

SECRET = ROOT / "app" / "k8s" / "secret.sops.yaml"
RECOVERY = ROOT / "local" / "cloud" / "recovery.agekey"
pytestmark = pytest.mark.usefixtures("world")


@pytest.fixture(scope="module")
def values() -> dict[str, str]:
    """What is in the Secret, by the real sops and the recovery key; it stays in memory."""
    done = subprocess.run(
        [Path(sys.executable).with_name("sops"), "decrypt", SECRET],
        env={**os.environ, "SOPS_AGE_KEY_FILE": str(RECOVERY)},
        check=True,
        capture_output=True,
    )
    found = yaml.safe_load(done.stdout)["stringData"]
    assert len(found) >= 2
    return {str(key): str(value) for key, value in found.items()}


def traces(values: dict[str, str]) -> dict[bytes, str]:
    """Everything that would give a value away: its lines, and base64 of it as a shell or the API prints it."""
    found = {}
    for name, value in values.items():
        for line in (line for line in value.splitlines() if not line.startswith("-----")):
            found[line.encode()] = f"a line of {name}"
        for data in (value.encode(), value.strip().encode(), value.encode() + b"\n"):
            encoded = base64.b64encode(data).decode()
            found[encoded.encode()] = f"base64 of {name}"
            found[encoded[:76].encode()] = f"wrapped base64 of {name}"
    return found


def files(since: float) -> Iterator[Path]:
    """What a run could have written: act's folders, temporary files, the world's logs, the checkout."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    for top in (home / "act", Path("/tmp"), names.STATE / "log", names.STATE / "cloud", ROOT):
        for folder, below, leaves in os.walk(top):
            below[:] = [name for name in below if name not in {".git", ".venv", "tool_cache", "__pycache__"}]
            for leaf in leaves:
                path = Path(folder) / leaf
                if path.is_file() and not path.is_symlink() and path.stat().st_mtime >= since:
                    yield path


def test_the_values_are_in_the_pod(pushed: Run, values: dict[str, str]) -> None:
    for name, value in values.items():
        read = ("exec", "deployment/shop", "--namespace", "shop", "--", "python3", "-c")
        program = f"import sys; sys.stdout.write(open('/etc/shop/secrets/{name}').read())"
        assert outside.kubectl(*read, program) == value


def test_no_value_is_in_the_log_with_its_outputs_and_summaries(pushed: Run, values: dict[str, str]) -> None:
    log = pushed.log.encode()
    assert b"stringData" in SECRET.read_bytes()
    assert [what for trace, what in traces(values).items() if trace in log] == []


def test_no_value_is_in_any_file_of_the_run(pushed: Run, values: dict[str, str]) -> None:
    looked, found = 0, []
    for path in files(pushed.began):
        data = path.read_bytes()
        looked += 1
        found += [f"{what} in {path}" for trace, what in traces(values).items() if trace in data]
    assert looked > 5
    assert found == []


def test_the_search_would_find_a_value(values: dict[str, str], tmp_path: Path) -> None:
    value = next(iter(values.values()))
    leak = base64.b64encode(value.encode())
    assert any(trace in leak for trace in traces(values))


def test_a_failed_deploy_leaks_nothing_either(values: dict[str, str], subject: str) -> None:
    inputs = {**AZURE, "manifests": f"{SECRET}\n{ROOT}/README.md"}
    code, log = step("deploy-aks", inputs, subject, RUNNER_DEBUG="1")
    assert code == 2, log
    # The runner obeys these lines and shows none of them.
    said = "\n".join(line for line in log.splitlines() if not line.startswith("::add-mask::")).encode()
    assert [what for trace, what in traces(values).items() if trace in said] == []
