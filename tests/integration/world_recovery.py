"""The world is killed, broken and ended, and heals. Run by test_world_recovery.py on a machine of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import names
from local.world import paths
from local.world.state import pids_in_world, supervisor_pids

ROOT = Path(__file__).resolve().parents[2]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "local", *arguments]


def local(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), cwd=ROOT, capture_output=True, text=True, timeout=900, check=False)


@pytest.fixture(scope="module", autouse=True)
def nothing_left() -> Iterator[None]:
    """Whatever fails: the control groups would outlive the machine's namespaces."""
    yield
    local("down")


def run(*arguments: str) -> str:
    return subprocess.run(arguments, capture_output=True, text=True, check=True).stdout


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def traces() -> dict[str, object]:
    """All that a world could leave on this machine."""
    parameters = ("net/ipv4/ip_forward", "net/ipv4/conf/all/route_localnet")  # the others belong to all namespaces
    listed = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    addresses = json.loads(run("ip", "-json", "address", "show"))
    return {
        "processes": sorted(p for p in Path("/proc").glob("[0-9]*") if str(names.STATE).encode() in _command_line(p)),
        "mounts": [point for _, point, *_ in listed],
        "addresses": [(i["ifname"], a.get("local")) for i in addresses for a in i["addr_info"]],
        "interfaces": [i["ifname"] for i in addresses],
        "rules": [
            line
            for save in ("iptables-save", "ip6tables-save")
            for line in run(save).splitlines()
            if re.search("KUBE-|CNI-", line)
        ],
        "cgroups": sorted(p for p in Path("/sys/fs/cgroup").glob(f"*/{paths.CGROUP}")),
        "parameters": {name: (Path("/proc/sys") / name).read_text() for name in parameters},
        "directories": sorted(p for root in ("/run", "/var/lib", "/var/log", "/etc") for p in Path(root).iterdir()),
    }


def _command_line(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""


def is_whole() -> bool:
    return local("status").returncode == 0


def test_down_leaves_nothing_behind() -> None:
    before = traces()
    assert local("up").returncode == 0
    assert traces() != before
    assert local("down").returncode == 0
    assert traces() == before
    assert not names.STATE.exists()


def test_down_without_a_world_is_no_error() -> None:
    done = local("down")
    assert (done.returncode, "there was no world" in done.stderr) == (0, True)


def test_status_without_a_world_exits_with_3() -> None:
    done = local("status")
    assert (done.returncode, "There is no local world" in done.stdout) == (3, True)


def test_entering_without_a_world_says_what_to_do() -> None:
    done = local("enter", "--", "true")
    assert (done.returncode, "run `make world` first" in done.stderr) == (3, True)


def test_a_port_in_use_is_named_with_its_holder_and_nothing_is_left() -> None:
    before = traces()
    with socket.create_server(("127.0.0.1", names.ETCD_PORT)):
        done = local("up")
    assert done.returncode == 2
    assert f"127.0.0.1:{names.ETCD_PORT} (etcd) is held by process {os.getpid()}: " in done.stderr
    assert traces() == before
    assert not names.STATE.exists()


@pytest.mark.parametrize("seconds", [0.4, 0.9, 1.5, 3.0, 5.0])
def test_a_start_that_is_killed_is_continued_by_the_next(seconds: float) -> None:
    with subprocess.Popen(command("up"), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        time.sleep(seconds)
        process.kill()
    done = local("up")
    assert done.returncode == 0, done.stderr
    assert is_whole()


@pytest.mark.parametrize("seconds", [0.05, 0.3, 1.0, 2.5])
def test_a_supervisor_killed_while_it_starts_is_replaced(seconds: float) -> None:
    assert local("down").returncode == 0
    with subprocess.Popen(command("up"), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while not supervisor_pids():
            time.sleep(0.01)
        time.sleep(seconds)
        os.kill(supervisor_pids()[0], signal.SIGKILL)
        assert process.wait(60) == 1
    assert local("up").returncode == 0
    assert is_whole()


def test_with_its_supervisor_every_process_of_the_world_dies() -> None:
    assert local("up").returncode == 0
    (supervisor,) = supervisor_pids()
    processes = pids_in_world(supervisor).values()
    assert len(processes) > 10
    os.kill(supervisor, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while any(lives(pid) for pid in processes):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    done = local("status")
    assert (done.returncode, "The local world is dead" in done.stdout) == (1, True)


def test_down_clears_a_dead_world() -> None:
    assert local("up").returncode == 0
    os.kill(supervisor_pids()[0], signal.SIGKILL)
    assert local("down").returncode == 0
    assert not names.STATE.exists()


def test_a_component_that_dies_is_named_with_its_log_and_healed_by_up() -> None:
    assert local("up").returncode == 0
    (supervisor,) = supervisor_pids()
    status = json.loads((names.STATE / "world.json").read_text())
    os.kill(pids_in_world(supervisor)[status["parts"]["kube-scheduler"]["pid"]], signal.SIGKILL)
    time.sleep(0.5)
    done = local("status")
    assert done.returncode == 1
    assert "kube-scheduler killed by SIGKILL; the last line of its log:" in done.stdout
    healed = local("up")
    assert healed.returncode == 0
    assert "replacing a world that is broken: kube-scheduler" in healed.stderr
    assert is_whole()


def test_a_component_that_hangs_is_found_broken() -> None:
    assert local("up").returncode == 0
    (supervisor,) = supervisor_pids()
    status = json.loads((names.STATE / "world.json").read_text())
    os.kill(pids_in_world(supervisor)[status["parts"]["registry"]["pid"]], signal.SIGSTOP)
    done = local("status")
    assert (done.returncode, "registry runs, but does not answer" in done.stdout) == (1, True)


@pytest.mark.parametrize("seconds", [0.3, 0.6, 1.2, 1.8])
def test_an_end_that_is_killed_is_finished_by_the_next(seconds: float) -> None:
    assert local("down").returncode == 0
    before = traces()
    assert local("up").returncode == 0
    with subprocess.Popen(command("down"), cwd=ROOT, stderr=subprocess.DEVNULL) as process:
        time.sleep(seconds)
        process.kill()
    assert local("down").returncode == 0
    assert traces() == before


def test_two_who_start_it_at_once_get_the_same_world() -> None:
    assert local("down").returncode == 0
    starting = [
        subprocess.Popen(command("up"), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    told = [process.communicate(timeout=120)[1] for process in starting]
    assert [process.returncode for process in starting] == [0, 0]
    assert sorted("the world is up already" in text for text in told) == [False, True]


def test_a_world_in_use_is_not_ended_before_its_user_is_done() -> None:
    held = command("with", "--", "sh", "-c", "echo in; read line")
    with subprocess.Popen(held, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as user:
        assert user.stdout is not None
        assert user.stdout.readline() == "in\n"
        with subprocess.Popen(command("down"), cwd=ROOT, stderr=subprocess.PIPE, text=True) as ending:
            assert ending.stderr is not None
            assert "waiting for those who use the world to end" in ending.stderr.readline()
            assert re.search(rf"{user.pid}  sh -c echo in", ending.stderr.readline())
            assert names.STATE.exists()
            user.communicate("\n")
            assert ending.wait(30) == 0
    assert not names.STATE.exists()
