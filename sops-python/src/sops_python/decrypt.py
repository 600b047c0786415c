"""From an encrypted file to its plaintext tree, with the MAC always verified."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeAlias

from sops_python.cipher import Cipher, CipherError, Stash, is_envelope
from sops_python.errors import FileError, IntegrityError, NotEncryptedError, SopsError
from sops_python.keys import Keyring, KeySource
from sops_python.mac import Mac, MacVerdict
from sops_python.metadata import METADATA_KEY, Metadata, parse_metadata
from sops_python.selection import Rule
from sops_python.stores import Format, Store, detect, store_for, text_of
from sops_python.tree import Branch, Comment, Plain, Scalar, Sequence, Value, to_plain

Open: TypeAlias = Callable[[str, str], "Scalar | Comment"]
_ENCRYPTED_VALUE = rb"ENC\[AES256_GCM,data:[0-9A-Za-z+/=]+,iv:[0-9A-Za-z+/=]+,tag:[0-9A-Za-z+/=]+,type:"


class Decrypted(NamedTuple):
    """A decrypted file. Its `repr` shows no value."""

    tree: list[Branch]  # one branch a document, with order, duplicate keys and comments
    metadata: Metadata
    mac: MacVerdict
    format: Format

    @property
    def documents(self) -> list[dict[str, Plain]]:
        """Each document as ordinary dicts, lists and scalars, as a reader of sops's output would get it."""
        merges = store_for(self.format).MERGES
        return [to_plain(branch, merge=merges) for branch in self.tree]

    def emit(self, output: Format | None = None) -> bytes:
        """The plaintext file, UTF-8, in its own or another format. Raises FileError for what that format can't say."""
        return store_for(output or self.format).emit(self.tree)


class Encrypted(NamedTuple):
    """A file that was read but not opened: what can be told without any key."""

    tree: list[Branch]
    metadata: Metadata
    format: Format


def decrypt(
    data: bytes | Encrypted,
    *,
    keys: Keyring | Iterable[KeySource],
    format: Format | None = None,  # noqa: A002  # what everybody calls it
    ignore_mac: bool = False,
) -> Decrypted:
    """Decrypt the content of one file, read already or not.

    `keys` opens the data key; hand the same Keyring to every call, so that connections, tokens and opened keys are
    shared. Without a format it is told from the content. Raises FileError (its subclasses NotEncryptedError,
    IntegrityError), DataKeyError and TransientError. `ignore_mac` turns a missing or wrong MAC into a verdict; values
    that were changed one by one are refused all the same.
    """
    encrypted = data if isinstance(data, Encrypted) else read(data, format=format)
    ring = keys if isinstance(keys, Keyring) else Keyring(keys)
    tree, verdict = open_tree(encrypted, ring.data_key(encrypted.metadata), ignore_mac=ignore_mac)
    return Decrypted(tree, encrypted.metadata, verdict, encrypted.format)


def decrypt_many(
    files: Iterable[Encrypted], *, keys: Keyring | Iterable[KeySource], ignore_mac: bool = False
) -> Iterator[Decrypted | SopsError]:
    """Decrypt many files, each told by `read`; for a file that fails, the error that `decrypt` would raise.

    Key services are asked about all files at once, in parallel, before the first file is given; each wrapped data key
    only once. Then files are opened one by one as they are taken.
    """
    encrypted = list(files)
    ring = keys if isinstance(keys, Keyring) else Keyring(keys)
    data_keys = ring.data_keys(item.metadata for item in encrypted)
    return (_opened(item, key, ignore_mac) for item, key in zip(encrypted, data_keys, strict=True))


def _opened(encrypted: Encrypted, data_key: bytes | SopsError, ignore_mac: bool) -> Decrypted | SopsError:
    if isinstance(data_key, SopsError):
        return data_key
    try:
        tree, verdict = open_tree(encrypted, data_key, ignore_mac=ignore_mac)
    except SopsError as error:
        return error
    return Decrypted(tree, encrypted.metadata, verdict, encrypted.format)


def open_tree(
    encrypted: Encrypted, data_key: bytes, *, ignore_mac: bool = False, stash: Stash | None = None
) -> tuple[list[Branch], MacVerdict]:
    """A file's plaintext tree by its data key; `stash` remembers its envelopes. Raises IntegrityError."""
    cipher = Cipher(data_key)
    opener = _Opener(cipher, encrypted.metadata, store_for(encrypted.format), stash)
    tree = [opener.document(branch) for branch in encrypted.tree]
    verdict = opener.mac.verdict(_expected_mac(cipher, encrypted.metadata))
    if not ignore_mac:
        _require(verdict)
    return tree, verdict


def read(data: bytes, *, format: Format | None = None) -> Encrypted:  # noqa: A002
    """Read a file without opening it: recipients, dates, the shape of its tree. Raises FileError."""
    text = text_of(data, format)
    chosen = format or detect(text)
    branches = store_for(chosen).load(text)
    sections = [value for key, value in branches[0] if key == METADATA_KEY] if branches else []
    if not sections:
        raise NotEncryptedError("no sops metadata found: the file is not encrypted, or its end was cut off")
    kept = str if chosen is Format.DOTENV else ()  # its metadata have other names: a value may be called `sops`
    tree = [
        Branch([item for item in branch if item[0] != METADATA_KEY or isinstance(item[1], kept)]) for branch in branches
    ]
    return Encrypted(tree, parse_metadata(to_plain(sections[0])), chosen)


def is_encrypted(data: bytes, *, format: Format | None = None) -> bool:  # noqa: A002
    """Whether a file claims to be encrypted: it holds SOPS metadata, or the values of a file that lost them.

    So a file that was cut off or damaged is not taken for plaintext: `decrypt` will say what is wrong with it.
    """
    if re.search(_ENCRYPTED_VALUE, data):
        return True
    if METADATA_KEY.encode() not in data:
        return False
    try:
        text = text_of(data, format)
        branches = store_for(format or detect(text)).load(text)
    except FileError:
        return False
    return bool(branches) and any(key == METADATA_KEY and isinstance(value, Branch) for key, value in branches[0])


def _expected_mac(cipher: Cipher, metadata: Metadata) -> str:
    if not metadata.mac:
        return ""
    try:
        # The MAC is tied to the time of the last change instead of a path.
        expected = cipher.open(metadata.mac, metadata.lastmodified)
    except CipherError as error:
        raise IntegrityError(f"the MAC (sops.mac) cannot be opened: {error}") from None
    return expected if isinstance(expected, str) else ""


def _require(verdict: MacVerdict) -> None:
    if verdict is MacVerdict.ABSENT:
        raise IntegrityError("the file has no MAC, so nobody can tell whether it was changed")
    if verdict is MacVerdict.MISMATCH:
        raise IntegrityError(
            "MAC mismatch: a value was added, removed, reordered or changed since the file was encrypted"
        )


def _remembering(open_: Open, stash: Stash) -> Open:
    def remembering(envelope: str, path: str) -> Scalar | Comment:
        value = open_(envelope, path)
        stash.keep(value, path, envelope)
        return value

    return remembering


class _ValueError(Exception):
    """A value that cannot be opened; its path is put together on the way up."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        self.path = ""
        super().__init__(reason)


class _Opener:
    """Walks a tree in document order: opens what the rule says is encrypted, and hashes."""

    def __init__(self, cipher: Cipher, metadata: Metadata, store: Store, stash: Stash | None) -> None:
        self._open = cipher.open if stash is None else _remembering(cipher.open, stash)
        self._rule: Rule = metadata.rule
        # A comment rule can't be applied again with certainty once the file was written (sops puts an item's inner
        # comment before the item), so there the value's own shape decides. The MAC still judges the outcome.
        self._by_shape = metadata.rule.by_comment
        self._mac_only_encrypted = metadata.mac_only_encrypted
        self.mac = Mac(only_encrypted=metadata.mac_only_encrypted, numbers_were_float64=store.NUMBERS_WERE_FLOAT64)

    def document(self, branch: Branch) -> Branch:
        try:
            return self._branch(branch, "", False)
        except _ValueError as error:
            raise IntegrityError(f"{error.path.lstrip('.')}: {error.reason}") from None

    def _branch(self, branch: Branch, path: str, matched: bool) -> Branch:
        """`path`: the keys so far, each followed by a colon. `matched`: whether one of them matched the rule."""
        result = Branch()
        test = self._rule.matches
        for key, value in branch:
            if isinstance(key, Comment):
                result.append((self._comment(key, path), None))
                continue
            try:
                inner = matched or (not self._by_shape and test(key))
                result.append((key, self._value(value, f"{path}{key}:", inner)))
            except _ValueError as error:
                error.path = f".{key}{error.path}"
                raise
        return result

    def _value(self, value: Value, path: str, matched: bool) -> Value:
        if type(value) is str:  # nearly all are
            return self._scalar(value, path, matched)
        if isinstance(value, Branch):
            return self._branch(value, path, matched)
        if isinstance(value, Sequence):
            return self._sequence(value, path, matched)
        if isinstance(value, Comment):
            return self._comment(value, path)
        if value is None:
            return None
        return self._scalar(value, path, matched)

    def _sequence(self, items: Sequence, path: str, matched: bool) -> Sequence:
        result = Sequence()
        for index, item in enumerate(items):
            try:
                result.append(self._value(item, path, matched))
            except _ValueError as error:
                error.path = f"[{index}]{error.path}"
                raise
        return result

    def _scalar(self, value: Scalar, path: str, matched: bool) -> Value:
        if self._by_shape:
            encrypted = isinstance(value, str) and is_envelope(value)
        else:
            encrypted = matched == self._rule.encrypts
        if not encrypted:
            if not self._mac_only_encrypted:
                self.mac.add(value)
            return value
        if not isinstance(value, str):
            raise _ValueError("expected an encrypted value, found plaintext")
        if not value:
            return value  # never encrypted
        try:
            opened = self._open(value, path)
        except CipherError as error:
            raise _ValueError(str(error)) from None
        if not isinstance(opened, Comment):  # in a sequence, sops writes an encrypted comment as an item
            self.mac.add(opened)
        return opened

    def _comment(self, comment: Comment, path: str) -> Comment:
        if not comment.value.startswith("ENC["):
            return comment
        try:
            opened = self._open(comment.value, path or ":")
        except CipherError:
            return comment  # as sops does: it may never have been encrypted
        return opened if isinstance(opened, Comment) else comment
