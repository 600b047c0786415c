"""AKS run-command: runs for real, with bash and kubectl, where Azure would start a pod inside the cluster."""

import io
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LIMIT = 600  # seconds
MAX_LOG = 512 * 1024  # bytes of output that are kept


@dataclass
class Command:
    """One command, from its start to its result. Times are seconds since 1970."""

    identity: str
    started: float = field(default_factory=time.time)
    ended: float | None = None
    exit_code: int | None = None
    logs: str = field(default="", repr=False)
    reason: str | None = None

    @property
    def finished(self) -> bool:
        return self.ended is not None

    def resource(self) -> dict[str, Any]:
        """A RunCommandResult."""
        properties: dict[str, Any] = {
            "provisioningState": "Succeeded" if self.reason is None else "Failed",
            "startedAt": instant(self.started),
            "finishedAt": instant(self.ended or self.started),
            "logs": self.logs,
        }
        if self.reason is None:
            properties["exitCode"] = self.exit_code
        else:
            properties["reason"] = self.reason
        return {"id": self.identity, "properties": properties}


class RunCommands:
    """`kubeconfig` is what kubectl uses; `path` is put before the machine's PATH."""

    def __init__(self, kubeconfig: Path, path: tuple[Path, ...]) -> None:
        self._kubeconfig = kubeconfig
        self._path = [*map(str, path), str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
        self._commands: dict[str, Command] = {}

    def find(self, identity: str) -> Command | None:
        return self._commands.get(identity)

    def start(self, command: str, context: bytes) -> str:
        """Runs `command` in the background, in the unpacked zip `context`; raises ValueError when that is none."""
        try:
            files = zipfile.ZipFile(io.BytesIO(context)) if context else None
        except zipfile.BadZipFile as error:
            raise ValueError("context is not a zip file") from error
        record = Command(uuid.uuid4().hex)
        self._commands[record.identity] = record
        threading.Thread(target=self._run, args=(record, command, files), daemon=True).start()
        return record.identity

    def _run(self, record: Command, command: str, files: zipfile.ZipFile | None) -> None:
        try:
            with tempfile.TemporaryDirectory(prefix="run-command-") as directory:
                if files:
                    files.extractall(directory)  # drops `..` and leading slashes by itself
                self._execute(record, command, directory)
        except (OSError, RuntimeError, zipfile.BadZipFile) as error:
            record.reason = f"the command could not be started: {error}"
        finally:
            record.ended = time.time()

    def _execute(self, record: Command, command: str, directory: str) -> None:
        environment = {
            "PATH": os.pathsep.join(self._path),
            "KUBECONFIG": str(self._kubeconfig),
            "HOME": directory,
            "LANG": "C.UTF-8",
        }
        with tempfile.TemporaryFile() as output:
            process = subprocess.Popen(
                ["bash", "-c", command],
                cwd=directory,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                record.exit_code = process.wait(LIMIT)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                record.reason = f"the command did not end within {LIMIT} s"
            output.seek(0)
            record.logs = output.read(MAX_LOG).decode(errors="replace")


def instant(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
