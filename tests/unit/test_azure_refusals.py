"""What Entra's refusals say to the user."""

from __future__ import annotations

import base64
import json
import shlex

import pytest

from aks_actions.azure.refusals import Identity, claims, entra_refused, federated_credential

TENANT = "11111111-2222-3333-4444-555555555555"
CLIENT = "66666666-7777-8888-9999-000000000000"
SUBJECT = "repo:acme@812/shop@99:environment:production"
RECEIVED = {
    "sub": SUBJECT,
    "iss": "https://token.actions.githubusercontent.com",
    "aud": "api://AzureADTokenExchange",
}


def identity(**changed: str) -> Identity:
    return Identity(TENANT, CLIENT, {**RECEIVED, **changed})


@pytest.mark.parametrize("code", [70021, 70025, 700211, 700212, 700213, 7002138])
def test_a_missing_federated_credential_is_given_as_json_and_as_command(code: int) -> None:
    error = entra_refused(f"AADSTS{code}: No matching federated identity record found.", identity())
    assert f"AADSTS{code}" in error.what
    assert SUBJECT in error.why
    assert json.dumps(federated_credential(identity()), indent=2) in error.do
    command = shlex.split(error.do.splitlines()[-1])
    assert command[:6] == ["az", "ad", "app", "federated-credential", "create", "--id"]
    assert json.loads(command[-1]) == {
        "name": "github-acme-812-shop-99-environment-production",
        "issuer": RECEIVED["iss"],
        "subject": SUBJECT,
        "audiences": [RECEIVED["aud"]],
    }


@pytest.mark.parametrize(
    ("code", "what", "do"),
    [
        (90002, "no such tenant", "az account list"),
        (700016, "no such app", f"az ad sp show --id {CLIENT}"),
        (700024, "not valid now", "clock"),
        (7000215, "secret is wrong", "OIDC"),
        (500011, "does not know the service", "az provider register"),
        (123456, "see its answer", "https://login.microsoftonline.com/error"),
    ],
)
def test_each_known_code_has_its_own_remedy(code: int, what: str, do: str) -> None:
    error = entra_refused(f"AADSTS{code}: something", identity())
    assert what in error.what
    assert do in error.do


def test_subjects_with_ids_are_explained_and_others_are_not() -> None:
    assert "with their ids" in entra_refused("AADSTS700213", identity()).why
    plain = identity(sub="repo:acme/shop:environment:production")
    assert "with their ids" not in entra_refused("AADSTS700213", plain).why


def test_an_answer_without_a_code_is_passed_on() -> None:
    error = entra_refused("Bad gateway page", Identity(TENANT, CLIENT, {}))
    assert error.details == "Bad gateway page"
    assert "subject received" not in error.why


def test_a_subject_with_shell_syntax_stays_one_word_of_the_command() -> None:
    error = entra_refused("AADSTS700213", identity(sub="repo:a/b:ref:refs/heads/x';reboot;'"))
    assert "reboot" not in [word.strip(";'") for word in shlex.split(error.do.splitlines()[-1])]


def test_claims_are_read_from_a_jwt_and_from_nothing_else() -> None:
    payload = base64.urlsafe_b64encode(json.dumps(RECEIVED).encode()).decode().rstrip("=")
    assert claims(f"header.{payload}.signature") == RECEIVED
    for broken in ("", "a.b", "a.!!!.c", "a.W10.c"):
        assert claims(broken) == {}
