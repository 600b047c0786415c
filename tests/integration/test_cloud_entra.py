"""GitHub's issuer and Entra, judged by azure-identity and PyJWT."""

from __future__ import annotations

import re
import time

import jwt
import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ClientAssertionCredential, ClientSecretCredential
from cryptography.hazmat.primitives.asymmetric import rsa

from local import names
from tests.integration.cloud import Cloud, in_cloud

ISSUER = "https://token.actions.githubusercontent.com"
ENTRA = f"https://login.microsoftonline.com/{names.TENANT}/v2.0"
ARM = "https://management.azure.com/.default"
AKS = "6dae42f8-4368-4678-94ff-3960e28e3630"


def refusal(credential: ClientAssertionCredential | ClientSecretCredential, scope: str = ARM) -> str:
    with pytest.raises(ClientAuthenticationError) as caught:
        credential.get_token(scope)
    return str(caught.value.message)


@in_cloud
def test_an_id_token_verifies_against_the_issuers_published_keys(cloud: Cloud) -> None:
    token = cloud.id_token("repo:acme/shop:environment:production")
    discovery = requests.get(f"{ISSUER}/.well-known/openid-configuration", timeout=10).json()
    key = jwt.PyJWKClient(discovery["jwks_uri"]).get_signing_key_from_jwt(token)
    claims = jwt.decode(
        token, key, algorithms=["RS256"], audience="api://AzureADTokenExchange", issuer=discovery["issuer"]
    )
    assert claims["sub"] == "repo:acme/shop:environment:production"
    assert claims["environment"] == "production"
    assert claims["repository"] == "acme/shop"
    assert claims["exp"] - claims["iat"] == 300


@in_cloud
def test_a_job_without_a_valid_request_token_gets_no_id_token(cloud: Cloud) -> None:
    for headers in ({}, {"Authorization": "bearer eyJhbGciOiJIUzI1NiJ9.e30.AAAA"}):
        answer = requests.get(f"{ISSUER}/idtoken/1/1?api-version=2.0&audience=x", headers=headers, timeout=10)
        assert answer.status_code == 401
        assert "value" not in answer.json()


@in_cloud
@pytest.mark.parametrize("subject", names.SUBJECTS)
def test_a_federated_job_gets_an_access_token_of_the_deployer(cloud: Cloud, subject: str) -> None:
    token = cloud.credential(subject).get_token(f"{AKS}/.default")
    key = jwt.PyJWKClient(
        f"https://login.microsoftonline.com/{names.TENANT}/discovery/v2.0/keys"
    ).get_signing_key_from_jwt(token.token)
    claims = jwt.decode(token.token, key, algorithms=["RS256"], audience=AKS, issuer=ENTRA)
    assert (claims["oid"], claims["appid"], claims["tid"]) == (names.DEPLOYER_OID, names.CLIENT_ID, names.TENANT)
    assert 3000 < token.expires_on - time.time() <= 3600


@in_cloud
def test_the_api_server_can_discover_entra_by_address_alone(cloud: Cloud) -> None:
    address = next(
        line.split()[0] for line in (cloud.state / "hosts").read_text().splitlines() if "login.microsoft" in line
    )
    document = requests.get(
        f"https://{address}/{names.TENANT}/v2.0/.well-known/openid-configuration", timeout=10
    ).json()
    assert document["issuer"] == ENTRA
    assert document["jwks_uri"].startswith(f"https://{address}/")
    assert requests.get(document["jwks_uri"], timeout=10).json()["keys"][0]["kty"] == "RSA"


@in_cloud
def test_an_unknown_tenant_is_aadsts90002(cloud: Cloud) -> None:
    assert "AADSTS90002: Tenant 'ffffffff-" in refusal(cloud.credential(tenant="ffffffff-0000-0000-0000-000000000000"))


@in_cloud
def test_an_unknown_client_is_aadsts700016(cloud: Cloud) -> None:
    assert "AADSTS700016: Application with identifier 'ffffffff-" in refusal(
        cloud.credential(client="ffffffff-0000-0000-0000-000000000000")
    )


@in_cloud
def test_a_foreign_subject_is_aadsts700213_and_is_named(cloud: Cloud) -> None:
    assert re.search(
        r"AADSTS700213: .*'repo:acme/shop:pull_request'", refusal(cloud.credential("repo:acme/shop:pull_request"))
    )


@in_cloud
def test_a_subject_that_differs_in_case_only_is_aadsts7002138(cloud: Cloud) -> None:
    assert re.search(
        "AADSTS7002138: .*case-sensitive", refusal(cloud.credential("repo:Acme/shop:environment:Production"))
    )


@in_cloud
def test_an_expired_assertion_is_aadsts700024(cloud: Cloud) -> None:
    assert "AADSTS700024: Client assertion is not within its valid time range" in refusal(
        cloud.credential(lifetime=-60)
    )


@in_cloud
def test_an_assertion_for_another_audience_is_aadsts700212(cloud: Cloud) -> None:
    assert "AADSTS700212: " in refusal(cloud.credential(audience="https://github.com/acme"))


@in_cloud
def test_an_assertion_wrong_in_audience_and_subject_is_aadsts70021(cloud: Cloud) -> None:
    text = refusal(cloud.credential("repo:evil/shop:environment:production", audience="https://github.com/evil"))
    assert re.search(r"AADSTS70021: .*Assertion Subject: 'repo:evil/shop:environment:production'", text)


@in_cloud
def test_an_assertion_of_another_issuer_is_aadsts700211(cloud: Cloud) -> None:
    assert "AADSTS700211: " in refusal(forged("https://evil.example"))


@in_cloud
def test_an_assertion_that_github_did_not_sign_is_aadsts7000272(cloud: Cloud) -> None:
    assert "AADSTS7000272: " in refusal(forged(ISSUER))


@in_cloud
def test_an_application_without_federated_credentials_is_aadsts70025(cloud: Cloud) -> None:
    assert "AADSTS70025: " in refusal(cloud.credential(client=names.SOPS_CLIENT_ID))


@in_cloud
def test_a_client_secret_is_checked(cloud: Cloud) -> None:
    assert ClientSecretCredential(names.TENANT, names.SOPS_CLIENT_ID, names.SOPS_CLIENT_SECRET).get_token(ARM).token
    assert "AADSTS7000215: " in refusal(ClientSecretCredential(names.TENANT, names.SOPS_CLIENT_ID, "wrong"))


@in_cloud
def test_an_unknown_resource_is_aadsts500011(cloud: Cloud) -> None:
    assert "AADSTS500011: " in refusal(cloud.credential(), "https://nobody.example/.default")


def forged(issuer: str) -> ClientAssertionCredential:
    """A credential whose assertions are right but for their signature (and issuer)."""
    key = rsa.generate_private_key(65537, 2048)
    claims = {"iss": issuer, "sub": names.SUBJECTS[0], "aud": "api://AzureADTokenExchange", "exp": time.time() + 300}
    return ClientAssertionCredential(
        names.TENANT, names.CLIENT_ID, lambda: jwt.encode(claims, key, algorithm="RS256", headers={"kid": "mine"})
    )
