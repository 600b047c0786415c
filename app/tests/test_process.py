import json
import os
import signal
import socket
import subprocess
import sys
import time
import unittest
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from .support import ENVIRON, connected, write_secret_files


class ProcessTest(unittest.TestCase):
    def setUp(self) -> None:
        directory = TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.secrets = Path(directory.name)
        self.body, self.payment = write_secret_files(self.secrets)

    def test_sigterm_drains_and_ends_with_success(self) -> None:
        with self._started({"SHOP_DRAIN_SECONDS": "0.5"}) as (process, port):
            with connected(port) as connection:
                connection.request("GET", "/readyz")
                self.assertEqual(connection.getresponse().status, 200)
            started = time.monotonic()
            process.send_signal(signal.SIGTERM)
            time.sleep(0.2)
            with connected(port) as connection:
                connection.request("GET", "/readyz")
                self.assertEqual(connection.getresponse().read(), b"draining\n")
            rest, _ = process.communicate(timeout=10)
            self.assertLess(time.monotonic() - started, 3)
        self.assertEqual(process.returncode, 0)
        messages = [json.loads(line)["message"] for line in rest.splitlines()]
        self.assertEqual(messages[0], "draining")
        self.assertEqual(messages[-1], "stopped")

    def test_every_line_is_json_and_none_holds_a_secret(self) -> None:
        with self._started({"SHOP_LOG_LEVEL": "debug", "SHOP_DRAIN_SECONDS": "0"}) as (process, port):
            with connected(port) as connection:
                connection.request("POST", f"/cart?key={self.payment}", b"{}", {"Authorization": self.payment})
                self.assertEqual(connection.getresponse().status, 400)
            process.send_signal(signal.SIGTERM)
            rest, _ = process.communicate(timeout=10)
        lines = [json.loads(line) for line in rest.splitlines()]
        self.assertIn(("/cart", 400), [(line.get("path"), line.get("status")) for line in lines])
        for value in (self.payment, self.body[:16]):
            self.assertNotIn(value, rest)

    def test_a_bad_setting_ends_the_start_with_its_reason(self) -> None:
        code, line = self._failed({"SHOP_DRAIN_SECONDS": "soon"})
        self.assertEqual((code, line["level"]), (2, "error"))
        self.assertIn("SHOP_DRAIN_SECONDS='soon'", str(line["reason"]))

    def test_a_missing_secret_ends_the_start_with_the_file_that_is_missing(self) -> None:
        (self.secrets / "signing-key.pem").unlink()
        code, line = self._failed({})
        self.assertEqual(code, 2)
        self.assertIn("signing-key.pem", str(line["reason"]))

    def test_a_port_in_use_ends_the_start_with_the_port(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            code, line = self._failed({"SHOP_PORT": str(port)})
        self.assertEqual((code, line["message"], line["port"]), (1, "can't listen", port))

    def _environ(self, more: Mapping[str, str]) -> dict[str, str]:
        settings = {**ENVIRON, "SHOP_PORT": "0", "SHOP_SECRETS_DIR": str(self.secrets), **more}
        return {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path), **settings}

    @contextmanager
    def _started(self, more: Mapping[str, str]) -> Iterator[tuple[subprocess.Popen[str], int]]:
        process = subprocess.Popen(
            [sys.executable, "-m", "shop"], env=self._environ(more), stdout=subprocess.PIPE, text=True
        )
        try:
            ready = json.loads(process.stdout.readline() if process.stdout else "")
            self.assertEqual((ready["message"], ready["secrets"]), ("ready", True))
            yield process, ready["port"]
        finally:
            process.kill()
            process.communicate()

    def _failed(self, more: Mapping[str, str]) -> tuple[int, dict[str, object]]:
        done = subprocess.run(
            [sys.executable, "-m", "shop"], env=self._environ(more), capture_output=True, text=True, timeout=10
        )
        self.assertEqual(done.stderr, "")
        (line,) = done.stdout.splitlines()
        return done.returncode, json.loads(line)
