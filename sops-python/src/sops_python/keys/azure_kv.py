"""Azure Key Vault and Managed HSM master keys, over their REST API.

One `POST {vault}/keys/{name}/{version}/decrypt` (or `/encrypt`) a file: `{"alg": "RSA-OAEP-256", "value": base64url}`
both ways (learn.microsoft.com/rest/api/keyvault/keys/decrypt). One connection pool, and one token a cloud, for all
files.
"""

from __future__ import annotations

import re
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol

from sops_python.endpoints import AZURE_VAULTS, pinned_host
from sops_python.errors import MasterKeyError
from sops_python.keys.azure_kv_errors import refusal
from sops_python.keys.http import KeyService
from sops_python.keys.wrapping import wrapped
from sops_python.metadata import MasterKey

if TYPE_CHECKING:
    import requests

_API_VERSION = "7.4"
_NAME = re.compile(r"[0-9A-Za-z-]{1,127}", re.ASCII)
_BASE64URL = re.compile(r"[0-9A-Za-z_-]+", re.ASCII)
_EXPIRY_MARGIN = 120.0  # seconds before its end at which a token is no longer used


class AccessToken(Protocol):
    """What azure-core's AccessToken has."""

    @property
    def token(self) -> str: ...
    @property
    def expires_on(self) -> int: ...


class TokenCredential(Protocol):
    """azure-core's protocol of the same name, as much of it as is used."""

    def get_token(self, *scopes: str, **kwargs: Any) -> AccessToken: ...


class AzureKeyVaultSource:
    """Uses `azure_kv` master keys with a credential that may use `keys/decrypt` and, to wrap, `keys/encrypt`."""

    kind = "azure_kv"
    remote = True

    def __init__(
        self,
        credential: TokenCredential | None = None,
        *,
        allowed_hosts: Sequence[str] = AZURE_VAULTS,
        session: requests.Session | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Without a credential, DefaultAzureCredential is made when a file first needs it.

        `allowed_hosts`: patterns of vault hosts that may receive a token, `*` standing for one label.
        `session`: a requests session of the caller's own (proxies, certificates).
        """
        self._credential = credential
        self._allowed_hosts = tuple(allowed_hosts)
        self._service = KeyService("the vault", session=session, sleep=sleep)
        self._tokens: dict[str, AccessToken] = {}
        self._lock = Lock()

    def unwrap(self, key: MasterKey) -> bytes:
        """Ask the vault to decrypt. Raises MasterKeyError: refused address, missing permission, throttled, …"""
        enc = key.enc.strip().rstrip("=")
        if not _BASE64URL.fullmatch(enc):
            raise MasterKeyError("the wrapped data key in the file is not base64url; the file is damaged")
        answer = self._ask(key, "decrypt", enc)
        try:
            value = answer["value"]
            return urlsafe_b64decode(value + "=" * (-len(value) % 4))
        except (KeyError, TypeError, ValueError, Base64Error):
            raise self._service.strange() from None

    def wrap(self, key: MasterKey, data_key: bytes) -> MasterKey:
        """Ask the vault to encrypt. A key without a version gets the one that the vault used: its newest.

        (sops asks for the key first, which needs one request and the permission `get` more.) Raises MasterKeyError.
        """
        value = urlsafe_b64encode(data_key).decode().rstrip("=")
        answer = self._ask(key, "encrypt", value)
        try:
            enc, version = answer["value"].rstrip("="), answer["kid"].rpartition("/")[2]
        except (KeyError, TypeError, AttributeError):
            raise self._service.strange() from None
        if not _BASE64URL.fullmatch(enc) or not _NAME.fullmatch(version):
            raise self._service.strange()
        return wrapped(key, enc, version=version)

    def _ask(self, key: MasterKey, operation: str, value: str) -> Any:
        host = pinned_host(str(key.fields.get("vault_url") or ""), self._allowed_hosts)
        name, version = str(key.fields.get("name") or ""), str(key.fields.get("version") or "")
        if not _NAME.fullmatch(name) or (version and not _NAME.fullmatch(version)):
            raise MasterKeyError("the key's name or version in the file is malformed")
        url = f"https://{host}/keys/{name}/{version}/{operation}?api-version={_API_VERSION}"  # no version: the newest
        headers = {"Authorization": f"Bearer {self._token(host)}"}
        return self._service.post(url, {"alg": "RSA-OAEP-256", "value": value}, headers, refusal(operation))

    def _token(self, host: str) -> str:
        scope = f"https://{host.split('.', 1)[1]}/.default"  # the cloud's own resource: https://vault.azure.net
        with self._lock:  # held while asking, so that many files make one token request
            known = self._tokens.get(scope)
            if known is None or known.expires_on - time.time() < _EXPIRY_MARGIN:
                known = self._tokens[scope] = self._ask_for_token(scope)
            return known.token

    def _ask_for_token(self, scope: str) -> AccessToken:
        try:
            import requests  # noqa: F401  # with the same extra
            from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError, ServiceResponseError

            if self._credential is None:
                from azure.identity import DefaultAzureCredential

                self._credential = DefaultAzureCredential()
        except ImportError:
            raise MasterKeyError("Azure Key Vault needs the extra `azure`: install sops-python[azure]") from None
        try:
            return self._credential.get_token(scope)
        except ClientAuthenticationError as error:  # also CredentialUnavailableError
            said = str(error.message).splitlines() or [type(error).__name__]
            raise MasterKeyError(f"no Azure token: {said[0]}") from None
        except (ServiceRequestError, ServiceResponseError) as error:
            raise MasterKeyError(f"no Azure token: {type(error).__name__}", transient=True) from None
