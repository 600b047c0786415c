"""vault.acme.example: a HashiCorp Vault with one transit engine, tokens and policies.

Shapes: developer.hashicorp.com/vault/api-docs, and answers of an OpenBao 2.7 server to the same requests.
"""

import fnmatch
import uuid
from collections.abc import Callable
from typing import Any

from local import names
from local.cloud.transit import TransitError, TransitKey
from local.cloud.wire import Refusal, Request, Response, refuse, reply

# Token → its policies' paths and what they allow.
POLICIES: dict[str, dict[str, tuple[str, ...]]] = {
    names.HC_VAULT_ROOT_TOKEN: {"*": ("create", "read", "update")},
    names.HC_VAULT_TOKEN: {
        f"{names.HC_VAULT_ENGINE}/encrypt/{names.HC_VAULT_KEY}*": ("update",),
        f"{names.HC_VAULT_ENGINE}/decrypt/{names.HC_VAULT_KEY}*": ("update",),
        "auth/token/lookup-self": ("read",),
    },
    names.HC_VAULT_STRANGER_TOKEN: {"auth/token/lookup-self": ("read",)},
}


class HashiCorpVault:
    """`secret`: 32 bytes that the keys are made of, so that ciphertexts outlive a restart."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._keys = {names.HC_VAULT_KEY: TransitKey(names.HC_VAULT_KEY, secret)}

    def __call__(self, request: Request) -> Response:
        if not request.path.startswith("/v1/"):
            raise errors(404)
        if request.headers.get("X-Vault-Namespace", "").strip("/"):
            raise errors(404, "namespace not found")
        match (request.method, *request.segments[1:]):
            case ("GET", "sys", "health"):
                return reply(200, {"initialized": True, "sealed": False, "standby": False, "version": "1.21.0"})
            case ("GET", "auth", "token", "lookup-self"):
                self._require(request, "read")
                return answer({"id": _token(request), "policies": ["default"], "ttl": 0, "type": "service"})
            case (method, names.HC_VAULT_ENGINE, *rest):
                return self._transit("POST" if method == "PUT" else method, rest, request)
        self._require(request, "update")
        raise errors(404, f'no handler for route "{_path(request)}". route entry not found.')

    def _transit(self, method: str, rest: list[str], request: Request) -> Response:
        match (method, *rest):
            case ("GET", "keys", name):
                self._require(request, "read")
                if name not in self._keys:
                    raise errors(404)
                return answer(self._keys[name].describe())
            case ("POST", "keys", name):
                self._require(request, "update" if name in self._keys else "create")
                return answer(self._made(name).describe())
            case ("POST", "keys", name, "rotate" | "config") if name in self._keys:
                self._require(request, "update")
                return answer(self._configured(self._keys[name], rest[2], body(request)))
            case ("POST", "encrypt", name):  # makes a key that there isn't, for who may create
                self._require(request, "update" if name in self._keys else "create")
                return answer(self._used(lambda: self._made(name).encrypt(body(request))))
            case ("POST", "decrypt", name):
                self._require(request, "update")
                if name not in self._keys:
                    raise errors(400, "encryption key not found")
                return answer(self._used(lambda: self._keys[name].decrypt(body(request))))
        self._require(request, "update")
        if rest[:1] in (["keys"], ["encrypt"], ["decrypt"]):
            raise errors(405, "1 error occurred:\n\t* unsupported operation\n\n")
        raise errors(404, "1 error occurred:\n\t* unsupported path\n\n")

    def _made(self, name: str) -> TransitKey:
        return self._keys.setdefault(name, TransitKey(name, self._secret))

    def _configured(self, key: TransitKey, what: str, options: dict[str, Any]) -> dict[str, Any]:
        if what == "rotate":
            key.latest += 1
        elif 1 <= int(options.get("min_decryption_version", 0)) <= key.latest:
            key.minimum = int(options["min_decryption_version"])
        return key.describe()

    def _used(self, use: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        try:
            result = use()
        except TransitError as error:
            raise errors(400, str(error)) from None
        return result

    def _require(self, request: Request, capability: str) -> None:
        policy = POLICIES.get(_token(request))
        if policy is None:
            raise errors(403, "permission denied")
        path = _path(request)
        if not any(fnmatch.fnmatchcase(path, pattern) and capability in allowed for pattern, allowed in policy.items()):
            raise errors(403, "1 error occurred:\n\t* permission denied\n\n")


def _token(request: Request) -> str:
    return request.headers.get("X-Vault-Token") or request.bearer() or ""


def _path(request: Request) -> str:
    return "/".join(request.segments[1:])


def body(request: Request) -> dict[str, Any]:
    try:
        return request.json()
    except ValueError:
        raise errors(400, "failed to parse JSON input") from None


def answer(data: dict[str, Any]) -> Response:
    rest = {"lease_id": "", "renewable": False, "lease_duration": 0, "wrap_info": None, "warnings": None, "auth": None}
    return reply(200, {"request_id": str(uuid.uuid4()), "data": data, **rest}, ("Cache-Control", "no-store"))


def errors(status: int, *texts: str) -> Refusal:
    return refuse(status, {"errors": list(texts)}, ("Cache-Control", "no-store"))
