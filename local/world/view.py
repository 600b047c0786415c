"""What `status` shows."""

import shlex
import time
from pathlib import Path

from local import names
from local.world import components, entering, locks, paths
from local.world.errors import BROKEN, NO_WORLD
from local.world.lifecycle import broken_parts
from local.world.state import Status, pids_in_world, supervisor_lives, supervisor_pids

_COLUMNS = "{:<24} {:<8} {:>8}  {:<8}  {}"


def status() -> tuple[str, int]:
    """A table of the world's parts, and the command's exit code: 0 ready, 1 not ready or broken, 3 no world."""
    recorded = Status.load()
    if not supervisor_lives() and (makers := locks.holders(names.LOCK)):
        return f"The local world is being made, replaced or ended by: {'; '.join(makers.values())}", BROKEN
    if recorded is None and not supervisor_lives():
        left = " (an unfinished one left things behind: `make world-down` clears them)" if names.STATE.exists() else ""
        return f"There is no local world{left}. `make world` brings one up.", NO_WORLD
    if recorded is None:
        return "The local world is coming up: its supervisor has just started.", BROKEN
    if not supervisor_lives():
        return (
            "The local world is dead: its supervisor was killed, and all processes with it.\n"
            f"`make world` makes a new one, `make world-down` clears what is left. Logs: {paths.LOG}",
            BROKEN,
        )
    broken = broken_parts(recorded) if recorded.phase != "ending" else {}
    lines = [_title(recorded, broken), "", *_table(recorded, broken), *_reasons(broken)]
    return "\n".join(lines), _code(recorded, broken)


def exports() -> str:
    """Shell lines that lead a terminal to the world; meant for `eval`."""
    recorded = Status.load()
    variables = {"KUBECONFIG": str(paths.KUBECONFIG)}
    if recorded and recorded.plan.builder:
        variables |= {"BUILDX_CONFIG": str(paths.BUILDX_CONFIG), "BUILDX_BUILDER": entering.BUILDER}
    lines = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    return "\n".join([*lines, f'export PATH={shlex.quote(str(paths.BIN))}:"$PATH"'])


def demands() -> str:
    """What a cluster or a Docker daemon that is not the world's own has to be given before it can take part."""
    recorded = Status.load()
    if recorded is None:
        return ""
    leads = f"{names.REGISTRY} has to lead to {names.CLOUD_ADDRESS}:443 of this machine, with {paths.CLOUD_CA} trusted"
    lines = []
    if not recorded.plan.cluster:
        lines += [
            f"The existing cluster's nodes pull from the world: on them {leads},",
            f"and their pulls need the credentials in {paths.CLOUD / 'pull-credentials.json'}.",
            "It has to let in who the kubeconfig names: it does not know the Entra double's tokens.",
        ]
    if not recorded.plan.builder:
        lines += [f"The Docker daemon pushes to the world: for it {leads}."]
    return "\n".join(lines)


def _code(recorded: Status, broken: dict[str, str]) -> int:
    return BROKEN if broken or recorded.phase != "ready" else 0


def _title(recorded: Status, broken: dict[str, str]) -> str:
    phase = "broken" if broken else recorded.phase
    plan = recorded.plan
    made = f"made {_since(recorded.started)} ago by {plan.user} from {plan.clone}, version {plan.version}"
    return f"The local world is {phase}; {made}."


def _table(recorded: Status, broken: dict[str, str]) -> list[str]:
    pids = {inside: pid for supervisor in supervisor_pids() for inside, pid in pids_in_world(supervisor).items()}
    kinds = {component.name: component.kind for component in components.all_of(recorded.plan)}
    rows = [_COLUMNS.format("COMPONENT", "STATE", "PID", "SINCE", "LOG")]
    for name, part in recorded.parts.items():
        running = kinds.get(name) == "service" and part.state in ("starting", "ready")
        pid = pids.get(part.pid or 0, "-") if running else "-"
        state = "broken" if name in broken else part.state
        rows.append(_COLUMNS.format(name, state, pid, _since(part.since), paths.LOG / f"{name}.log"))
    return rows


def _reasons(broken: dict[str, str]) -> list[str]:
    lines = []
    for name, how in broken.items():
        lines += ["", f"{name} {how}; the last line of its log:", f"  {_last_line(paths.LOG / f'{name}.log')}"]
    return [*lines, *(["", "`make world` replaces this world by a whole one."] if broken else [])]


def _last_line(log: Path) -> str:
    try:
        lines = log.read_text(errors="replace").splitlines()
    except FileNotFoundError:
        lines = []
    return lines[-1][:400] if lines else "(empty)"


def _since(moment: float) -> str:
    seconds = max(0, int(time.time() - moment))
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min"
    return f"{seconds // 3600} h {seconds % 3600 // 60:02} m"
