"""Key Vault secrets by name or pattern: which are meant, read in parallel, told where they are odd."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ...azure.credential import credential
from ...azure.key_vault import Item, Secret, Vault
from ...errors import InputError
from ...http import Http
from ...job import Job, Phase
from ..keys import Given
from . import selection
from .ages import Stale, days
from .selection import Wanted

_AT_A_TIME = 8
_LINE = re.compile(r"(?P<vault>[A-Za-z0-9.-]+)/(?P<name>[0-9A-Za-z*?-]{1,127})(#(?P<version>[0-9a-fA-F]{32}))?")


@dataclass(frozen=True)
class Named:
    """One line of `secrets`: a name or a pattern in one vault, and the variable that it becomes, if any."""

    vault: str  # as the user wrote it
    host: str
    name: str
    version: str
    variable: str

    @property
    def is_pattern(self) -> bool:
        return "*" in self.name or "?" in self.name

    def __str__(self) -> str:
        return f"{self.vault}/{self.name}" + (f"#{self.version}" if self.version else "")


@dataclass(frozen=True)
class Contents:
    """What was read of one vault, as one document of values by name."""

    name: str
    secrets: tuple[Secret, ...] = field(repr=False)

    @property
    def documents(self) -> Sequence[dict[str, str]]:
        return [{secret.item.name: secret.value for secret in self.secrets}]

    def whole(self) -> bytes:
        raise InputError(f"{self.name} is a vault, and no file: `.` means nothing there", do="Name its secrets.")


def parse(lines: Iterable[str], allowed_hosts: Sequence[str]) -> list[Named]:
    """The lines of `secrets`. Raises InputError, before anything is sent anywhere."""
    found = []
    for line in lines:
        what, bar, variable = (part.strip() for part in line.partition("|"))
        match = _LINE.fullmatch(what)
        if not match or (bar and not variable):
            raise InputError(
                f"`secrets` has {line!r}: not written as `vault/name`, `vault/name#version` or `vault/app-*`",
                do="A variable may follow: `shop-vault/database-password | DATABASE_PASSWORD`.",
            )
        named = Named(
            match["vault"], _host(match["vault"], allowed_hosts), match["name"], match["version"] or "", variable
        )
        if named.is_pattern and named.version:
            raise InputError(f"`secrets` has {line!r}: a pattern has no version", do="Name the secret.")
        if variable:  # a name that can be none is refused before the vault is asked
            selection.parse(selection.SECRETS, [f"{'*' if named.is_pattern else named.name} | {variable}"])
        found.append(named)
    return found


def _host(vault: str, allowed_hosts: Sequence[str]) -> str:
    from sops_python.endpoints import AZURE_VAULTS, pinned_host
    from sops_python.errors import MasterKeyError

    host = vault.lower() if "." in vault else f"{vault.lower()}.vault.azure.net"
    try:
        return pinned_host(f"https://{host}", (*AZURE_VAULTS, *allowed_hosts))
    except MasterKeyError as error:
        raise InputError(
            f"{vault} gets no token: it is no Key Vault of Azure",
            why=str(error),
            do="Name the vault alone, such as `shop-vault/name`, or add its host to `allowed-hosts`.",
        ) from None


def read(job: Job, named: Sequence[Named], given: Given, phase: Phase) -> list[Contents]:
    """The secrets of every vault, masked. Raises InputError, AuthError, TransientError for the first that fails."""
    identity = credential(job, given.tenant_id, given.client_id)
    http = Http(job.environ, job.sleep)
    vaults = {item.host: Vault(item.host, identity, http, given.client_id) for item in named}
    wanted: dict[tuple[str, str, str], Named] = {}
    for item in named:
        if item.is_pattern:
            names = _matching(vaults[item.host], item, phase)
        else:
            names = [item.name]
        for name in names:
            wanted.setdefault((item.host, name, item.version), item)
    _refuse_two_versions(list(wanted))
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        secrets = list(pool.map(lambda key: vaults[key[0]].get(key[1], key[2]), wanted))
    found: dict[str, list[Secret]] = {}
    for item, secret in zip(wanted.values(), secrets, strict=True):
        for trouble in job.mask(secret.value):
            job.log.warn(f"{item.vault}/{secret.item.name}: {trouble}; it may show up in logs")
        if odd := _odd(secret.item, datetime.now(UTC)):
            job.log.warn(f"{item.vault}/{secret.item.name} {odd}; Key Vault gives it all the same")
        found.setdefault(item.vault, []).append(secret)
    return [Contents(vault, tuple(of_vault)) for vault, of_vault in found.items()]


def variables(named: Iterable[Named], contents: Sequence[Contents]) -> list[tuple[Wanted, list[Contents]]]:
    """What the lines that name a variable select, each with the one vault that it means."""
    by_vault = {content.name: content for content in contents}
    found = []
    for item in named:
        if not item.variable:
            continue
        if not item.is_pattern:
            found.append((Wanted(item.name, item.variable), [by_vault[item.vault]]))
            continue
        secrets = tuple(s for s in by_vault[item.vault].secrets if fnmatch.fnmatchcase(s.item.name, item.name))
        found.append((Wanted("*", item.variable), [Contents(item.vault, secrets)]))
    return found


def _matching(vault: Vault, item: Named, phase: Phase) -> list[str]:
    names, passed = [], []
    for secret in vault.list():
        if not fnmatch.fnmatchcase(secret.name, item.name):
            continue
        if not secret.enabled:
            passed.append(f"{secret.name} (disabled)")
        elif secret.managed:
            passed.append(f"{secret.name} (of a certificate: name it to get it)")
        else:
            names.append(secret.name)
    if passed:
        phase.detail(f"left out of {item}: {', '.join(passed)}")
    if not names:
        raise InputError(
            f"`secrets` has {item}, which finds no secret",
            why=f"Left out: {', '.join(passed)}." if passed else f"No name in {item.host} fits it.",
        )
    return names


def _refuse_two_versions(wanted: list[tuple[str, str, str]]) -> None:
    seen: dict[tuple[str, str], str] = {}
    for host, name, version in wanted:
        if seen.setdefault((host, name), version) != version:
            raise InputError(
                f"`secrets` names {name} of {host} in two versions",
                why="They would have the same name.",
                do="Read one of them in a step of its own.",
            )


def _odd(item: Item, now: datetime) -> str:
    if item.expires is not None and item.expires < now.timestamp():
        return f"expired on {datetime.fromtimestamp(item.expires, UTC):%Y-%m-%d}"
    if item.not_before is not None and item.not_before > now.timestamp():
        return f"is not valid before {datetime.fromtimestamp(item.not_before, UTC):%Y-%m-%d}"
    return ""


def stale(contents: Iterable[Contents], now: datetime, limit: int) -> list[Stale]:
    """Secrets whose value was set more than `limit` days ago (0: no limit)."""
    return [
        Stale(f"secret {content.name}/{secret.item.name}", age, "give it a new value")
        for content in contents
        for secret in content.secrets
        if limit
        and secret.item.updated is not None
        and (age := days(datetime.fromtimestamp(secret.item.updated, UTC), now)) > limit
    ]
