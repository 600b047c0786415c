"""Runs a workflow of a checkout under act in host mode, unchanged; the world only adds what GitHub would.

That is: repository variables, the event, the OIDC variables, the CA bundle. act's `--json` is not used: it prints what
it masks.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from local import names
from local.cloud.runner import job_environment
from local.world import entered

VARIABLES = {
    "AZURE_TENANT_ID": names.TENANT,
    "AZURE_CLIENT_ID": names.CLIENT_ID,
    "AZURE_SUBSCRIPTION_ID": names.SUBSCRIPTION,
    "AKS_RESOURCE_GROUP": names.RESOURCE_GROUP,
    "AKS_CLUSTER": names.CLUSTER,
    "REGISTRY": names.REGISTRY,
}
SUBJECT = f"repo:{names.REPOSITORY}:environment:production"

_UNFOLDED = {"Details", "Traceback"}
_PREFIX = re.compile(r"^\[(?P<job>[^\]]*?) *\] (?P<text>.*)$")
_PHASE = re.compile(r"^▸ (?P<name>\w+)(?P<note>.*?)(?P<seconds>(?<=\s)\d[\d.]* (?:s|min \d+ s))?$")
_LIVE = re.compile(r"^ +(?P<seconds>\d+\.\d s)   ")  # a line of a phase that is shown while it goes on


@dataclass
class Run:
    """What act printed and how it ended."""

    began: float = field(default_factory=time.time)  # seconds of the epoch
    code: int = 0
    seconds: float = 0.0
    lines: list[str] = field(default_factory=list)
    phases: list[tuple[str, str, str, str]] = field(default_factory=list)  # step, phase, note, duration

    @property
    def log(self) -> str:
        return "\n".join(self.lines)

    def outputs(self, name: str) -> list[str]:
        """The values of an output, in the order in which steps set it."""
        return re.findall(rf"::set-output:: {re.escape(name)}=(.*)$", self.log, re.MULTILINE)


def event(directory: Path, name: str, inputs: Mapping[str, str]) -> dict[str, object]:
    """The payload of a webhook event for the checkout's HEAD, as far as workflows read it."""
    commit = git(directory, "rev-parse", "HEAD")
    repository = {
        "full_name": names.REPOSITORY,
        "name": names.REPOSITORY.partition("/")[2],
        "owner": {"login": names.OWNER},
        "default_branch": "main",
    }
    if name == "pull_request":
        head = {"sha": commit, "ref": "change"}
        return {
            "repository": repository,
            "number": 1,
            "pull_request": {"number": 1, "head": head, "base": {"ref": "main"}},
        }
    return {"repository": repository, "ref": "refs/heads/main", "after": commit, "inputs": dict(inputs)}


def run(
    directory: Path,
    name: str = "push",
    *,
    workflow: str = ".github/workflows/main.yml",
    inputs: Mapping[str, str] | None = None,
    subject: str | None = SUBJECT,
    variables: Mapping[str, str] = VARIABLES,
    flags: tuple[str, ...] = (),
    show: Callable[[str], None] = lambda _: None,
) -> Run:
    """Run `workflow` of the checkout in `directory` for an event, inside the world.

    `subject` is the OIDC subject that GitHub would give the job; None leaves the job without `id-token: write`.
    """
    with tempfile.TemporaryDirectory(prefix="aks-actions-event-") as folder:
        payload = Path(folder) / "event.json"
        payload.write_text(json.dumps(event(directory, name, inputs or {})))
        empty = Path(folder) / "empty"  # act would read .env, .secrets, .vars and .input of the checkout by itself
        empty.touch()
        command = [
            *(str(Path(sys.executable).with_name("act")), name, "--rm", "--platform", "ubuntu-latest=-self-hosted"),
            *("--workflows", workflow, "--directory", str(directory), "--eventpath", str(payload)),
            *("--no-cache-server", "--pull=false", "--defaultbranch", "main", "--actor", names.OWNER),
            *("--env", f"GITHUB_REPOSITORY={names.REPOSITORY}", "--env", f"GITHUB_REPOSITORY_OWNER={names.OWNER}"),
            *(f"--{kind}-file={empty}" for kind in ("env", "secret", "var", "input")),
            *(f"--var={key}={value}" for key, value in variables.items()),
            *(f"--input={key}={value}" for key, value in (inputs or {}).items()),
            *flags,
        ]
        return _follow(command, environment(subject), show)


def environment(subject: str | None) -> dict[str, str]:
    """What a hosted runner's job would see, and nothing of the caller's shell that changes tools."""
    kept = {k: v for k, v in os.environ.items() if k in _KEPT or k.lower().endswith("_proxy")}
    return {**kept, **(job_environment(subject) if subject else {})}


_KEPT = {
    *("PATH", "HOME", "USER", "LANG", "TERM", "XDG_CACHE_HOME", "DOCKER_HOST"),
    *("PIP_INDEX_URL", "PIP_CONFIG_FILE", "PIP_CERT", "UV_DEFAULT_INDEX", "UV_INDEX_URL"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"),
}


def _follow(command: list[str], environ: dict[str, str], show: Callable[[str], None]) -> Run:
    result, log, step, started = Run(), JobLog(show), "", time.monotonic()
    process = subprocess.Popen(
        entered(command),
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        for raw in process.stdout or ():
            line = raw.rstrip("\n")
            result.lines.append(line)
            match = _PREFIX.match(line)
            text = match["text"] if match else line
            if action := re.match(r"^⭐ Run Main \S+/actions/([a-z/-]+)", text):
                step = action[1]
            elif phase := _PHASE.match(text.removeprefix("  | ")):
                result.phases.append((step, phase["name"], phase["note"].strip(), phase["seconds"] or ""))
            elif result.phases and (live := _LIVE.match(text.removeprefix("  | "))):
                result.phases[-1] = (*result.phases[-1][:3], live["seconds"])
            log.add(text)
        result.code = process.wait()
    except BaseException:  # an interrupted demo leaves no act behind
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()
        raise
    result.seconds = time.monotonic() - started
    return result


class JobLog:
    """act's lines as GitHub's page would show them: nothing of act's own, groups folded but for a failure's details."""

    def __init__(self, show: Callable[[str], None]) -> None:
        self.show = show
        self._folded: int | None = None  # lines in the group that is open and folded

    def add(self, text: str) -> None:
        if group := re.match(r"^  ❓  ::group::(.*)$", text):
            self._folded = None if group[1] in _UNFOLDED else 0
            self.show(f"  {'▾' if self._folded is None else '▸'} {group[1]}")
        elif text.startswith("  ❓  ::endgroup::"):
            if self._folded:
                self.show(f"    ({self._folded} lines)")
            self._folded = None
        elif text.startswith("  | "):
            if self._folded is None:
                self.show(text[4:])
            else:
                self._folded += 1
        elif text.startswith("⭐ Run Main ") and not text.startswith("⭐ Run Main exec "):
            self.show(f"\n── {text.removeprefix('⭐ Run Main ')} ──")


def git(directory: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", str(directory), *arguments], check=True, capture_output=True, text=True
    ).stdout.strip()
