"""The keys that a job's inputs and environment give: one keyring for all of its SOPS files."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..azure.credential import Credential, credential, federated
from ..errors import AuthError, Failure, InputError, Location, TransientError
from ..inputs import Secret

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken

    from sops_python.errors import DataKeyError
    from sops_python.keys import Keyring, KeySource

    from ..job import Job

_of_job: weakref.WeakKeyDictionary[Job, dict[Given, Keys]] = weakref.WeakKeyDictionary()


@dataclass(frozen=True)
class Given:
    """The inputs that say which keys there are; the environment of each tool is read beside them."""

    tenant_id: str = ""
    client_id: str = ""
    age_key: Secret = field(default=Secret(), repr=False)
    pgp_key: Secret = field(default=Secret(), repr=False)
    pgp_passphrase: Secret = field(default=Secret(), repr=False)
    vault_address: str = ""
    vault_token: Secret = field(default=Secret(), repr=False)
    allowed_hosts: tuple[str, ...] = ()

    @classmethod
    def of(cls, inputs: Any) -> Given:
        """As an action's own inputs have them."""
        names = (name for name in cls.__dataclass_fields__ if hasattr(inputs, name))
        return cls(**{name: getattr(inputs, name) for name in names})


def keys_of(job: Job, given: Given) -> Keys:
    """The keys of a job, made once: tokens, connections and opened keys are shared by all of its files."""
    known = _of_job.setdefault(job, {})
    if given not in known:
        known[given] = Keys(job, given)
    return known[given]


class Keys:
    """The key sources of a job. What Entra said is kept, since SOPS passes on one line of it."""

    def __init__(self, job: Job, given: Given) -> None:
        from sops_python.keys import Keyring

        self._job = job
        self._given = given
        self._azure: _Remembering | None = None
        self.ring: Keyring = Keyring(self._sources())

    def _sources(self) -> list[KeySource]:
        """Those of the inputs before those of the environment; each is made when a file needs it."""
        from sops_python.endpoints import AZURE_VAULTS
        from sops_python.keys.environment import Lazy, sources

        given, job = self._given, self._job
        if given.tenant_id or given.client_id or not federated(job):
            self._azure = _Remembering(credential(job, given.tenant_id, given.client_id))
        environ = dict(job.environ)
        if given.vault_address:
            environ["VAULT_ADDR"] = given.vault_address
        if given.vault_token:
            environ["VAULT_TOKEN"] = given.vault_token

        def azure() -> KeySource:
            from sops_python.keys.azure_kv import AzureKeyVaultSource

            hosts = (*AZURE_VAULTS, *given.allowed_hosts)
            return AzureKeyVaultSource(self._azure, allowed_hosts=hosts, sleep=job.sleep)

        found: list[KeySource] = [*self._from_inputs()]
        for source in sources(environ):
            if source.kind != "azure_kv":
                found.append(source)
            elif self._azure:
                found.append(Lazy("azure_kv", azure))
        return found

    def _from_inputs(self) -> list[KeySource]:
        found: list[KeySource] = []
        if self._given.age_key:
            from sops_python.keys.age import AgeKeySource

            found.append(_made("age", lambda: AgeKeySource.from_text(self._given.age_key, origin="input `age-key`")))
        if self._given.pgp_key:
            from sops_python.keys.pgp import PgpKeySource

            given = self._given
            found.append(_made("pgp", lambda: PgpKeySource([given.pgp_key], passphrase=given.pgp_passphrase)))
        return found

    def failure(self, error: DataKeyError, file: str) -> Failure:
        """Why no key opened the file; all of them were tried."""
        from sops_python.errors import TransientError as SopsTransientError

        tried = "\n".join(f"{attempt.kind} {attempt.identity}: {attempt.reason}" for attempt in error.attempts)
        at = Location(file)
        if self._azure and self._azure.refused:
            cause = self._azure.refused
            return type(cause)(
                f"{file} stays encrypted: {cause.what}",
                why=cause.why,
                do=cause.do,
                at=at,
                details=f"{tried}\n{cause.details}",
            )
        if isinstance(error, SopsTransientError):
            return TransientError(f"{file} can't be decrypted now", why=tried, do="Run the job again.", at=at)
        return AuthError(f"no key at hand opens {file}", why=tried, do=self._remedy(error), at=at, details=str(error))

    def _remedy(self, error: DataKeyError) -> str:
        vaults = [attempt for attempt in error.attempts if attempt.kind == "azure_kv"]
        if vaults and self._azure is None:
            return "Pass tenant-id and client-id of an identity that may decrypt with the key, or age-key."
        if any("keys/decrypt" in attempt.reason for attempt in vaults):
            vault = vaults[0].identity.removeprefix("https://").partition(".")[0]
            return (
                "Give the identity the permission to decrypt:\n"
                f"az role assignment create --assignee {self._given.client_id or 'CLIENT-ID'} "
                '--role "Key Vault Crypto User" \\\n'
                f"  --scope $(az keyvault show --name {vault} --query id --output tsv)"
            )
        for kind, do in _LOGINS.items():
            if any(attempt.kind == kind for attempt in error.attempts):
                return f"{do}, or use another recipient's key."
        return "Use one of these recipients' keys, or add yours and encrypt again: sops updatekeys FILE"


_LOGINS = {
    "kms": "Log in to AWS before this step (aws-actions/configure-aws-credentials) as a role with kms:Decrypt",
    "gcp_kms": "Log in to Google Cloud before this step (google-github-actions/auth) as a CryptoKey Decrypter",
    "hc_vault": "Pass vault-address and vault-token of a policy that may update transit's decrypt path",
}


def _made(kind: str, make: Callable[[], KeySource]) -> KeySource:
    """A key given by an input, read at once: a key that can't be used is told whatever the files need."""
    from sops_python.errors import FileError

    try:
        return make()
    except FileError as error:
        name = {"age": "an age key", "pgp": "the PGP key"}[kind]
        do = (
            "age-keygen writes them; OpenSSH private keys do too."
            if kind == "age"
            else "gpg --export-secret-keys --armor FINGERPRINT"
        )
        raise InputError(f"{name} can't be used", why=str(error), do=do) from None


class _Remembering:
    """A credential for sops_python, which knows azure-core's errors only; the full failure stays here."""

    def __init__(self, inner: Credential) -> None:
        self._inner = inner
        self.refused: Failure | None = None

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError

        try:
            return self._inner.get_token(*scopes, **options)
        except Failure as failure:
            self.refused = failure
            kind = ServiceRequestError if isinstance(failure, TransientError) else ClientAuthenticationError
            raise kind(message=failure.what) from None
