"""`python -m shop`: start, serve until SIGTERM or SIGINT, drain, end."""

import logging
import os
import signal
import sys

from shop import keys, logs
from shop.cart import Cart, seal, unseal
from shop.config import Config, ConfigError
from shop.lifecycle import Lifecycle
from shop.logs import fields
from shop.routes import Application, Request
from shop.server import Server

_STOP = {signal.SIGTERM, signal.SIGINT}
_log = logging.getLogger("shop")


def main() -> int:
    # Blocked before any thread exists, so that all inherit it and the signal waits for `sigwait`: also for a process 1,
    # which the kernel would spare a signal that nobody handles yet.
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOP)
    try:
        config = Config.from_environ(os.environ)
        logs.configure(config.log_level)
        secrets = keys.load_keys(config.secrets_dir) if config.secrets_dir else None
    except ConfigError as error:
        logs.configure("INFO")
        _log.error("can't start", extra=fields(reason=str(error)))
        return 2
    lifecycle = Lifecycle()
    application = Application(config, secrets, lifecycle)
    try:
        server = Server((config.host, config.port), application, lifecycle)
    except OSError as error:
        _log.error("can't listen", extra=fields(host=config.host, port=config.port, reason=error.strerror))
        return 1
    server.start()
    _warm_up(application, secrets)
    lifecycle.start_finished()
    _log.info(
        "ready",
        extra=fields(
            port=server.server_port, version=config.version, commit=config.commit, secrets=secrets is not None
        ),
    )
    stopped_by = signal.Signals(signal.sigwait(_STOP))
    _log.info("draining", extra=fields(signal=stopped_by.name, seconds=config.drain_seconds))
    given_up = server.drain(config.drain_seconds, config.finish_seconds)
    _log.log(logging.WARNING if given_up else logging.INFO, "stopped", extra=fields(connections_given_up=given_up))
    return 0


def _warm_up(application: Application, secrets: keys.Keys | None) -> None:
    """Walks the paths that customers take before the first of them does: a fault here is no rollout, not an outage."""
    application.respond(Request("GET", "/"))
    if secrets is not None:
        unseal(seal(Cart({}), secrets, now=0), secrets, now=0)


if __name__ == "__main__":
    sys.exit(main())
