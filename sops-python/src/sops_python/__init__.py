"""SOPS in native Python: read encrypted files without the sops binary.

>>> from sops_python import Keyring, decrypt_file, keys_from_environment
>>> ring = Keyring(keys_from_environment())  # doctest: +SKIP
>>> decrypt_file("secrets.yaml", keys=ring).documents  # doctest: +SKIP
"""

from sops_python.decrypt import Decrypted, Encrypted, decrypt, is_encrypted, read
from sops_python.errors import (
    Attempt,
    DataKeyError,
    FileError,
    IntegrityError,
    NotEncryptedError,
    SopsError,
    TransientError,
    MasterKeyError,
)
from sops_python.files import MAX_FILE_BYTES, decrypt_file, keys_from_environment, read_limited
from sops_python.keys import Keyring, KeySource
from sops_python.mac import MacVerdict
from sops_python.metadata import MasterKey, Metadata
from sops_python.stores import Format
from sops_python.tree import Branch, Comment, Sequence, Timestamp, walk_scalars

__all__ = [
    "MAX_FILE_BYTES",
    "Attempt",
    "Branch",
    "Comment",
    "DataKeyError",
    "Decrypted",
    "Encrypted",
    "FileError",
    "Format",
    "IntegrityError",
    "KeySource",
    "Keyring",
    "MacVerdict",
    "MasterKey",
    "Metadata",
    "NotEncryptedError",
    "Sequence",
    "SopsError",
    "Timestamp",
    "TransientError",
    "MasterKeyError",
    "decrypt",
    "decrypt_file",
    "is_encrypted",
    "keys_from_environment",
    "read",
    "read_limited",
    "walk_scalars",
]
