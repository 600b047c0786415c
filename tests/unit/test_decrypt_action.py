"""The decrypt action as a whole, on files that the real sops wrote for an age key."""

from __future__ import annotations

import base64
from pathlib import Path

import pyrage
import pytest

from aks_actions.actions.decrypt import Outputs
from aks_actions.errors import AuthError, InputError
from tests.unit.decrypting import SECRET as PLAIN
from tests.unit.decrypting import Workspace


def test_files_are_written_as_they_were_before_encryption(workspace: Workspace) -> None:
    workspace.encrypt("secret.yaml")
    outputs = workspace.run()
    assert Path(outputs.files).read_text() == PLAIN
    assert Path(outputs.files).parent == Path(outputs.directory)
    assert Path(outputs.directory).parent == workspace.temp
    assert outputs.variables == ""


def test_values_are_exported_and_no_file_is_written(workspace: Workspace) -> None:
    workspace.encrypt("secret.yaml")
    outputs = workspace.run(environment="stringData.password | PASSWORD")
    assert outputs == Outputs(variables="PASSWORD")
    assert "correct horse battery" in workspace.file("ENV")
    assert workspace.written() == []


def test_every_encrypted_value_is_masked_before_anything_is_written(
    workspace: Workspace, capfd: pytest.CaptureFixture[str]
) -> None:
    workspace.encrypt("secret.yaml")
    (workspace.folder / "taken").write_text("")  # nothing can be written there
    with pytest.raises(InputError):
        workspace.run(output_directory="taken")
    masked = capfd.readouterr().out
    decoded = base64.b64decode("dG9rZW4tYmVoaW5kLWJhc2U2NA==").decode()
    for secret in ("correct horse battery", "dG9rZW4tYmVoaW5kLWJhc2U2NA==", decoded):
        assert f"::add-mask::{secret}" in masked
    assert "::add-mask::Secret" not in masked  # in clear in the file: masking it would only blot the log


def test_a_value_too_short_to_be_masked_is_warned_of_by_its_length(workspace: Workspace) -> None:
    workspace.encrypt("secret.yaml")
    workspace.run()
    assert "2 characters is too short" in workspace.log.getvalue()


def test_no_secret_reaches_the_log(workspace: Workspace) -> None:
    workspace.encrypt("secret.yaml")
    workspace.run(environment="stringData.password | PASSWORD")
    assert "correct horse" not in workspace.log.getvalue()


def test_nothing_is_written_when_one_of_the_files_was_tampered_with(workspace: Workspace) -> None:
    workspace.encrypt("a.yaml")
    tampered = workspace.encrypt("b.yaml")
    tampered.write_text(tampered.read_text().replace("kind: Secret", "kind: Other"))
    with pytest.raises(InputError, match=r"b\.yaml") as caught:
        workspace.run(environment="stringData.password | PASSWORD")
    assert "MAC" in caught.value.why
    assert workspace.file("ENV") == ""
    assert workspace.written() == []


def test_a_file_whose_end_is_missing_is_refused(workspace: Workspace) -> None:
    path = workspace.encrypt("cut.yaml")
    path.write_text(path.read_text().partition("sops:")[0])
    with pytest.raises(InputError, match="not encrypted with SOPS") as caught:
        workspace.run()
    assert str(caught.value.at) == "cut.yaml"


def test_a_key_that_does_not_fit_lists_the_recipients(workspace: Workspace) -> None:
    workspace.encrypt("secret.yaml")
    with pytest.raises(AuthError) as caught:
        workspace.run(age_key=str(pyrage.x25519.Identity.generate()))
    assert workspace.recipient in caught.value.why
    assert workspace.written() == []


def test_a_broken_age_key_is_not_quoted(workspace: Workspace) -> None:
    workspace.encrypt("secret.yaml")
    with pytest.raises(InputError) as caught:
        workspace.run(age_key="AGE-SECRET-KEY-1NONSENSE")
    assert "NONSENSE" not in str(vars(caught.value))


def test_the_encrypted_files_are_never_replaced_by_their_plaintext(workspace: Workspace) -> None:
    path = workspace.encrypt("secret.yaml")
    before = path.read_bytes()
    with pytest.raises(InputError, match="replaced by plaintext"):
        workspace.run(output_directory=".")
    assert path.read_bytes() == before


@pytest.mark.parametrize("name", ["PATH", "LD_PRELOAD", "GITHUB_TOKEN"])
def test_variables_that_change_what_later_steps_run_are_refused_first(workspace: Workspace, name: str) -> None:
    workspace.encrypt("secret.yaml")
    with pytest.raises(InputError, match=name):
        workspace.run(environment=f"stringData.password | {name}")


def test_from_a_shell_an_export_is_refused_instead_of_ignored(workspace: Workspace) -> None:
    workspace.encrypt("secret.yaml")
    del workspace.environ["GITHUB_ENV"]
    with pytest.raises(InputError, match="no effect"):
        workspace.run(environment="stringData.password | PASSWORD")


def test_what_can_not_all_be_written_is_taken_back(workspace: Workspace) -> None:
    workspace.encrypt("a.yaml")
    workspace.encrypt("b.yaml")
    out = workspace.folder / "out"
    out.mkdir()
    (out / "b.yaml").symlink_to("/dev/null")
    with pytest.raises(InputError):
        workspace.run(output_directory="out")
    assert not (out / "a.yaml").exists()
