"""Secrets of a Key Vault over its REST API: one by name, or what there is.

`GET {vault}/secrets/{name}[/{version}]` and `GET {vault}/secrets`, 25 a page with `nextLink`
(learn.microsoft.com/rest/api/keyvault/secrets).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from ..errors import AuthError, Failure, InputError
from ..http import Answer, Http
from .credential import Credential

_API = "api-version=7.4"
_PAGES = 400  # a vault of 10,000 secrets


@dataclass(frozen=True)
class Item:
    """What a listing says of a secret's newest version; times are seconds since 1970."""

    name: str
    enabled: bool
    managed: bool  # belongs to a certificate
    not_before: float | None
    expires: float | None
    updated: float | None


@dataclass(frozen=True)
class Secret:
    """One version of a secret."""

    item: Item
    version: str
    value: str = field(repr=False)


class Vault:
    """One vault. Its host must have been checked against an allow-list: it gets a token. Threads may share it."""

    def __init__(self, host: str, credential: Credential, http: Http, client_id: str) -> None:
        self.host = host
        self._credential = credential
        self._http = http
        self._client_id = client_id
        # The cloud's own resource: https://vault.azure.net for shop.vault.azure.net.
        self._scope = f"https://{host.partition('.')[2]}/.default"

    def get(self, name: str, version: str = "") -> Secret:
        """A secret's value. Raises InputError (there is none), AuthError (no permission, disabled), TransientError."""
        path = f"secrets/{quote(name, safe='')}" + (f"/{quote(version, safe='')}" if version else "")
        found = self._asked(f"https://{self.host}/{path}?{_API}", name)
        value = found.get("value")
        if not isinstance(value, str):
            raise self._strange(name)
        return Secret(_item(found), str(found.get("id", "")).rpartition("/")[2], value)

    def list(self) -> Iterator[Item]:
        """All secrets, without values. Raises AuthError, TransientError."""
        url = f"https://{self.host}/secrets?{_API}&maxresults=25"
        for _ in range(_PAGES):
            page = self._asked(url, "")
            yield from (_item(entry) for entry in page.get("value") or [])
            url = str(page.get("nextLink") or "")
            if not url:
                return
            parts = urlsplit(url)
            if parts.scheme != "https" or parts.netloc != self.host:  # a page must not lead the token elsewhere
                raise self._strange("")
        raise InputError(f"{self.host} has more than {_PAGES * 25:,} secrets", do="Name those that are needed.")

    def _asked(self, url: str, name: str) -> dict[str, Any]:
        token = self._credential.get_token(self._scope).token
        answer = self._http.request("GET", url, headers={"Authorization": f"Bearer {token}"})
        try:
            found = json.loads(answer.body)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise self._strange(name)
        if answer.status != 200:
            raise self._refused(answer, found, name)
        return found

    def _refused(self, answer: Answer, found: Mapping[str, Any], name: str) -> Failure:
        error = found.get("error") or {}
        message = str(error.get("message") or f"HTTP {answer.status}")
        inner = str((error.get("innererror") or {}).get("code") or "")
        vault = self.host.partition(".")[0]
        shown = f"secret {name} of {self.host}" if name else f"the list of secrets of {self.host}"
        if answer.status == 404:
            return InputError(
                f"{self.host} has no secret {name}",
                why=message.partition(".")[0] + ".",
                do=f"az keyvault secret list --vault-name {vault} --query '[].name' --output tsv",
                details=answer.text,
            )
        if "Disabled" in inner:
            return AuthError(
                f"{shown} is disabled",
                why=message,
                do=f"az keyvault secret set-attributes --vault-name {vault} --name {name} --enabled true",
            )
        if answer.status == 403:
            return AuthError(
                f"{shown} may not be read by this identity",
                why=message.splitlines()[0],
                do=f"az role assignment create --assignee {self._client_id or 'CLIENT-ID'} "
                '--role "Key Vault Secrets User" \\\n'
                f"  --scope $(az keyvault show --name {vault} --query id --output tsv)\n"
                "If the vault has a firewall, the runner must be let through it.",
                details=answer.text,
            )
        kind = AuthError if answer.status == 401 else InputError
        return kind(f"{self.host} refused to give {shown} (HTTP {answer.status})", why=message, details=answer.text)

    def _strange(self, name: str) -> Failure:
        what = f"secret {name}" if name else "the list of secrets"
        return InputError(f"{self.host} gave an answer for {what} that is not Key Vault's")


def _item(entry: Mapping[str, Any]) -> Item:
    attributes = entry.get("attributes") or {}
    parts = urlsplit(str(entry.get("id", ""))).path.split("/")  # /secrets/NAME[/VERSION]
    return Item(
        name=parts[2] if len(parts) > 2 else "",
        enabled=bool(attributes.get("enabled", True)),
        managed=bool(entry.get("managed")),
        not_before=attributes.get("nbf"),
        expires=attributes.get("exp"),
        updated=attributes.get("updated"),
    )
