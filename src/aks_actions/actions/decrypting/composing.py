"""From opened files and secrets to what is delivered: all of it is made before the first byte is written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import InputError, Location
from ...github.commands import exportable
from . import delivery as deliveries
from . import selection, vaults
from .delivery import Delivery, Opened
from .kubernetes import Made

if TYPE_CHECKING:
    from ..decrypt import Inputs
    from .asking import Asked
    from .finding import Found
    from .vaults import Contents


def compose(
    inputs: Inputs, asked: Asked, found: Found, opened: Sequence[Opened], contents: Sequence[Contents]
) -> Delivery:
    """Raises InputError for a selection, a conversion or a Secret that can't be."""
    made = Delivery()
    origins: list[Opened | Contents] = [*opened, *contents]
    made.variables = _variables(asked, origins, contents)
    selected = selection.select(selection.VALUES, asked.values, origins)
    made.values = {name: selection.text(value) for name, value in selected.items()}
    for item in opened:
        if item.name in found.replaced:
            made.replaced[Path(item.name)] = item.whole()
        elif asked.whole_files:
            made.add(*deliveries.converted(item, inputs.output_format))
    if asked.whole_files:
        _whole_secrets(made, asked, contents)
    for name, value in selection.select(selection.VALUE_FILES, asked.value_files, origins).items():
        made.add(Path(name), deliveries.bytes_of(value))
    if inputs.kubernetes:
        _kubernetes(made, inputs, asked, [item for item in opened if item.name not in found.replaced], contents)
    return made


def _variables(asked: Asked, origins: Sequence[Opened | Contents], contents: Sequence[Contents]) -> dict[str, str]:
    found = selection.select(selection.ENVIRONMENT, asked.environment, origins)
    for wanted, among in vaults.variables(asked.named, contents):
        for name, value in selection.select(selection.SECRETS, [wanted], among).items():
            if name in found:
                raise InputError(f"{name} would be set twice", do="Give each value a name of its own.")
            found[name] = value
    for name, value in found.items():
        exportable(name)
        if "\0" in selection.text(value):
            raise InputError(
                f"the value for {name} holds a zero byte, which no variable can",
                do=f"Write it to a file: `value-files: … | {name.lower()}`.",
            )
    return {name: selection.text(value) for name, value in found.items()}


def _whole_secrets(made: Delivery, asked: Asked, contents: Sequence[Contents]) -> None:
    """Vault secrets that have no variable, as files VAULT/NAME."""
    named = {
        (content.name, secret)
        for wanted, among in vaults.variables(asked.named, contents)
        for content in among
        for secret in (content.documents[0] if wanted.many else {wanted.what: ""})
    }
    for content in contents:
        for name, value in content.documents[0].items():
            if (content.name, name) not in named:
                made.add(Path(content.name, name), value.encode())


def _kubernetes(
    made: Delivery, inputs: Inputs, asked: Asked, opened: Sequence[Opened], contents: Sequence[Contents]
) -> None:
    """The Secrets: manifests as they were written, and one made of everything else."""
    ready = [item for item in opened if item.is_manifest]
    others = [item for item in opened if not item.is_manifest]
    for item in ready:
        found = deliveries.manifests_of(item)
        made.manifests += found
        made.secret_names += [manifest.name for manifest in found if manifest.kind == "Secret"]
        if inputs.kubernetes == "manifests":
            made.add(item.source.below, item.whole())
    if asked.secret_data or ((others or contents) and inputs.secret_name):
        _made_secret(made, inputs, asked, opened, others, contents)
    elif inputs.secret_name and not ready:
        raise InputError("there is nothing to make the Secret of")
    elif others or contents:
        names = [item.name for item in others] + [content.name for content in contents]
        raise InputError(
            f"{names[0]} is no Kubernetes manifest, and `secret-name` is empty",
            why="Its values become the data of a Secret, which needs a name.",
            do="Set `secret-name`.",
            at=Location(others[0].name) if others else None,
        )


def _made_secret(
    made: Delivery,
    inputs: Inputs,
    asked: Asked,
    opened: Sequence[Opened],
    others: Sequence[Opened],
    contents: Sequence[Contents],
) -> None:
    if not inputs.secret_name:
        raise InputError("`secret-data` needs `secret-name`", do="Name the Secret that it makes.")
    if asked.secret_data:
        selected = selection.select(selection.SECRET_DATA, asked.secret_data, [*opened, *contents])
        data = {name: deliveries.bytes_of(value) for name, value in selected.items()}
    else:
        data = deliveries.data_of(others, contents)
    manifest, text = deliveries.made_manifest(
        Made(
            inputs.secret_name,
            inputs.namespace,
            inputs.secret_type,
            asked.labels,
            inputs.secret_immutable,
            inputs.secret_hash,
            data,
        )
    )
    made.manifests.append(manifest)
    made.secret_names.append(manifest.name)
    if inputs.kubernetes == "manifests":
        made.add(Path(f"{manifest.name}.yaml"), text)
