"""age plugins: programs `age-plugin-NAME` on PATH that wrap and unwrap for recipients `age1NAME1…`."""

from __future__ import annotations

import sys
from typing import Any

from sops_python.errors import MasterKeyError
from sops_python.keys import terminal


def recipient_of(text: str, name: str) -> Any:
    """What pyrage encrypts with. Raises MasterKeyError for a plugin that is not there, or a broken recipient."""
    import pyrage

    try:
        recipients = [pyrage.plugin.Recipient.from_str(text)]
        return pyrage.plugin.RecipientPluginV1(name, recipients, [], _Person(name))
    except Exception as error:
        raise _broken(name, "recipient", error) from None


def identity_of(text: str) -> Any:
    """What pyrage decrypts with, from `AGE-PLUGIN-NAME-1…`. Raises MasterKeyError as above."""
    import pyrage

    name = text.removeprefix("AGE-PLUGIN-").rpartition("-1")[0].lower()
    try:
        identities = [pyrage.plugin.Identity.from_str(text)]
        return pyrage.plugin.IdentityPluginV1(name, identities, _Person(name))
    except Exception as error:
        raise _broken(name, "identity", error) from None


def _broken(name: str, what: str, error: Exception) -> MasterKeyError:
    if "PATH" in str(error):
        return MasterKeyError(f"this needs the program age-plugin-{name} on PATH")
    return MasterKeyError(f"the {what} for the age plugin {name} is damaged")


class _Person:
    """What a plugin may ask of a person: pyrage's callbacks."""

    def __init__(self, plugin: str) -> None:
        self._plugin = f"age-plugin-{plugin}"

    def display_message(self, message: str) -> None:
        sys.stderr.write(f"{self._plugin}: {message}\n")

    def confirm(self, message: str, yes_string: str, no_string: str | None) -> bool | None:
        choice = f"{yes_string} (y) or {no_string} (n)" if no_string else f"{yes_string} (y)"
        typed = terminal.answer(f"{self._plugin}: {message} {choice}")
        return None if typed is None else typed.lower().startswith("y")

    def request_public_string(self, description: str) -> str | None:
        return terminal.answer(f"{self._plugin}: {description}")

    def request_passphrase(self, description: str) -> str | None:
        return terminal.passphrase(f"{self._plugin}: {description}")
