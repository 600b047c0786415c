"""Connections that share what they trust: requests reads the file of authorities anew for each, 20 ms a time."""

from __future__ import annotations

import ssl
from pathlib import Path
from threading import Lock
from typing import Any

from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.util.ssl_ import create_urllib3_context


class SharedTrustAdapter(HTTPAdapter):
    """requests' own adapter, with one TLS context a file or folder of authorities."""

    def __init__(self, **options: Any) -> None:
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._lock = Lock()
        super().__init__(**options)

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:
        """The hook that requests has for a context of one's own. Raises OSError for authorities that can't be read."""
        host: dict[str, Any]
        pool: dict[str, Any]
        host, pool = super().build_connection_pool_key_attributes(request, verify, cert)  # type: ignore[assignment]
        if verify is not False and host["scheme"] == "https":
            for name in ("ca_certs", "ca_cert_dir"):
                pool.pop(name, None)
            pool["ssl_context"] = self._context(verify if isinstance(verify, str) else DEFAULT_CA_BUNDLE_PATH)
        return host, pool

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """As requests does it, but leaves the authorities to the context, which has them."""
        super().cert_verify(conn, url, verify, cert)  # type: ignore[no-untyped-call]
        conn.ca_certs = conn.ca_cert_dir = None

    def _context(self, authorities: str) -> ssl.SSLContext:
        with self._lock:
            known = self._contexts.get(authorities)
            if known is None:
                known = create_urllib3_context()
                folder = Path(authorities).is_dir()
                known.load_verify_locations(None if folder else authorities, authorities if folder else None)
                self._contexts[authorities] = known
            return known
