"""The identity of a run, as far as it can be told before anybody is asked."""

from __future__ import annotations

from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError

from aks_actions.azure.aks import server_token
from aks_actions.azure.credential import Credential, credential, federated
from aks_actions.errors import AuthError, InputError
from aks_actions.job import Job

TENANT = "11111111-2222-3333-4444-555555555555"
CLIENT = "66666666-7777-8888-9999-000000000000"


class Login:
    """Stands for an SDK's credential: gives tokens, counted over all instances."""

    made = 0

    def __init__(self) -> None:
        Login.made += 1
        self.number = Login.made

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        if scopes == ("refused",):
            raise ClientAuthenticationError("AADSTS1")
        return AccessToken(f"token-{self.number}", 4_102_444_800)


def test_a_job_has_one_credential_for_each_identity() -> None:
    job = Job({"GITHUB_ACTIONS": "true"})
    assert credential(job, TENANT, CLIENT) is credential(job, TENANT, CLIENT)
    assert credential(job, TENANT, CLIENT) is not credential(Job(job.environ), TENANT, CLIENT)


@pytest.mark.parametrize(("tenant", "client", "named"), [("", CLIENT, "tenant-id"), (TENANT, "", "client-id")])
def test_a_missing_id_is_named_before_anything_is_sent(tenant: str, client: str, named: str) -> None:
    with pytest.raises(InputError, match=named):
        credential(Job({"GITHUB_ACTIONS": "true"}), tenant, client)


@pytest.mark.parametrize(("tenant", "client"), [("evil/../tenant", CLIENT), (TENANT, "shop-deployer")])
def test_ids_that_can_not_be_ids_are_refused(tenant: str, client: str) -> None:
    with pytest.raises(InputError):
        credential(Job({"GITHUB_ACTIONS": "true"}), tenant, client)


def test_a_job_without_id_token_permission_is_told_what_to_add() -> None:
    with pytest.raises(AuthError) as caught:
        server_token(credential(Job({"GITHUB_ACTIONS": "true"}), TENANT, CLIENT))
    assert "id-token: write" in caught.value.do


def test_oidc_is_used_in_github_and_wherever_its_issuer_is_at_hand() -> None:
    assert federated(Job({"GITHUB_ACTIONS": "true"}))
    assert federated(Job({"ACTIONS_ID_TOKEN_REQUEST_URL": "https://issuer.example"}))
    assert not federated(Job({}))


def test_tokens_are_masked_and_a_fresh_one_comes_from_a_new_login() -> None:
    masked: list[str] = []
    subject = Credential(Login, lambda error: AuthError(str(error)), masked.append)
    first, again, fresh = (subject.get_token("scope", fresh=fresh).token for fresh in (False, False, True))
    assert first == again != fresh
    assert masked == [first, again, fresh]


def test_failures_of_the_sdk_become_our_own() -> None:
    with pytest.raises(AuthError, match="AADSTS1"):
        Credential(Login, lambda error: AuthError(str(error)), str).get_token("refused")
