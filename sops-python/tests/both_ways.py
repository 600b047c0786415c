"""One master key, the real sops and this package: each opens what the other encrypted."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from sops_python import Creation, Keyring, MasterKey, decrypt, encrypt
from sops_python.stores import format_of

CANARY = "correct horse"
PLAIN = f"password: {CANARY}\n".encode()
FILES = {  # every format's, as sops prints it
    "file.yaml": PLAIN,
    "file.json": f'{{\n\t"password": "{CANARY}"\n}}\n'.encode(),
    "file.env": f"password={CANARY}\n".encode(),
    "file.ini": f"[db]\npassword = {CANARY}\n".encode(),
    "file.bin": f"{CANARY}\x00\xff".encode("latin-1"),
}
_RULES = {"azure_kv": "azure_keyvault"}  # what a creation rule calls otherwise than a file


class RealSops:
    """The binary, with this process's environment."""

    def __init__(self, binary: Path, folder: Path) -> None:
        self._binary = binary
        self._folder = folder

    def encrypt(self, *keys: MasterKey, plain: bytes = PLAIN, name: str = "file.yaml", threshold: int = 0) -> bytes:
        """Encrypted for a group of each master key, as a creation rule names them."""
        config = self._folder / "rules.yaml"
        groups = [{_RULES.get(key.kind, key.kind): [_in_a_rule(key)]} for key in keys]
        config.write_text(json.dumps({"creation_rules": [{"shamir_threshold": threshold, "key_groups": groups}]}))
        return self._run(plain, name, "--config", config, "encrypt")

    def decrypt(self, data: bytes, name: str = "file.yaml") -> bytes:
        return self._run(data, name, "decrypt")

    def _run(self, data: bytes, name: str, *arguments: str | Path) -> bytes:
        file = self._folder / name
        file.write_bytes(data)
        done = subprocess.run([self._binary, *arguments, file], capture_output=True)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout


def assert_both_ways(key: MasterKey, ring: Keyring, sops: RealSops) -> None:
    """Files of every format. `key` comes without `enc`."""
    for name, plain in FILES.items():
        assert decrypt(sops.encrypt(key, plain=plain, name=name), keys=ring, format=format_of(name)).emit() == plain
        ours = encrypt(plain, Creation(groups=((key,),)), keys=ring, format=format_of(name))
        assert CANARY.encode() not in ours
        assert sops.decrypt(ours, name) == plain


def _in_a_rule(key: MasterKey) -> object:
    fields = key.fields
    if key.kind == "hc_vault":
        return f"{fields['vault_address']}/v1/{fields['engine_path']}/keys/{fields['key_name']}"
    if key.kind == "age":
        return fields["recipient"]
    if key.kind == "pgp":
        return fields["fp"]
    if key.kind == "azure_kv":
        return {"vaultUrl": fields["vault_url"], "key": fields["name"], "version": fields.get("version", "")}
    return dict(fields)
