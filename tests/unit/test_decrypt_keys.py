"""Keys that come as inputs: which of them open a file, and how one that can't be used is told."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aks_actions.actions.keys import Given, Keys
from aks_actions.errors import AuthError, InputError
from sops_python.errors import Attempt, DataKeyError
from tests.unit.decrypting import SOPS, Workspace


@pytest.fixture
def gpg(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """GnuPG with a home of its own, whose path is short enough for the agent's socket."""
    home = tmp_path_factory.mktemp("g")
    home.chmod(0o700)
    (home / "gpg-agent.conf").write_text("s2k-count 65536\n")  # else the agent measures for seconds how much is slow

    def run(*arguments: str) -> str:
        command = ["gpg", "--homedir", str(home), "--batch", "--pinentry-mode", "loopback", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    run.home = home  # type: ignore[attr-defined]
    yield run
    subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=True)


def test_an_openssh_key_opens_a_file_as_age_identity(workspace: Workspace) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "id"], check=True)
    workspace.recipient = " ".join(Path("id.pub").read_text().split()[:2])
    workspace.encrypt("app.yaml", "password: from-an-ssh-key\n", "--unencrypted-suffix", "_clear")
    outputs = workspace.run(files="app.yaml", age_key=Path("id").read_text())
    assert Path(outputs.files).read_text() == "password: from-an-ssh-key\n"


def test_a_pgp_key_with_its_passphrase_opens_a_file(workspace: Workspace, gpg: Callable[..., str]) -> None:
    phrase = "a passphrase of mine"
    gpg("--passphrase", phrase, "--quick-generate-key", "ci@example.com", "future-default", "default", "never")
    listed = gpg("--list-keys", "--with-colons").splitlines()
    fingerprint = next(line.split(":")[9] for line in listed if line.startswith("fpr:"))
    key = gpg("--passphrase", phrase, "--armor", "--export-secret-keys", fingerprint)
    Path("app.yaml").write_text("password: from-a-pgp-key\n")
    environ = {"GNUPGHOME": str(gpg.home), "PATH": "/usr/bin:/bin", "HOME": str(workspace.folder)}  # type: ignore[attr-defined]
    command = [SOPS, "encrypt", "-i", "--pgp", fingerprint, "app.yaml"]
    subprocess.run(command, check=True, capture_output=True, env=environ)
    outputs = workspace.run(files="app.yaml", age_key="", pgp_key=key, pgp_passphrase=phrase)
    assert Path(outputs.files).read_text() == "password: from-a-pgp-key\n"
    with pytest.raises(AuthError) as caught:
        workspace.run(files="app.yaml", age_key="", pgp_key=key, pgp_passphrase="a wrong passphrase")
    assert fingerprint in caught.value.why
    assert "a wrong passphrase" not in str(vars(caught.value))


def test_a_pgp_key_that_is_none_is_told_without_quoting_it(workspace: Workspace) -> None:
    workspace.encrypt("app.yaml", "password: x\n", "--unencrypted-suffix", "_clear")
    with pytest.raises(InputError, match="the PGP key can't be used") as caught:
        workspace.run(files="app.yaml", pgp_key="-----BEGIN PGP PRIVATE KEY BLOCK-----\nNONSENSE\n")
    assert "NONSENSE" not in str(vars(caught.value))


@pytest.mark.parametrize(
    ("kind", "remedy"),
    [
        ("hc_vault", "vault-address and vault-token"),
        ("gcp_kms", "google-github-actions/auth"),
        ("kms", "aws-actions/configure-aws-credentials"),
        ("azure_kv", "tenant-id and client-id"),
        ("age", "sops updatekeys FILE"),
    ],
)
def test_a_file_that_no_key_opens_comes_with_the_way_to_log_in(workspace: Workspace, kind: str, remedy: str) -> None:
    keys = Keys(workspace.job(), Given())
    failure = keys.failure(DataKeyError("no key", (Attempt(kind, "its identity", "nobody is logged in"),)), "app.yaml")
    assert isinstance(failure, AuthError)
    assert remedy in failure.do
    assert failure.why == f"{kind} its identity: nobody is logged in"
