"""PGP master keys: a real GnuPG with an agent, and keys from the environment without one; sops is the other side."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from both_ways import RealSops, assert_both_ways

from sops_python import Creation, DataKeyError, FileError, Format, Keyring, MasterKey, MasterKeyError, decrypt, encrypt
from sops_python.keys.pgp import PgpKeySource
from sops_python.recipients import from_text

DATA_KEY = bytes(range(32))
PASSPHRASE = "correct horse"
TEXT = b"password: hunter2\n"


class Gnupg:
    """A GnuPG home of its own, with keys that were made for the tests; its agent ends with it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.environ = {**os.environ, "GNUPGHOME": str(home)}
        (home / "gpg-agent.conf").write_text("allow-preset-passphrase\nallow-loopback-pinentry\n")
        self.plain = self.made("plain@example.org", "rsa2048", "")
        self.curve = self.made("curve@example.org", "future-default", "")
        self.locked = self.made("locked@example.org", "rsa2048", PASSPHRASE)

    def made(self, name: str, algorithm: str, passphrase: str) -> str:
        """The fingerprint of a new key."""
        loop = ("--pinentry-mode", "loopback", "--passphrase", passphrase)
        self.run(*loop, "--quick-gen-key", name, algorithm, "default", "never")
        listed = self.run("--list-secret-keys", "--with-colons", name).decode().splitlines()
        fingerprint = next(line.split(":")[9] for line in listed if line.startswith("fpr:"))
        if algorithm.startswith("rsa"):  # made for signatures only: sops needs a key for encryption
            self.run(*loop, "--quick-add-key", fingerprint, algorithm, "encr", "never")
        return fingerprint

    def run(self, *arguments: str) -> bytes:
        done = subprocess.run(["gpg", "--batch", "--quiet", *arguments], env=self.environ, capture_output=True)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def secret(self, fingerprint: str, passphrase: str = "") -> str:
        loop = ("--pinentry-mode", "loopback", "--passphrase", passphrase)
        return self.run(*loop, "--armor", "--export-secret-keys", fingerprint).decode()

    def forget(self) -> None:
        """The agent forgets passphrases."""
        subprocess.run(["gpgconf", "--kill", "gpg-agent"], env=self.environ, check=True)


@pytest.fixture(scope="module")
def gnupg() -> Iterator[Gnupg]:
    if not shutil.which("gpg"):
        pytest.skip("GnuPG is not installed (Debian: gnupg)")
    # A short path: the agent's socket is below it, and a socket's path has 107 bytes at most.
    home = Path(tempfile.mkdtemp(prefix="gnupg-", dir="/tmp"))
    try:
        yield Gnupg(home)
    finally:
        subprocess.run(["gpgconf", "--kill", "all"], env={**os.environ, "GNUPGHOME": str(home)}, check=False)
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def sops_with(gnupg: Gnupg, sops_binary: Path, tmp_path: Path) -> Callable[..., bytes]:
    """The real sops, with GnuPG's home."""

    def run(*arguments: str, data: bytes) -> bytes:
        (tmp_path / "file.yaml").write_bytes(data)
        command = [sops_binary, *arguments, "file.yaml"]
        done = subprocess.run(command, cwd=tmp_path, env=gnupg.environ, capture_output=True)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    return run


@pytest.fixture
def agent(gnupg: Gnupg, monkeypatch: pytest.MonkeyPatch) -> PgpKeySource:
    """GnuPG alone, as the environment gives it."""
    monkeypatch.setenv("GNUPGHOME", str(gnupg.home))
    return PgpKeySource.from_environment({"PATH": os.environ["PATH"]})


def key(fingerprint: str, enc: str = "") -> MasterKey:
    return MasterKey("pgp", {"fp": fingerprint}, enc)


@pytest.mark.parametrize("kind", ["plain", "curve"])
def test_each_opens_the_others_files_of_every_format_by_the_agent(
    gnupg: Gnupg, agent: PgpKeySource, sops_binary: Path, tmp_path: Path, kind: str
) -> None:
    assert_both_ways(key(getattr(gnupg, kind)), Keyring([agent]), RealSops(sops_binary, tmp_path))


@pytest.mark.parametrize(("kind", "passphrase"), [("plain", ""), ("curve", ""), ("locked", PASSPHRASE)])
def test_a_key_of_the_environment_opens_a_file_of_sops_without_gpg(
    gnupg: Gnupg, sops_with: Callable[..., bytes], kind: str, passphrase: str
) -> None:
    fingerprint = getattr(gnupg, kind)
    encrypted = sops_with("encrypt", "--pgp", fingerprint, data=TEXT)
    environ = {"SOPS_PGP_KEY": gnupg.secret(fingerprint, passphrase), "SOPS_PGP_PASSPHRASE": passphrase, "PATH": ""}
    assert decrypt(encrypted, keys=[PgpKeySource.from_environment(environ)]).emit() == TEXT


def test_a_key_of_the_environment_encrypts_without_gpg_what_sops_reads(
    gnupg: Gnupg, sops_with: Callable[..., bytes]
) -> None:
    source = PgpKeySource([gnupg.secret(gnupg.curve)])
    group = tuple(from_text("pgp", gnupg.curve, "the test"))
    encrypted = encrypt(TEXT, Creation(groups=(group,)), keys=[source], format=Format.YAML)
    assert sops_with("decrypt", data=encrypted) == TEXT


def test_a_wrong_passphrase_is_told_and_not_shown(gnupg: Gnupg, sops_with: Callable[..., bytes]) -> None:
    encrypted = sops_with("encrypt", "--pgp", gnupg.locked, data=TEXT)
    source = PgpKeySource([gnupg.secret(gnupg.locked, PASSPHRASE)], passphrase="wrong horse")
    with pytest.raises(DataKeyError, match="SOPS_PGP_PASSPHRASE") as caught:
        decrypt(encrypted, keys=[source])
    assert "wrong horse" not in str(caught.value)


def test_an_agent_that_may_not_ask_for_the_passphrase_is_told(
    gnupg: Gnupg, agent: PgpKeySource, sops_with: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    encrypted = sops_with("encrypt", "--pgp", gnupg.locked, data=TEXT)
    gnupg.forget()
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.setenv("GPG_TTY", "")
    with pytest.raises(DataKeyError, match="passphrase"):
        decrypt(encrypted, keys=[agent])


def test_the_key_of_somebody_else_opens_nothing(gnupg: Gnupg, sops_with: Callable[..., bytes]) -> None:
    encrypted = sops_with("encrypt", "--pgp", gnupg.plain, data=TEXT)
    with pytest.raises(DataKeyError, match="the PGP key given does not open it"):
        decrypt(encrypted, keys=[PgpKeySource([gnupg.secret(gnupg.curve)])])
    with pytest.raises(DataKeyError, match="there is no gpg here, and no key was given"):
        decrypt(encrypted, keys=[PgpKeySource()])


def test_one_recipient_of_two_is_enough(gnupg: Gnupg, sops_with: Callable[..., bytes]) -> None:
    encrypted = sops_with("encrypt", "--pgp", f"{gnupg.plain},{gnupg.curve}", data=TEXT)
    ring = Keyring([PgpKeySource([gnupg.secret(gnupg.curve)])])
    assert decrypt(encrypted, keys=ring).emit() == TEXT


def test_gnupg_names_why_it_can_not(agent: PgpKeySource) -> None:
    with pytest.raises(MasterKeyError, match="no public key with this fingerprint"):
        agent.wrap(key("F" * 40), DATA_KEY)
    with pytest.raises(MasterKeyError, match="damaged"):
        agent.unwrap(key("F" * 40, "not a message"))


@pytest.mark.parametrize("text", ["nonsense", "", "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nAAAA\n"])
def test_what_is_no_key_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(FileError) as caught:
        PgpKeySource([text])
    assert not text or text not in str(caught.value)


def test_a_public_key_is_not_enough(gnupg: Gnupg, sops_with: Callable[..., bytes]) -> None:
    encrypted = sops_with("encrypt", "--pgp", gnupg.plain, data=TEXT)
    source = PgpKeySource([gnupg.run("--armor", "--export", gnupg.plain).decode()])
    with pytest.raises(DataKeyError, match="is it a public key"):
        decrypt(encrypted, keys=[source])
