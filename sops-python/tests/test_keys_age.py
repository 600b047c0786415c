"""age with SSH keys, keys from commands, and every way that sops finds an identity by; sops is the other side."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pyrage
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from sops_python import Creation, DataKeyError, FileError, Format, Keyring, decrypt, encrypt
from sops_python.keys.age import AgeKeySource
from sops_python.recipients import from_text

TEXT = b"password: hunter2\n"
_MAKERS = {
    "id_ed25519": ed25519.Ed25519PrivateKey.generate,
    "id_rsa": lambda: rsa.generate_private_key(65537, 2048),
}


class Ssh:
    """An SSH key pair in `~/.ssh` of a home of its own."""

    def __init__(self, home: Path, name: str) -> None:
        self.home = home
        self.path = home / ".ssh" / name
        key = _MAKERS[name]()
        pem = (serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption())
        self.private = key.private_bytes(*pem).decode()
        public = (serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
        self.recipient = key.public_key().public_bytes(*public).decode()
        self.path.parent.mkdir()
        self.path.write_text(self.private)


@pytest.fixture(params=sorted(_MAKERS))
def ssh(request: pytest.FixtureRequest, tmp_path: Path) -> Ssh:
    return Ssh(tmp_path, request.param)


@pytest.fixture
def sops_at(sops_binary: Path, tmp_path: Path) -> Callable[..., bytes]:
    """The real sops with a home and nothing else."""

    def run(*arguments: str, data: bytes, **environ: str) -> bytes:
        (tmp_path / "file.yaml").write_bytes(data)
        command = [sops_binary, *arguments, "file.yaml"]
        done = subprocess.run(command, cwd=tmp_path, env={"HOME": str(tmp_path), **environ}, capture_output=True)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    return run


def test_a_file_for_an_ssh_key_opens_by_the_default_key_of_the_home(ssh: Ssh, sops_at: Callable[..., bytes]) -> None:
    encrypted = sops_at("encrypt", "--age", ssh.recipient, data=TEXT)
    assert decrypt(encrypted, keys=[AgeKeySource.from_environment({"HOME": str(ssh.home)})]).emit() == TEXT


def test_a_file_of_ours_for_an_ssh_key_opens_by_sops(ssh: Ssh, sops_at: Callable[..., bytes]) -> None:
    group = tuple(from_text("age", f"{ssh.recipient} me@host", "the test"))
    encrypted = encrypt(TEXT, Creation(groups=(group,)), keys=[AgeKeySource()], format=Format.YAML)
    assert sops_at("decrypt", data=encrypted) == TEXT


def test_an_ssh_key_may_be_named_by_a_variable_or_given_as_text(
    ssh: Ssh, sops_at: Callable[..., bytes], tmp_path: Path
) -> None:
    encrypted = sops_at("encrypt", "--age", ssh.recipient, data=TEXT)
    elsewhere = tmp_path / "key"
    ssh.path.rename(elsewhere)
    named = AgeKeySource.from_environment({"SOPS_AGE_SSH_PRIVATE_KEY_FILE": str(elsewhere), "HOME": str(tmp_path)})
    assert decrypt(encrypted, keys=[named]).emit() == TEXT
    assert decrypt(encrypted, keys=[AgeKeySource.from_text(ssh.private)]).emit() == TEXT
    with pytest.raises(DataKeyError, match="no age identity was given"):
        decrypt(encrypted, keys=[AgeKeySource.from_environment({"HOME": str(tmp_path)})])


def test_ssh_keys_are_not_looked_for_where_a_file_has_no_ssh_recipient(
    encrypt: Callable[..., bytes], identity: pyrage.x25519.Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr("sops_python.keys.age_identities.Environment.ssh_keys")
    source = AgeKeySource.from_environment({"SOPS_AGE_KEY": str(identity)})
    assert decrypt(encrypt("a: 1\n"), keys=[source]).documents == [{"a": 1}]


def test_a_command_gives_identities_as_for_sops(
    encrypt: Callable[..., bytes], sops_at: Callable[..., bytes], identity: pyrage.x25519.Identity, tmp_path: Path
) -> None:
    (tmp_path / "keys with blanks.txt").write_text(f"# a comment\n{identity}\n")
    environ = {"SOPS_AGE_KEY_CMD": f"cat '{tmp_path}/keys with blanks.txt'", "PATH": "/usr/bin:/bin"}
    encrypted = encrypt("a: 1\n")
    assert sops_at("decrypt", data=encrypted, **environ) == b"a: 1\n"
    assert decrypt(encrypted, keys=[AgeKeySource.from_environment(environ)]).documents == [{"a": 1}]


@pytest.mark.parametrize("command", ["false", "no-such-program-anywhere", "'unclosed"])
def test_a_command_that_fails_is_told(encrypt: Callable[..., bytes], command: str) -> None:
    source = AgeKeySource.from_environment({"SOPS_AGE_KEY_CMD": command, "PATH": "/usr/bin:/bin"})
    with pytest.raises(DataKeyError, match=r"SOPS_AGE_KEY_CMD (ended with 1|can't be run)"):
        decrypt(encrypt("a: 1\n"), keys=[source])


@pytest.mark.parametrize(
    ("environ", "reason"),
    [
        ({"SOPS_AGE_KEY": "\nage1public"}, "SOPS_AGE_KEY, line 2: not an X25519 age identity"),
        ({"SOPS_AGE_KEY_FILE": "/nowhere"}, "SOPS_AGE_KEY_FILE /nowhere: cannot be read"),
        ({"SOPS_AGE_KEY_CMD": "false", "PATH": "/usr/bin:/bin"}, "SOPS_AGE_KEY_CMD ended with 1"),
    ],
)
def test_a_broken_identity_is_told_and_stops_no_other(
    encrypt: Callable[..., bytes],
    identity: pyrage.x25519.Identity,
    tmp_path: Path,
    environ: dict[str, str],
    reason: str,
) -> None:
    encrypted = encrypt("a: 1\n")
    with pytest.raises(DataKeyError) as caught:
        decrypt(encrypted, keys=[AgeKeySource.from_environment(environ)])
    assert reason in str(caught.value)
    keys = tmp_path / "sops" / "age" / "keys.txt"
    keys.parent.mkdir(parents=True)
    keys.write_text(str(identity))
    source = AgeKeySource.from_environment({"XDG_CONFIG_HOME": str(tmp_path), **environ})
    assert decrypt(encrypted, keys=[source]).documents == [{"a": 1}]


def test_a_command_is_run_once_a_recipient_and_learns_for_whom(
    encrypt: Callable[..., bytes],
    sops_at: Callable[..., bytes],
    identity: pyrage.x25519.Identity,
    tmp_path: Path,
) -> None:
    log, keys = tmp_path / "log", tmp_path / "keys"
    keys.write_text(str(identity))
    environ = {
        "SOPS_AGE_KEY_CMD": f"sh -c 'echo $SOPS_AGE_RECIPIENT >> {log}; cat {keys}'",
        "PATH": "/usr/bin:/bin",
    }
    files = [encrypt("a: 1\n"), encrypt("a: 2\n")]
    sops_at("decrypt", data=files[0], **environ)
    assert log.read_text() == f"{identity.to_public()}\n"  # so it is with sops
    source = AgeKeySource.from_environment(environ)
    assert [decrypt(data, keys=[source]).documents for data in files] == [[{"a": 1}], [{"a": 2}]]
    assert log.read_text() == f"{identity.to_public()}\n" * 2


def test_a_command_may_print_an_ssh_key(ssh: Ssh, sops_at: Callable[..., bytes]) -> None:
    encrypted = sops_at("encrypt", "--age", ssh.recipient, data=TEXT)
    elsewhere = ssh.path.rename(ssh.home / "elsewhere")
    environ = {"SOPS_AGE_SSH_PRIVATE_KEY_CMD": f"cat {elsewhere}", "PATH": "/usr/bin:/bin"}  # of sops 3.12
    assert decrypt(encrypted, keys=[AgeKeySource.from_environment(environ)]).emit() == TEXT


def test_ssh_keys_of_the_home_are_used_beside_the_one_that_is_named(ssh: Ssh, sops_at: Callable[..., bytes]) -> None:
    encrypted = sops_at("encrypt", "--age", ssh.recipient, data=TEXT)
    (ssh.home / "other").write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n")
    environ = {"SOPS_AGE_SSH_PRIVATE_KEY_FILE": str(ssh.home / "other"), "HOME": str(ssh.home)}
    assert sops_at("decrypt", data=encrypted, **environ) == TEXT
    assert decrypt(encrypted, keys=[AgeKeySource.from_environment(environ)]).emit() == TEXT
    ssh.path.unlink()
    with pytest.raises(DataKeyError, match="other: not an SSH private key that age can use"):
        decrypt(encrypted, keys=[AgeKeySource.from_environment(environ)])


@pytest.mark.parametrize(
    "text",
    ["-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n", "-----BEGIN AGE ENCRYPTED FILE-----\nc2VjcmV0\n"],
)
def test_a_key_that_can_not_be_used_is_named_by_its_origin_and_not_shown(text: str) -> None:
    with pytest.raises(FileError, match="input `age-key`") as caught:
        AgeKeySource.from_text(text, origin="input `age-key`")
    assert "c2VjcmV0" not in str(caught.value)


def test_a_recipient_that_is_none_is_named(tmp_path: Path) -> None:
    group = tuple(from_text("age", "age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq", "the test"))
    with pytest.raises(DataKeyError, match=r"age age1qqq.*: not a recipient"):
        encrypt(TEXT, Creation(groups=(group,)), keys=Keyring([AgeKeySource()]), format=Format.YAML)
