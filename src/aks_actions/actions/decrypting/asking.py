"""What the inputs ask for: parsed, and contradictions refused, before any file is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...errors import InputError
from ...github.commands import exportable
from ...job import Job
from . import kubernetes, selection, vaults
from .selection import Wanted

if TYPE_CHECKING:
    from ..decrypt import Inputs
    from .ages import Stale
    from .vaults import Named


@dataclass(frozen=True)
class Asked:
    """The parsed inputs."""

    named: list[Named]
    environment: list[Wanted]
    values: list[Wanted]
    value_files: list[Wanted]
    secret_data: list[Wanted]
    labels: dict[str, str]
    whole_files: bool  # decrypted files go to the output folder


def asked(inputs: Inputs, job: Job) -> Asked:
    """Raises InputError."""
    named = vaults.parse(inputs.secrets, inputs.allowed_hosts)
    environment = selection.parse(selection.ENVIRONMENT, inputs.environment)
    variables = [item.name for item in environment if not item.many] + [
        item.variable for item in named if item.variable and not item.is_pattern
    ]
    for name in variables:
        exportable(name)
    found = Asked(
        named,
        environment,
        selection.parse(selection.VALUES, inputs.values),
        selection.parse(selection.VALUE_FILES, inputs.value_files),
        selection.parse(selection.SECRET_DATA, inputs.secret_data),
        kubernetes.labels(inputs.secret_labels),
        _whole_files(inputs, named),
    )
    _check(inputs, found, job)
    return found


def _whole_files(inputs: Inputs, named: Sequence[Named]) -> bool:
    """Where they are asked for, or nothing else is."""
    if inputs.kubernetes or inputs.in_place:
        return False
    others = (*inputs.environment, *inputs.values, *inputs.value_files, *(item.variable for item in named))
    return bool(inputs.output_directory) or not any((*others, *inputs.kustomizations))


def _check(inputs: Inputs, found: Asked, job: Job) -> None:
    if not (inputs.files or inputs.secrets or inputs.kustomizations):
        raise InputError(
            "there is nothing to decrypt",
            why="`files`, `secrets` and `kustomizations` are all empty. An unset variable reads as empty.",
            do="Name SOPS files, Key Vault secrets or kustomizations.",
        )
    exports = inputs.environment or any(item.variable for item in found.named)
    if exports and not inputs.dry_run and not job.environ.get("GITHUB_ENV"):
        raise InputError(
            "`environment` has no effect here",
            why="Variables are handed to the later steps of a GitHub job, and this is none (GITHUB_ENV is not set).",
            do="Use --output-directory.",
        )
    for name, value in (("secret-name", inputs.secret_name), ("secret-data", inputs.secret_data)):
        if value and not inputs.kubernetes:
            raise InputError(
                f"`{name}` has no effect without `kubernetes`",
                do="Set `kubernetes: manifests` to write the Secret as a file, or `kubernetes: apply` for the cluster.",
            )
    if inputs.in_place and (inputs.output_directory or inputs.output_format or inputs.kubernetes):
        other = (
            "output-directory" if inputs.output_directory else "kubernetes" if inputs.kubernetes else "output-format"
        )
        raise InputError(
            f"`in-place` and `{other}` contradict each other",
            why="In place, each file is replaced by its own plaintext.",
            do="Choose one.",
        )
    if inputs.secret_name:
        kubernetes.check_name(inputs.secret_name)
    if inputs.max_size < 1:
        raise InputError("`max-size` is 0", do="Give a size in MiB.")


def refuse_stale(found: Sequence[Stale]) -> None:
    """Raise InputError where a key is past its rotation age."""
    if found:
        raise InputError(
            f"{len(found)} key(s) are past their rotation age",
            why="\n".join(map(str, found)),
            do="Rotate them, or leave `enforce-rotation` out to be warned only.",
            outputs={"stale": "\n".join(item.what for item in found)},
        )
