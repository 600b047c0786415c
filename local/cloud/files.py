"""The files that the double leaves for the rest of the world, under its state directory.

hosts                        the machine's /etc/hosts and the doubles' names
bundle.pem                   the machine's certificate authorities and the world's
cloud/ca.pem                 the world's certificate authority
cloud/registry-root.pem      signs the registry's tokens (docker-registry's `rootcertbundle`)
cloud/pull-credentials.json  the kubelet's CredentialProviderResponse
cloud/ready                  there while the server listens
"""

import os
import ssl
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import certifi

MARKER = "# ---- aks-actions: the local world ----\n"
ETC_HOSTS = Path("/etc/hosts")
BUNDLE_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


@dataclass(frozen=True)
class StateFiles:
    """Paths under the state directory."""

    state: Path

    @property
    def cloud(self) -> Path:
        return self.state / "cloud"

    @property
    def hosts(self) -> Path:
        return self.state / "hosts"

    @property
    def bundle(self) -> Path:
        return self.state / "bundle.pem"

    @property
    def ready(self) -> Path:
        return self.cloud / "ready"


def write(path: Path, content: bytes, *, secret: bool = False) -> None:
    """Puts a file in place whole.

    An equal file is left alone: it may be bind-mounted, and its reader holds the old inode.
    """
    mode = 0o600 if secret else 0o644
    if path.exists() and path.read_bytes() == content and path.stat().st_mode & 0o777 == mode:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, mode)
        file.write(content)
    Path(name).replace(path)


def hosts(machine: str, names: Iterable[str], address: str) -> str:
    """The machine's hosts file with the doubles' names added; a section that an outer world added is left out."""
    own = machine.split(MARKER)[0]
    return own.rstrip("\n") + "\n" + MARKER + "".join(f"{address} {name}\n" for name in names)


def bundle(authorities: Iterable[str], own: str) -> str:
    """The machine's certificate authorities and the world's; a section that an outer world added is left out."""
    machine = dict.fromkeys(text.split(MARKER)[0].strip() for text in authorities)
    return "\n".join([*machine, MARKER.strip(), own])


def machine_authorities(environ: Mapping[str, str]) -> list[str]:
    """The bundles that programs here trust: those the environment names, else the system's, else certifi's."""
    named = [Path(environ[variable]) for variable in BUNDLE_VARIABLES if environ.get(variable)]
    system = [
        Path(path) for path in (ssl.get_default_verify_paths().openssl_cafile, "/etc/ssl/certs/ca-certificates.crt")
    ]
    found = [path for path in named if path.is_file()] or [path for path in system if path.is_file()][:1]
    return [path.read_text() for path in dict.fromkeys(found or [Path(certifi.where())])]
