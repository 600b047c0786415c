"""management.azure.com: Azure Resource Manager, as far as one AKS cluster is concerned.

Shapes: the Azure REST API specification, Microsoft.ContainerService/managedClusters.
"""

import base64
import re
import time
from typing import Any

from local import names
from local.cloud.access import Fault, Gate, TokenRefused
from local.cloud.cluster import Cluster
from local.cloud.entra import AKS_AUDIENCE, ARM_AUDIENCE
from local.cloud.identities import Action, Application
from local.cloud.run_command import RunCommands
from local.cloud.wire import Refusal, Request, Response, refuse, reply

PROVIDER = "Microsoft.ContainerService/managedClusters"
PATH = re.compile(
    r"/subscriptions/(?P<subscription>[^/]+)/resourceGroups/(?P<group>[^/]+)/providers/Microsoft\.ContainerService/managedClusters"
    r"(?:/(?P<cluster>[^/]+)(?:/(?P<operation>[^/]+)(?:/(?P<item>[^/]+))?)?)?/?",
    re.IGNORECASE,  # as ARM's paths are
)
CHALLENGE = (
    "WWW-Authenticate",
    f'Bearer authorization_uri="https://login.windows.net/{names.TENANT}", error="invalid_token", '
    'error_description="The authentication failed because of an invalid or missing token."',
)
OPERATIONS = {
    ("GET", None): Action.CLUSTER_READ,
    ("POST", "listclusterusercredential"): Action.CLUSTER_USER,
    ("POST", "listclusteradmincredential"): Action.CLUSTER_ADMIN,
    ("POST", "runcommand"): Action.RUN_COMMAND,
    ("GET", "commandresults"): Action.COMMAND_RESULT,
}


class ResourceManager:
    """`gate` reads ARM's tokens, `cluster_gate` the AKS tokens that a run-command carries."""

    def __init__(self, gate: Gate, cluster_gate: Gate, cluster: Cluster, commands: RunCommands) -> None:
        self._gate = gate
        self._cluster_gate = cluster_gate
        self._cluster = cluster
        self._commands = commands

    def __call__(self, request: Request) -> Response:
        caller = self._caller(request)
        if not re.fullmatch(r"\d{4}-\d\d-\d\d(-preview)?", request.query.get("api-version", "")):
            text = "The api-version query parameter (?api-version=) is required for all requests."
            raise arm_error(400, "MissingApiVersionParameter", text)
        parts = PATH.fullmatch(request.path)
        if parts is None:
            raise arm_error(404, "NotFound", f"The double knows only {PROVIDER}, not {request.path}.")
        operation = parts["operation"] and parts["operation"].lower()
        action = OPERATIONS.get((request.method, operation))
        if action is None:
            raise arm_error(405, "MethodNotAllowed", f"{request.method} is not allowed on {request.path}.")
        authorize(caller, action, parts)
        if parts["cluster"] is None:
            return reply(200, {"value": [self._cluster.resource()]})
        if parts["cluster"].lower() != names.CLUSTER:
            raise arm_error(
                404,
                "ResourceNotFound",
                f"The Resource '{PROVIDER}/{parts['cluster']}' under resource group '{parts['group']}' was not "
                "found. For more details "
                "please go to https://aka.ms/ARMResourceNotFoundFix",
            )
        return self._operate(operation, parts["item"], request)

    def _operate(self, operation: str | None, item: str | None, request: Request) -> Response:
        match operation:
            case "listclusterusercredential":
                config = self._cluster.user_kubeconfig(request.query.get("format", "exec"))
                if config is None:
                    text = f"The cluster '{names.CLUSTER}' is still being created: it has no certificates yet."
                    raise arm_error(409, "OperationNotAllowed", text)
                return reply(
                    200, {"kubeconfigs": [{"name": "clusterUser", "value": base64.b64encode(config).decode()}]}
                )
            case "listclusteradmincredential":
                raise arm_error(
                    400,
                    "BadRequest",
                    "Getting static credential is not allowed because this cluster is set to disable local accounts.",
                )
            case "runcommand":
                return self._run(request)
            case "commandresults":
                return self._result(item or "", request)
        return reply(200, self._cluster.resource())

    def _run(self, request: Request) -> Response:
        try:
            body = request.json()
            if token := body.get("clusterToken"):
                self._cluster_gate.caller(token)
            identity = self._commands.start(body["command"], base64.b64decode(body.get("context") or "", validate=True))
        except TokenRefused as refused:
            raise arm_error(
                400, "BadRequest", f"clusterToken is not a token for {AKS_AUDIENCE}: {refused}."
            ) from refused
        except (KeyError, TypeError, ValueError) as error:
            raise arm_error(400, "BadRequest", f"The request body is not a RunCommandRequest: {error!r}.") from error
        return self._pending(identity, request)

    def _result(self, identity: str, request: Request) -> Response:
        command = self._commands.find(identity)
        if command is None:
            raise arm_error(404, "NotFound", f"The command result '{identity}' was not found.")
        return reply(200, command.resource()) if command.finished else self._pending(identity, request)

    def _pending(self, identity: str, request: Request) -> Response:
        location = f"{self._cluster.identity}/commandResults/{identity}?api-version={request.query['api-version']}"
        return Response(202, headers=(("Location", ARM_AUDIENCE + location),))

    def _caller(self, request: Request) -> Application:
        try:
            return self._gate.caller(request.bearer())
        except TokenRefused as refused:
            raise unauthenticated(refused) from refused


def authorize(caller: Application, action: Action, parts: re.Match[str]) -> None:
    """ARM's order: an unknown subscription, then missing rights, and only then an unknown group."""
    if parts["subscription"].lower() != names.SUBSCRIPTION:
        raise arm_error(404, "SubscriptionNotFound", f"The subscription '{parts['subscription']}' could not be found.")
    if not caller.may(action):
        raise arm_error(
            403,
            "AuthorizationFailed",
            f"The client '{caller.client_id}' with object id '{caller.object_id}' does not have authorization to "
            "perform action "
            f"'{action}' over scope '{parts[0]}' or the scope is invalid. If access was recently granted, please "
            "refresh your credentials.",
        )
    if parts["group"].lower() != names.RESOURCE_GROUP:
        raise arm_error(404, "ResourceGroupNotFound", f"Resource group '{parts['group']}' could not be found.")


def unauthenticated(refused: TokenRefused) -> Refusal:
    now = time.strftime("%m/%d/%Y %I:%M:%S %p", time.gmtime())
    code, text = {
        Fault.MISSING: ("AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing."),
        Fault.INVALID: ("InvalidAuthenticationToken", "The access token is invalid."),
        Fault.EXPIRED: (
            "ExpiredAuthenticationToken",
            f"The access token expiry UTC time is earlier than current UTC time '{now}'.",
        ),
        Fault.AUDIENCE: (
            "InvalidAuthenticationTokenAudience",
            f"The access token has been obtained for wrong audience or resource '{refused.audience}'. It should "
            "exactly match with one of "
            f"the allowed audiences 'https://management.core.windows.net/','https://management.azure.com','{ARM_AUDIENCE}/'.",
        ),
    }[refused.fault]
    return arm_error(401, code, text, CHALLENGE)


def arm_error(status: int, code: str, message: str, *headers: tuple[str, str]) -> Refusal:
    error: dict[str, Any] = {"code": code, "message": message}
    return refuse(status, {"error": error}, *headers)
