"""Building and keeping what a fresh machine lacks."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

from local.setup import cache, golang, images, oci, packages
from local.setup.progress import run
from local.world.errors import WorldError


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


class Maker:
    """Makes a directory's contents, and counts how often."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, directory: Path) -> None:
        self.times += 1
        (directory / "program").write_text("text")


def test_what_is_in_the_cache_is_made_once() -> None:
    make = Maker()
    first, second = (cache.obtain("bin/kube-1", make, print) for _ in range(2))
    assert (first, make.times) == (second, 1)


def test_a_changed_file_in_the_cache_is_made_again(capsys: pytest.CaptureFixture[str]) -> None:
    make = Maker()
    (cache.obtain("bin/kube-1", make, print) / "program").write_text("tampered")
    assert (cache.obtain("bin/kube-1", make, print) / "program").read_text() == "text"
    assert make.times == 2
    assert "does not match its checksums" in capsys.readouterr().out


def test_a_build_that_fails_leaves_nothing_in_the_cache() -> None:
    def fail(directory: Path) -> None:
        (directory / "half").touch()
        raise WorldError("no")

    with pytest.raises(WorldError):
        cache.obtain("bin/kube-1", fail, print)
    assert list((cache.root() / "bin").iterdir()) == []


def test_what_a_killed_build_left_is_removed_by_the_next(tmp_path: Path) -> None:
    (cache.root() / "bin" / ".new-killed").mkdir(parents=True)
    cache.obtain("bin/kube-1", Maker(), print)
    assert [entry.name for entry in (cache.root() / "bin").iterdir()] == ["kube-1"]


def test_kubernetes_version_is_linked_in_from_go_mod() -> None:
    flags = golang.kubernetes_link_flags("require (\n\tk8s.io/kubernetes v1.34.4\n)\n")
    package = "-X k8s.io/component-base/version"
    assert flags == f"-s -w {package}.gitVersion=v1.34.4 {package}.gitMajor=1 {package}.gitMinor=34"


@pytest.mark.parametrize("module", [golang.KUBE, golang.TOOLS, golang.ACTIONLINT], ids=lambda module: module.name)
def test_every_go_module_names_the_go_that_it_needs(module: golang.Module) -> None:
    go_mod = (module.directory / "go.mod").read_text()
    assert golang.find_go(golang.required_version(go_mod))


def test_a_go_that_is_too_old_is_refused_by_name() -> None:
    with pytest.raises(WorldError, match=r"Go 99\.1 or newer is needed.*go is 1\."):
        golang.find_go("99.1")


def test_an_image_of_the_same_files_has_the_same_digest(tmp_path: Path) -> None:
    root = tmp_path / "root.tar"
    with tarfile.open(root, "w") as tar:
        tar.addfile(tarfile.TarInfo("file"))
    for name in ("one", "two"):
        oci.write(tmp_path / name, root, {"Cmd": ["/bin/true"]})
    one, two = (json.loads((tmp_path / name / "index.json").read_text()) for name in ("one", "two"))
    assert one == two


def test_base_images_come_from_the_machines_own_release_only() -> None:
    targets = """\
http://deb.example/debian/ bookworm bookworm main
http://deb.example/debian/ bookworm-updates bookworm-updates main
http://security.example/ bookworm-security bookworm-security main
https://third.party/apt cloud-sdk-bookworm cloud-sdk-bookworm main
https://other.party/node nodistro nodistro main
"""
    assert images.sources(targets, "bookworm") == [
        "deb http://deb.example/debian/ bookworm main",
        "deb http://deb.example/debian/ bookworm-updates main",
        "deb http://security.example/ bookworm-security main",
    ]


def test_missing_packages_without_root_give_the_command_to_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(packages, "EVERYWHERE", {"busybox-static": lambda: False, "runc": lambda: True})
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(
        WorldError, match=r"sudo apt-get install --yes --no-install-recommends busybox-static$"
    ) as error:
        packages.ensure(False, tmp_path / "log", print)
    assert error.value.code == 2


def test_a_failed_command_shows_the_end_of_its_log(tmp_path: Path) -> None:
    with pytest.raises(WorldError, match=r"(?s)step failed \(exit code 3\)\..*log:\n  what went wrong"):
        run("step", ["sh", "-c", "echo what went wrong >&2; exit 3"], tmp_path / "log", print)
