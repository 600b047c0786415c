"""Azure Container Registry by OIDC: an Entra token becomes a login, with no `az` and no admin user.

Source: github.com/Azure/acr, docs/AAD-OAuth.md. azure-containerregistry's own exchange renews at the wrong time.
"""

from __future__ import annotations

import json
from typing import Protocol

from ..errors import AuthError, InputError
from ..http import Http
from .login import Login

SCOPE = "https://containerregistry.azure.net/.default"
USER = "00000000-0000-0000-0000-000000000000"  # with it, a password is a refresh token; ACR gives it three hours
_SUFFIXES = (".azurecr.io", ".azurecr.us", ".azurecr.cn")


class _Token(Protocol):
    @property
    def token(self) -> str: ...


class _Credential(Protocol):
    def get_token(self, *scopes: str) -> _Token: ...


def is_acr(host: str) -> bool:
    """Whether the registry is one of Azure's, to which alone an Entra token may be sent."""
    return host.endswith(_SUFFIXES)


def exchange(http: Http, credential: _Credential, host: str, tenant_id: str, client_id: str = "") -> Login:
    """A login at `host` for the credential's identity. The caller masks its password before any use.

    Raises AuthError where the registry does not know the identity, InputError for a host that is not Azure's.
    """
    if not is_acr(host):
        raise InputError(f"{host} is no Azure Container Registry", do="Pass registry-username and registry-password.")
    answer = http.request(
        "POST",
        f"https://{host}/oauth2/exchange",
        form={
            "grant_type": "access_token",
            "service": host,
            **({"tenant": tenant_id} if tenant_id else {}),
            "access_token": credential.get_token(SCOPE).token,
        },
    )
    if answer.status == 200:
        try:
            return Login(USER, str(json.loads(answer.body)["refresh_token"]), refresh=True)
        except (ValueError, KeyError):
            pass
    if answer.status in {401, 403}:
        raise AuthError(
            f"registry {host} refused this identity (HTTP {answer.status})",
            why="It holds no role on the registry, or the registry belongs to another tenant.",
            do=f"Give it AcrPush (to push) or AcrPull (to read):\n{role_command(host, 'AcrPush', client_id)}",
            details=answer.text,
        )
    raise InputError(
        f"{host} gave no login for an Entra token (HTTP {answer.status})",
        why="Is it the login server of an Azure Container Registry?",
        do="az acr list --query '[].loginServer'",
        details=answer.text if answer.status != 200 else "",  # a 200 may hold a token
    )


def role_command(host: str, role: str, client_id: str = "") -> str:
    """The command that gives a role on the registry."""
    name = host.partition(".")[0]
    return (
        f"az role assignment create --assignee {client_id or 'CLIENT-ID'} --role {role} \\\n"
        f"  --scope $(az acr show --name {name} --query id --output tsv)"
    )
