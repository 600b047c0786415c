"""A docker configuration of our own for one build: the caller's, and one login more. Nothing of the caller's changes.

Source: docker/cli, cli/config: `auths`, `credHelpers`, `credsStore`; buildx keeps its builders beside it.
"""

from __future__ import annotations

import base64
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from . import login as logins
from .login import Login


@contextmanager
def with_login(environ: Mapping[str, str], host: str, login: Login) -> Iterator[dict[str, str]]:
    """The variables that make docker and buildx log in at `host`, and only there, as `login`.

    They name a folder (0700) under RUNNER_TEMP that is removed however the block ends.
    """
    theirs = logins.folder(environ)
    config = logins.load(environ)
    name = logins.key(host)
    auth = base64.b64encode(f"{login.user}:{login.password}".encode()).decode()
    # docker refuses a whole file for one `auth` without a user: an identity token has a field of its own.
    entry = {"auth": auth} if login.user else {"identitytoken": login.password}
    config["auths"] = {**(config.get("auths") or {}), name: entry}
    # An empty helper makes docker read the file for this host, whatever store the others are in.
    config["credHelpers"] = {**(config.get("credHelpers") or {}), name: ""}
    ours = Path(tempfile.mkdtemp(prefix="aks-actions-docker-", dir=environ.get("RUNNER_TEMP") or None))
    try:
        file = ours / "config.json"
        file.touch(mode=0o600)
        file.write_text(json.dumps(config))
        for shared in ("cli-plugins", "contexts"):
            if (theirs / shared).is_dir():
                (ours / shared).symlink_to((theirs / shared).resolve())
        builders = environ.get("BUILDX_CONFIG") or str(theirs / "buildx")
        yield {"DOCKER_CONFIG": str(ours), "BUILDX_CONFIG": builders}
    finally:
        shutil.rmtree(ours, ignore_errors=True)  # symlinks are unlinked, not followed
