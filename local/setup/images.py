"""Root file systems for the images that the world supplies: made of Debian packages, no image registry is asked."""

import io
import os
import platform
import shutil
import subprocess
import tarfile
from pathlib import Path

from local.setup import cache, oci
from local.setup.progress import Report, run
from local.world.errors import UNUSABLE, WorldError
from local.world.paths import SYSTEM_PATH

_SEARCH = f"PATH={SYSTEM_PATH}"
_PYTHON_PACKAGES = ("ca-certificates", "python3", "tzdata")
_UNWANTED = ("/usr/share/doc/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/man/*")
_LINKS = 'for name in python python3; do ln -s /usr/bin/python3 "$1/usr/local/bin/$name"; done'


def busybox(report: Report) -> Path:
    """An OCI layout of busybox with all its applets: the Pods' sandbox, and a small image for tests."""
    binary = shutil.which("busybox", path=SYSTEM_PATH) or "/bin/busybox"
    name = f"images/busybox-{cache.key(Path(binary).read_bytes(), platform.machine())}"
    return cache.obtain(name, lambda directory: _busybox(directory, Path(binary)), report)


def _busybox(directory: Path, binary: Path) -> None:
    root = directory / "root.tar"
    listed = subprocess.run([binary, "--list"], capture_output=True, text=True, check=True).stdout.split()
    with tarfile.open(root, "w") as tar:
        for path, mode in (("bin", 0o755), ("etc", 0o755), ("root", 0o700), ("tmp", 0o1777)):
            entry = tarfile.TarInfo(path)
            entry.type, entry.mode = tarfile.DIRTYPE, mode
            tar.addfile(entry)
        content = binary.read_bytes()
        entry = tarfile.TarInfo("bin/busybox")
        entry.size, entry.mode = len(content), 0o755
        tar.addfile(entry, io.BytesIO(content))
        for applet in sorted(set(listed) - {"busybox"}):
            entry = tarfile.TarInfo(f"bin/{applet}")
            entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(entry)
    oci.write(directory, root, {"Env": [_SEARCH], "Cmd": ["/bin/sleep", "infinity"]})
    root.unlink()


def python(report: Report) -> Path:
    """An OCI layout that stands for `python:3.13-slim`: this machine's Debian or Ubuntu release, and its Python."""
    recipe = ["root", *_PYTHON_PACKAGES, *_UNWANTED, _LINKS]
    name = f"images/python-{cache.key(platform.machine(), _codename(), *recipe)}"
    return cache.obtain(name, lambda directory: _python(directory, report), report)


def _codename() -> str:
    return platform.freedesktop_os_release().get("VERSION_CODENAME", "")


def sources(index_targets: str, codename: str) -> list[str]:
    """The machine's own package sources of its release, as sources.list lines; third parties' are left out.

    `index_targets` has a line "REPOSITORY CODENAME RELEASE COMPONENT" for each index.
    """
    lines = set()
    for line in index_targets.splitlines():
        repository, suite_codename, release, component = line.split()
        if codename in (suite_codename, release) or release.startswith(f"{codename}-"):
            lines.add(f"deb {repository} {release} {component}")
    return sorted(lines)


def _python(directory: Path, report: Report) -> None:
    codename = _codename()
    wanted = "$(REPO_URI) $(CODENAME) $(RELEASE) $(COMPONENT)"
    listed = subprocess.run(
        ["apt-get", "indextargets", "--format", wanted, "Created-By: Packages"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    archives = sources(listed, codename)
    if not archives:
        raise WorldError(
            f"apt knows no package source of this machine's release ({codename or 'unknown'}): run `apt-get update`",
            UNUSABLE,
        )
    root = directory / "root.tar"
    command = [
        "mmdebstrap",
        *("--mode=root", "--variant=minbase", f"--include={','.join(_PYTHON_PACKAGES)}"),
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in _UNWANTED),
        f"--customize-hook={_LINKS}",
        *(codename, str(root), *archives),
    ]
    log = cache.root() / "mmdebstrap.log"
    environment = {**os.environ, "PATH": SYSTEM_PATH, "SOURCE_DATE_EPOCH": "0"}
    # The same packages give the same digest, whenever it is made.
    run("making the base image", command, log, report, environment=environment)
    oci.write(directory, root, {"Env": [_SEARCH, "LANG=C.UTF-8"], "Cmd": ["python3"]})
    root.unlink()
