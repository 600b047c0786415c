"""This product's own clients against Entra, ARM, ACR and Key Vault at their real names."""

from __future__ import annotations

import io
import os
from typing import Any

import pytest

from aks_actions.azure.aks import server_token, user_kubeconfig
from aks_actions.azure.credential import Credential, credential
from aks_actions.azure.refusals import claims
from aks_actions.errors import AuthError, InputError, TransientError
from aks_actions.http import Http
from aks_actions.job import Job
from aks_actions.registry import acr
from aks_actions.registry.client import Registry
from local import names
from local.cloud.runner import job_environment
from tests.integration.cloud import Cloud, in_cloud


def a_job(cloud: Cloud, subject: str = names.SUBJECTS[0], **options: Any) -> Job:
    return Job({**os.environ, **job_environment(subject, state=cloud.state, **options)}, io.StringIO())


def deployer(cloud: Cloud) -> Credential:
    return credential(a_job(cloud), names.TENANT, names.CLIENT_ID)


def stranger(cloud: Cloud) -> Credential:
    return credential(a_job(cloud, names.STRANGER_SUBJECT), names.TENANT, names.STRANGER_CLIENT_ID)


@in_cloud
def test_a_job_becomes_its_application_and_keeps_its_token(cloud: Cloud) -> None:
    identity = deployer(cloud)
    token = server_token(identity)
    assert claims(token.token)["oid"] == names.DEPLOYER_OID
    assert server_token(identity).token == token.token
    assert server_token(identity, fresh=True).token != token.token


@in_cloud
def test_an_unknown_subject_is_told_which_federated_credential_to_create(cloud: Cloud) -> None:
    subject = "repo:acme@812/shop@99:environment:production"
    with pytest.raises(AuthError) as caught:
        server_token(credential(a_job(cloud, subject), names.TENANT, names.CLIENT_ID))
    assert "AADSTS700213" in caught.value.what
    assert f"subject received   {subject}" in caught.value.why
    assert f'"subject": "{subject}"' in caught.value.do
    assert f"--id {names.CLIENT_ID}" in caught.value.do


@pytest.mark.parametrize(
    ("tenant", "client", "lifetime", "code"),
    [
        ("00000000-1111-2222-3333-444444444444", names.CLIENT_ID, 300, "AADSTS90002"),
        (names.TENANT, "00000000-1111-2222-3333-444444444444", 300, "AADSTS700016"),
        (names.TENANT, names.CLIENT_ID, -100, "AADSTS700024"),
    ],
)
@in_cloud
def test_wrong_ids_and_old_assertions_are_told_apart(
    cloud: Cloud, tenant: str, client: str, lifetime: int, code: str
) -> None:
    with pytest.raises(AuthError, match=code):
        server_token(credential(a_job(cloud, lifetime=lifetime), tenant, client))


@in_cloud
def test_an_authority_that_is_not_trusted_is_no_transient_fault(cloud: Cloud) -> None:
    os.environ["REQUESTS_CA_BUNDLE"] = str(cloud.state / "cloud" / "registry-root.pem")  # of no TLS server
    job = Job({**os.environ}, io.StringIO())
    with pytest.raises(AuthError, match="can't be trusted"):
        Http(job.environ).request("GET", "https://login.microsoftonline.com/")


@in_cloud
def test_unknown_groups_and_clusters_are_named(cloud: Cloud) -> None:
    identity = deployer(cloud)
    with pytest.raises(InputError, match="cluster nope can't be found in resource group") as caught:
        user_kubeconfig(identity, names.SUBSCRIPTION, names.RESOURCE_GROUP, "nope")
    assert "az aks list" in caught.value.do
    with pytest.raises(InputError, match="resource group nope can't be found"):
        user_kubeconfig(identity, names.SUBSCRIPTION, "nope", names.CLUSTER)
    with pytest.raises(InputError, match="subscription 0"):
        user_kubeconfig(identity, "00000000-0000-0000-0000-000000000001", "nope", "nope")


@in_cloud
def test_a_missing_role_on_the_cluster_is_named_with_the_caller(cloud: Cloud) -> None:
    with pytest.raises(AuthError) as caught:
        user_kubeconfig(stranger(cloud), names.SUBSCRIPTION, names.RESOURCE_GROUP, names.CLUSTER)
    assert "Azure Kubernetes Service Cluster User Role" in caught.value.why
    assert f"--assignee {names.STRANGER_CLIENT_ID}" in caught.value.do


@in_cloud
def test_an_acr_login_may_push_and_finds_no_image_that_was_never_pushed(cloud: Cloud) -> None:
    if not cloud.has_registry:
        pytest.skip("docker-registry is not installed")
    http = Http(os.environ)
    login = acr.exchange(http, deployer(cloud), names.REGISTRY, names.TENANT)
    registry = Registry(names.REGISTRY, http, login)
    registry.require_push("never-pushed")
    assert registry.resolve("never-pushed", "latest") is None


@in_cloud
def test_an_identity_without_a_role_on_the_registry_is_told_which_to_give(cloud: Cloud) -> None:
    with pytest.raises(AuthError) as caught:
        acr.exchange(Http(os.environ), stranger(cloud), names.REGISTRY, names.TENANT, names.STRANGER_CLIENT_ID)
    assert "AcrPush" in caught.value.do
    assert f"--assignee {names.STRANGER_CLIENT_ID}" in caught.value.do


@in_cloud
def test_a_login_that_may_only_pull_is_refused_before_the_build(cloud: Cloud) -> None:
    import json

    pull = json.loads((cloud.state / "cloud" / "pull-credentials.json").read_text())["auth"][names.REGISTRY]
    login = acr.Login(pull["username"], pull["password"], refresh=True)
    with pytest.raises(AuthError, match="may not push"):
        Registry(names.REGISTRY, Http(os.environ), login).require_push("shop")


@in_cloud
def test_an_entra_token_is_sent_to_no_registry_that_is_not_azures(cloud: Cloud) -> None:
    with pytest.raises(InputError, match="no Azure Container Registry"):
        acr.exchange(Http(os.environ), deployer(cloud), "registry.example", names.TENANT)


def test_a_host_that_does_not_answer_is_a_transient_fault() -> None:
    pauses: list[float] = []
    with pytest.raises(TransientError, match="can't be used now"):
        Http({}, pauses.append).request("GET", "http://127.0.0.1:9/")
    assert len(pauses) == 4
