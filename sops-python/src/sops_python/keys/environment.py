"""The key sources that the environment gives; each is made when the first file needs it, so that none costs a start."""

from __future__ import annotations

from _thread import allocate_lock
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from sops_python.metadata import MasterKey

if TYPE_CHECKING:
    from sops_python.keys import KeySource
    from sops_python.keys.azure_kv import TokenCredential


def sources(environ: Mapping[str, str], *, azure_credential: TokenCredential | None = None) -> list[KeySource]:
    """One source of each kind."""

    def age() -> KeySource:
        from sops_python.keys.age import AgeKeySource

        return AgeKeySource.from_environment(environ)

    def pgp() -> KeySource:
        from sops_python.keys.pgp import PgpKeySource

        return PgpKeySource.from_environment(environ)

    def azure() -> KeySource:
        from sops_python.keys.azure_kv import AzureKeyVaultSource

        return AzureKeyVaultSource(azure_credential)

    def aws() -> KeySource:
        from sops_python.keys.kms import AwsKmsSource

        return AwsKmsSource()

    def gcp() -> KeySource:
        from sops_python.keys.gcp_kms import GcpKmsSource

        return GcpKmsSource.from_environment(environ)

    def vault() -> KeySource:
        from sops_python.keys.hc_vault import VaultTransitSource

        return VaultTransitSource.from_environment(environ)

    return [
        Lazy("age", age, remote=False),
        Lazy("pgp", pgp, remote=False),
        Lazy("kms", aws),
        Lazy("gcp_kms", gcp),
        Lazy("azure_kv", azure),
        Lazy("hc_vault", vault),
    ]


class Lazy:
    """A key source that is made when it is first used."""

    def __init__(self, kind: str, make: Callable[[], KeySource], *, remote: bool = True) -> None:
        self.kind = kind
        self.remote = remote
        self._make = make
        self._source: KeySource | None = None
        self._lock = allocate_lock()

    def unwrap(self, key: MasterKey) -> bytes:
        return self._made().unwrap(key)

    def wrap(self, key: MasterKey, data_key: bytes) -> MasterKey:
        return self._made().wrap(key, data_key)

    def _made(self) -> KeySource:
        with self._lock:
            if self._source is None:
                self._source = self._make()
            return self._source
