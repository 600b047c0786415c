"""Azure Resource Manager, judged by azure-mgmt-containerservice."""

from __future__ import annotations

import base64
import io
import time
import zipfile
from typing import Any

import pytest
import requests
import yaml
from azure.core.credentials import AccessToken, TokenCredential
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError
from azure.mgmt.containerservice import ContainerServiceClient

from local import names
from tests.integration.cloud import Cloud, in_cloud

WHERE = (names.RESOURCE_GROUP, names.CLUSTER)
AKS_SCOPE = "6dae42f8-4368-4678-94ff-3960e28e3630/.default"


def clusters(credential: TokenCredential, subscription: str = names.SUBSCRIPTION) -> Any:
    return ContainerServiceClient(credential, subscription, polling_interval=0.05).managed_clusters


def run(cloud: Cloud, command: str, files: dict[str, str] | None = None, **parameters: str) -> Any:
    """A run-command's result, with `files` as its context."""
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        for name, text in (files or {}).items():
            archive.writestr(name, text)
    body = {"command": command, "context": base64.b64encode(zipped.getvalue()).decode(), **parameters}
    return clusters(cloud.credential()).begin_run_command(*WHERE, body).result()


@in_cloud
def test_the_cluster_is_there_and_listed(cloud: Cloud) -> None:
    client = clusters(cloud.credential())
    cluster = client.get(*WHERE)
    assert (cluster.name, cluster.provisioning_state, cluster.disable_local_accounts) == (
        names.CLUSTER,
        "Succeeded",
        True,
    )
    assert cluster.aad_profile.tenant_id == names.TENANT
    assert [item.id for item in client.list_by_resource_group(names.RESOURCE_GROUP)] == [cluster.id]


@in_cloud
def test_user_credentials_name_the_local_api_server_and_kubelogin(cloud: Cloud) -> None:
    answer = clusters(cloud.credential()).list_cluster_user_credentials(*WHERE, format="exec")
    config = yaml.safe_load(answer.kubeconfigs[0].value)
    server = config["clusters"][0]["cluster"]
    assert server["server"] == names.API_SERVER
    assert base64.b64decode(server["certificate-authority-data"]) == (cloud.state / "pki" / "ca.crt").read_bytes()
    plugin = config["users"][0]["user"]["exec"]
    assert plugin["command"] == "kubelogin"
    assert plugin["args"][plugin["args"].index("--tenant-id") + 1] == names.TENANT


@in_cloud
def test_admin_credentials_are_refused_since_local_accounts_are_disabled(cloud: Cloud) -> None:
    with pytest.raises(HttpResponseError, match="disable local accounts") as caught:
        clusters(cloud.credential()).list_cluster_admin_credentials(*WHERE)
    assert caught.value.status_code == 400


@in_cloud
def test_a_missing_cluster_group_and_subscription_are_told_apart(cloud: Cloud) -> None:
    for client, where, code in (
        (clusters(cloud.credential()), (names.RESOURCE_GROUP, "nobody"), "ResourceNotFound"),
        (clusters(cloud.credential()), ("nobody", names.CLUSTER), "ResourceGroupNotFound"),
        (clusters(cloud.credential(), "ffffffff-0000-0000-0000-000000000000"), WHERE, "SubscriptionNotFound"),
    ):
        with pytest.raises(ResourceNotFoundError) as caught:
            client.get(*where)
        assert caught.value.error is not None
        assert caught.value.error.code == code


@in_cloud
def test_without_a_role_everything_is_authorization_failed(cloud: Cloud) -> None:
    client = clusters(cloud.stranger())
    for call in (client.get, client.list_cluster_user_credentials):
        with pytest.raises(HttpResponseError) as caught:
            call(*WHERE)
        assert caught.value.error is not None
        assert (caught.value.status_code, caught.value.error.code) == (403, "AuthorizationFailed")
        assert f"object id '{names.STRANGER_OID}'" in caught.value.message


@in_cloud
def test_tokens_for_other_services_or_of_nobody_are_401(cloud: Cloud) -> None:
    url = f"https://management.azure.com/subscriptions/{names.SUBSCRIPTION}/resourceGroups/x?api-version=2026-01-01"
    other = cloud.credential().get_token(AKS_SCOPE).token
    for headers, code in (
        ({}, "AuthenticationFailed"),
        ({"Authorization": "Bearer nonsense"}, "InvalidAuthenticationToken"),
        (
            {"Authorization": f"Bearer {other}"},
            "InvalidAuthenticationTokenAudience",
        ),
    ):
        answer = requests.get(url, headers=headers, timeout=10)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, code)
        assert "authorization_uri=" in answer.headers["WWW-Authenticate"]


@in_cloud
def test_run_command_runs_in_its_context_and_returns_exit_code_and_log(cloud: Cloud) -> None:
    result = run(
        cloud, "cat manifests/a.txt; ls ..>/dev/null; echo oops >&2; exit 3", {"manifests/a.txt": "content ✓\n"}
    )
    assert (result.provisioning_state, result.exit_code) == ("Succeeded", 3)
    assert result.logs == "content ✓\noops\n"
    assert result.finished_at >= result.started_at


@in_cloud
def test_run_command_has_kubectl_and_a_kubeconfig(cloud: Cloud) -> None:
    result = run(cloud, 'kubectl version --client=true -o yaml && test -n "$KUBECONFIG"')
    assert result.exit_code == 0, result.logs
    assert "clientVersion" in result.logs


@in_cloud
def test_run_command_waits_for_a_slow_command(cloud: Cloud) -> None:
    began = time.monotonic()
    assert run(cloud, "sleep 0.5; echo done").logs == "done\n"
    assert time.monotonic() - began >= 0.5


@in_cloud
def test_run_command_refuses_a_broken_context_and_a_foreign_cluster_token(cloud: Cloud) -> None:
    client = clusters(cloud.credential())
    with pytest.raises(HttpResponseError, match="not a zip file"):
        client.begin_run_command(*WHERE, {"command": "true", "context": base64.b64encode(b"nonsense").decode()})
    arm = cloud.credential().get_token("https://management.azure.com/.default").token
    with pytest.raises(HttpResponseError, match="clusterToken"):
        run(cloud, "true", clusterToken=arm)
    assert run(cloud, "true", clusterToken=cloud.credential().get_token(AKS_SCOPE).token).exit_code == 0


@in_cloud
def test_an_unauthenticated_client_is_an_authentication_error_to_the_sdk(cloud: Cloud) -> None:
    class Forged:
        def get_token(self, *_: str, **__: Any) -> AccessToken:
            return AccessToken("forged", int(time.time()) + 3600)

    with pytest.raises(ClientAuthenticationError, match="InvalidAuthenticationToken"):
        clusters(Forged()).get(*WHERE)
