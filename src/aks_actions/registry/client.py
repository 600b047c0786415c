"""What a registry has: the digest behind a tag. OCI distribution, with basic and bearer challenges.

Sources: opencontainers/distribution-spec; distribution.github.io/distribution/spec/auth/token.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from urllib.parse import urlencode, urlsplit

from ..errors import AuthError, InputError
from ..http import Answer, Http
from .acr import is_acr, role_command
from .login import Login

# An index first: the digest of a multi-platform image is that of its index.
MANIFESTS = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
_PARAMETER = re.compile(r'(\w+)="([^"]*)"')
_LOCAL = re.compile(r"(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?")  # docker speaks http to these, and to no others


class Registry:
    """One registry, with one login for it (None: anonymous)."""

    def __init__(self, host: str, http: Http, login: Login | None = None) -> None:
        self.host = "registry-1.docker.io" if host in {"docker.io", "index.docker.io", ""} else host
        self._base = f"{'http' if _LOCAL.fullmatch(self.host) else 'https'}://{self.host}/v2"
        self._http = http
        self._login = login
        self._authorization: dict[str, str] = {}  # by repository

    def resolve(self, repository: str, reference: str) -> str | None:
        """The digest of a tag, or of a digest itself; None where the registry has no such manifest.

        Raises AuthError, TransientError, InputError (the host is no registry).
        """
        answer = self._manifest("HEAD", repository, reference)
        if answer.status == 200 and not answer.headers.get("docker-content-digest"):
            answer = self._manifest("GET", repository, reference)  # a HEAD without a digest is allowed
        if answer.status == 200:
            digest = answer.headers.get("docker-content-digest", "")
            return digest or "sha256:" + hashlib.sha256(answer.body).hexdigest()
        if answer.status == 404:
            return None
        if answer.status in {401, 403}:
            raise self._refused(repository, answer)
        raise InputError(
            f"{self.host} answered {answer.status} to a request for {repository}",
            why="A registry answers 200, 401, 403 or 404.",
            details=answer.text,
        )

    def require_push(self, repository: str, client_id: str = "") -> None:
        """Raise AuthError now if an ACR login may not push, instead of after a long build."""
        answer = self._ask_token(f"https://{self.host}/oauth2/token", self.host, f"repository:{repository}:pull,push")
        granted: set[str] = set()
        if answer.status == 200:
            try:
                token = json.loads(answer.body)["access_token"].split(".")[1]
                access = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))).get("access") or []
                granted = {action for item in access for action in item.get("actions", [])}
            except (ValueError, KeyError, IndexError, AttributeError, TypeError):
                return  # no token that we can read: the push itself will tell
        if not granted & {"push", "*"}:
            raise AuthError(
                f"this identity may not push {repository} to {self.host}",
                why="It holds no role on the registry that includes push.",
                do=f"Give it AcrPush:\n{role_command(self.host, 'AcrPush', client_id)}",
                details=answer.text if answer.status != 200 else "",
            )

    def _manifest(self, method: str, repository: str, reference: str) -> Answer:
        url = f"{self._base}/{repository}/manifests/{reference}"
        answer = self._send(method, url, repository)
        if answer.status == 401:  # the first request's challenge, or a token that has expired since
            self._authorization[repository] = self._authorize(repository, answer)
            answer = self._send(method, url, repository)
        return answer

    def _send(self, method: str, url: str, repository: str) -> Answer:
        headers = {"Accept": MANIFESTS}
        if self._authorization.get(repository):
            headers["Authorization"] = self._authorization[repository]
        return self._http.request(method, url, headers=headers)

    def _authorize(self, repository: str, challenged: Answer) -> str:
        """The Authorization header that a 401's challenge asks for."""
        scheme, _, rest = challenged.headers.get("www-authenticate", "").partition(" ")
        parameters = dict(_PARAMETER.findall(rest))
        if scheme.lower() == "basic" and self._login and not self._login.refresh:
            return _basic(self._login)
        if scheme.lower() != "bearer" or not self._safe(parameters.get("realm", "")):
            raise self._refused(repository, challenged)
        scope = parameters.get("scope") or f"repository:{repository}:pull"
        answer = self._ask_token(parameters["realm"], parameters.get("service", self.host), scope)
        try:
            found = json.loads(answer.body) if answer.status == 200 else {}
            return f"Bearer {found.get('access_token') or found['token']}"
        except (ValueError, KeyError, AttributeError):
            raise self._refused(repository, answer) from None

    def _ask_token(self, realm: str, service: str, scope: str) -> Answer:
        login = self._login
        if login and login.refresh:
            form = {"grant_type": "refresh_token", "service": service, "scope": scope, "refresh_token": login.password}
            return self._http.request("POST", realm, form={**form, "client_id": "aks-actions"})
        query = urlencode({"service": service, "scope": scope})
        headers = {"Authorization": _basic(login)} if login else {}
        return self._http.request("GET", f"{realm}{'&' if urlsplit(realm).query else '?'}{query}", headers=headers)

    def _safe(self, realm: str) -> bool:
        # The registry names where its password is sent: in clear at most to itself, on this machine.
        parts = urlsplit(realm)
        return parts.scheme == "https" or (parts.scheme == "http" and bool(_LOCAL.fullmatch(parts.netloc)))

    def _refused(self, repository: str, answer: Answer) -> AuthError:
        role = f"The identity needs AcrPull on the registry:\n{role_command(self.host, 'AcrPull')}"
        return AuthError(
            f"registry {self.host} does not let us read {repository} (HTTP {answer.status})",
            why="No login was given." if self._login is None else "The login that was given may not, or is not valid.",
            do=role
            if is_acr(self.host)
            else f"Log in before: docker login {self.host}, with an account that may read.",
            details=answer.text if answer.status != 200 else "",
        )


def _basic(login: Login) -> str:
    return "Basic " + base64.b64encode(f"{login.user}:{login.password}".encode()).decode()
