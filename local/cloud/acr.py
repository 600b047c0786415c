"""NAME.azurecr.io: Azure Container Registry's token exchange in front of a real docker-registry.

Shapes: github.com/Azure/acr, docs/AAD-OAuth.md; distribution.github.io/distribution/spec/auth.
"""

import base64
import time
import urllib.parse
import uuid
from typing import Any

import jwt

from local import names
from local.cloud.access import Gate, TokenRefused
from local.cloud.identities import BY_CLIENT, BY_OBJECT, Action, Application
from local.cloud.keys import SigningKey
from local.cloud.registry_proxy import RegistryProxy
from local.cloud.wire import Refusal, Request, Response, refuse, reply

ISSUER = "Azure Container Registry"  # as docker-registry's configuration names it
TOKEN_USER = "00000000-0000-0000-0000-000000000000"
REFRESH_SECONDS = 3 * 3600
ACCESS_SECONDS = 75 * 60
# What a scope asks for → what the caller's role must allow.
REPOSITORY_ACTIONS = {"pull": Action.IMAGE_PULL, "metadata_read": Action.IMAGE_PULL, "push": Action.IMAGE_PUSH}


class ContainerRegistry:
    """`certificate` is the DER of the self-signed certificate of `key`, which docker-registry trusts."""

    def __init__(self, gate: Gate, key: SigningKey, certificate: bytes, registry: RegistryProxy) -> None:
        self._gate = gate
        self._key = key
        self._x5c = [base64.b64encode(certificate).decode()]
        self._registry = registry

    def __call__(self, request: Request) -> Response:
        match (request.method, *request.segments):
            case ("POST", "oauth2", "exchange"):
                return self._exchange(request.form())
            case ("POST", "oauth2", "token"):
                return self._token_by_form(request)
            case ("GET", "oauth2", "token"):
                return self._token_by_basic(request)
            case (_, "v2", *_):
                return self._registry.forward(request)
        raise refuse(404, {"errors": [{"code": "NOT_FOUND", "message": "the requested data does not exist"}]})

    def refresh_token(self, application: Application, seconds: int = REFRESH_SECONDS) -> str:
        now = int(time.time())
        return self._key.sign(
            self._claims(application, now, seconds) | {"grant_type": "refresh_token", "tenant": names.TENANT}
        )

    def _exchange(self, form: dict[str, str]) -> Response:
        if form.get("grant_type") != "access_token" or form.get("service") != names.REGISTRY:
            raise unauthorized()
        try:
            caller = self._gate.caller(form.get("access_token") or None)
        except TokenRefused as refused:
            raise unauthorized() from refused
        if not caller.may(Action.IMAGE_PULL):
            raise unauthorized()
        return reply(200, {"refresh_token": self.refresh_token(caller)})

    def _token_by_form(self, request: Request) -> Response:
        form = request.form()
        if form.get("grant_type") == "refresh_token":
            caller = self._refreshed(form.get("refresh_token", ""))
        elif form.get("grant_type") == "password":
            caller = self._logged_in(form.get("username", ""), form.get("password", ""))
        else:
            raise unauthorized()
        scopes = urllib.parse.parse_qs(request.read().decode(errors="replace")).get("scope", [])
        return self._grant(caller, form, scopes, offline=form.get("access_type") == "offline")

    def _token_by_basic(self, request: Request) -> Response:
        scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
        try:
            user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except ValueError as error:
            raise unauthorized() from error
        if scheme.lower() != "basic":
            raise unauthorized()
        scopes = urllib.parse.parse_qs(request.raw_query).get("scope", [])
        offline = request.query.get("offline_token") == "true"
        return self._grant(self._logged_in(user, password), request.query, scopes, offline=offline)

    def _logged_in(self, user: str, password: str) -> Application:
        """By a refresh token under ACR's zero user, or as a service principal by its secret."""
        if user == TOKEN_USER:
            return self._refreshed(password)
        application = BY_CLIENT.get(user)
        if application is None or application.secret is None or application.secret != password:
            raise unauthorized()
        return application

    def _refreshed(self, token: str) -> Application:
        try:
            claims = jwt.decode(
                token, self._key.private.public_key(), algorithms=["RS256"], audience=names.REGISTRY, issuer=ISSUER
            )
        except jwt.InvalidTokenError as error:
            raise unauthorized() from error
        if claims.get("grant_type") != "refresh_token":
            raise unauthorized()
        return BY_OBJECT[claims["sub"]]

    def _grant(self, caller: Application, asked: dict[str, str], scopes: list[str], *, offline: bool) -> Response:
        """An access token for what the scopes ask and the roles allow; refused when nothing of it is allowed."""
        if asked.get("service", names.REGISTRY) != names.REGISTRY:
            raise unauthorized()
        wanted = [scope for joined in scopes for scope in joined.split()]
        access = [granted for scope in wanted if (granted := allowed(caller, scope))["actions"]]
        if wanted and not access:
            raise unauthorized([detail(scope) for scope in wanted])
        claims = self._claims(caller, int(time.time()), ACCESS_SECONDS) | {
            "access": access,
            "grant_type": "access_token",
        }
        body = {"access_token": self._key.sign(claims, {"x5c": self._x5c, "typ": "JWT"})}
        return reply(200, body | ({"refresh_token": self.refresh_token(caller)} if offline else {}))

    def _claims(self, application: Application, now: int, seconds: int) -> dict[str, Any]:
        return {
            "jti": str(uuid.uuid4()),
            "sub": application.object_id,
            "nbf": now - 60,
            "exp": now + seconds,
            "iat": now,
            "iss": ISSUER,
            "aud": names.REGISTRY,
        }


def split_scope(scope: str) -> tuple[str, str, list[str]]:
    """`repository:NAME:pull,push` → its parts; what does not parse asks for nothing."""
    kind, _, rest = scope.partition(":")
    name, _, actions = rest.rpartition(":")
    return kind, name, actions.split(",")


def allowed(caller: Application, scope: str) -> dict[str, Any]:
    """The part of a scope that the caller's roles allow, as the `access` claim has it."""
    kind, name, actions = split_scope(scope)
    if kind == "registry":
        granted = actions if name == "catalog" and caller.may(Action.IMAGE_PULL) else []
    else:
        granted = [
            action for action in actions if action in REPOSITORY_ACTIONS and caller.may(REPOSITORY_ACTIONS[action])
        ]
    return {"type": kind, "name": name, "actions": granted}


def detail(scope: str) -> dict[str, str]:
    kind, name, actions = split_scope(scope)
    return {"Type": kind, "Name": name, "Action": ",".join(actions)}


def unauthorized(about: list[dict[str, str]] | None = None) -> Refusal:
    error: dict[str, Any] = {
        "code": "UNAUTHORIZED",
        "message": "authentication required, visit https://aka.ms/acr/authorization for more information.",
    }
    return refuse(401, {"errors": [error | ({"detail": about} if about else {})]})
