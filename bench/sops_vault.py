"""Key Vault for `bench sops`: the local world's doubles, each answer of the vault 30 ms late, and files for its key.

`python -m bench.sops_vault --state DIR --address ADDRESS` serves them.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa

from local import names
from local.cloud import __main__ as cloud
from local.cloud.files import StateFiles
from local.cloud.keys import b64url
from local.cloud.vault_keys import PADDINGS, load_keys
from local.cloud.wire import Request, Response, Service
from local.world.namespaces import bind, private_mounts
from sops_python.encrypt import Creation, encrypt
from sops_python.errors import MasterKeyError
from sops_python.keys import Keyring
from sops_python.metadata import MasterKey
from sops_python.stores import Format

ANSWERS_AFTER = 0.03  # seconds
ADDRESS = "127.78.251.1"  # away from the world's and the tests' doubles
HOST = f"{names.VAULT}.vault.azure.net"
START_SECONDS = 10


class Late:
    """A service whose every answer takes its time."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def __call__(self, request: Request) -> Response:
        time.sleep(ANSWERS_AFTER)
        return self._service(request)


class PublicKey:
    """Wraps for the vault's key without asking it, so that files are made quickly."""

    kind = "azure_kv"
    remote = False

    def __init__(self) -> None:
        self._public: rsa.RSAPublicKey = load_keys()[names.VAULT_KEY][0].private.public_key()

    def unwrap(self, key: MasterKey) -> bytes:
        raise MasterKeyError(f"a public key does not open {key.identity}")

    def wrap(self, key: MasterKey, data_key: bytes) -> MasterKey:
        return key._replace(
            enc=b64url(self._public.encrypt(data_key, PADDINGS["RSA-OAEP-256"])), created_at="2026-01-02T03:04:05Z"
        )


def encrypted(plain: str) -> bytes:
    """A file that only the vault opens, with a data key of its own."""
    fields = {"vault_url": names.VAULT_URL, "name": names.VAULT_KEY, "version": names.VAULT_KEY_VERSION}
    creation = Creation(groups=((MasterKey("azure_kv", fields, ""),),))
    return encrypt(plain.encode(), creation, keys=Keyring([PublicKey()]), format=Format.YAML)


class Vault:
    """The doubles while they run."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self.environ = {
            "AZURE_TENANT_ID": names.TENANT,
            "AZURE_CLIENT_ID": names.SOPS_CLIENT_ID,
            "AZURE_CLIENT_SECRET": names.SOPS_CLIENT_SECRET,
            **dict.fromkeys(("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"), str(state / "bundle.pem")),
        }

    def enter(self) -> None:
        """Moves the calling process to where the doubles have their real names."""
        private_mounts()
        bind(self._state / "hosts", "/etc/hosts")

    def tokens(self) -> int:
        """How many token requests there were so far."""
        return (self._state / "log").read_text().count("/oauth2/v2.0/token ")


@contextmanager
def serving(state: Path) -> Iterator[Vault]:
    """The doubles, in a process of their own."""
    command = [sys.executable, "-m", "bench.sops_vault", "--state", str(state), "--address", ADDRESS]
    with (state / "log").open("w") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            deadline = time.monotonic() + START_SECONDS
            while not (state / "cloud" / "ready").exists():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"the doubles did not start:\n{(state / 'log').read_text()}")
                time.sleep(0.02)
            yield Vault(state)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(10)


def possible() -> bool:
    """Whether this machine has mount namespaces, and lets us use them."""
    return sys.platform == "linux" and os.geteuid() == 0


def main() -> None:
    build = cloud.build_services

    def late(options: argparse.Namespace, state: StateFiles) -> dict[str, Service]:
        services = build(options, state)
        return {**services, HOST: Late(services[HOST])}

    cloud.build_services = late
    cloud.main()


if __name__ == "__main__":
    main()
