"""Entra's discovery documents, which MSAL, Go's SDK and the API server ask for before anything else."""

from typing import Any

from local import names

HOST = "login.microsoftonline.com"
ISSUER = f"https://{HOST}/{names.TENANT}/v2.0"


def instance_discovery() -> dict[str, Any]:
    return {
        "tenant_discovery_endpoint": f"https://{HOST}/{names.TENANT}/v2.0/.well-known/openid-configuration",
        "api-version": "1.1",
        "metadata": [
            {
                "preferred_network": HOST,
                "preferred_cache": "login.windows.net",
                "aliases": [HOST, "login.windows.net", "login.microsoft.com", "sts.windows.net"],
            }
        ],
    }


def openid_configuration(asked_at: str) -> dict[str, Any]:
    """The tenant's document.

    Endpoints are at the host that was asked, since the API server may know only the address.
    """
    base = f"https://{asked_at}/{names.TENANT}"
    return {
        "issuer": ISSUER,
        "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
        "token_endpoint": f"{base}/oauth2/v2.0/token",
        "jwks_uri": f"{base}/discovery/v2.0/keys",
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
        "response_types_supported": ["id_token", "token"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid"],
        "claims_supported": ["sub", "iss", "aud", "exp", "iat", "oid", "tid", "appid"],
        "tenant_region_scope": "EU",
        "cloud_instance_name": "microsoftonline.com",
    }
