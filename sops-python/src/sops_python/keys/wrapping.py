"""What every service's answer to a wrapped data key becomes."""

from __future__ import annotations

import time
from base64 import b64decode
from binascii import Error as Base64Error

from sops_python.errors import MasterKeyError
from sops_python.metadata import MasterKey


def wrapped(key: MasterKey, enc: str, **resolved: str) -> MasterKey:
    """The key with its wrapped data key, wrapped now; `resolved`: fields that the service has said."""
    created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return key._replace(fields={**key.fields, **resolved}, enc=enc, created_at=created)


def blob(key: MasterKey) -> bytes:
    """The bytes of a wrapped data key that the file has in base64. Raises MasterKeyError."""
    try:
        return b64decode("".join(key.enc.split()), validate=True)
    except Base64Error:
        raise MasterKeyError("the wrapped data key in the file is not base64; the file is damaged") from None
