"""What must not be decrypted: the command as a process, its exit code and words, and no plaintext anywhere."""

from __future__ import annotations

import base64
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyrage
import pytest

Encrypt = Callable[..., bytes]
CANARY = "canary-7f3a-correct-horse"
PLAIN = {
    "yaml": f"user: admin\npassword: {CANARY}\nnested: {{token: [{CANARY}-1, {CANARY}-2]}}\nopen_unencrypted: 1\n",
    "json": f'{{"user": "admin", "password": "{CANARY}", "token": ["{CANARY}-1"], "open_unencrypted": 1}}',
    "env": f"USER=admin\nPASSWORD={CANARY}\nOPEN_unencrypted=1\n",
    "ini": f"[db]\nuser = admin\npassword = {CANARY}\nopen_unencrypted = 1\n",
    "bin": f"{CANARY}\x00",
}
WITH_SEVERAL_VALUES = sorted(PLAIN.keys() - {"bin"})
SEALED = re.compile(r"ENC\[AES256_GCM,data:[^\]]+,type:(?:str|int)\]")


class Command:
    """`sops-python decrypt FILE --output out` in a folder of its own."""

    def __init__(self, folder: Path, identity: pyrage.x25519.Identity) -> None:
        self.folder = folder
        self.environ = {"SOPS_AGE_KEY": str(identity), "HOME": str(folder), "PATH": os.environ["PATH"]}

    def __call__(self, *arguments: str, before: tuple[str, ...] = ()) -> tuple[int, str]:
        """Exit code and everything printed, which is searched for the plaintext, as is the folder."""
        command = [*before, sys.executable, "-X", "dev", "-m", "sops_python", "decrypt", *arguments]
        done = subprocess.run(command, cwd=self.folder, env=self.environ, capture_output=True, check=False)
        printed = done.stdout.decode() + done.stderr.decode()
        seen = printed + "".join(p.read_bytes().decode("latin-1") for p in self.folder.rglob("*") if p.is_file())
        for trace in (CANARY, base64.b64encode(CANARY.encode()).decode()[:24]):
            assert trace not in seen
        assert "Traceback" not in printed
        return done.returncode, printed


@pytest.fixture
def command(tmp_path: Path, identity: pyrage.x25519.Identity) -> Command:
    return Command(tmp_path, identity)


@pytest.fixture(scope="module", params=sorted(PLAIN))
def sealed(request: pytest.FixtureRequest, encrypt: Encrypt) -> tuple[str, str]:
    """A file name and its encrypted text, of each format; sops gives INI's metadata in random order."""
    name = f"file.{request.param}"
    text = encrypt(PLAIN[request.param], name).decode()
    head, section, tail = text.partition("[sops]\n")
    return name, head + section + "".join(sorted(tail.splitlines(keepends=True)))


def body(name: str, text: str) -> list[str]:
    """The envelopes of values, the MAC's left out."""
    found = [match[0] for match in SEALED.finditer(text)]
    mac = re.search(r"mac\W+(ENC\[[^\]]+\])", text)
    return [envelope for envelope in found if not mac or envelope != mac[1]]


def refused(command: Command, name: str, text: str, code: int = 2) -> str:
    (command.folder / name).write_bytes(text.encode())
    returned, printed = command("--output", "out", name)
    assert returned == code, printed
    assert not (command.folder / "out").exists()
    assert name in printed
    return printed


def test_a_tampered_value(command: Command, sealed: tuple[str, str]) -> None:
    name, text = sealed
    envelope = body(name, text)[0]
    changed = envelope[:24] + ("A" if envelope[24] != "A" else "B") + envelope[25:]
    assert "does not open" in refused(command, name, text.replace(envelope, changed))


@pytest.mark.parametrize("sealed", WITH_SEVERAL_VALUES, indirect=True)
def test_swapped_values(command: Command, sealed: tuple[str, str]) -> None:
    name, text = sealed
    first, second, *_ = body(name, text)
    swapped = text.replace(first, "\0").replace(second, first).replace("\0", second)
    assert "does not open" in refused(command, name, swapped)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_cut_file(command: Command, sealed: tuple[str, str], share: float) -> None:
    name, text = sealed
    refused(command, name, text[: int(len(text) * share)])


def test_a_plaintext_value_where_ciphertext_is_expected(command: Command, sealed: tuple[str, str]) -> None:
    name, text = sealed
    other = "plain-text-of-somebody"  # quoting it would be harmless here, but sops quotes secrets that way
    printed = refused(command, name, text.replace(body(name, text)[0], other))
    assert "expected an encrypted value, found plaintext" in printed
    assert other not in printed


def test_the_mac_of_another_file(command: Command, sealed: tuple[str, str], encrypt: Encrypt) -> None:
    name, text = sealed
    mac = re.compile(r"(mac\W+)(ENC\[[^\]]+\])")
    foreign = mac.search(encrypt(PLAIN[name.partition(".")[2]], name).decode())
    assert foreign
    printed = refused(command, name, mac.sub(lambda found: found[1] + foreign[2], text))
    assert "MAC" in printed


def test_a_wrong_key(command: Command, sealed: tuple[str, str], identity: pyrage.x25519.Identity) -> None:
    name, text = sealed
    command.environ["SOPS_AGE_KEY"] = str(pyrage.x25519.Identity.generate())
    printed = refused(command, name, text, code=3)
    assert f"age {identity.to_public()}: none of the 1 age identities given is this recipient's" in printed
    assert command.environ["SOPS_AGE_KEY"] not in printed


@pytest.mark.parametrize("sealed", WITH_SEVERAL_VALUES, indirect=True)
def test_a_changed_value_in_clear(command: Command, sealed: tuple[str, str]) -> None:
    name, text = sealed
    changed = re.sub(r"(?i)(open_unencrypted\W+)1", r"\g<1>2", text)
    assert changed != text
    assert "MAC mismatch" in refused(command, name, changed)


def test_a_file_of_more_than_5_mib(command: Command, encrypt: Encrypt) -> None:
    text = encrypt(PLAIN["yaml"]).decode()
    printed = refused(command, "file.yaml", text + "#" + "x" * (5 << 20))
    assert "larger than 5242880 bytes" in printed


def test_an_alias_bomb(command: Command, encrypt: Encrypt) -> None:
    levels = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10))
    text = f"a0: &a0 x\n{levels}" + encrypt(PLAIN["yaml"]).decode()
    assert "aliases expand to more than" in refused(command, "file.yaml", text)


def test_a_symlink_out_of_a_tree(command: Command, encrypt: Encrypt, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside") / "file.yaml"
    outside.write_bytes(encrypt(PLAIN["yaml"]))
    (command.folder / "tree").mkdir()
    (command.folder / "tree" / "link.yaml").symlink_to(outside)
    code, printed = command("--output-dir", "out", "tree")
    assert code == 2
    assert "a symlink that leads out of tree" in printed
    assert not (command.folder / "out").exists()


def test_a_symlink_out_of_the_output_folder(
    command: Command, encrypt: Encrypt, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (command.folder / "tree" / "deep").mkdir(parents=True)
    (command.folder / "tree" / "deep" / "file.yaml").write_bytes(encrypt(PLAIN["yaml"]))
    (command.folder / "out").mkdir()
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (command.folder / "out" / "deep").symlink_to(elsewhere)
    code, printed = command("--output-dir", "out", "tree")
    assert code == 2
    assert "outside of out" in printed
    assert list(elsewhere.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="a full disk is a mount, which needs root")
@pytest.mark.parametrize("flags", [["--output", "disk/out"], ["--output-dir", "disk"], ["-i"]])
def test_a_full_disk(command: Command, encrypt: Encrypt, flags: list[str]) -> None:
    (command.folder / "disk").mkdir()
    secret = "x" * 40_000 + CANARY
    (command.folder / "file.yaml").write_bytes(encrypt(f"a: {secret}\n"))
    name = "disk/file.yaml" if flags == ["-i"] else "file.yaml"
    script = (
        "mount -t tmpfs -o size=64k tmpfs disk && cp file.yaml disk/ && dd if=/dev/zero of=disk/rest bs=4k 2>/dev/null;"
        ' "$@"; code=$?; rm disk/rest; ls -A disk > left; sha256sum < disk/file.yaml > kept; exit $code'
    )
    code, printed = command(*flags, name, before=("unshare", "--mount", "sh", "-c", script, "sh"))
    assert code == 2, printed
    assert "No space left on device" in printed
    assert (command.folder / "left").read_text() == "file.yaml\n"
    whole = subprocess.run(
        ["sha256sum"], stdin=(command.folder / "file.yaml").open("rb"), capture_output=True, check=True
    )
    assert (command.folder / "kept").read_bytes() == whole.stdout
