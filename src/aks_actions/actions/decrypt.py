"""decrypt-secrets: SOPS files and Key Vault secrets for what comes after: all opened, verified and masked first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from ..inputs import Lines, Secret, Selections
from ..job import Job
from ..report.summary import cell, table
from . import secrets
from .decrypting import ages, asking, cluster, composing, finding, listing, vaults, writing
from .decrypting.delivery import Opened
from .keys import Given

if TYPE_CHECKING:
    from .decrypting.ages import Stale
    from .decrypting.finding import Found
    from .decrypting.vaults import Contents
    from .decrypting.writing import Written


@dataclass(frozen=True)
class Inputs:
    """See actions/decrypt-secrets/action.yml."""

    files: Lines
    format: Literal["", "yaml", "json", "dotenv", "ini", "binary"]
    secrets: Selections
    environment: Selections
    values: Selections
    value_files: Selections
    output_directory: str
    output_format: Literal["", "yaml", "json", "dotenv", "ini"]
    in_place: bool
    kustomizations: Lines
    kubernetes: Literal["", "manifests", "apply"]
    secret_name: str
    secret_data: Selections
    secret_type: str
    secret_labels: Lines
    secret_immutable: bool
    secret_hash: bool
    namespace: str
    dry_run: bool
    rotate_after: int
    enforce_rotation: bool
    max_size: int
    tenant_id: str
    client_id: str
    age_key: Secret
    pgp_key: Secret
    pgp_passphrase: Secret
    vault_address: str
    vault_token: Secret
    allowed_hosts: Lines
    resource_group: str
    cluster_name: str
    subscription_id: str
    kubeconfig: str
    context: str
    allow_exec: Lines
    force: bool


@dataclass(frozen=True)
class Outputs:
    """See actions/decrypt-secrets/action.yml."""

    directory: str = ""
    files: str = ""
    variables: str = ""
    values: str = ""
    secret_names: str = ""
    stale: str = ""


def run(inputs: Inputs, job: Job) -> Outputs:
    """Nothing is written, set or applied before all is opened, selected and accepted by the server."""
    asked = asking.asked(inputs, job)
    with job.log.phase("Files") as phase:
        found = finding.find(inputs, asked, job)
        phase.note = found.note
    if inputs.dry_run:
        return _listed(inputs, job, found)
    opened: list[Opened] = []
    if found.sources:
        with job.log.phase("Decrypt") as phase:
            plain = secrets.decrypted(job, found.sources, Given.of(inputs))
            opened = [Opened(source, item) for source, item in zip(found.sources, plain, strict=True)]
            phase.note = f"{len(opened)} opened, every MAC verified, values masked"
            for item in opened:
                phase.detail(f"{item.name}   changed {item.plain.metadata.lastmodified or 'at no known time'}")
    contents: list[Contents] = []
    if asked.named:
        with job.log.phase("Key Vault") as phase:
            contents = vaults.read(job, asked.named, Given.of(inputs), phase)
            count = sum(len(content.secrets) for content in contents)
            phase.note = f"{count} secret(s) of {', '.join(content.name for content in contents)}, masked"
    stale = _stale(inputs, job, opened, contents)
    delivery = composing.compose(inputs, asked, found, opened, contents)
    planned = None
    if inputs.kubernetes == "apply":
        planned = cluster.plan(inputs, job, delivery.manifests, namespace=inputs.namespace, force=inputs.force)
    written = writing.write(inputs, job, delivery, planned)
    job.log.line(f"✔ {written.told}")
    _summarise(job, opened, contents, written, stale)
    return Outputs(
        directory=written.directory,
        files="\n".join(written.files),
        variables="\n".join(delivery.variables),
        values=written.values,
        secret_names="\n".join(delivery.secret_names),
        stale="\n".join(item.what for item in stale),
    )


def _listed(inputs: Inputs, job: Job, found: Found) -> Outputs:
    """What there is, without any key."""
    now = datetime.now(UTC)
    with job.log.phase("Recipients") as phase:
        closed = [(source.path, secrets.read(source)) for source in found.sources]
        for path, file in closed:
            listing.tell(phase, path, file, now)
        phase.note = f"of {len(closed)} file(s), none opened"
    stale = ages.stale([(path, file.metadata) for path, file in closed], now, inputs.rotate_after)
    listing.warn(job, stale)
    job.log.line("✔ Nothing was decrypted (dry run).")
    job.commands.summary(listing.page(closed, stale, now))
    if inputs.enforce_rotation:
        asking.refuse_stale(stale)
    return Outputs(stale="\n".join(item.what for item in stale))


def _stale(inputs: Inputs, job: Job, opened: list[Opened], contents: list[Contents]) -> list[Stale]:
    now = datetime.now(UTC)
    found = ages.stale([(item.name, item.plain.metadata) for item in opened], now, inputs.rotate_after)
    found += vaults.stale(contents, now, inputs.rotate_after)
    listing.warn(job, found)
    if inputs.enforce_rotation:
        asking.refuse_stale(found)
    return found


def _summarise(job: Job, opened: list[Opened], contents: list[Contents], written: Written, stale: list[Stale]) -> None:
    rows = [(f"`{item.name}`", "decrypted, MAC verified", item.plain.metadata.lastmodified) for item in opened]
    for content in contents:
        rows += [(f"`{content.name}/{secret.item.name}`", "read", secret.version) for secret in content.secrets]
    parts = [
        f"### ✔ decrypt-secrets: {len(rows)} source(s)",
        f"{cell(written.told)}.",
        table(("source", "result", "changed or version"), rows),
        listing.due(stale),
    ]
    job.commands.summary("\n\n".join(filter(None, parts)))
