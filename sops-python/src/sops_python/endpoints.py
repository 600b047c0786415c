"""Endpoint pinning: which hosts may receive a token.

A file names the service that opens it, and a pull request can change the file. So an address is compared with an
allow-list before anything is sent to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import NamedTuple
from urllib.parse import urlsplit

from sops_python.errors import MasterKeyError

AZURE_VAULTS = ("*.vault.azure.net", "*.vault.usgovcloudapi.net", "*.vault.azure.cn", "*.managedhsm.azure.net")
GCP_KMS = "cloudkms.googleapis.com"

_HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")
_ORIGIN_HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*|\[[0-9a-f:]+\]")  # Vault also lives at localhost or an address
# An AWS region makes the host's name, kms.REGION.amazonaws.com, so only what looks like one of the partition's passes.
_ARN = re.compile(
    r"arn:(?P<partition>aws|aws-cn|aws-us-gov):(?P<service>[a-z]+):(?P<region>[a-z0-9-]*):(?P<account>\d{12}):"
    r"(?P<resource>[0-9A-Za-z/_+=,.@:-]{1,256})",
    re.ASCII,
)
_REGIONS = {
    "aws": re.compile(r"(?!cn-)[a-z]{2}-[a-z]+-[0-9]{1,2}"),
    "aws-cn": re.compile(r"cn-[a-z]+-[0-9]{1,2}"),
    "aws-us-gov": re.compile(r"us-gov-[a-z]+-[0-9]{1,2}"),
}
_KMS_KEY = re.compile(r"(key|alias)/[0-9A-Za-z/_-]+")
_RESOURCE_ID = re.compile(  # a project of old may be DOMAIN:NAME
    r"projects/([0-9a-z.-]+:)?[0-9a-z-]+/locations/[0-9a-z-]+/keyRings/[0-9A-Za-z_-]{1,63}/cryptoKeys/[0-9A-Za-z_-]{1,63}"
)


def pinned_host(url: str, allowed: Iterable[str]) -> str:
    """The host of an https URL without path, user or port that matches the allow-list; `*` stands for one label.

    Raises MasterKeyError, before any connection.
    """
    origin = _origin(url)
    if origin.scheme != "https" or origin.port != 443 or not _HOST.fullmatch(origin.host):
        raise MasterKeyError("refused: the address in the file is not a plain https://HOST address")
    if not any(_matches(origin.host, pattern) for pattern in allowed):
        raise MasterKeyError(f"refused: {origin.host} is not an allowed host; no token was sent to it")
    return origin.host


def pinned_origin(url: str, allowed: Iterable[str]) -> str:
    """The origin (scheme, host and port) of a URL without path or user that is one of the allowed origins.

    `*` in an allowed origin's host stands for one label; its scheme and port are compared as they are. `all` allows
    any that begins with https://. Raises MasterKeyError, before any connection.
    """
    origin = _origin(url)
    for other in allowed:
        if other == "all" and origin.scheme == "https":
            return str(origin)
        if other == "all":
            continue
        pattern = _origin(other, pattern=True)
        if origin[:1] == pattern[:1] and origin.port == pattern.port and _matches(origin.host, pattern.host):
            return str(origin)
    raise MasterKeyError(f"refused: {origin} is not an allowed address; no token was sent to it")


def pinned_region(arn: str, allowed: Iterable[str]) -> str:
    """The region of an AWS KMS key or alias whose ARN matches one of the patterns (`*` for any text).

    Raises MasterKeyError, before any connection.
    """
    found = _ARN.fullmatch(arn)
    if not found or found["service"] != "kms" or not _KMS_KEY.fullmatch(found["resource"]):
        raise MasterKeyError("refused: the ARN in the file is not that of a KMS key or alias")
    if not _REGIONS[found["partition"]].fullmatch(found["region"]):
        raise MasterKeyError("refused: the ARN in the file names no region of its partition")
    if not any(fnmatchcase(arn, pattern) for pattern in allowed):
        raise MasterKeyError("refused: the ARN in the file is not an allowed one; no request was sent")
    return found["region"]


def pinned_role(arn: str) -> str:
    """The ARN of an IAM role, as it is. Raises MasterKeyError for anything else."""
    found = _ARN.fullmatch(arn)
    if not found or found["service"] != "iam" or found["region"] or not found["resource"].startswith("role/"):
        raise MasterKeyError("refused: the role in the file is not the ARN of an IAM role")
    return arn


def pinned_resource(resource_id: str) -> str:
    """The resource name of a Google Cloud KMS key, as it is. Raises MasterKeyError for anything else."""
    if not _RESOURCE_ID.fullmatch(resource_id):
        raise MasterKeyError("refused: the resource_id in the file is not that of a Cloud KMS key")
    return resource_id


class _Origin(NamedTuple):
    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        default = self.port == {"https": 443, "http": 80}[self.scheme]
        return f"{self.scheme}://{self.host}{'' if default else f':{self.port}'}"


def _origin(url: str, *, pattern: bool = False) -> _Origin:
    where = "the allow-list" if pattern else "the file"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise MasterKeyError(f"refused: the address in {where} is not a URL") from None
    # The host is taken from the text, not from a parser that might read it otherwise than the HTTP client does.
    host = parts.netloc.lower().removesuffix(f":{port}") if port is not None else parts.netloc.lower()
    if parts.scheme not in ("https", "http") or not _ORIGIN_HOST.fullmatch(host.replace("*", "x") if pattern else host):
        raise MasterKeyError(f"refused: the address in {where} is not a plain https://HOST address")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise MasterKeyError(f"refused: the address in {where} has more than a host")
    return _Origin(parts.scheme, host, port if port is not None else 443 if parts.scheme == "https" else 80)


def _matches(host: str, pattern: str) -> bool:
    labels, wanted = host.split("."), pattern.lower().split(".")
    return len(labels) == len(wanted) and all(want in ("*", label) for label, want in zip(labels, wanted, strict=True))
