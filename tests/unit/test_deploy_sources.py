"""Which files are manifests, and which are refused before they are read."""

from __future__ import annotations

from pathlib import Path

import pytest

from aks_actions.actions.deploying.sources import find, read
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


def never(data: bytes, file: str) -> bytes:
    raise AssertionError(f"{file} is not encrypted")


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
