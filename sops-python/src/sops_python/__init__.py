"""SOPS in native Python: read, write and edit encrypted files without the sops binary.

>>> from sops_python import Keyring, decrypt_file, keys_from_environment
>>> ring = Keyring(keys_from_environment())  # doctest: +SKIP
>>> decrypt_file("secrets.yaml", keys=ring).documents  # doctest: +SKIP
"""

from sops_python.change import OpenFile
from sops_python.decrypt import Decrypted, Encrypted, decrypt, decrypt_many, is_encrypted, read
from sops_python.encrypt import Creation, encrypt
from sops_python.errors import (
    Attempt,
    DataKeyError,
    FileError,
    IntegrityError,
    MasterKeyError,
    NotEncryptedError,
    SopsError,
    TransientError,
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
    "Creation",
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
    "MasterKeyError",
    "Metadata",
    "NotEncryptedError",
    "OpenFile",
    "Sequence",
    "SopsError",
    "Timestamp",
    "TransientError",
    "decrypt",
    "decrypt_file",
    "decrypt_many",
    "encrypt",
    "is_encrypted",
    "keys_from_environment",
    "read",
    "read_limited",
    "walk_scalars",
]
