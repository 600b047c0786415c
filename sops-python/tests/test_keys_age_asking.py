"""Identities that a passphrase protects, and plugins: what is asked of a person, and what happens without one."""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import importlib.util
import os
import pty
import select
import subprocess
import sys
import termios
from base64 import b64decode, b64encode
from collections.abc import Callable
from pathlib import Path

import pyrage
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from sops_python import MasterKey, MasterKeyError
from sops_python.keys.age import AgeKeySource

DATA_KEY = bytes(range(32))
PASSPHRASE = "correct horse"
PUBLIC = (serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
OURS = (sys.executable, "-m", "sops_python")


class Terminal:
    """Runs a program as a session of its own with a controlling terminal, and types when it is asked."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.shown = ""  # on the terminal

    def run(self, *command: str | Path, typed: str, **environ: str) -> bytes:
        """The program's output."""
        master, slave = pty.openpty()
        program = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=slave,
            cwd=self._folder,
            env={"HOME": str(self._folder), "PATH": os.environ["PATH"], **environ},
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(slave, termios.TIOCSCTTY, 0),
        )
        os.close(slave)
        self.shown = ""
        while select.select([master], [], [], 30)[0]:
            try:
                piece = os.read(master, 4096).decode()
            except OSError:  # the program ended
                break
            if not self.shown and piece:
                os.write(master, typed.encode() + b"\n")
            self.shown += piece
        os.close(master)
        assert program.stdout
        output = program.stdout.read()
        assert program.wait() == 0, self.shown
        return output


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path)


@pytest.fixture
def no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in CI: whoever runs these tests at a terminal is not asked."""
    monkeypatch.setattr("sops_python.keys.terminal.TERMINAL", "/nonexistent/tty")


def protected_pem(folder: Path) -> str:
    """An RSA key as `ssh-keygen -m PEM` writes it, with its `.pub`; its recipient."""
    key = rsa.generate_private_key(65537, 2048)
    how = serialization.BestAvailableEncryption(PASSPHRASE.encode())
    (folder / "key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, how)
    )
    recipient = key.public_key().public_bytes(*PUBLIC).decode()
    (folder / "key.pub").write_text(f"{recipient} me@host\n")
    return recipient


def protected_openssh(folder: Path) -> str:
    """A key in OpenSSH's own format whose secret part nobody can open; its recipient."""
    public = ed25519.Ed25519PrivateKey.generate().public_key().public_bytes(*PUBLIC)
    parts = [b"aes256-ctr", b"bcrypt", bytes([0, 0, 0, 4]) + b"salt" + bytes([0, 0, 0, 16])]
    blob = b"openssh-key-v1\0" + b"".join(len(part).to_bytes(4) + part for part in parts)
    for part in (b64decode(public.split()[1]), os.urandom(160)):
        blob += (b"\0\0\0\1" if len(part) < 160 else b"") + len(part).to_bytes(4) + part
    text = f"-----BEGIN OPENSSH PRIVATE KEY-----\n{b64encode(blob).decode()}\n-----END OPENSSH PRIVATE KEY-----\n"
    (folder / "key").write_text(text)
    return public.decode()


def protected_identities(identity: object) -> bytes:
    """As `age --passphrase` writes them, but with a passphrase that is cheap to try (age-encryption.org/v1)."""
    unpadded = lambda data: b64encode(data).rstrip(b"=")  # noqa: E731
    file_key, salt, nonce = os.urandom(16), os.urandom(16), os.urandom(16)
    wrapping = hashlib.scrypt(PASSPHRASE.encode(), salt=b"age-encryption.org/v1/scrypt" + salt, n=4, r=8, p=1, dklen=32)
    stanza = b"-> scrypt %s 2\n%s\n" % (
        unpadded(salt),
        unpadded(ChaCha20Poly1305(wrapping).encrypt(bytes(12), file_key, None)),
    )
    header = b"age-encryption.org/v1\n" + stanza + b"---"
    mac = hmac.digest(HKDF(SHA256(), 32, None, b"header").derive(file_key), header, "sha256")
    content = ChaCha20Poly1305(HKDF(SHA256(), 32, nonce, b"payload").derive(file_key))
    return (
        b"%s %s\n" % (header, unpadded(mac)) + nonce + content.encrypt(bytes(11) + b"\1", str(identity).encode(), None)
    )


def sealed(recipient: str) -> MasterKey:
    return AgeKeySource().wrap(MasterKey("age", {"recipient": recipient}, ""), DATA_KEY)


def test_the_passphrase_of_an_ssh_key_is_asked_for_on_the_terminal_as_sops_does(
    terminal: Terminal, sops_binary: Path, tmp_path: Path
) -> None:
    recipient = protected_pem(tmp_path)
    (tmp_path / "plain.yaml").write_text("a: 1\n")
    environ = {"SOPS_AGE_SSH_PRIVATE_KEY_FILE": "key"}
    encrypt = [*OURS, "encrypt", "--age", recipient, "--output", "file.yaml", "plain.yaml"]
    subprocess.run(encrypt, cwd=tmp_path, check=True)
    for command in ((sops_binary,), OURS):
        assert terminal.run(*command, "decrypt", "file.yaml", typed=PASSPHRASE, **environ) == b"a: 1\n"
        assert "assphrase" in terminal.shown
        assert PASSPHRASE not in terminal.shown


def test_the_passphrase_of_a_file_of_identities_is_asked_for_on_the_terminal(
    terminal: Terminal, encrypt: Callable[..., bytes], identity: pyrage.x25519.Identity, tmp_path: Path
) -> None:
    (tmp_path / "file.yaml").write_bytes(encrypt("a: 1\n"))
    (tmp_path / "keys.age").write_bytes(protected_identities(identity))
    arguments = (*OURS, "decrypt", "file.yaml")
    assert terminal.run(*arguments, typed=PASSPHRASE, SOPS_AGE_KEY_FILE="keys.age") == b"a: 1\n"
    assert "Passphrase of keys.age" in terminal.shown


@pytest.mark.usefixtures("no_terminal")
@pytest.mark.parametrize("make", [protected_pem, protected_openssh])
def test_without_a_terminal_a_protected_ssh_key_is_named(make: Callable[[Path], str], tmp_path: Path) -> None:
    key = sealed(make(tmp_path))
    source = AgeKeySource.from_environment({"SOPS_AGE_SSH_PRIVATE_KEY_FILE": str(tmp_path / "key")})
    with pytest.raises(MasterKeyError, match="key: has a passphrase, and there is no terminal to ask for it"):
        source.unwrap(key)


@pytest.mark.usefixtures("no_terminal")
def test_without_a_terminal_a_protected_file_of_identities_is_named(
    identity: pyrage.x25519.Identity, tmp_path: Path
) -> None:
    (tmp_path / "keys.age").write_bytes(protected_identities(identity))
    source = AgeKeySource.from_environment({"SOPS_AGE_KEY_FILE": str(tmp_path / "keys.age")})
    for _ in range(2):
        with pytest.raises(MasterKeyError, match=r"keys.age: has a passphrase, and there is no terminal"):
            source.unwrap(sealed(str(identity.to_public())))


def answering(monkeypatch: pytest.MonkeyPatch, answer: str) -> list[str]:
    """What is asked from now on; a person answers."""
    asked: list[str] = []

    def ask(prompt: str) -> str:
        asked.append(prompt)
        return answer

    monkeypatch.setattr("sops_python.keys.terminal.passphrase", ask)
    return asked


@pytest.mark.parametrize("make", [protected_pem, protected_openssh])
def test_nobody_is_asked_for_the_passphrase_of_a_key_that_is_not_the_recipients(
    make: Callable[[Path], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answering(monkeypatch, PASSPHRASE)
    make(tmp_path)
    stranger = ed25519.Ed25519PrivateKey.generate().public_key().public_bytes(*PUBLIC).decode()
    source = AgeKeySource.from_environment({"SOPS_AGE_SSH_PRIVATE_KEY_FILE": str(tmp_path / "key")})
    with pytest.raises(MasterKeyError, match="no age identity was given"):
        source.unwrap(sealed(stranger))
    assert asked == []


def test_a_wrong_passphrase_is_told_and_asked_for_once(
    identity: pyrage.x25519.Identity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answering(monkeypatch, "wrong horse")
    (tmp_path / "keys.age").write_bytes(protected_identities(identity))
    for recipient, variable, file in (
        (str(identity.to_public()), "SOPS_AGE_KEY_FILE", "keys.age"),
        (protected_pem(tmp_path), "SOPS_AGE_SSH_PRIVATE_KEY_FILE", "key"),
    ):
        source = AgeKeySource.from_environment({variable: str(tmp_path / file)})
        for _ in range(3):
            with pytest.raises(MasterKeyError, match=f"{file}: the passphrase was wrong") as caught:
                source.unwrap(sealed(recipient))
            assert "wrong horse" not in str(caught.value)
    assert len(asked) == 2


def test_a_passphrase_is_asked_for_once_for_any_number_of_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answering(monkeypatch, PASSPHRASE)
    recipient = protected_pem(tmp_path)
    source = AgeKeySource.from_environment({"SOPS_AGE_SSH_PRIVATE_KEY_FILE": str(tmp_path / "key")})
    assert [source.unwrap(sealed(recipient)) for _ in range(3)] == [DATA_KEY] * 3
    assert len(asked) == 1


def test_openssh_s_own_format_opens_with_its_passphrase_where_bcrypt_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, PASSPHRASE)
    source = AgeKeySource.from_environment({"SOPS_AGE_SSH_PRIVATE_KEY_FILE": str(tmp_path / "key")})
    if not importlib.util.find_spec("bcrypt"):
        key = sealed(protected_openssh(tmp_path))
        with pytest.raises(MasterKeyError, match="needs the package bcrypt"):
            source.unwrap(key)
        return
    private = ed25519.Ed25519PrivateKey.generate()
    how = serialization.BestAvailableEncryption(PASSPHRASE.encode())
    pem = private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, how)
    (tmp_path / "key").write_bytes(pem)
    recipient = private.public_key().public_bytes(*PUBLIC).decode()
    assert source.unwrap(sealed(f"{recipient} me@host")) == DATA_KEY
