"""From a kubeconfig to a `Cluster`: server, trust, identity.

The format is client-go's `clientcmd/api/v1.Config`. The kubernetes package reads it too, but importing it loads its
2,000 models, which costs 0.55 s of each run (urllib3 alone: 0.1 s); it is used, late, for `exec` users only.
"""

from __future__ import annotations

import base64
import os
import ssl
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import urllib3

from ..errors import AuthError, InputError
from ..github.commands import exportable
from .auth import Bearer, Token, TokenSource
from .client import CONNECTIONS, Cluster


def load(path: Path) -> dict[str, Any]:
    """Read a kubeconfig file. Raises InputError where there is none or it is no kubeconfig."""
    import yaml

    try:
        text = path.read_bytes()
    except OSError as error:
        raise InputError(f"kubeconfig {path} can't be read: {error.strerror}") from None
    try:
        config = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506  # both are safe
    except yaml.YAMLError:
        config = None  # its text may hold credentials: not quoted
    if not isinstance(config, dict) or not isinstance(config.get("clusters"), list):
        raise InputError(f"{path} is no kubeconfig", do="Pass the path of a kubeconfig in `kubeconfig` or KUBECONFIG.")
    return config


def connect(
    config: dict[str, Any],
    *,
    base: Path = Path(),
    context: str = "",
    allow_exec: Iterable[str] = (),
    token: TokenSource | None = None,
    mask: Callable[[str], object] = lambda _: None,
    wait: Callable[[float], None] = time.sleep,
    notice: Callable[[str], None] = lambda _: None,
) -> Cluster:
    """The cluster of a kubeconfig's context. Relative paths in it start at `base`.

    `token` replaces the kubeconfig's own user: AKS's kubeconfigs ask for kubelogin, which we don't need.
    Raises InputError for a context that does not exist or an `exec` command that is not in `allow_exec`.
    """
    name = context or str(config.get("current-context") or "")
    if not name:
        raise InputError("the kubeconfig has no current context", do="Name one in `context`.")
    chosen = _named(config, "context", name)
    target = _named(config, "cluster", str(chosen.get("cluster", "")))
    server = str(target.get("server") or "")
    if not server.startswith("https://"):
        raise InputError(
            f"context {name} reaches its cluster at {server or 'no address'}",
            why="Credentials and Secrets would travel in clear.",
            do="Use a kubeconfig whose server is an https:// address.",
        )
    if token is not None:
        user: dict[str, Any] = {}
    else:
        user = _named(config, "user", str(chosen.get("user", "")))
        if "exec" in user:
            user = _executed(user["exec"], base, frozenset(allow_exec), target)
        token = _own_token(user, base)
        for secret in ("token", "password", "client-key-data"):
            if value := user.get(secret):
                mask(str(value))
    pool = _pool(server, target, _trust(target, user, base))
    headers = {}
    if user.get("username"):
        headers = urllib3.make_headers(basic_auth=f"{user['username']}:{user.get('password', '')}")
    return Cluster(
        server,
        pool,
        name=str(chosen.get("cluster", "")),
        bearer=Bearer(token) if token else None,
        headers=headers,
        wait=wait,
        notice=notice,
    )


def _named(config: dict[str, Any], kind: str, name: str) -> dict[str, Any]:
    entries = [item for item in config.get(f"{kind}s") or [] if isinstance(item, dict)]
    for item in entries:
        if item.get("name") == name:
            return dict(item.get(kind) or {})
    known = ", ".join(str(item.get("name")) for item in entries) or "none"
    raise InputError(
        f"the kubeconfig has no {kind} {name!r}",
        why=f"It has: {known}.",
        do="Pass one of them in `context`." if kind == "context" else "",
    )


def _own_token(user: dict[str, Any], base: Path) -> TokenSource | None:
    if file := user.get("tokenFile"):
        return lambda _: _from_file(base / str(file))
    if value := user.get("token"):
        fixed = Token(str(value))
        return lambda _: fixed
    return None


def _from_file(path: Path) -> Token:
    """Read anew each time: whoever wrote it may have renewed it."""
    try:
        return Token(path.read_text().strip(), time.time() + 300)
    except OSError as error:
        raise AuthError(f"the kubeconfig's token file {path} can't be read: {error.strerror}") from None


def _executed(spec: dict[str, Any], base: Path, allowed: frozenset[str], target: dict[str, Any]) -> dict[str, Any]:
    """Credentials from an `exec` user: a program named by a file, run only if the workflow's author allowed it."""
    command = str(spec.get("command") or "")
    if command not in allowed:
        raise InputError(
            f"the kubeconfig wants to run {command!r} for its credentials",
            why="A kubeconfig's `exec` runs any program that the file names, with this job's secrets in reach.",
            do=f"For AKS, give cluster-name, resource-group, tenant-id and client-id: no kubelogin is needed. "
            f"Otherwise, if you trust it: `allow-exec: {command}`",
        )
    for variable in spec.get("env") or ():
        exportable(str(variable.get("name")))  # PATH or LD_PRELOAD would run another program by the allowed name
    from kubernetes.config.exec_provider import ExecProvider
    from kubernetes.config.kube_config import ConfigNode

    try:
        about = ConfigNode("cluster", target)  # type: ignore[no-untyped-call]
        status = ExecProvider(ConfigNode("exec", spec), str(base), about).run()  # type: ignore[no-untyped-call]
    except Exception as error:  # the provider raises its own, OSError and bare exceptions; each is the plugin's failure
        raise AuthError(
            f"the kubeconfig's `exec` command {command} gave no credentials", why=str(error)[:500]
        ) from None
    found = {
        "token": status.get("token"),
        "client-certificate-data": _encoded(status.get("clientCertificateData")),
        "client-key-data": _encoded(status.get("clientKeyData")),
    }
    return {key: value for key, value in found.items() if value}


def _encoded(pem: str | None) -> str | None:
    return base64.b64encode(pem.encode()).decode() if pem else None


def _trust(target: dict[str, Any], user: dict[str, Any], base: Path) -> ssl.SSLContext:
    authority = _data(target, "certificate-authority", base)
    try:
        trust = ssl.create_default_context(cadata=authority.decode() if authority else None)
    except (ssl.SSLError, ValueError):
        raise InputError("the kubeconfig's certificate-authority is no PEM certificate") from None
    # RFC 5280 strictness (Python 3.13's default) refuses authorities that many clusters made for themselves.
    trust.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
    if target.get("insecure-skip-tls-verify"):  # the user wrote it there; we never add it
        trust.check_hostname = False
        trust.verify_mode = ssl.CERT_NONE
    certificate, key = _data(user, "client-certificate", base), _data(user, "client-key", base)
    if certificate and key:
        # OpenSSL reads client keys from files only: one of our own, gone as soon as it is read.
        with tempfile.TemporaryDirectory(dir=os.environ.get("RUNNER_TEMP")) as folder:
            file = Path(folder) / "client.pem"
            file.touch(0o600)
            file.write_bytes(certificate + b"\n" + key)
            try:
                trust.load_cert_chain(file)
            except ssl.SSLError:
                raise InputError("the kubeconfig's client certificate and key don't belong together") from None
    return trust


def _data(entry: dict[str, Any], name: str, base: Path) -> bytes:
    """`NAME-data`, base64, or the file at `NAME`."""
    try:
        if inline := entry.get(f"{name}-data"):
            return base64.b64decode(str(inline), validate=True)
        if path := entry.get(name):
            return (base / str(path)).read_bytes()
    except ValueError:
        raise InputError(f"the kubeconfig's {name}-data is not base64") from None
    except OSError as error:
        raise InputError(f"the kubeconfig's {name} can't be read: {error.strerror}") from None
    return b""


def _pool(server: str, target: dict[str, Any], trust: ssl.SSLContext) -> urllib3.PoolManager:
    import urllib.request

    host = urllib3.util.parse_url(server).netloc or ""
    proxy = str(target.get("proxy-url") or "") or (
        "" if urllib.request.proxy_bypass(host) else urllib.request.getproxies().get("https", "")
    )
    options: dict[str, Any] = {"maxsize": CONNECTIONS, "ssl_context": trust}
    if name := target.get("tls-server-name"):
        options |= {"server_hostname": str(name), "assert_hostname": str(name)}
    return urllib3.ProxyManager(proxy, **options) if proxy else urllib3.PoolManager(**options)
