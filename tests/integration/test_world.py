"""The local world as its users meet it. None of these tests ends or replaces it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from local import names
from local.world import entered

ROOT = Path(__file__).resolve().parents[2]
Kubectl = Callable[..., str]
pytestmark = pytest.mark.usefixtures("world")


def local(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "local", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def inside(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(entered(command), capture_output=True, text=True, timeout=60, check=False)


def until(true: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_up_finds_the_world_and_prints_what_to_export() -> None:
    before = (names.STATE / "world.json").read_text()
    done = local("up")
    assert done.returncode == 0
    assert "the world is up already" in done.stderr
    assert f"export KUBECONFIG={names.STATE}/kubeconfig" in done.stdout.splitlines()
    assert (names.STATE / "world.json").read_text() == before


def test_status_lists_every_component_with_a_living_process_and_its_log() -> None:
    done = local("status")
    assert done.returncode == 0
    rows = re.findall(r"^(\S+) +(?:ready|starting) +(\d+) .*? (/\S+\.log)$", done.stdout, re.MULTILINE)
    components = {name for name, _, _ in rows}
    assert {
        "cloud",
        "registry",
        "buildkitd",
        "etcd",
        "kube-apiserver",
        "kubelet",
        "kube-proxy",
        "coredns",
    } <= components
    for _, pid, log in rows:
        assert Path(f"/proc/{pid}").exists()
        assert Path(log).exists()


def test_a_command_that_enters_finds_the_doubles_and_trusts_them() -> None:
    code = f"import requests; print(requests.get('https://{names.REGISTRY}/v2/', timeout=5).status_code)"
    done = inside(sys.executable, "-c", code)
    assert (done.returncode, done.stdout.strip()) == (0, "401"), done.stderr


def test_the_machine_itself_does_not_see_the_doubles() -> None:
    assert names.CLOUD_ADDRESS in inside("cat", "/etc/hosts").stdout
    assert names.CLOUD_ADDRESS not in Path("/etc/hosts").read_text()
    assert str(names.STATE) not in Path("/proc/self/mounts").read_text()


def test_the_entered_command_is_the_callers_own_child() -> None:
    with subprocess.Popen(
        entered(["sh", "-c", "echo $$; exec sleep 60"]), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert int(process.stdout.readline()) == process.pid
        process.send_signal(signal.SIGINT)
        assert process.wait(5) == -signal.SIGINT


def test_the_entered_commands_exit_code_is_passed_on() -> None:
    assert inside("sh", "-c", "exit 7").returncode == 7
    assert inside("no-such-command").returncode == 127


def test_entering_works_from_any_directory(tmp_path: Path) -> None:
    done = subprocess.run(entered(["pwd"]), cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(tmp_path)


def test_the_administrators_credentials_are_not_given_to_entered_commands() -> None:
    variables = inside("env").stdout
    assert "KUBECONFIG=" not in variables or os.environ.get("KUBECONFIG")
    assert f"PATH={names.STATE}/bin:" in variables


def test_a_pod_resolves_a_service_and_reaches_the_api_through_it(kubectl: Kubectl, namespace: str) -> None:
    script = "wget -qO- --no-check-certificate https://kubernetes.default.svc.cluster.local/version"
    kubectl("run", "probe", "-n", namespace, "--image=busybox:stable", "--restart=Never", "--", "sh", "-c", script)
    until(lambda: kubectl("get", "pod", "probe", "-n", namespace, "-o", "jsonpath={.status.phase}") == "Succeeded")
    assert '"gitVersion": "v1.34.' in kubectl("logs", "probe", "-n", namespace)


def test_a_node_port_answers_on_loopback(kubectl: Kubectl, namespace: str) -> None:
    serve = "echo served >/tmp/index.html; exec httpd -f -p 8080 -h /tmp"
    kubectl("create", "deployment", "web", "-n", namespace, "--image=busybox:stable", "--", "sh", "-c", serve)
    kubectl("expose", "deployment", "web", "-n", namespace, "--type=NodePort", "--port=8080")
    kubectl("rollout", "status", "deployment/web", "-n", namespace, "--timeout=60s")
    port = kubectl("get", "service", "web", "-n", namespace, "-o", "jsonpath={.spec.ports[0].nodePort}")

    def answers() -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=1) as answer:
                return bool(answer.read() == b"served\n")
        except OSError:
            return False

    until(answers)


def test_kubelet_pulls_from_acr_with_its_own_identity(kubectl: Kubectl, namespace: str, tmp_path: Path) -> None:
    """An image that a job has built and pushed runs in a Pod that names no pull secret."""
    done = inside(sys.executable, str(Path(__file__).with_name("world_push.py")), namespace, str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    image = done.stdout.strip().splitlines()[-1]
    assert re.fullmatch(rf"{re.escape(names.REGISTRY)}/{namespace}@sha256:[0-9a-f]{{64}}", image)
    kubectl("run", "app", "-n", namespace, f"--image={image}", "--restart=Never")
    until(lambda: kubectl("get", "pod", "app", "-n", namespace, "-o", "jsonpath={.status.phase}") == "Succeeded")
    assert kubectl("logs", "app", "-n", namespace).strip() == "hello from 65532"


def test_an_entered_command_dies_of_a_broken_pipe_as_it_would_outside() -> None:
    done = subprocess.run(
        ["bash", "-c", '"$@" | head -1; exit ${PIPESTATUS[0]}', "-", *entered(["yes"])],
        capture_output=True,
        timeout=10,
        check=False,
    )
    assert done.returncode == 128 + signal.SIGPIPE
