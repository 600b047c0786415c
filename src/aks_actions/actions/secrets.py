"""SOPS files for the actions: one set of keys for a job, failures in its words, values masked at once."""

from __future__ import annotations

import base64
import binascii
import weakref
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..azure.credential import Credential, credential, federated
from ..errors import AuthError, Failure, InputError, Location, TransientError

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken

    from sops_python.decrypt import Decrypted
    from sops_python.errors import DataKeyError
    from sops_python.keys import Keyring

    from ..job import Job

_of_job: weakref.WeakKeyDictionary[Job, dict[tuple[str, str, str], _Keys]] = weakref.WeakKeyDictionary()


def decrypted(job: Job, data: bytes, file: str, tenant_id: str, client_id: str, age_key: str) -> Decrypted:
    """Decrypt a SOPS file's content, its MAC verified; what was encrypted in it is masked already.

    age identities come from `age_key` (one a line) and from where sops looks for them; Key Vault is asked as this
    job's Azure identity. Raises InputError (not SOPS, cut, tampered), AuthError (no key opens it), TransientError.
    """
    from sops_python.decrypt import decrypt, read
    from sops_python.errors import DataKeyError, FileError, NotEncryptedError
    from sops_python.stores import format_of

    keys = _keys(job, tenant_id, client_id, age_key)
    at = Location(file)
    try:
        opened = decrypt(data, keys=keys.ring, format=format_of(file))
        encrypted = read(data, format=format_of(file)).tree
    except NotEncryptedError as error:
        raise InputError(
            f"{file} is not encrypted with SOPS",
            why=str(error),
            do=f"If it shall be: sops encrypt -i {file}. If its end is missing: restore it from Git.",
            at=at,
        ) from None
    except FileError as error:
        raise InputError(
            f"{file} can't be decrypted: it is not as SOPS wrote it",
            why=str(error),
            do="Restore the file from Git, or make the change again with `sops edit`; never edit it by hand.",
            at=at,
        ) from None
    except DataKeyError as error:
        raise keys.failure(error, file) from None
    for secret in _secrets(encrypted, opened.tree):
        short = job.mask(secret)
        for trouble in short:
            job.log.warn(f"{file}: {trouble}; it may show up in logs")
    return opened


class _Keys:
    """The key sources of a job. What Entra said is kept, since SOPS passes on one line of it."""

    def __init__(self, job: Job, tenant_id: str, client_id: str, age_key: str) -> None:
        from sops_python.errors import FileError
        from sops_python.keys import Keyring
        from sops_python.keys.age import AgeKeySource
        from sops_python.keys.azure_kv import AzureKeyVaultSource

        self._azure: _Remembering | None = None
        self._client_id = client_id
        try:
            sources: list[Any] = [AgeKeySource.from_environment(job.environ)]
            if age_key:
                sources.insert(0, AgeKeySource.from_text(age_key, origin="input `age-key`"))
        except FileError as error:
            raise InputError("an age key can't be used", why=str(error), do="age-keygen writes them.") from None
        if tenant_id or client_id or not federated(job):
            self._azure = _Remembering(credential(job, tenant_id, client_id))
            sources.append(AzureKeyVaultSource(self._azure, sleep=job.sleep))
        self.ring: Keyring = Keyring(sources)

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
                f"az role assignment create --assignee {self._client_id or 'CLIENT-ID'} "
                '--role "Key Vault Crypto User" \\\n'
                f"  --scope $(az keyvault show --name {vault} --query id --output tsv)"
            )
        return "Use one of these recipients' keys, or add yours and encrypt again: sops updatekeys FILE"


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


def _keys(job: Job, tenant_id: str, client_id: str, age_key: str) -> _Keys:
    known = _of_job.setdefault(job, {})
    chosen = (tenant_id, client_id, age_key)
    if chosen not in known:
        known[chosen] = _Keys(job, *chosen)
    return known[chosen]


def _secrets(encrypted: Any, opened: Any) -> Iterator[Any]:
    """The plaintexts of what was encrypted: names, kinds and other values in clear must stay readable in the log.

    Both trees have the same shape (sops_python.tree). A value that is base64 of text, as under a Secret's `data`,
    comes in both forms: the Pod sees the decoded one.
    """
    from sops_python.cipher import is_envelope
    from sops_python.scalars import float_yaml
    from sops_python.tree import Comment, to_plain

    if isinstance(encrypted, list | tuple):  # documents, members and items; or a key with its value
        for before, after in zip(encrypted, opened, strict=True):
            yield from _secrets(before, after)
    elif isinstance(encrypted, Comment):
        if encrypted.value.startswith("ENC["):
            yield opened.value
    elif isinstance(encrypted, str) and is_envelope(encrypted):
        value = opened.value if isinstance(opened, Comment) else opened
        yield to_plain(value)  # the float 123456789.0 is delivered as 123456789
        if isinstance(value, float):
            yield float_yaml(value)  # and stands in YAML as 1.23456789e+08
        if isinstance(value, str) and (decoded := _decoded(value)):
            yield decoded


def _decoded(text: str) -> str:
    try:
        decoded = base64.b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError):
        return ""
    return decoded if decoded.isprintable() or "\n" in decoded else ""
