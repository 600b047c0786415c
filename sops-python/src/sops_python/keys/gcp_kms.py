"""Google Cloud KMS master keys, over its REST API.

One `POST https://cloudkms.googleapis.com/v1/{resource_id}:decrypt` (or `:encrypt`) a file, base64 both ways
(cloud.google.com/kms/docs/reference/rest). One connection pool and one credential for all files.
"""

from __future__ import annotations

import json
import os
import time
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from sops_python.endpoints import GCP_KMS, pinned_host, pinned_resource
from sops_python.errors import MasterKeyError
from sops_python.keys.gcp_kms_errors import no_token, refusal
from sops_python.keys.http import KeyService, new_session
from sops_python.keys.wrapping import blob, wrapped
from sops_python.metadata import MasterKey

if TYPE_CHECKING:
    import requests
    from google.auth.credentials import Credentials

_SCOPES = ("https://www.googleapis.com/auth/cloudkms", "https://www.googleapis.com/auth/cloud-platform")


class GcpKmsSource:
    """Uses `gcp_kms` master keys with a credential that may `useToDecrypt` and, to wrap, `useToEncrypt`."""

    kind = "gcp_kms"
    remote = True

    def __init__(
        self,
        credential: Credentials | None = None,
        *,
        host: str = GCP_KMS,
        session: requests.Session | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`credential`: google-auth's; without one, the default credentials when a file first needs them.

        `host`: of a cloud whose API has another name than Google's. `session`: a requests session of the caller's own.
        """
        self._find: Callable[[], Any] = _default if credential is None else lambda: credential
        self._credential: Any = None  # with its scopes, once it was needed
        self._host = host
        self._service = KeyService("Cloud KMS", session=session, sleep=sleep)
        self._lock = Lock()

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> GcpKmsSource:
        """As sops: GOOGLE_CREDENTIALS (JSON, or a file of it) before GOOGLE_OAUTH_ACCESS_TOKEN before the default.

        SOPS_GCP_KMS_ENDPOINT (HOST[:443]) or SOPS_GCP_KMS_UNIVERSE_DOMAIN name a sovereign cloud, as of sops 3.13.
        """
        endpoint = environ.get("SOPS_GCP_KMS_ENDPOINT", "").removeprefix("https://").rstrip("/").removesuffix(":443")
        universe = environ.get("SOPS_GCP_KMS_UNIVERSE_DOMAIN", "")
        host = endpoint or (f"cloudkms.{universe}" if universe else GCP_KMS)
        source = cls(host=host)
        source._find = lambda: _from_environment(environ)
        return source

    def unwrap(self, key: MasterKey) -> bytes:
        """Ask Cloud KMS to decrypt. Raises MasterKeyError: refused name, missing permission, throttled, …"""
        ciphertext = b64encode(blob(key)).decode()
        return _field(self._service, self._ask(key, "decrypt", {"ciphertext": ciphertext}), "plaintext")

    def wrap(self, key: MasterKey, data_key: bytes) -> MasterKey:
        """Ask Cloud KMS to encrypt with the key's primary version. Raises MasterKeyError."""
        answer = self._ask(key, "encrypt", {"plaintext": b64encode(data_key).decode()})
        return wrapped(key, b64encode(_field(self._service, answer, "ciphertext")).decode())

    def _ask(self, key: MasterKey, operation: str, body: dict[str, str]) -> Any:
        resource = pinned_resource(str(key.fields.get("resource_id") or ""))
        host = pinned_host(f"https://{self._host}", [self._host])
        return self._service.post(
            f"https://{host}/v1/{resource}:{operation}", body, self._headers(), refusal(operation)
        )

    def _headers(self) -> dict[str, str]:
        """The token, and the project that pays where a person's credentials name one."""
        try:
            from google.auth.exceptions import GoogleAuthError
            from google.auth.transport.requests import Request
        except ImportError:
            raise MasterKeyError("Google Cloud KMS needs the extra `gcp`: install sops-python[gcp]") from None
        with self._lock:  # held while asking, so that many files make one token request
            try:
                if self._credential is None:
                    self._credential = _ready(self._find())
                if not self._credential.valid:
                    with new_session() as session:  # its own: tokens come from other hosts, and seldom
                        self._credential.refresh(Request(session))
                headers: dict[str, str] = {}
                self._credential.apply(headers)
            except GoogleAuthError as error:
                raise no_token(error) from None
            return headers


def _field(service: KeyService, answer: Any, name: str) -> bytes:
    try:
        return b64decode(answer[name], validate=True)
    except (KeyError, TypeError, ValueError, Base64Error):
        raise service.strange() from None


def _ready(credential: Any) -> Any:
    """With the scopes it lacks; a service account signs its tokens itself, as Google's own clients have it."""
    from google.auth.credentials import with_scopes_if_required

    scoped: Any = with_scopes_if_required(credential, _SCOPES)  # type: ignore[no-untyped-call]
    return scoped.with_always_use_jwt_access(True) if hasattr(scoped, "with_always_use_jwt_access") else scoped


def _default() -> Any:
    import google.auth

    return google.auth.default(scopes=_SCOPES)[0]


def _from_environment(environ: Mapping[str, str]) -> Any:
    import google.auth
    from google.oauth2.credentials import Credentials

    if given := environ.get("GOOGLE_CREDENTIALS"):
        try:
            info = json.loads(given if given.lstrip()[:1] == "{" else Path(given).read_text())
        except (OSError, ValueError):
            info = None
        if not isinstance(info, dict):
            raise MasterKeyError("GOOGLE_CREDENTIALS is neither JSON nor a file of it")
        return google.auth.load_credentials_from_dict(info, scopes=_SCOPES)[0]  # type: ignore[no-untyped-call]
    if token := environ.get("GOOGLE_OAUTH_ACCESS_TOKEN"):
        return Credentials(token)  # type: ignore[no-untyped-call]
    return _default()
