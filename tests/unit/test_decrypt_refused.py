"""What can't be decrypted: which code, which words; no file, no variable, no plaintext anywhere."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable
from pathlib import Path

import pyrage
import pytest

from aks_actions import cli
from aks_actions.errors import InputError
from tests.unit.decrypting import Workspace

CANARY = "canary-value-of-the-secret"
OTHER = "other-value-of-the-secret"
TEXT = f"settings:\n    dotted.key: {CANARY}\n    other: {OTHER}\nclear_unencrypted: open\n"


def envelopes(text: str) -> list[str]:
    return re.findall(r"ENC\[[^]]*\]", text)


def tampered(text: str) -> str:
    first = envelopes(text)[0]
    at = first.index("data:") + 5
    return text.replace(first, first[:at] + ("A" if first[at] != "A" else "B") + first[at + 1 :])


def swapped(text: str) -> str:
    first, second = envelopes(text)[:2]
    return text.replace(first, "HOLD").replace(second, first).replace("HOLD", second)


def cut(text: str) -> str:
    return text.partition("sops:")[0]


def cut_in_the_middle(text: str) -> str:
    return text[: text.index("mac:")]


def in_clear(text: str) -> str:
    return text.replace(envelopes(text)[0], "now in clear")


def clear_value_changed(text: str) -> str:
    return text.replace("clear_unencrypted: open", "clear_unencrypted: shut")


def value_added(text: str) -> str:
    return "added_unencrypted: 1\n" + text


def alias_bomb(text: str) -> str:
    levels = [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 9)]
    return "\n".join(["l0: &l0 [x]", *levels, text])


FAULTS: dict[Callable[[str], str], tuple[int, str]] = {
    tampered: (2, "not as SOPS wrote it"),
    swapped: (2, "not as SOPS wrote it"),
    cut: (2, "not encrypted with SOPS"),
    cut_in_the_middle: (2, "not as SOPS wrote it"),
    in_clear: (2, "plaintext"),
    clear_value_changed: (2, "MAC"),
    value_added: (2, "MAC"),
    alias_bomb: (2, "not as SOPS wrote it"),
}


def step(workspace: Workspace, monkeypatch: pytest.MonkeyPatch, **inputs: str) -> int:
    """The step as the runner would run it, up to its exit code; what it prints is captured."""
    given = {"files": "good.yaml\nbad.yaml", "age-key": workspace.key, "environment": "bad.yaml settings.other | OTHER"}
    for name, value in {**given, **{k.replace("_", "-"): v for k, v in inputs.items()}}.items():
        workspace.environ[f"INPUT_{name.upper().replace('-', '_')}"] = value
    monkeypatch.setattr(os, "environ", workspace.environ)
    monkeypatch.setattr(cli, "_watch_signals", lambda _: None)
    return cli.run_step("decrypt-secrets")


def leaked(output: str) -> list[str]:
    """The lines of a log that hold a plaintext; the runner obeys masks and shows none of them."""
    shown = [line for line in output.splitlines() if not line.startswith("::add-mask::")]
    return [line for line in shown if CANARY in line or OTHER in line]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_file_with_a_fault_is_refused_and_nothing_is_left_of_any(
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    fault: Callable[[str], str],
) -> None:
    workspace.encrypt("good.yaml", TEXT, "--unencrypted-suffix", "_unencrypted")
    bad = workspace.encrypt("bad.yaml", TEXT, "--unencrypted-suffix", "_unencrypted")
    bad.write_text(fault(bad.read_text()))
    code, telling = FAULTS[fault]
    assert step(workspace, monkeypatch, output_directory="out") == code
    output = "".join(capfd.readouterr())
    assert telling in output
    assert re.search(r"at bad\.yaml(:\d+)*$", output, re.MULTILINE), output
    assert leaked(output) == []
    assert workspace.holding(CANARY) == []
    assert workspace.holding(OTHER) == []
    assert not Path("out").exists()


@pytest.mark.parametrize("fault", [tampered, in_clear], ids=lambda fault: fault.__name__)
def test_a_value_that_was_changed_is_named_by_its_line(
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    fault: Callable[[str], str],
) -> None:
    bad = workspace.encrypt("bad.yaml", TEXT, "--unencrypted-suffix", "_unencrypted")
    bad.write_text(fault(bad.read_text()))
    assert step(workspace, monkeypatch, files="bad.yaml") == 2
    assert "at bad.yaml:2:5" in capfd.readouterr().out


def test_the_mac_of_another_file_is_refused(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    good = workspace.encrypt("good.yaml", TEXT, "--unencrypted-suffix", "_unencrypted")
    bad = workspace.encrypt("bad.yaml", TEXT, "--unencrypted-suffix", "_unencrypted")
    mac = [envelopes(path.read_text())[-1] for path in (good, bad)]
    bad.write_text(bad.read_text().replace(mac[1], mac[0]))
    assert step(workspace, monkeypatch) == 2
    output = "".join(capfd.readouterr())
    assert "MAC" in output
    assert leaked(output) == []


def test_a_wrong_key_is_an_authentication_failure_that_names_the_recipient(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    workspace.encrypt("good.yaml", TEXT, "--unencrypted-suffix", "_unencrypted")
    workspace.encrypt("bad.yaml", TEXT, "--unencrypted-suffix", "_unencrypted")
    wrong = str(pyrage.x25519.Identity.generate())
    assert step(workspace, monkeypatch, age_key=wrong) == 3
    output = "".join(capfd.readouterr())
    assert workspace.recipient in output
    assert wrong not in output.replace(f"::add-mask::{wrong}", "")
    assert workspace.file("ENV") == ""


def test_a_file_of_more_than_five_mib_is_refused_at_once(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    workspace.encrypt("good.yaml", TEXT, "--unencrypted-suffix", "_unencrypted")
    bad = workspace.encrypt("bad.yaml", TEXT, "--unencrypted-suffix", "_unencrypted")
    bad.write_text(f"# {'x' * 5 * 1024 * 1024}\n{bad.read_text()}")
    began = time.monotonic()
    assert step(workspace, monkeypatch) == 2
    assert time.monotonic() - began < 5
    assert "larger than 5 MiB" in capfd.readouterr().out


def test_a_symlink_out_of_the_tree_is_refused(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    workspace.encrypt("good.yaml", TEXT, "--unencrypted-suffix", "_unencrypted")
    outside = workspace.encrypt("../outside.yaml", TEXT, "--unencrypted-suffix", "_unencrypted")
    (workspace.folder / "bad.yaml").symlink_to(outside)
    assert step(workspace, monkeypatch) == 2
    output = "".join(capfd.readouterr())
    assert "leads out of" in output
    assert leaked(output) == []
    assert workspace.file("ENV") == ""


def test_a_full_disk_is_told_and_nothing_is_half_written(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    import errno

    workspace.encrypt("good.yaml", TEXT, "--unencrypted-suffix", "_unencrypted")
    workspace.encrypt("bad.yaml", TEXT, "--unencrypted-suffix", "_unencrypted")
    real = os.replace

    def full(source: str, target: str, **more: int) -> None:
        if target == "bad.yaml":
            raise OSError(errno.ENOSPC, "No space left on device")
        real(source, target, **more)

    monkeypatch.setattr(os, "replace", full)
    assert step(workspace, monkeypatch, output_directory="out") == 4
    output = "".join(capfd.readouterr())
    assert "no space left to write out/bad.yaml" in output
    assert leaked(output) == []
    assert workspace.holding(CANARY) == []
    assert not Path("out").exists()


def test_a_bug_of_ours_shows_frames_and_no_value(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from aks_actions.actions.decrypting import writing

    def broken(*_: object) -> None:
        raise ValueError(CANARY)

    workspace.encrypt("good.yaml", TEXT, "--unencrypted-suffix", "_unencrypted")
    workspace.encrypt("bad.yaml", TEXT, "--unencrypted-suffix", "_unencrypted")
    monkeypatch.setattr(writing, "_note", broken)
    assert step(workspace, monkeypatch, output_directory="out") == 70
    output = "".join(capfd.readouterr())
    assert "Traceback" in output
    assert leaked(output) == []
    assert workspace.holding(CANARY) == []


def test_a_step_that_works_leaks_nothing_into_log_and_summary(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    workspace.encrypt("good.yaml", TEXT, "--unencrypted-suffix", "_unencrypted")
    workspace.encrypt("bad.yaml", TEXT, "--unencrypted-suffix", "_unencrypted")
    assert step(workspace, monkeypatch, values="good.yaml settings.* | S_") == 0
    assert leaked("".join(capfd.readouterr())) == []
    assert CANARY not in workspace.file("STEP_SUMMARY")
    assert workspace.holding(CANARY) == [Path(workspace.environ["GITHUB_OUTPUT"])]  # where it was asked for


def test_a_zero_byte_can_not_be_a_variable(workspace: Workspace) -> None:
    workspace.encrypt("bad.json", json.dumps({"a": "x\0y"}), "--unencrypted-suffix", "_unencrypted")
    with pytest.raises(InputError, match="zero byte"):
        workspace.run(files="bad.json", environment="a | A")
