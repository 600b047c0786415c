"""For whom a file is encrypted: recipients by flags and variables, as sops names them, else by `.sops.yaml`."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from sops_python import config
from sops_python.encrypt import Creation
from sops_python.errors import FileError
from sops_python.metadata import MasterKey
from sops_python.recipients import from_text, unique
from sops_python.selection import Rule, RuleKind
from sops_python.stores import Format

# Kind → flags, the variable that stands for them, and what they hold.
RECIPIENTS = {
    "age": (("-a", "--age"), "SOPS_AGE_RECIPIENTS", "age recipients"),
    "pgp": (("-p", "--pgp"), "SOPS_PGP_FP", "PGP fingerprints"),
    "kms": (("-k", "--kms"), "SOPS_KMS_ARN", "ARNs of AWS KMS keys"),
    "gcp_kms": (("--gcp-kms",), "SOPS_GCP_KMS_IDS", "resource ids of Google Cloud KMS keys"),
    "azure_kv": (("--azure-kv",), "SOPS_AZURE_KEYVAULT_URLS", "URLs of Azure Key Vault keys"),
    "hc_vault": (("--hc-vault-transit",), "SOPS_VAULT_URIS", "URIs of Vault transit keys"),
}
_RULES = ("unencrypted_suffix", "encrypted_suffix", "unencrypted_regex", "encrypted_regex")


def add_recipients(parser: argparse.ArgumentParser, *, prefix: str = "") -> None:
    """The flags that name recipients; with a prefix (`add-`, `rm-`) without short forms and variables."""
    for kind, (flags, variable, what) in RECIPIENTS.items():
        names = [f"--{prefix}{flags[-1][2:]}"] if prefix else list(flags)
        default = "" if prefix else os.environ.get(variable, "")
        note = f"{what}, comma separated" + ("" if prefix else f" ({variable})")
        parser.add_argument(*names, dest=f"{prefix}{kind}", metavar="KEYS", default=default, help=note)
    if not prefix:
        parser.add_argument("--aws-profile", metavar="NAME", default="", help="profile for AWS")
    if prefix != "rm-":
        parser.add_argument("--encryption-context", metavar="PAIRS", default="", help="name:value,… for AWS keys")


def add_creation(parser: argparse.ArgumentParser) -> None:
    """Flags of how a file is encrypted."""
    add_recipients(parser)
    parser.add_argument("--config", metavar="FILE", default=os.environ.get("SOPS_CONFIG", ""), help="a .sops.yaml")
    parser.add_argument("--shamir-secret-sharing-threshold", type=int, metavar="N", default=0, dest="threshold")
    for name in _RULES:
        parser.add_argument(f"--{name.replace('_', '-')}", metavar="TEXT", default="", help="what is encrypted")


def named_keys(chosen: argparse.Namespace, prefix: str = "") -> tuple[MasterKey, ...]:
    """The recipients that flags and variables name."""
    context = getattr(chosen, "encryption_context", "")
    profile = getattr(chosen, "aws_profile", "")
    keys: list[MasterKey] = []
    for kind, (flags, _, _) in RECIPIENTS.items():
        text = getattr(chosen, f"{prefix}{kind}")
        where = f"--{prefix}{flags[-1][2:]}"
        keys += from_text(kind, text, where, context=context, aws_profile=profile)
    return unique(keys)


def creation_for(chosen: argparse.Namespace, name: str, file_format: Format) -> Creation:
    """How the file `name` is to be encrypted. Raises FileError where nobody says for whom."""
    keys = named_keys(chosen)
    found = config.load(chosen.config) if chosen.config else _nearest(name)
    if keys:
        creation = Creation(groups=(keys,), indent=found.indent(file_format) if found else None)
    elif found:
        creation = found.creation(name, file_format, context=chosen.encryption_context)
    else:
        raise FileError(
            f"{name}: nobody says for whom it is encrypted: there is no {config.NAME} in its folder or above,"
            " and no recipient is given (--age, --azure-kv, …)"
        )
    rules = [Rule(RuleKind(rule), text) for rule in _RULES if (text := getattr(chosen, rule))]
    if len(rules) > 1:
        raise FileError(f"only one of {', '.join(rule.kind.value for rule in rules)} can say what is encrypted")
    if rules:
        creation = creation._replace(rule=rules[0])
    return creation._replace(threshold=chosen.threshold) if chosen.threshold else creation


def _nearest(name: str) -> config.Config | None:
    path: Path | None = config.find(name)
    return config.load(path) if path else None
