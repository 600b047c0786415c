"""Key Vault secrets by name and pattern, as the identity of a GitHub job."""

from __future__ import annotations

import io
import os
import uuid
from pathlib import Path

import pytest
from azure.keyvault.secrets import SecretClient

from aks_actions.actions.decrypt import Inputs, Outputs, run
from aks_actions.errors import AuthError, InputError
from aks_actions.inputs import action, parse
from aks_actions.job import Job
from local import names
from local.cloud.runner import job_environment
from tests.integration.cloud import Cloud, in_cloud
from tests.integration.test_decrypt_vault import encrypted


class Run:
    """One step in a folder of its own."""

    def __init__(self, cloud: Cloud, folder: Path, **more: str) -> None:
        self.folder = folder
        subject = more.pop("subject", names.SUBJECTS[0])
        kept = {name: value for name, value in os.environ.items() if "CA_BUNDLE" in name or "CERT" in name}
        files = {f"GITHUB_{name}": str(folder / name) for name in ("ENV", "OUTPUT", "STEP_SUMMARY")}
        job = job_environment(subject, state=cloud.state)
        self.environ = {**kept, **files, **job, "GITHUB_ACTIONS": "true", "RUNNER_TEMP": str(folder), "HOME": "/none"}
        self.log = io.StringIO()
        self.job = Job(self.environ, self.log)
        self.assertions = 0
        self.client = more.pop("client", names.CLIENT_ID)

    def __call__(self, **given: str) -> Outputs:
        values = {"tenant-id": names.TENANT, "client-id": self.client}
        values |= {name.replace("_", "-"): value for name, value in given.items()}
        ask = self.job.id_token

        def counted(audience: str) -> str:
            self.assertions += 1
            return ask(audience)

        self.job.id_token = counted  # type: ignore[method-assign]
        return run(parse(Inputs, action("decrypt-secrets"), values, lambda i: i.name), self.job)

    def variables(self) -> str:
        return (self.folder / "ENV").read_text()


@in_cloud
def test_secrets_by_name_version_and_pattern_come_with_one_token_over_all_pages(cloud: Cloud, tmp_path: Path) -> None:
    client = SecretClient(names.VAULT_URL, cloud.credential())
    mine = f"t{uuid.uuid4().hex[:8]}"
    for number in range(30):  # more than one page
        client.set_secret(f"{mine}-app-{number}", f"value-of-{mine}-{number}")
    old = client.set_secret(f"{mine}-rotated", "the-old-value").properties.version
    client.set_secret(f"{mine}-rotated", "the-new-value")
    client.set_secret(f"{mine}-plain", "the-plain-value")
    client.set_secret(f"{mine}-app-disabled", "never-to-be-seen", enabled=False)
    (tmp_path / "secret.yaml").write_bytes(encrypted(tmp_path))
    os.chdir(tmp_path)
    step = Run(cloud, tmp_path)
    vault = f"{names.VAULT}/{mine}"
    outputs = step(
        files="secret.yaml",
        secrets=f"{vault}-app-* | APP_; {vault}-rotated#{old} | OLD; {names.VAULT}.vault.azure.net/{mine}-plain",
        values=f"{names.VAULT}.vault.azure.net {mine}-plain | plain",
    )
    assert len(outputs.variables.splitlines()) == 31
    assert "value-of-" in step.variables()
    assert "the-old-value" in step.variables()
    assert "the-new-value" not in step.variables()
    assert outputs.values == '{"plain": "the-plain-value"}'
    assert "never-to-be-seen" not in step.variables()
    assert f"{mine}-app-disabled (disabled)" in step.log.getvalue()
    assert "the-old-value" not in step.log.getvalue()
    assert step.assertions == 1


@in_cloud
def test_a_disabled_secret_that_is_named_is_an_authentication_failure(cloud: Cloud, tmp_path: Path) -> None:
    name = f"t{uuid.uuid4().hex[:8]}"
    SecretClient(names.VAULT_URL, cloud.credential()).set_secret(name, "x" * 20, enabled=False)
    with pytest.raises(AuthError, match="is disabled") as caught:
        Run(cloud, tmp_path)(secrets=f"{names.VAULT}/{name}")
    assert f"--name {name} --enabled true" in caught.value.do


@in_cloud
def test_a_secret_that_is_not_there_is_an_input_error(cloud: Cloud, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no secret never-was"):
        Run(cloud, tmp_path)(secrets=f"{names.VAULT}/never-was")
    with pytest.raises(InputError, match="finds no secret"):
        Run(cloud, tmp_path)(secrets=f"{names.VAULT}/never-was-*")
    assert not (tmp_path / "ENV").exists()


@in_cloud
def test_an_identity_without_permission_is_told_the_role(cloud: Cloud, tmp_path: Path) -> None:
    step = Run(cloud, tmp_path, subject=names.STRANGER_SUBJECT, client=names.STRANGER_CLIENT_ID)
    with pytest.raises(AuthError, match="may not be read") as caught:
        step(secrets=f"{names.VAULT}/shop")
    assert "Key Vault Secrets User" in caught.value.do
    assert names.STRANGER_CLIENT_ID in caught.value.do
