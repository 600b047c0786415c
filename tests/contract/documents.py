"""Writes the generated parts of the READMEs: tables from action.yml, the workflow to copy from main.yml.

A part stands between `<!-- NAME -->` and `<!-- /NAME -->`. `make docs` writes; a contract test compares.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from aks_actions.cli import COMMANDS
from aks_actions.inputs import ACTIONS, Action, action

ROOT = ACTIONS.parent


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def actions(_: Path) -> str:
    rows = [
        (f"[`actions/{folder}`](actions/{folder}/README.md)", action(folder).description)
        for folder in COMMANDS.values()
    ]
    return _table(("action", "does"), rows)


def _action(folder: Path) -> Action:
    return action(folder.relative_to(ACTIONS).as_posix())


def inputs(folder: Path) -> str:
    rows = [
        (f"`{i.name}`" + (" (required)" if i.required else ""), i.description, f"`{i.default}`" if i.default else "")
        for i in _action(folder).inputs.values()
    ]
    return _table(("input", "what it is", "default"), rows)


def outputs(folder: Path) -> str:
    return _table(("output", "what it is"), [(f"`{name}`", text) for name, text in _action(folder).outputs.items()])


def workflow(_: Path) -> str:
    """main.yml as a consumer copies it: actions by their published names."""
    text = (ROOT / ".github" / "workflows" / "main.yml").read_text()
    return "```yaml\n" + re.sub(r"uses: \./actions/([a-z/-]+)", r"uses: ORG/aks-actions/actions/\1@v1", text) + "```"


PARTS: dict[str, Callable[[Path], str]] = {
    "actions": actions,
    "inputs": inputs,
    "outputs": outputs,
    "workflow": workflow,
}


def rendered(path: Path) -> str:
    """The README at `path` as it should be."""

    def part(match: re.Match[str]) -> str:
        name = match[1]
        return f"<!-- {name} -->\n{PARTS[name](path.parent)}\n<!-- /{name} -->"

    return re.sub(r"<!-- (\w+) -->\n.*?<!-- /\1 -->", part, path.read_text(), flags=re.DOTALL)


if __name__ == "__main__":
    for readme in [ROOT / "README.md", *ACTIONS.glob("**/README.md")]:
        readme.write_text(rendered(readme))
