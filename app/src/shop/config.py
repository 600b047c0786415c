"""The settings, read once from the environment (the ConfigMap, the image's build arguments and the downward API)."""

import logging
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


class ConfigError(Exception):
    """A setting that the service can't start with. The message says which, why and what is accepted."""


@dataclass(frozen=True)
class Config:
    name: str
    currency: str
    host: str
    port: int
    drain_seconds: float  # how long connections are still accepted after SIGTERM
    finish_seconds: float  # how long requests in flight may then take
    log_level: str
    secrets_dir: Path | None  # None: run without secrets, carts and payments are unavailable
    version: str
    commit: str
    pod: str

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> "Config":
        """Raises ConfigError for the first setting that isn't usable."""
        secrets_dir = environ.get("SHOP_SECRETS_DIR", "")
        return cls(
            name=environ.get("SHOP_NAME", "Shop"),
            currency=environ.get("SHOP_CURRENCY", "EUR"),
            host=environ.get("SHOP_HOST", "0.0.0.0"),
            port=int(_number(environ, "SHOP_PORT", "8080", 0, 65535, whole=True)),
            drain_seconds=_number(environ, "SHOP_DRAIN_SECONDS", "2", 0, 60),
            finish_seconds=_number(environ, "SHOP_FINISH_SECONDS", "5", 0, 300),
            log_level=_log_level(environ),
            secrets_dir=Path(secrets_dir) if secrets_dir else None,
            version=environ.get("SHOP_VERSION", "0.0.0-dev"),
            commit=environ.get("SHOP_COMMIT", "unknown"),
            pod=environ.get("POD_NAME") or socket.gethostname(),
        )


def _number(
    environ: Mapping[str, str], name: str, default: str, low: float, high: float, *, whole: bool = False
) -> float:
    text = environ.get(name, default)
    kind = "a whole number" if whole else "a number"
    try:
        value = int(text) if whole else float(text)
    except ValueError:
        value = float("nan")
    if not low <= value <= high:  # NaN included
        raise ConfigError(f"{name}={text!r} is not {kind} from {low} to {high}")
    return value


def _log_level(environ: Mapping[str, str]) -> str:
    text = environ.get("SHOP_LOG_LEVEL", "info")
    if text.upper() not in logging.getLevelNamesMapping():
        raise ConfigError(f"SHOP_LOG_LEVEL={text!r} is not one of debug, info, warning, error")
    return text.upper()
