"""OCI image layouts (image-spec 1.1) made of one root file system."""

import gzip
import hashlib
import json
import platform
import shutil
from pathlib import Path

_CHUNK = 1 << 20


def architecture() -> str:
    """This machine's, in Go's words, which OCI uses."""
    machine = platform.machine()
    return {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64"}.get(machine, machine)


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def write(layout: Path, root: Path, config: dict[str, object]) -> None:
    """Turns `root`, a tar file, into the one layer of an image with this `config` (Env, Cmd, …).

    The same root and config always give the same digests.
    """
    blobs = layout / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def keep(file: Path, media_type: str) -> dict[str, object]:
        digest = _digest(file)
        size = file.stat().st_size
        file.rename(blobs / digest)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": size}

    def keep_json(document: object, media_type: str) -> dict[str, object]:
        file = layout / "new.json"
        file.write_text(json.dumps(document, sort_keys=True))
        return keep(file, media_type)

    compressed = layout / "layer.tar.gz"
    # No name and no time in the header: they would change the digest.
    with (
        root.open("rb") as source,
        compressed.open("wb") as target,
        gzip.GzipFile("", "wb", 6, target, mtime=0) as stream,
    ):
        shutil.copyfileobj(source, stream, _CHUNK)
    prefix = "application/vnd.oci.image"
    layer = keep(compressed, f"{prefix}.layer.v1.tar+gzip")
    described = keep_json(
        {
            "architecture": architecture(),
            "os": "linux",
            "config": config,
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{_digest(root)}"]},
        },
        f"{prefix}.config.v1+json",
    )
    manifest = keep_json(
        {
            "schemaVersion": 2,
            "mediaType": f"{prefix}.manifest.v1+json",
            "config": described,
            "layers": [layer],
        },
        f"{prefix}.manifest.v1+json",
    )
    (layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [manifest]}))
    (layout / "oci-layout").write_text(json.dumps({"imageLayoutVersion": "1.0.0"}))
