"""GnuPG as a program: its keyring, its agent and its way of asking for passphrases, used as sops uses them."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping

from sops_python.errors import MasterKeyError

_SECONDS = 120  # a person may have to type a passphrase
# What GnuPG says → what it means. Its own words are not passed on: they name people.
_REASONS = (
    ("No public key", "GnuPG has no public key with this fingerprint (import it first)"),
    ("Bad passphrase", "the passphrase was wrong"),
    ("Operation cancelled", "nobody gave the passphrase"),
    ("Inappropriate ioctl", "the passphrase can't be asked for: there is no terminal (GPG_TTY)"),
    ("Timeout", "nobody gave the passphrase in time"),
    ("No pinentry", "the passphrase can't be asked for: there is no pinentry program"),
    ("can't connect to the agent", "GnuPG's agent can't be reached"),
    ("No agent running", "GnuPG's agent can't be reached"),
    ("Unusable public key", "the public key is expired, revoked, or can't encrypt"),
    ("no valid OpenPGP data found", "the wrapped data key is damaged"),
    ("invalid armor", "the wrapped data key is damaged"),
    ("No secret key", "GnuPG has no secret key for it"),  # the last: it says so too when it could not ask
)


def decrypt(gpg: str, message: str, environ: Mapping[str, str]) -> bytes:
    """The content of an armored message. Raises MasterKeyError."""
    return _run([gpg, "--use-agent", "--decrypt"], message.encode(), environ)


def encrypt(gpg: str, fingerprint: str, data: bytes, environ: Mapping[str, str]) -> str:
    """An armored message for one key of the keyring, trusted by its fingerprint. Raises MasterKeyError."""
    command = [gpg, "--no-default-recipient", "--yes", "--encrypt", "--armor", "--trust-model", "always"]
    return _run([*command, "--recipient", fingerprint, "--no-encrypt-to"], data, environ).decode()


def _run(command: list[str], data: bytes, environ: Mapping[str, str]) -> bytes:
    try:
        done = subprocess.run(
            [command[0], "--batch", *command[1:]],
            input=data,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
            env={**environ, "LC_ALL": "C", "LANGUAGE": "C"},  # its reasons are read below
        )
    except FileNotFoundError:
        raise MasterKeyError(f"there is no {command[0]}") from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MasterKeyError(f"{command[0]} can't be run ({type(error).__name__})") from None
    if done.returncode == 0:
        return done.stdout
    said = done.stderr.decode("utf-8", "replace")
    reason = next((meaning for words, meaning in _REASONS if words in said), f"GnuPG ended with {done.returncode}")
    raise MasterKeyError(reason)
