"""Endpoint pinning: which hosts may receive a token.

A file names the vault that opens it, and a pull request can change the file. So an address is compared with an
allow-list before anything is sent to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from sops_python.errors import MasterKeyError

AZURE_VAULTS = ("*.vault.azure.net", "*.vault.usgovcloudapi.net", "*.vault.azure.cn", "*.managedhsm.azure.net")

_HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")


def pinned_host(url: str, allowed: Iterable[str]) -> str:
    """The host of an https URL without path, user or port that matches the allow-list; `*` stands for one label.

    Raises MasterKeyError, before any connection.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise MasterKeyError("refused: the address in the file is not a URL") from None
    # The host is taken from the text, not from a parser that might read it otherwise than the HTTP client does.
    host = (parts.hostname or "").lower()
    if parts.scheme != "https" or "@" in parts.netloc or port not in (None, 443) or not _HOST.fullmatch(host):
        raise MasterKeyError("refused: the address in the file is not a plain https://HOST address")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise MasterKeyError("refused: the address in the file has more than a host")
    if not any(_matches(host, pattern) for pattern in allowed):
        raise MasterKeyError(f"refused: {host} is not an allowed host; no token was sent to it")
    return host


def _matches(host: str, pattern: str) -> bool:
    labels, wanted = host.split("."), pattern.lower().split(".")
    return len(labels) == len(wanted) and all(want in ("*", label) for label, want in zip(labels, wanted, strict=True))
