"""The world's traces in the machine's network: the node's address, the Pods' bridge, kube-proxy's and CNI's chains."""

import contextlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable

from local import names
from local.world import paths
from local.world.errors import WorldError

_OWN = re.compile(r"(KUBE|CNI)-")  # chains that kube-proxy, kubelet and the CNI plugins make
_JUMP = re.compile(r"-[jg] (?:KUBE|CNI)-")


def _run(*command: str, text: str | None = None) -> str:
    """Output of a command that must succeed; found where root's programs are, whatever the caller's PATH."""
    environment = {**os.environ, "PATH": paths.SYSTEM_PATH}
    done = subprocess.run(command, input=text, check=False, capture_output=True, text=True, env=environment)
    if done.returncode:
        raise WorldError(f"`{' '.join(command)}` failed: {done.stderr.strip()}")
    return done.stdout


def _saved(command: str) -> str:
    """All rules, or none where the machine has no such tables (no IPv6, no iptables): then nothing of ours is there."""
    if not shutil.which(f"{command}-save", path=paths.SYSTEM_PATH):
        return ""
    try:
        return _run(f"{command}-save")
    except WorldError:
        return ""


def has_address() -> bool:
    """Whether some interface has the node's address."""
    interfaces = json.loads(_run("ip", "-json", "address", "show"))
    return any(a["local"] == names.NODE_ADDRESS for i in interfaces for a in i["addr_info"] if "local" in a)


def add_address() -> None:
    _run("ip", "address", "add", f"{names.NODE_ADDRESS}/32", "dev", "lo")


def remove(address_added: bool) -> None:
    """Everything that a world left, whether it was ended or killed."""
    for command in ("iptables", "ip6tables"):
        undone = removal(_saved(command))
        if undone:
            _run(f"{command}-restore", "--noflush", text=undone)
    for interface in json.loads(_run("ip", "-json", "link", "show")):
        if interface.get("master") == paths.BRIDGE or interface["ifname"] == paths.BRIDGE:
            # A Pod's veth goes with its network namespace, maybe at this very moment.
            with contextlib.suppress(WorldError):
                _run("ip", "link", "delete", interface["ifname"])
    if address_added and has_address():
        _run("ip", "address", "del", f"{names.NODE_ADDRESS}/32", "dev", "lo")


def foreign_chains() -> list[str]:
    """Kubernetes' chains on a machine without a world: another cluster's kube-proxy, which ours would fight."""
    return [line[1:].split()[0] for line in _saved("iptables").splitlines() if line.startswith(":KUBE-")]


def removal(saved: str) -> str:
    """iptables-restore input (for --noflush) that removes Kubernetes' and CNI's chains from `iptables-save` output.

    Every other rule, chain and policy stays as it is. Empty when there is nothing to remove.
    """
    tables: list[str] = []
    for table, lines in _tables(saved.splitlines()):
        chains = [line[1:].split()[0] for line in lines if line.startswith(":") and _OWN.match(line[1:])]
        jumps = [line for line in lines if line.startswith("-A ") and _leads_to_own(line)]
        if chains or jumps:
            tables += [
                f"*{table}",
                *(f"-D {line[3:]}" for line in jumps),
                *(f"-F {chain}" for chain in chains),
                *(f"-X {chain}" for chain in chains),
                "COMMIT",
            ]
    return "\n".join([*tables, ""]) if tables else ""


def _leads_to_own(rule: str) -> bool:
    chain = rule.split()[1]
    return bool(_JUMP.search(rule)) and not _OWN.match(chain)


def _tables(lines: Iterable[str]) -> Iterable[tuple[str, list[str]]]:
    table, content = "", list[str]()
    for line in lines:
        if line.startswith("*"):
            table, content = line[1:], []
        elif line == "COMMIT":
            yield table, content
        else:
            content.append(line)
