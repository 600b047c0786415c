"""One master key, the real sops and this package: each opens what the other encrypted."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from sops_python import Creation, Format, Keyring, MasterKey, decrypt, encrypt

CANARY = "correct horse"
PLAIN = f"password: {CANARY}\n".encode()
_RULES = {"azure_kv": "azure_keyvault"}  # what a creation rule calls otherwise than a file


class RealSops:
    """The binary, with this process's environment."""

    def __init__(self, binary: Path, folder: Path) -> None:
        self._binary = binary
        self._folder = folder

    def encrypt(self, key: MasterKey, plain: bytes = PLAIN) -> bytes:
        """Encrypted for one master key, as a creation rule names it."""
        config = self._folder / "rules.yaml"
        config.write_text(
            json.dumps({"creation_rules": [{"key_groups": [{_RULES.get(key.kind, key.kind): [_in_a_rule(key)]}]}]})
        )
        return self._run(plain, "--config", config, "encrypt")

    def decrypt(self, data: bytes) -> bytes:
        return self._run(data, "decrypt")

    def _run(self, data: bytes, *arguments: str | Path) -> bytes:
        file = self._folder / "file.yaml"
        file.write_bytes(data)
        done = subprocess.run([self._binary, *arguments, file], capture_output=True)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout


def assert_both_ways(key: MasterKey, ring: Keyring, sops: RealSops) -> None:
    """`key` comes without `enc`."""
    assert decrypt(sops.encrypt(key), keys=ring).documents == [{"password": CANARY}]
    ours = encrypt(PLAIN, Creation(groups=((key,),)), keys=ring, format=Format.YAML)
    assert CANARY.encode() not in ours
    assert sops.decrypt(ours) == PLAIN


def _in_a_rule(key: MasterKey) -> object:
    fields = key.fields
    if key.kind == "hc_vault":
        return f"{fields['vault_address']}/v1/{fields['engine_path']}/keys/{fields['key_name']}"
    if key.kind == "azure_kv":
        return {"vaultUrl": fields["vault_url"], "key": fields["name"], "version": fields.get("version", "")}
    return dict(fields)
