"""The images that the world supplies itself, and their way into it."""

import io
import json
import subprocess
import tarfile
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

from local import names
from local.world import paths

PAUSE = "world.local/pause:1"  # a Pod's sandbox
IMAGES = names.STATE / "images"  # one OCI image layout a directory
BASE_IMAGES = {"busybox": "library/busybox:stable", "python": "library/python:3.13-slim"}


class PushError(Exception):
    """The mirror refused a part of an image: says which, and what it answered."""


def _manifest(layout: Path) -> tuple[str, bytes]:
    index = json.loads((layout / "index.json").read_bytes())
    digest: str = index["manifests"][0]["digest"]
    return digest, _blob(layout, digest).read_bytes()


def _blob(layout: Path, digest: str) -> Path:
    return layout / "blobs" / digest.replace(":", "/")


def load_pause() -> None:
    """Imports busybox as the sandbox image. Raises CalledProcessError."""
    index = json.loads((IMAGES / "busybox" / "index.json").read_bytes())
    index["manifests"][0]["annotations"] = {"io.containerd.image.name": PAUSE}
    content = json.dumps(index).encode()
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", dereference=True) as tar:
        for part in ("oci-layout", "blobs"):
            tar.add((IMAGES / "busybox" / part).resolve(), part)
        entry = tarfile.TarInfo("index.json")
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    command = ["ctr", "--address", str(paths.CONTAINERD_SOCKET), "--namespace", "k8s.io", "images", "import", "-"]
    subprocess.run(command, input=archive.getvalue(), check=True)


def push(layout: Path, target: str) -> None:
    """Pushes an OCI image layout to the mirror (OCI distribution specification, monolithic uploads)."""
    repository, tag = target.rsplit(":", 1)
    digest, manifest = _manifest(layout)
    described = json.loads(manifest)
    connection = HTTPConnection("127.0.0.1", names.MIRROR_PORT, timeout=30)
    try:
        for descriptor in (described["config"], *described["layers"]):
            _push_blob(connection, repository, descriptor["digest"], _blob(layout, descriptor["digest"]))
        headers = {"Content-Type": described["mediaType"]}
        _ask(connection, "PUT", f"/v2/{repository}/manifests/{tag}", 201, manifest, headers)
    finally:
        connection.close()
    print(f"{target} is {digest}")


def _push_blob(connection: HTTPConnection, repository: str, digest: str, file: Path) -> None:
    begun = _ask(connection, "POST", f"/v2/{repository}/blobs/uploads/", 202)
    location = begun.headers["Location"]
    target = f"{location}{'&' if '?' in location else '?'}digest={digest}"
    _ask(connection, "PUT", target, 201, file.read_bytes(), {"Content-Type": "application/octet-stream"})


def _ask(
    connection: HTTPConnection,
    method: str,
    target: str,
    expected: int,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
) -> HTTPResponse:
    connection.request(method, target, body, headers or {})
    response = connection.getresponse()
    answer = response.read()
    if response.status != expected:
        raise PushError(f"{method} {target}: {response.status} {answer[:500]!r}")
    return response
