"""NAME.vault.azure.net: Key Vault's data plane, keys and secrets.

Shapes: the Azure REST API specification, keyvault/data-plane, 7.x and 2025-07-01.
"""

import re
from typing import Any

from local import names
from local.cloud.access import Fault, Gate, TokenRefused
from local.cloud.entra import VAULT_AUDIENCE
from local.cloud.identities import Action, Application
from local.cloud.vault_errors import VaultError
from local.cloud.vault_keys import OPERATIONS, VaultKey, load_keys
from local.cloud.vault_secrets import Secrets
from local.cloud.wire import Request, Response, reply

CHALLENGE = f'Bearer authorization="https://login.microsoftonline.com/{names.TENANT}", resource="{VAULT_AUDIENCE}"'
PAGE = 25  # items, Azure's own limit
REFUSALS = {
    Fault.MISSING: "AKV10000: Request is missing a Bearer or PoP token.",
    Fault.INVALID: "AKV10046: Unable to resolve the key used for signature validation.",
    Fault.EXPIRED: "[TokenExpired] Error validating token: 'S2S12086'.",
    Fault.AUDIENCE: f"AKV10022: Invalid audience. Expected {VAULT_AUDIENCE}, found: ",
}


class KeyVault:
    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._keys = load_keys()
        self._secrets = Secrets()

    def __call__(self, request: Request) -> Response:
        caller = self._caller(request)
        if not re.fullmatch(
            r"\d+\.\d+(-preview[.\d]*)?|\d{4}-\d\d-\d\d(-preview)?", request.query.get("api-version", "")
        ):
            raise VaultError(400, "BadParameter", "api-version must be specified")
        match (request.method, *request.segments):
            case (_, "keys", *rest):
                return reply(200, self._answer_keys(caller, request, rest))
            case (_, "secrets", *rest):
                return reply(200, self._answer_secrets(caller, request, rest))
        raise VaultError(404, "ResourceNotFound", "The requested resource does not exist.")

    def _caller(self, request: Request) -> Application:
        try:
            return self._gate.caller(request.bearer())
        except TokenRefused as refused:
            challenge = ("WWW-Authenticate", CHALLENGE)
            raise VaultError(
                401, "Unauthorized", REFUSALS[refused.fault] + refused.audience, None, challenge
            ) from refused

    def _answer_keys(self, caller: Application, request: Request, rest: list[str]) -> dict[str, Any]:
        match (request.method, *rest):
            case ("GET",):
                require(caller, Action.KEY_READ, "keys")
                return page(request, [key_item(versions[-1], versioned=False) for versions in self._keys.values()])
            case ("GET", name, "versions"):
                require(caller, Action.KEY_READ, f"keys/{name}")
                return page(request, [key_item(key, versioned=True) for key in self._versions(name)])
            case ("GET", name) | ("GET", name, ""):
                require(caller, Action.KEY_READ, f"keys/{name}")
                return self._key(name, "").bundle()
            case ("GET", name, version):
                require(caller, Action.KEY_READ, f"keys/{name}/{version}")
                return self._key(name, version).bundle()
            case ("POST", name, version, operation) if operation.lower() in OPERATIONS:
                require(caller, OPERATIONS[operation.lower()], f"keys/{name}/{version}".rstrip("/"))
                return self._key(name, version).operate(operation.lower(), body(request))
        raise VaultError(405, "MethodNotAllowed", f"{request.method} is not allowed on this resource.")

    def _versions(self, name: str) -> list[VaultKey]:
        if name not in self._keys:
            raise VaultError.not_found("key", name)
        return self._keys[name]

    def _key(self, name: str, version: str) -> VaultKey:
        for key in reversed(self._versions(name)):
            if version in ("", key.version):
                return key
        raise VaultError.not_found("key", f"{name}/{version}")

    def _answer_secrets(self, caller: Application, request: Request, rest: list[str]) -> dict[str, Any]:
        match (request.method, *rest):
            case ("GET",):
                require(caller, Action.SECRET_LIST, "secrets")
                return page(request, [secret.item(versioned=False) for secret in self._secrets.newest()])
            case ("GET", name, "versions"):
                require(caller, Action.SECRET_LIST, f"secrets/{name}")
                return page(request, [secret.item(versioned=True) for secret in self._secrets.versions(name)])
            case ("GET", name):
                require(caller, Action.SECRET_GET, f"secrets/{name}")
                return self._secrets.get(name, "").bundle()
            case ("GET", name, version):
                require(caller, Action.SECRET_GET, f"secrets/{name}/{version}".rstrip("/"))
                return self._secrets.get(name, version).bundle()
            case ("PUT", name):
                require(caller, Action.SECRET_SET, f"secrets/{name}")
                if not re.fullmatch(r"[0-9A-Za-z-]{1,127}", name):
                    raise VaultError(400, "BadParameter", f"The request URI contains an invalid name: {name}")
                return self._secrets.put(name, body(request)).bundle()
        raise VaultError(405, "MethodNotAllowed", f"{request.method} is not allowed on this resource.")


def require(caller: Application, action: Action, resource: str) -> None:
    if not caller.may(action):
        raise VaultError.forbidden(caller, action, resource)


def body(request: Request) -> dict[str, Any]:
    try:
        return request.json()
    except ValueError as error:
        raise VaultError(400, "BadParameter", "The request body is not a JSON object.") from error


def key_item(key: VaultKey, *, versioned: bool) -> dict[str, Any]:
    return {"kid": key.kid if versioned else key.kid.rpartition("/")[0], "attributes": key.attributes, "tags": {}}


def page(request: Request, items: list[dict[str, Any]]) -> dict[str, Any]:
    """One page of a listing, with the link to the next."""
    start = int(request.query.get("$skiptoken", "0"))
    size = min(int(request.query.get("maxresults", PAGE)), PAGE)
    query = f"api-version={request.query['api-version']}&maxresults={size}&$skiptoken={start + size}"
    link = f"https://{request.host}{request.path}?{query}"
    return {"value": items[start : start + size], "nextLink": link if len(items) > start + size else None}
