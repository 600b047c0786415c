"""age plugins: a small real one on PATH, which pyrage speaks to by age's plugin protocol."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from sops_python import MasterKey, MasterKeyError
from sops_python.keys.age import AgeKeySource

DATA_KEY = bytes(range(32))
RECIPIENT = "age1demo10pu8s7rc0pu8sja4cw6"
IDENTITY = "AGE-PLUGIN-DEMO-10PU8S7RC0PU8SA7FXAU"
# Wraps file keys by turning them around; asks for a secret and takes no notice of it.
PLUGIN = """#!{python}
import sys
from base64 import b64decode, b64encode

def read():
    head = sys.stdin.readline().split()[1:]
    body = ""
    while True:
        line = sys.stdin.readline().rstrip()
        body += line
        if len(line) < 64:
            return head, b64decode(body + "=" * (-len(body) % 4))

def say(head, body=b""):
    print("->", head)
    print(b64encode(body).decode().rstrip("="), flush=True)

def ask(head, body=b""):
    say(head, body)
    return read()

given = []
while True:
    head, body = read()
    if head == ["done"]:
        break
    given.append((head, body))
if sys.argv[1] == "--age-plugin=recipient-v1":
    for head, body in given:
        if head[0] == "wrap-file-key":
            ask("recipient-stanza 0 demo", body[::-1])
else:
    ask("msg", b"touch the key")
    for head, body in given:
        if head[:1] + head[2:] == ["recipient-stanza", "demo"]:
            ask("request-secret", b"PIN")
            ask("file-key 0", body[::-1])
say("done")
"""


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "age-plugin-demo"
    path.write_text(PLUGIN.format(python=sys.executable))
    path.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr("sops_python.keys.terminal.TERMINAL", "/nonexistent/tty")
    return path


def sealed() -> MasterKey:
    return AgeKeySource().wrap(MasterKey("age", {"recipient": RECIPIENT}, ""), DATA_KEY)


def test_a_plugin_wraps_and_unwraps(plugin: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = sealed()
    assert AgeKeySource.from_environment({"SOPS_AGE_KEY": IDENTITY}).unwrap(key) == DATA_KEY
    assert capsys.readouterr().err == "age-plugin-demo: touch the key\n"


def test_a_plugin_asks_a_person_by_the_terminal(plugin: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr("sops_python.keys.terminal.passphrase", asked.append)
    AgeKeySource.from_text(IDENTITY).unwrap(sealed())
    assert asked == ["age-plugin-demo: PIN"]


def test_a_plugin_that_is_not_there_is_named(plugin: Path) -> None:
    key = sealed()
    plugin.unlink()
    with pytest.raises(MasterKeyError, match="needs the program age-plugin-demo on PATH"):
        AgeKeySource.from_text(IDENTITY).unwrap(key)
    with pytest.raises(MasterKeyError, match="needs the program age-plugin-demo on PATH"):
        sealed()


def test_a_plugin_that_fails_is_told(plugin: Path) -> None:
    key = sealed()
    plugin.write_text("#!/bin/sh\nexit 1\n")
    with pytest.raises(MasterKeyError, match="none of the 1 age identities given is this recipient's"):
        AgeKeySource.from_text(IDENTITY).unwrap(key)
    with pytest.raises(MasterKeyError, match="the age plugin did not encrypt for it"):
        sealed()


def test_a_damaged_identity_or_recipient_of_a_plugin_is_not_shown(plugin: Path) -> None:
    key = sealed()
    with pytest.raises(MasterKeyError, match="the identity for the age plugin demo is damaged") as caught:
        AgeKeySource.from_text(IDENTITY[:-1] + "A").unwrap(key)
    assert IDENTITY[20:-1] not in str(caught.value)
    with pytest.raises(MasterKeyError, match="the recipient for the age plugin demo is damaged"):
        AgeKeySource().wrap(key._replace(fields={"recipient": RECIPIENT[:-1] + "a"}), DATA_KEY)


def test_no_plugin_is_started_for_a_recipient_that_needs_none(plugin: Path) -> None:
    plugin.write_text("#!/bin/sh\ntouch $0.started\n")
    plain = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"
    key = AgeKeySource().wrap(MasterKey("age", {"recipient": plain}, ""), DATA_KEY)
    with pytest.raises(MasterKeyError):
        AgeKeySource.from_text(IDENTITY).unwrap(key)
    assert not plugin.with_name("age-plugin-demo.started").exists()
