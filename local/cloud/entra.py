"""login.microsoftonline.com: Microsoft Entra ID's discovery, keys and client-credentials tokens for one tenant.

Shapes: learn.microsoft.com/entra/identity-platform, "OAuth 2.0 client credentials flow" and "Authentication and
authorization error codes".
"""

import time
import uuid

from local import names
from local.cloud.assertions import federated_application
from local.cloud.entra_discovery import ISSUER, instance_discovery, openid_configuration
from local.cloud.entra_errors import TokenError
from local.cloud.identities import BY_CLIENT, Application
from local.cloud.keys import SigningKey
from local.cloud.wire import Request, Response, refuse, reply

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
TOKEN_SECONDS = 3599
AKS_AUDIENCE = "6dae42f8-4368-4678-94ff-3960e28e3630"
ARM_AUDIENCE = "https://management.azure.com"
VAULT_AUDIENCE = "https://vault.azure.net"
ACR_AUDIENCE = "https://containerregistry.azure.net"
# Scope without /.default → the `aud` of its tokens. ARM has had several names.
RESOURCES = {
    AKS_AUDIENCE: AKS_AUDIENCE,
    f"api://{AKS_AUDIENCE}": AKS_AUDIENCE,
    ARM_AUDIENCE: ARM_AUDIENCE,
    "https://management.core.windows.net": ARM_AUDIENCE,
    VAULT_AUDIENCE: VAULT_AUDIENCE,
    ACR_AUDIENCE: ACR_AUDIENCE,
}


class Entra:
    """`assertions` is the key of GitHub's issuer, in place of a fetch of its JWKS; `key` signs access tokens."""

    def __init__(self, key: SigningKey, assertions: SigningKey) -> None:
        self.key = key
        self._assertions = assertions

    def __call__(self, request: Request) -> Response:
        match request.segments:
            case ["common", "discovery", "instance"]:
                return reply(200, instance_discovery())
            case [tenant, ".well-known", "openid-configuration"] | [
                tenant,
                "v2.0",
                ".well-known",
                "openid-configuration",
            ]:
                known_tenant(tenant)
                return reply(200, openid_configuration(request.host))
            case [tenant, "discovery", "v2.0", "keys"]:
                known_tenant(tenant)
                return reply(200, self.key.jwks(ISSUER))
            case [tenant, "oauth2", "v2.0", "token"] if request.method == "POST":
                known_tenant(tenant)
                return self._token(request.form())
        raise refuse(404, {"error": "not_found", "error_description": "no such endpoint"})

    def _token(self, form: dict[str, str]) -> Response:
        for name in ("grant_type", "client_id", "scope"):
            if not form.get(name):
                raise TokenError(900144, f"The request body must contain the following parameter: '{name}'.")
        if form["grant_type"] != "client_credentials":
            raise TokenError(
                70003, f"The app requested an unsupported grant type '{form['grant_type']}'.", "unsupported_grant_type"
            )
        application = BY_CLIENT.get(form["client_id"])
        if application is None:
            raise TokenError(
                700016,
                f"Application with identifier '{form['client_id']}' was not found in the directory 'local world'. "
                "This can happen if "
                "the application has not been installed by the administrator of the tenant or consented to by any "
                "user in the tenant. "
                "You may have sent your authentication request to the wrong tenant.",
                "unauthorized_client",
            )
        audience = requested_audience(form["scope"])
        self._authenticate(application, form)
        token = self.access_token(application, audience)
        return reply(
            200,
            {
                "token_type": "Bearer",
                "expires_in": TOKEN_SECONDS,
                "ext_expires_in": TOKEN_SECONDS,
                "access_token": token,
            },
            ("Cache-Control", "no-store, no-cache"),
        )

    def _authenticate(self, application: Application, form: dict[str, str]) -> None:
        if assertion := form.get("client_assertion"):
            if form.get("client_assertion_type") != JWT_BEARER:
                raise TokenError(
                    900144, "The request body must contain the following parameter: 'client_assertion_type'."
                )
            federated_application(application, assertion, self._assertions)
        elif secret := form.get("client_secret"):
            if secret != application.secret:
                raise TokenError(
                    7000215,
                    "Invalid client secret provided. Ensure the secret being sent in the request is the client "
                    "secret value, not the "
                    f"client secret ID, for a secret added to app '{application.client_id}'.",
                    "invalid_client",
                )
        else:
            raise TokenError(
                7000218,
                "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
                "invalid_client",
            )

    def access_token(self, application: Application, audience: str, seconds: int = TOKEN_SECONDS) -> str:
        """A bearer token of the application's service principal."""
        now = int(time.time())
        return self.key.sign(
            {
                "aud": audience,
                "iss": ISSUER,
                "iat": now,
                "nbf": now,
                "exp": now + seconds,
                "appid": application.client_id,
                "azp": application.client_id,
                "idp": f"https://sts.windows.net/{names.TENANT}/",
                "idtyp": "app",
                "oid": application.object_id,
                "sub": application.object_id,
                "tid": names.TENANT,
                "uti": str(uuid.uuid4()),
                "ver": "2.0",
            }
        )


def known_tenant(tenant: str) -> None:
    if tenant not in (names.TENANT, "common", "organizations"):
        raise TokenError(
            90002,
            f"Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into "
            "the correct cloud. "
            "Check with your subscription administrator, this may happen if there are no active subscriptions for "
            "the tenant.",
        )


def requested_audience(scope: str) -> str:
    resource, dot_default, _ = scope.partition("/.default")
    if not dot_default:
        raise TokenError(
            1002012,
            f"The provided value for scope {scope} is not valid. Client credential flows must have a scope value "
            "with /.default "
            "suffixed to the resource identifier (application ID URI).",
            "invalid_scope",
        )
    audience = RESOURCES.get(resource.rstrip("/"))
    if audience is None:
        raise TokenError(
            500011,
            f"The resource principal named {resource} was not found in the tenant named local world. This can happen "
            "if the application "
            "has not been installed by the administrator of the tenant or consented to by any user in the tenant. "
            "You might have sent "
            "your authentication request to the wrong tenant.",
            "invalid_resource",
        )
    return audience
