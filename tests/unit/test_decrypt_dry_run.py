"""What a dry run tells without any key, and which keys are told to be past their rotation age."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from aks_actions.actions.decrypting import ages
from aks_actions.errors import InputError
from sops_python.decrypt import read
from tests.unit.decrypting import Workspace

METADATA = """\
password: ENC[AES256_GCM,data:YQ==,iv:YQ==,tag:YQ==,type:str]
users:
    - name: ENC[AES256_GCM,data:YQ==,iv:YQ==,tag:YQ==,type:str]
sops:
    azure_kv:
        - {vault_url: https://a.vault.azure.net, name: sops, version: "1", created_at: "2026-03-01T00:00:00Z", enc: x}
        - {vault_url: https://b.vault.azure.net, name: sops, version: "1", created_at: "2026-10-01T00:00:00Z", enc: x}
    age:
        - {recipient: age1abc, enc: x}
    lastmodified: "2026-11-01T00:00:00Z"
    mac: ENC[AES256_GCM,data:YQ==,iv:YQ==,tag:YQ==,type:str]
    version: 3.11.0
"""
NOW = datetime(2026, 11, 24, tzinfo=UTC)


def test_values_recipients_and_ages_are_listed_without_any_key(workspace: Workspace) -> None:
    (workspace.folder / "app.yaml").write_text(METADATA)
    outputs = workspace.run(dry_run="true", age_key="", rotate_after="36500")
    log = workspace.log.getvalue()
    for told in (
        "2 values encrypted",
        "azure_kv https://a.vault.azure.net/keys/sops/1   since 2026-03-01",
        "age1abc",
    ):
        assert told in log
    assert "· password" in log
    assert "· users[0].name" in log
    assert "Nothing was decrypted" in log
    assert outputs.files == outputs.stale == ""
    assert workspace.written() == []
    assert "none opened" in workspace.file("STEP_SUMMARY")


def test_a_dry_run_needs_no_place_to_write_variables(workspace: Workspace) -> None:
    workspace.encrypt("secret.yaml")
    workspace.run(dry_run="true", environment="stringData.password | PASSWORD")
    assert workspace.file("ENV") == ""


def test_a_cut_file_is_refused_in_a_dry_run_too(workspace: Workspace) -> None:
    path = workspace.encrypt("cut.yaml")
    path.write_text(path.read_text().partition("sops:")[0])
    with pytest.raises(InputError, match="not encrypted with SOPS"):
        workspace.run(dry_run="true", age_key="")


def test_a_data_key_is_as_old_as_the_oldest_of_its_dates() -> None:
    metadata = read(METADATA.encode()).metadata
    assert ages.since(metadata) == datetime(2026, 3, 1, tzinfo=UTC)
    (data_key, master_key) = ages.stale([("app.yaml", metadata)], NOW, 180)
    assert (data_key.what, data_key.days) == ("the data key of app.yaml", 268)
    assert master_key.what == "the azure_kv key https://a.vault.azure.net/keys/sops/1"


def test_a_file_of_age_recipients_alone_is_as_old_as_its_last_change() -> None:
    lines = [line for line in METADATA.splitlines(keepends=True) if "azure_kv" not in line and "vault_url" not in line]
    metadata = read("".join(lines).encode()).metadata
    assert ages.since(metadata) == datetime(2026, 11, 1, tzinfo=UTC)
    assert ages.stale([("app.yaml", metadata)], NOW, 180) == []
    assert [item.days for item in ages.stale([("app.yaml", metadata)], NOW, 10)] == [23]


def test_a_master_key_of_many_files_is_told_once_with_its_first_use() -> None:
    metadata = read(METADATA.encode()).metadata
    newer = read(METADATA.replace("2026-03-01", "2026-04-01").encode()).metadata
    found = ages.stale([("a.yaml", newer), ("b.yaml", metadata)], NOW, 180)
    assert [(item.what.partition(" http")[0], item.days) for item in found] == [
        ("the data key of a.yaml", 237),
        ("the data key of b.yaml", 268),
        ("the azure_kv key", 268),
    ]


def test_no_limit_means_no_warning() -> None:
    assert ages.stale([("a.yaml", read(METADATA.encode()).metadata)], NOW, 0) == []


def test_old_keys_are_warned_of_in_log_annotations_and_summary(
    workspace: Workspace, capfd: pytest.CaptureFixture[str]
) -> None:
    (workspace.folder / "app.yaml").write_text(METADATA.replace("2026-", "2020-"))
    outputs = workspace.run(dry_run="true", age_key="")
    assert "! the data key of app.yaml is in use for at least" in workspace.log.getvalue()
    assert "::warning" in capfd.readouterr().out
    assert "**To rotate:**" in workspace.file("STEP_SUMMARY")
    assert outputs.stale.splitlines()[0] == "the data key of app.yaml"


def test_old_keys_fail_a_step_that_enforces_rotation(workspace: Workspace) -> None:
    (workspace.folder / "app.yaml").write_text(METADATA.replace("2026-", "2020-"))
    with pytest.raises(InputError, match="past their rotation age") as caught:
        workspace.run(dry_run="true", enforce_rotation="true")
    assert "sops rotate -i app.yaml" in caught.value.why
