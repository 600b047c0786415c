"""Which files are manifests, and which are refused before they are read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from aks_actions.actions.deploying.sources import find, read
from aks_actions.actions.secrets import Sealed
from aks_actions.errors import InputError

OBJECT = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: NAME}\n"


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with manifests in several places."""
    for name in ("k8s/a.yaml", "k8s/sub/b.yml", "k8s/c.json", "k8s/notes.md", "k8s/.hidden/d.yaml", "k8s/.sops.yaml"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}" if path.suffix == ".json" else OBJECT.replace("NAME", path.stem))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_folders_are_read_on_all_levels_without_what_is_hidden(workspace: Path) -> None:
    """Manifests by their suffix; hidden files are configuration of tools."""
    assert [str(path) for path in find(["k8s"])] == ["k8s/a.yaml", "k8s/c.json", "k8s/sub/b.yml"]


def test_each_file_is_read_once_in_the_order_given(workspace: Path) -> None:
    """Globs and paths may overlap."""
    assert [str(path) for path in find(["k8s/sub/b.yml", "k8s/**/*.yml", "k8s/*.yaml"])] == [
        "k8s/sub/b.yml",
        "k8s/a.yaml",
    ]


@pytest.mark.parametrize("pattern", ["gone.yaml", "k8s/*.yam", "https://example.com/x.yaml"])
def test_what_matches_nothing_is_refused(workspace: Path, pattern: str) -> None:
    """A typo must not become an empty deploy."""
    with pytest.raises(InputError, match="input `manifests`"):
        find(["k8s", pattern])


def never(files: Sequence[Sealed]) -> list[bytes]:
    raise AssertionError(f"{[file.path for file in files]} are not to be decrypted")


def test_ciphertext_without_its_metadata_is_refused(workspace: Path) -> None:
    """A file whose `sops` section was cut off would be applied as it stands."""
    Path("cut.yaml").write_text(OBJECT + "data:\n  a: ENC[AES256_GCM,data:x,iv:x,tag:x,type:str]\n")
    with pytest.raises(InputError, match="no SOPS metadata") as caught:
        read(["cut.yaml"], never)
    assert str(caught.value.at) == "cut.yaml:5"


def test_the_word_sops_alone_is_no_encryption(workspace: Path) -> None:
    """A manifest may speak of it."""
    Path("plain.yaml").write_text(OBJECT + "data: {a: we use sops}\n")
    assert read(["plain.yaml"], never).encrypted == 0


SOPS = """\
sops:
    age:
        - recipient: age1
          enc: x
    lastmodified: "2026-01-01T00:00:00Z"
    mac: ENC[AES256_GCM,data:YQ==,iv:YQ==,tag:YQ==,type:str]
    version: 3.11.0
"""
SEALED = """\
apiVersion: KIND
metadata:
    name: sealed
    annotations:
        kustomize.toolkit.fluxcd.io/decrypt: POLICY
spec:
    password: ENC[AES256_GCM,data:YQ==,iv:YQ==,tag:YQ==,type:str]
"""


def sealed(kind: str = "isindir.github.com/v1alpha3\nkind: SopsSecret", policy: str = "disabled") -> str:
    return SEALED.replace("KIND", kind).replace("POLICY", policy) + SOPS


@pytest.mark.parametrize("policy", ["disabled", "Disabled"])
def test_an_object_that_another_controller_decrypts_is_applied_as_it_stands(workspace: Path, policy: str) -> None:
    """Flux's annotation; no key is needed, and the ciphertext stays with its metadata."""
    Path("sealed.yaml").write_text(sealed(policy=policy))
    found = read(["sealed.yaml"], never)
    assert (found.encrypted, found.left) == (0, 1)
    assert found.manifests[0].object["spec"]["password"].startswith("ENC[")
    assert "mac" in found.manifests[0].object["sops"]


@pytest.mark.parametrize("policy", ["enabled", "ENC[AES256_GCM,data:YQ==,iv:YQ==,tag:YQ==,type:str]"])
def test_any_other_policy_means_decryption(workspace: Path, policy: str) -> None:
    Path("sealed.yaml").write_text(sealed(policy=policy))
    plain = SEALED.replace("KIND", "example.com/v1\nkind: Plain").replace("POLICY", "enabled").encode()
    found = read(["sealed.yaml"], lambda files: [plain for _ in files])
    assert (found.encrypted, found.left) == (1, 0)
    assert found.manifests[0].encrypted


def test_of_two_objects_in_one_file_each_has_its_own_policy(workspace: Path) -> None:
    """The file is decrypted, and the one object is put in place of its plaintext again."""
    Path("both.yaml").write_text(sealed() + "---\n" + sealed(policy="enabled").replace("name: sealed", "name: open"))
    plain = "\n---\n".join(OBJECT.replace("NAME", name) for name in ("first", "second")).encode()
    found = read(["both.yaml"], lambda files: [plain for _ in files])
    assert [(m.name, m.encrypted) for m in found.manifests] == [("sealed", False), ("second", True)]


def test_a_secret_that_would_hold_ciphertext_is_refused_at_its_annotation(workspace: Path) -> None:
    """The API server has no field for the SOPS metadata, and the ciphertext would be used as the password."""
    Path("sealed.yaml").write_text(sealed("v1\nkind: Secret"))
    with pytest.raises(InputError, match="would hold ciphertext") as caught:
        read(["sealed.yaml"], never)
    assert str(caught.value.at) == "sealed.yaml:6:9"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("app.env", "A=ENC[AES256_GCM,data:YQ==,iv:YQ==,tag:YQ==,type:str]\nsops_version=3.11.0\n"),
        ("tls.key", '{"data": "ENC[AES256_GCM,data:YQ==,iv:YQ==,tag:YQ==,type:str]", "sops": {"version": "3.11.0"}}'),
    ],
)
def test_a_dotenv_or_binary_file_is_never_taken_for_a_manifest(workspace: Path, name: str, text: str) -> None:
    """Its name is given by itself; in a folder it would not be looked at."""
    Path(name).write_text(text)
    with pytest.raises(InputError, match="no manifest"):
        read([name], never)
