"""AWS KMS master keys, through botocore: Decrypt and Encrypt (docs.aws.amazon.com/kms/latest/APIReference).

Credentials, regions' endpoints, retries and `AWS_ENDPOINT_URL` are botocore's. One client a profile, role and region.
"""

from __future__ import annotations

import re
import socket
from base64 import b64encode
from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Any

from sops_python.endpoints import pinned_region, pinned_role
from sops_python.errors import MasterKeyError
from sops_python.keys.http import POOL
from sops_python.keys.kms_errors import refusal
from sops_python.keys.wrapping import blob, wrapped
from sops_python.metadata import MasterKey

_SESSION_NAME = 64  # characters, AWS's own limit


class AwsKmsSource:
    """Uses `kms` master keys with the AWS credentials at hand; a file may name a role to assume and a profile."""

    kind = "kms"
    remote = True

    def __init__(self, *, profile: str | None = None, allowed_arns: Sequence[str] = ("*",)) -> None:
        """`profile`: taken instead of what files name; without either, botocore's default chain.

        `allowed_arns`: patterns of keys that may be used, such as `arn:aws:kms:*:111122223333:*`, `*` standing for any
        text. Whatever they say, an ARN has to be that of a KMS key or alias in a region of its partition.
        """
        self._profile = profile
        self._allowed_arns = tuple(allowed_arns)
        self._clients: dict[tuple[str | None, str | None, str], Any] = {}
        self._lock = Lock()

    def unwrap(self, key: MasterKey) -> bytes:
        """Ask KMS to decrypt. Raises MasterKeyError: refused ARN, no credentials, missing permission, throttled, …"""
        answer = self._ask(key, "Decrypt", CiphertextBlob=blob(key))
        return bytes(answer["Plaintext"])

    def wrap(self, key: MasterKey, data_key: bytes) -> MasterKey:
        """Ask KMS to encrypt. Raises MasterKeyError."""
        answer = self._ask(key, "Encrypt", Plaintext=data_key)
        return wrapped(key, b64encode(answer["CiphertextBlob"]).decode())

    def _ask(self, key: MasterKey, operation: str, **parameters: Any) -> Any:
        arn = str(key.fields.get("arn") or "")
        region = pinned_region(arn, self._allowed_arns)
        role = pinned_role(str(key.fields["role"])) if key.fields.get("role") else None
        profile = self._profile or str(key.fields.get("aws_profile") or "") or None
        parameters |= {"KeyId": arn, "EncryptionContext": _context(key.fields.get("context"))}
        try:
            import botocore.exceptions as botocore  # type: ignore[import-untyped]
        except ImportError:
            raise MasterKeyError("AWS KMS needs the extra `aws`: install sops-python[aws]") from None
        try:
            client = self._client(profile, role, region)
            return client.decrypt(**parameters) if operation == "Decrypt" else client.encrypt(**parameters)
        except (botocore.BotoCoreError, botocore.ClientError) as error:
            raise refusal(error, operation, role=role, profile=profile) from None

    def _client(self, profile: str | None, role: str | None, region: str) -> Any:
        with self._lock:  # making a client is not for two threads at a time; using one is
            name = (profile, role, region)
            if name not in self._clients:
                self._clients[name] = _make_client(profile, role, region)
            return self._clients[name]


def _context(raw: object) -> dict[str, str]:
    if raw is not None and not isinstance(raw, Mapping):
        raise MasterKeyError("the encryption context in the file is not a mapping; the file is damaged")
    context = {str(name): value for name, value in (raw or {}).items() if value is not None}
    if not all(isinstance(value, str) for value in context.values()):
        raise MasterKeyError("the encryption context in the file holds something else than text; the file is damaged")
    return context


def _make_client(profile: str | None, role: str | None, region: str) -> Any:
    from botocore.config import Config  # type: ignore[import-untyped]
    from botocore.session import Session  # type: ignore[import-untyped]

    config = Config(
        max_pool_connections=POOL,
        connect_timeout=10,
        read_timeout=30,
        retries={"mode": "standard", "total_max_attempts": 4},
    )
    session = Session(profile=profile)
    if role:
        session = _assuming(session, role, region, config)
    return session.create_client("kms", region_name=region, config=config)


def _assuming(session: Any, role: str, region: str, config: Any) -> Any:
    """A session with the role's credentials, asked for again before they end."""
    from botocore import credentials
    from botocore.session import Session

    def sts(service: str, **options: Any) -> Any:
        return session.create_client(service, region_name=region, **{**options, "config": config})

    class Role(credentials.CredentialProvider):  # type: ignore[misc]
        METHOD = "assume-role"

        def load(self) -> Any:
            source = session.get_credentials()
            if source is None:
                from botocore.exceptions import NoCredentialsError

                raise NoCredentialsError
            name = {"RoleSessionName": session_name(socket.gethostname())}
            fetcher = credentials.AssumeRoleCredentialFetcher(sts, source, role, extra_args=name)
            return credentials.DeferredRefreshableCredentials(fetcher.fetch_credentials, self.METHOD)

    assumed = Session()
    assumed.register_component("credential_provider", credentials.CredentialResolver([Role()]))
    return assumed


def session_name(host: str) -> str:
    """sops's name of a role's session: what CloudTrail shows, without the characters that AWS refuses."""
    return f"sops@{re.sub(r'[^0-9A-Za-z=,.@_-]', '', host)}"[:_SESSION_NAME]
