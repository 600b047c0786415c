"""Flags that several commands share, and what they mean."""

from __future__ import annotations

import argparse
import os

from sops_python.files import keys_from_environment
from sops_python.keys import Keyring
from sops_python.metadata import DEFAULT_DECRYPTION_ORDER
from sops_python.stores import Format

_WIDTH = 100
FORMATS = [file_format.value for file_format in Format]


def parser(command: str, description: str) -> argparse.ArgumentParser:
    """A command's parser; it names flags in full only, since an abbreviation means another flag tomorrow."""
    return argparse.ArgumentParser(
        prog=f"sops-python {command}", description=description, allow_abbrev=False, formatter_class=_Help
    )


class _Help(argparse.HelpFormatter):
    """argparse's own would look for the terminal's width with every flag, and import `shutil` for it."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_WIDTH)


def add_types(options: argparse.ArgumentParser, *, output: bool = True) -> None:
    """--input-type and --output-type."""
    options.add_argument("--input-type", choices=FORMATS, metavar="TYPE", help=f"one of {', '.join(FORMATS)}")
    if output:
        options.add_argument("--output-type", choices=FORMATS, metavar="TYPE", help="default: as the input")


def add_opening(options: argparse.ArgumentParser) -> None:
    """--decryption-order and --ignore-mac."""
    options.add_argument("--ignore-mac", action="store_true", help="accept a file with a wrong MAC or none")
    options.add_argument(
        "--decryption-order",
        metavar="KINDS",
        default=os.environ.get("SOPS_DECRYPTION_ORDER", ""),
        help="kinds of keys to try first: age,pgp,kms,azure_kv,gcp_kms,hc_vault",
    )


def ring(options: argparse.Namespace) -> Keyring:
    """The keys of the environment, in the order that was asked for."""
    order = [kind.strip() for kind in (getattr(options, "decryption_order", "") or "").split(",") if kind.strip()]
    return Keyring(keys_from_environment(), decryption_order=order or DEFAULT_DECRYPTION_ORDER)


def format_named(name: str | None) -> Format | None:
    """The format of a flag's value."""
    return Format(name) if name else None
