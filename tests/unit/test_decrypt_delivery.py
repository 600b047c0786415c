"""Every way in which decrypted values reach the later steps, and how the cleanup takes them back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from aks_actions.errors import Cancelled, InputError, TransientError
from tests.unit.decrypting import Workspace

APP = "database:\n    password: hunter2hunter2\n    users:\n        - ann-lee\n        - bob-ray\n"
ENV = "API_KEY=s3cr3t-api-key\nMODE=production-mode\n"
INI = "[database]\npassword = ini-password\n"
ALL = ("--unencrypted-suffix", "_clear")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("app.yaml", APP),
        ("app.json", json.dumps({"password": "hunter2hunter2"}, indent="\t")),
        ("app.env", ENV),
        ("app.ini", INI),
        ("tls.key", "-----BEGIN KEY-----\nMIIEvQIBADANBgkq\n-----END KEY-----\n"),
    ],
)
def test_each_format_is_written_as_it_was(workspace: Workspace, name: str, text: str) -> None:
    workspace.encrypt(name, text, *ALL)
    outputs = workspace.run(files=name)
    assert Path(outputs.files).read_text().strip() == text.strip()
    assert Path(outputs.files).stat().st_mode & 0o777 == 0o600


def test_binary_content_survives_byte_for_byte(workspace: Workspace) -> None:
    content = bytes(range(256)) * 3
    path = workspace.folder / "keystore.p12"
    path.write_bytes(content)
    workspace.encrypt_in_place(path)
    outputs = workspace.run(files="keystore.p12")
    assert Path(outputs.files).read_bytes() == content


def test_a_whole_tree_keeps_its_folders(workspace: Workspace) -> None:
    for name in ("config/a.yaml", "config/deep/b.env", "config/.env"):
        workspace.encrypt(name, ENV if name.endswith("env") else APP, *ALL)
    (workspace.folder / "config" / "README").write_text("plain")
    outputs = workspace.run(files="config", output_directory="out")
    assert sorted(outputs.files.splitlines()) == ["out/config/.env", "out/config/a.yaml", "out/config/deep/b.env"]
    assert "1 not encrypted, left out" in workspace.log.getvalue()


def test_a_file_is_converted_to_the_format_that_is_asked_for(workspace: Workspace) -> None:
    workspace.encrypt("app.sops.yaml", APP, *ALL)
    outputs = workspace.run(files="app.sops.yaml", output_format="json", output_directory="out")
    assert outputs.files == "out/app.json"
    assert json.loads(Path(outputs.files).read_text()) == yaml.safe_load(APP)


def test_what_a_format_can_not_say_is_refused(workspace: Workspace) -> None:
    workspace.encrypt("app.yaml", APP, *ALL)
    with pytest.raises(InputError, match="can't be written as dotenv"):
        workspace.run(output_format="dotenv")
    assert workspace.written() == []


def test_values_become_one_output_that_is_json(workspace: Workspace) -> None:
    workspace.encrypt("app.yaml", APP, *ALL)
    outputs = workspace.run(values="database.password | PASSWORD; database.users.* | user_")
    expected = {"PASSWORD": "hunter2hunter2", "user_0": "ann-lee", "user_1": "bob-ray"}
    assert json.loads(outputs.values) == expected
    assert workspace.written() == []
    assert workspace.file("ENV") == ""


def test_no_value_is_an_output_unless_asked_for(workspace: Workspace) -> None:
    workspace.encrypt("app.yaml", APP, *ALL)
    assert workspace.run(environment="database.password | PASSWORD").values == ""


def test_single_values_are_written_as_files_of_their_own(workspace: Workspace) -> None:
    workspace.encrypt("app.yaml", APP, *ALL)
    outputs = workspace.run(value_files="database.password | db/password\ndatabase.users.0 | user")
    assert (Path(outputs.directory) / "db" / "password").read_text() == "hunter2hunter2"
    assert sorted(path.name for path in workspace.written()) == ["password", "user"]


def test_two_values_for_one_file_are_refused(workspace: Workspace) -> None:
    workspace.encrypt("app.yaml", APP, *ALL)
    with pytest.raises(InputError, match="same file"):
        workspace.run(value_files="database.password | a\ndatabase.users.0 | a/b")
    assert workspace.written() == []


def test_the_cleanup_removes_files_and_empties_variables(workspace: Workspace) -> None:
    workspace.encrypt("app.yaml", APP, *ALL)
    first = workspace.run(environment="database.password | PASSWORD", output_directory="out/deep")
    workspace.run()
    assert workspace.holding("hunter2hunter2")
    cleaned = workspace.clean()
    assert (cleaned.removed, cleaned.restored, cleaned.variables) == (2, 0, "PASSWORD")
    assert not Path(first.files).exists()
    assert not (workspace.folder / "out").exists()
    assert list(workspace.temp.rglob("*")) == [workspace.home]
    assert workspace.file("ENV").splitlines()[-2] == ""
    Path(workspace.environ["GITHUB_ENV"]).unlink()
    assert workspace.holding("hunter2hunter2") == []


def test_a_second_cleanup_and_one_without_anything_do_nothing(workspace: Workspace) -> None:
    assert workspace.clean().removed == 0
    workspace.encrypt("app.yaml", APP, *ALL)
    workspace.run()
    assert workspace.clean().removed == 1
    assert workspace.clean().removed == 0
    assert "nothing was left" in workspace.log.getvalue()


def test_the_cleanup_goes_on_where_a_file_is_gone_or_its_folder_is_used(workspace: Workspace) -> None:
    workspace.encrypt("app.yaml", APP, *ALL)
    workspace.encrypt("b.yaml", APP, *ALL)
    workspace.run(output_directory="out")
    (workspace.folder / "out" / "app.yaml").unlink()
    (workspace.folder / "out" / "mine").write_text("mine")
    assert workspace.clean().removed == 1
    assert [path.name for path in (workspace.folder / "out").iterdir()] == ["mine"]


def test_the_record_of_what_to_clean_holds_no_plaintext(workspace: Workspace) -> None:
    workspace.encrypt("app.yaml", APP, *ALL)
    workspace.run(in_place="true")
    records = [path for path in workspace.home.rglob("*") if path.is_file()]
    assert sorted(path.name for path in records) == ["original-0", "record.json"]
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in records)
    assert not any(b"hunter2" in path.read_bytes() for path in records)


def test_in_place_means_until_the_cleanup(workspace: Workspace) -> None:
    path = workspace.encrypt("app.yaml", APP, *ALL)
    path.chmod(0o644)
    before = path.read_bytes()
    workspace.run(in_place="true")
    assert path.read_text() == APP
    assert path.stat().st_mode & 0o777 == 0o600
    assert workspace.clean().restored == 1
    assert path.read_bytes() == before
    assert path.stat().st_mode & 0o777 == 0o644


def test_in_place_is_where_the_file_is_also_outside_of_the_checkout(workspace: Workspace) -> None:
    path = workspace.encrypt("../elsewhere/app.yaml", APP, *ALL).resolve()
    before = path.read_bytes()
    assert workspace.run(files=str(path), in_place="true").files == str(path)
    assert path.read_text() == APP
    workspace.clean()
    assert path.read_bytes() == before


def test_a_cancellation_between_two_files_takes_the_first_back(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from aks_actions.actions.decrypting import files

    workspace.encrypt("a.yaml", APP, *ALL)
    workspace.encrypt("b.yaml", APP, *ALL)
    real = files.write

    def cancelling(root: Path, below: Path, content: bytes, mode: int = 0o600) -> Path:
        if below == Path("a.yaml"):
            job.cancel(2)
        return real(root, below, content, mode)

    job = workspace.job()
    monkeypatch.setattr(files, "write", cancelling)
    with pytest.raises(Cancelled):
        workspace.run(job=job, environment="a.yaml database.password | PASSWORD", output_directory="out")
    assert workspace.holding("hunter2hunter2") == []
    assert not Path("out").exists()


def test_in_place_is_all_or_nothing(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    from aks_actions.actions.decrypting import files

    paths = [workspace.encrypt(name, APP, *ALL) for name in ("a.yaml", "b.yaml")]
    before = [path.read_bytes() for path in paths]
    real = files.write

    def full(root: Path, below: Path, content: bytes, mode: int = 0o600) -> Path:
        if below == Path("b.yaml") and b"ENC[" not in content:
            raise TransientError("no space left")
        return real(root, below, content, mode)

    monkeypatch.setattr(files, "write", full)
    with pytest.raises(TransientError):
        workspace.run(in_place="true")
    assert [path.read_bytes() for path in paths] == before
    assert list(workspace.home.iterdir()) == []


def test_a_step_that_was_killed_is_cleaned_up_all_the_same(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from aks_actions.actions.decrypting import writing

    path = workspace.encrypt("app.yaml", APP, *ALL)
    before = path.read_bytes()
    monkeypatch.setattr(writing, "_take_back", lambda *_: None)  # nobody takes anything back after SIGKILL
    monkeypatch.setattr(writing, "_note", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        workspace.run(in_place="true")
    assert path.read_text() == APP
    assert workspace.clean().restored == 1
    assert path.read_bytes() == before


def test_a_record_in_a_folder_that_others_can_write_is_not_obeyed(workspace: Workspace) -> None:
    workspace.encrypt("app.yaml", APP, *ALL)
    workspace.run()
    workspace.home.chmod(0o777)
    with pytest.raises(InputError, match="not a folder of this user alone"):
        workspace.clean()
