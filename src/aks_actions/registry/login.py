"""Logins for registries: what docker's own configuration knows, so that `docker login` before us goes on working.

Source: docs.docker.com/reference/cli/docker/login, "Credential stores" and "Credential helpers".
"""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import InputError

_HUB = "https://index.docker.io/v1/"  # the name that docker.io has in docker's configuration


@dataclass(frozen=True)
class Login:
    """User and password at a registry; `refresh` says that the password is a refresh token for its token service."""

    user: str
    password: str = field(repr=False)
    refresh: bool = False


def folder(environ: Mapping[str, str]) -> Path:
    """Where docker's configuration is for this user."""
    return Path(environ.get("DOCKER_CONFIG") or Path(environ.get("HOME") or Path.home()) / ".docker")


def load(environ: Mapping[str, str]) -> dict[str, Any]:
    """docker's config.json; empty where there is none. Raises InputError for one that is no JSON object."""
    path = folder(environ) / "config.json"
    try:
        config = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        config = None  # its text holds credentials: not quoted
    if not isinstance(config, dict):
        raise InputError(
            f"docker's configuration {path} can't be read", why="It is no JSON object, or not ours to read."
        )
    return config


def key(host: str) -> str:
    """The name of a registry in docker's configuration."""
    return _HUB if host in {"docker.io", "index.docker.io", "registry-1.docker.io"} else host


def find(environ: Mapping[str, str], host: str) -> Login | None:
    """The login that docker would use for `host`: from a credential helper, or from the file. None for none."""
    config, name = load(environ), key(host)
    helper = (config.get("credHelpers") or {}).get(name, config.get("credsStore"))
    if helper:
        return _ask(str(helper), name, environ)
    entry = (config.get("auths") or {}).get(name) or {}
    if entry.get("identitytoken"):
        return Login("", str(entry["identitytoken"]), refresh=True)
    try:
        user, _, password = base64.b64decode(entry.get("auth") or "").decode().partition(":")
    except ValueError:
        return None
    return Login(user, password) if user else None


def _ask(helper: str, name: str, environ: Mapping[str, str]) -> Login | None:
    command = f"docker-credential-{helper}"
    try:
        found = subprocess.run(
            [command, "get"], input=name.encode(), capture_output=True, env=dict(environ), timeout=20
        )
        answer = json.loads(found.stdout) if found.returncode == 0 else {}
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None  # as docker does: without a login the registry itself says what it lacks
    if not isinstance(answer, dict) or not answer.get("Secret"):
        return None
    refresh = answer.get("Username") == "<token>"  # the helpers' word for an identity token
    return Login("" if refresh else str(answer.get("Username", "")), str(answer["Secret"]), refresh)
