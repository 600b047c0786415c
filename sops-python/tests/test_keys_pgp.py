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
LOOP = ("--pinentry-mode", "loopback")


class Gnupg:
    """A GnuPG home of its own, with keys that were made for the tests; its agent ends with it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.environ = {**os.environ, "GNUPGHOME": str(home)}
        self.pinentry = home / "pinentry"
        self.pinentry_says("ERR 83886179 Operation cancelled")
        (home / "gpg-agent.conf").write_text(f"allow-loopback-pinentry\npinentry-program {self.pinentry}\n")
        self.plain = self.made("plain@example.org", "rsa2048", "")
        self.curve = self.made("curve@example.org", "future-default", "")
        self.locked = self.made("locked@example.org", "rsa2048", PASSPHRASE)

    def made(self, name: str, algorithm: str, passphrase: str) -> str:
        """The fingerprint of a new key."""
        self.run(*LOOP, "--passphrase", passphrase, "--quick-gen-key", name, algorithm, "default", "never")
        fingerprint = self.fingerprints(name)[0]
        if algorithm.startswith("rsa"):  # made for signatures only: sops needs a key for encryption
            self.add_subkey(fingerprint, algorithm, passphrase)
        return fingerprint

    def add_subkey(self, fingerprint: str, algorithm: str = "cv25519", passphrase: str = "") -> None:
        self.run(*LOOP, "--passphrase", passphrase, "--quick-add-key", fingerprint, algorithm, "encr", "never")

    def fingerprints(self, name: str) -> list[str]:
        """Of the primary key and its subkeys."""
        listed = self.run("--list-secret-keys", "--with-colons", name).decode().splitlines()
        return [line.split(":")[9] for line in listed if line.startswith("fpr:")]

    def run(self, *arguments: str, data: bytes = b"") -> bytes:
        command = ["gpg", "--batch", "--quiet", *arguments]
        done = subprocess.run(command, env=self.environ, input=data, capture_output=True)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def secret(self, fingerprint: str, passphrase: str = "") -> str:
        return self.run(*LOOP, "--passphrase", passphrase, "--armor", "--export-secret-keys", fingerprint).decode()

    def pinentry_says(self, answer: str) -> None:
        """What the program says that asks a person for a passphrase."""
        lines = ("#!/bin/sh", "echo OK", 'while read -r line; do case "$line" in', f"GETPIN*) printf '{answer}\\n' ;;")
        self.pinentry.write_text("\n".join((*lines, "BYE*) echo OK; exit ;;", "*) echo OK ;;", "esac; done", "")))
        self.pinentry.chmod(0o700)

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
def agent(gnupg: Gnupg) -> PgpKeySource:
    """GnuPG alone, as the environment gives it."""
    return PgpKeySource.from_environment({"PATH": os.environ["PATH"], "GNUPGHOME": str(gnupg.home)})


def key(fingerprint: str, enc: str = "") -> MasterKey:
    return MasterKey("pgp", {"fp": fingerprint}, enc)


@pytest.mark.parametrize("kind", ["plain", "curve"])
def test_each_opens_the_others_files_of_every_format_by_the_agent(
    gnupg: Gnupg,
    agent: PgpKeySource,
    sops_binary: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
) -> None:
    monkeypatch.setenv("GNUPGHOME", str(gnupg.home))
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


def test_the_agent_asks_for_a_passphrase_and_opens_the_file(
    gnupg: Gnupg, agent: PgpKeySource, sops_with: Callable[..., bytes]
) -> None:
    encrypted = sops_with("encrypt", "--pgp", gnupg.locked, data=TEXT)
    gnupg.forget()
    gnupg.pinentry_says(f"D {PASSPHRASE}\\nOK")
    assert decrypt(encrypted, keys=[agent]).emit() == TEXT


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("ERR 83886179 Operation cancelled", "nobody gave the passphrase"),
        ("ERR 83886142 Timeout", "nobody gave the passphrase in time"),
        ("D wrong\\nOK", "the passphrase was wrong"),
    ],
    ids=["cancelled", "timeout", "wrong"],
)
def test_an_agent_that_gets_no_passphrase_is_told(
    gnupg: Gnupg, agent: PgpKeySource, sops_with: Callable[..., bytes], answer: str, reason: str
) -> None:
    encrypted = sops_with("encrypt", "--pgp", gnupg.locked, data=TEXT)
    gnupg.forget()
    gnupg.pinentry_says(answer)
    with pytest.raises(DataKeyError, match=f"{gnupg.locked}: {reason}$"):
        decrypt(encrypted, keys=[agent])


def test_a_pinentry_that_is_not_there_is_told(
    gnupg: Gnupg, agent: PgpKeySource, sops_with: Callable[..., bytes]
) -> None:
    encrypted = sops_with("encrypt", "--pgp", gnupg.locked, data=TEXT)
    gnupg.forget()
    gnupg.pinentry.unlink()
    with pytest.raises(DataKeyError, match="there is no pinentry program"):
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


def test_a_public_key_is_not_enough(gnupg: Gnupg) -> None:
    with pytest.raises(FileError, match="is a public key"):
        PgpKeySource([gnupg.run("--armor", "--export", gnupg.plain).decode()])


def test_a_key_that_got_a_new_subkey_opens_what_was_made_for_any_of_them(
    gnupg: Gnupg, sops_with: Callable[..., bytes]
) -> None:
    fingerprint = gnupg.made("renewed@example.org", "ed25519", "")
    for _ in range(2):
        gnupg.add_subkey(fingerprint)
    _, old, new = gnupg.fingerprints(fingerprint)
    source = PgpKeySource([gnupg.secret(fingerprint)])
    for subkey in (f"{old}!", f"{new}!", fingerprint):
        assert decrypt(sops_with("encrypt", "--pgp", subkey, data=TEXT), keys=[source]).emit() == TEXT
    wrapped = source.wrap(key(f"{old}!"), DATA_KEY)
    assert source.unwrap(wrapped) == DATA_KEY
    assert wrapped.fields["fp"] == f"{old}!"


def test_one_text_may_hold_several_keys(gnupg: Gnupg, sops_with: Callable[..., bytes]) -> None:
    both = gnupg.run("--armor", "--export-secret-keys", gnupg.plain, gnupg.curve).decode()
    source = PgpKeySource([both])
    assert repr(source) == "<PgpKeySource of 2>"
    for fingerprint in (gnupg.plain, gnupg.curve):
        assert decrypt(sops_with("encrypt", "--pgp", fingerprint, data=TEXT), keys=[source]).emit() == TEXT


def test_subkeys_without_their_primary_key_are_enough(gnupg: Gnupg, sops_with: Callable[..., bytes]) -> None:
    text = gnupg.run("--armor", "--export-secret-subkeys", gnupg.plain).decode()
    encrypted = sops_with("encrypt", "--pgp", gnupg.plain, data=TEXT)
    assert decrypt(encrypted, keys=[PgpKeySource([text])]).emit() == TEXT


def test_an_expired_key_is_told_and_gnupg_opens_its_files_still(gnupg: Gnupg, agent: PgpKeySource) -> None:
    then = ("--faked-system-time", "20200102T030405!")
    gnupg.run(*then, *LOOP, "--passphrase", "", "--quick-gen-key", "old@example.org", "rsa2048", "encr", "1d")
    (fingerprint,) = gnupg.fingerprints("old@example.org")
    secret = gnupg.secret(fingerprint)
    to = ("--trust-model", "always", "--recipient", fingerprint)
    enc = gnupg.run(*then, *to, "--armor", "--encrypt", data=DATA_KEY).decode()
    with pytest.raises(MasterKeyError, match="it is expired"):
        PgpKeySource([secret]).unwrap(key(fingerprint, enc))
    assert agent.unwrap(key(fingerprint, enc)) == DATA_KEY
    for source in (agent, PgpKeySource([secret])):
        with pytest.raises(MasterKeyError, match="expired"):
            source.wrap(key(fingerprint), DATA_KEY)


def test_a_file_that_sops_encrypted_by_a_library_opens_too(gnupg: Gnupg, sops_with: Callable[..., bytes]) -> None:
    legacy = gnupg.home / "pubring.gpg"  # where it is, sops encrypts by ProtonMail's library instead of GnuPG
    legacy.write_bytes(gnupg.run("--export", gnupg.curve))
    encrypted = sops_with("encrypt", "--pgp", gnupg.curve, data=TEXT)
    legacy.unlink()
    assert decrypt(encrypted, keys=[PgpKeySource([gnupg.secret(gnupg.curve)])]).emit() == TEXT


def test_a_damaged_message_is_told_without_gpg(gnupg: Gnupg) -> None:
    source = PgpKeySource([gnupg.secret(gnupg.curve)])
    lines = source.wrap(key(gnupg.curve), DATA_KEY).enc.splitlines()
    flipped = lines[3][:-4] + ("AAAA" if lines[3][-4:] != "AAAA" else "BBBB")
    for enc in ("not a message", "\n".join([*lines[:3], flipped, *lines[4:]]), "\n".join(lines[:2])):
        with pytest.raises(MasterKeyError, match="damaged"):
            source.unwrap(key(gnupg.curve, enc))


def test_a_key_is_opened_with_its_passphrase_once_for_any_number_of_files(
    gnupg: Gnupg, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = PgpKeySource([gnupg.secret(gnupg.locked, PASSPHRASE)], passphrase=PASSPHRASE)
    wrapped = [source.wrap(key(gnupg.locked), DATA_KEY) for _ in range(3)]
    assert source.unwrap(wrapped[0]) == DATA_KEY
    monkeypatch.delattr("sops_python.keys.openpgp._secret_key")  # nothing may open the key again
    assert [source.unwrap(one) for one in wrapped] == [DATA_KEY] * 3
