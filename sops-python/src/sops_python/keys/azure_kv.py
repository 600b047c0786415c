"""Azure Key Vault and Managed HSM master keys, over their REST API.

One `POST {vault}/keys/{name}/{version}/decrypt` a file: `{"alg": "RSA-OAEP-256", "value": base64url}` both ways
(learn.microsoft.com/rest/api/keyvault/keys/decrypt). One connection pool, and one token a cloud, for all files.
"""

from __future__ import annotations

import random
import re
import time
from base64 import urlsafe_b64decode
from binascii import Error as Base64Error
from collections.abc import Callable, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol

from sops_python.endpoints import AZURE_VAULTS, pinned_host
from sops_python.errors import MasterKeyError
from sops_python.keys.azure_kv_errors import refusal
from sops_python.metadata import MasterKey

if TYPE_CHECKING:
    import requests

_API_VERSION = "7.4"
_NAME = re.compile(r"[0-9A-Za-z-]{1,127}", re.ASCII)
_BASE64URL = re.compile(r"[0-9A-Za-z_-]+", re.ASCII)
_TIMEOUT = (10, 30)  # seconds to connect, to answer
_TRIES = 4
_LONGEST_WAIT = 30.0  # seconds of Retry-After that are waited for; a longer one ends the attempt
_EXPIRY_MARGIN = 120.0  # seconds before its end at which a token is no longer used
_TRANSIENT = frozenset((408, 429, 500, 502, 503, 504))


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
    """Opens `azure_kv` data keys with a credential that may use `keys/decrypt`."""

    kind = "azure_kv"

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
        self._session = session
        self._sleep = sleep
        self._tokens: dict[str, AccessToken] = {}
        self._lock = Lock()

    def unwrap(self, key: MasterKey) -> bytes:
        """Ask the vault to decrypt. Raises MasterKeyError: refused address, missing permission, throttled, …"""
        host = pinned_host(str(key.fields.get("vault_url") or ""), self._allowed_hosts)
        name, version = str(key.fields.get("name") or ""), str(key.fields.get("version") or "")
        enc = key.enc.strip().rstrip("=")
        if not _NAME.fullmatch(name) or (version and not _NAME.fullmatch(version)) or not _BASE64URL.fullmatch(enc):
            raise MasterKeyError("the key's name, version or wrapped data key in the file is malformed")
        url = f"https://{host}/keys/{name}/{version}/decrypt?api-version={_API_VERSION}"  # no version: the latest
        answer = self._post(url, self._token(host), enc)
        try:
            value = answer.json()["value"]
            return urlsafe_b64decode(value + "=" * (-len(value) % 4))
        except (KeyError, TypeError, ValueError, Base64Error):
            raise MasterKeyError(f"{host} gave an answer that is not Key Vault's") from None

    def _post(self, url: str, token: str, enc: str) -> requests.Response:
        import requests

        for attempt in range(1, _TRIES + 1):
            wait = min(2.0 ** (attempt - 1), _LONGEST_WAIT) * random.uniform(0.5, 1.0)  # noqa: S311  # jitter
            try:
                answer = self._open_session().post(
                    url,
                    json={"alg": "RSA-OAEP-256", "value": enc},
                    auth=_Bearer(token),
                    timeout=_TIMEOUT,
                    allow_redirects=False,  # a token follows no redirect
                )
            except (requests.ConnectionError, requests.Timeout) as error:
                if attempt == _TRIES:
                    raise MasterKeyError(f"the vault cannot be reached ({type(error).__name__})", transient=True) from None
            except requests.RequestException as error:
                raise MasterKeyError(f"the request to the vault failed ({type(error).__name__})") from None
            else:
                if answer.status_code == 200:
                    return answer
                asked = _retry_after(answer)
                if answer.status_code not in _TRANSIENT or attempt == _TRIES or (asked or 0) > _LONGEST_WAIT:
                    raise refusal(answer, transient=answer.status_code in _TRANSIENT, retry_after=asked)
                wait = asked if asked is not None else wait
            self._sleep(wait)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _open_session(self) -> requests.Session:
        with self._lock:
            if self._session is None:
                import requests

                self._session = requests.Session()
            return self._session

    def _token(self, host: str) -> str:
        scope = f"https://{host.split('.', 1)[1]}/.default"  # the cloud's own resource: https://vault.azure.net
        with self._lock:  # held while asking, so that many files make one token request
            known = self._tokens.get(scope)
            if known is None or known.expires_on - time.time() < _EXPIRY_MARGIN:
                known = self._tokens[scope] = self._ask_for_token(scope)
            return known.token

    def _ask_for_token(self, scope: str) -> AccessToken:
        try:
            from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError, ServiceResponseError

            if self._credential is None:
                from azure.identity import DefaultAzureCredential

                self._credential = DefaultAzureCredential()
        except ImportError:
            raise MasterKeyError("Azure Key Vault needs the extra `azure`: install sops-python[azure]") from None
        try:
            return self._credential.get_token(scope)
        except ClientAuthenticationError as error:  # also CredentialUnavailableError
            raise MasterKeyError(f"no Azure token: {str(error.message).splitlines()[0]}") from None
        except (ServiceRequestError, ServiceResponseError) as error:
            raise MasterKeyError(f"no Azure token: {type(error).__name__}", transient=True) from None


class _Bearer:
    """As `auth`, not as a header: requests would replace a header by what a .netrc says of the host."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _retry_after(answer: requests.Response) -> float | None:
    """Seconds, from a Retry-After of digits (Key Vault's form)."""
    text = answer.headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdigit() else None
