"""HashiCorp Vault (and OpenBao) transit master keys, over the HTTP API.

One `POST {address}/v1/{engine}/decrypt/{key}` (or `encrypt`) a file; `enc` is Vault's own `vault:v1:…`
(developer.hashicorp.com/vault/api-docs/secret/transit). One connection pool and one token for all files.
"""

from __future__ import annotations

import os
import re
import time
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sops_python.endpoints import pinned_origin
from sops_python.errors import MasterKeyError
from sops_python.keys.hc_vault_errors import NOT_ALLOWED, refusal
from sops_python.keys.http import KeyService
from sops_python.keys.wrapping import wrapped
from sops_python.metadata import MasterKey

if TYPE_CHECKING:
    import requests

_SEGMENT = re.compile(r"(?!\.{1,2}$)[0-9A-Za-z_.~@+=-]{1,128}")  # of a path, so that none leads elsewhere
_ENC = re.compile(r"vault:v[0-9]{1,6}:[0-9A-Za-z+/=]+")
_TOKEN = re.compile(r"[!-~]+")


class VaultTransitSource:
    """Uses `hc_vault` master keys with a token that may `update` the transit engine's decrypt (and encrypt) paths."""

    kind = "hc_vault"
    remote = True

    def __init__(
        self,
        token: str,
        *,
        address: str = "",
        allowed_addresses: Iterable[str] = (),
        namespace: str = "",
        verify: bool | str | None = None,
        certificate: str | tuple[str, str] | None = None,
        session: requests.Session | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`address`: the origin that may receive the token, such as https://vault.example.org:8200.

        `allowed_addresses`: further origins, `*` standing for one label of a host's name; `all` for any with https.
        Only one that begins with http:// lets the token travel in clear. `verify`, `certificate`: as for `KeyService`.
        """
        self._token = token
        self._allowed = tuple(filter(None, (address, *allowed_addresses)))
        self._namespace = namespace
        self._service = KeyService("Vault", session=session, sleep=sleep, verify=verify, certificate=certificate)

    def __repr__(self) -> str:
        return f"<VaultTransitSource for {', '.join(self._allowed) or 'no address'}>"

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> VaultTransitSource:
        """Vault's own variables: VAULT_ADDR, VAULT_TOKEN (else ~/.vault-token), VAULT_NAMESPACE, VAULT_CACERT,
        VAULT_CAPATH, VAULT_CLIENT_CERT, VAULT_CLIENT_KEY, VAULT_SKIP_VERIFY.

        SOPS_HC_VAULT_ALLOWLIST adds addresses, separated by commas; `none` adds none, `all` any with https. sops (from
        3.13) takes its absence for `all`: here only VAULT_ADDR is allowed then.
        """
        listed = [item.strip() for item in environ.get("SOPS_HC_VAULT_ALLOWLIST", "").split(",")]
        allowed = [item if "://" in item or item == "all" else f"https://{item}" for item in listed if item]
        insecure = environ.get("VAULT_SKIP_VERIFY", "").lower() in ("1", "t", "true")
        authorities = environ.get("VAULT_CACERT") or environ.get("VAULT_CAPATH") or None
        certificate, private = environ.get("VAULT_CLIENT_CERT"), environ.get("VAULT_CLIENT_KEY")
        return cls(
            environ.get("VAULT_TOKEN") or _stored_token(environ),
            address=environ.get("VAULT_ADDR", ""),
            allowed_addresses=[item for item in allowed if item != "https://none"],
            namespace=environ.get("VAULT_NAMESPACE", ""),
            verify=False if insecure else authorities,
            certificate=(certificate, private) if certificate and private else certificate,
        )

    def unwrap(self, key: MasterKey) -> bytes:
        """Ask Vault to decrypt. Raises MasterKeyError: refused address, missing permission, sealed, …"""
        enc = key.enc.strip()
        if not _ENC.fullmatch(enc):
            raise MasterKeyError("the wrapped data key in the file is not Vault's; the file is damaged")
        try:
            return b64decode(self._ask(key, "decrypt", {"ciphertext": enc})["plaintext"], validate=True)
        except (KeyError, TypeError, ValueError, Base64Error):
            raise self._service.strange() from None

    def wrap(self, key: MasterKey, data_key: bytes) -> MasterKey:
        """Ask Vault to encrypt with the key's newest version. Raises MasterKeyError."""
        data = self._ask(key, "encrypt", {"plaintext": b64encode(data_key).decode()})
        enc = data.get("ciphertext") if isinstance(data, dict) else None
        if not isinstance(enc, str) or not _ENC.fullmatch(enc):
            raise self._service.strange()
        return wrapped(key, enc)

    def _ask(self, key: MasterKey, operation: str, body: dict[str, str]) -> Any:
        try:
            origin = pinned_origin(str(key.fields.get("vault_address") or ""), self._allowed)
        except MasterKeyError as error:
            raise MasterKeyError(f"{error.reason}; {NOT_ALLOWED}") from None
        engine = str(key.fields.get("engine_path") or "").strip("/")
        name = str(key.fields.get("key_name") or "")
        if not all(_SEGMENT.fullmatch(part) for part in (*engine.split("/"), name)):
            raise MasterKeyError("the engine_path or key_name in the file is malformed")
        if not self._token:
            raise MasterKeyError("no Vault token was found (VAULT_TOKEN, ~/.vault-token): `vault login` writes one")
        if not _TOKEN.fullmatch(self._token):
            raise MasterKeyError("the Vault token is not one: it holds blanks or line breaks")
        headers = {"X-Vault-Token": self._token, "X-Vault-Request": "true"}
        if self._namespace:
            headers["X-Vault-Namespace"] = self._namespace
        try:
            import requests  # noqa: F401
        except ImportError:
            raise MasterKeyError("HashiCorp Vault needs the extra `vault`: install sops-python[vault]") from None
        path = f"{engine}/{operation}/{name}"
        answer = self._service.post(f"{origin}/v1/{path}", body, headers, refusal(path))
        return answer.get("data") if isinstance(answer, dict) else None


def _stored_token(environ: Mapping[str, str]) -> str:
    home = environ.get("HOME")
    try:
        return Path(home, ".vault-token").read_text().strip() if home else ""
    except (OSError, ValueError):
        return ""
