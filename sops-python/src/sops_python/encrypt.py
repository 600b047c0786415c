"""From a plaintext tree to an encrypted file: what the rule selects is sealed, everything is authenticated."""

from __future__ import annotations

import time
from collections.abc import Iterable
from os import urandom
from typing import NamedTuple

from sops_python.cipher import Cipher, Stash
from sops_python.errors import FileError
from sops_python.keys import Keyring, KeySource
from sops_python.mac import Mac
from sops_python.metadata import DATA_KEY_BYTES, METADATA_KEY, KeyGroup, Metadata, metadata_branch
from sops_python.scalars import INT64_MAX, INT64_MIN
from sops_python.selection import DEFAULT_RULE, Rule, RuleKind
from sops_python.stores import Format, store_for
from sops_python.tree import Branch, Comment, Sequence, Value

WRITES_AS = "3.11.0"  # the version of sops whose format is written


class Creation(NamedTuple):
    """How a new file is encrypted: for whom, what of it, and in which layout. What a creation rule says."""

    groups: tuple[KeyGroup, ...]  # master keys without `enc`
    threshold: int = 0  # how many groups open the file; 0: all of them
    rule: Rule = DEFAULT_RULE
    mac_only_encrypted: bool = False
    indent: int | None = None  # blanks a level in YAML and JSON; None: sops's own layout


def encrypt(
    data: bytes,
    creation: Creation,
    *,
    keys: Keyring | Iterable[KeySource],
    format: Format,  # noqa: A002  # what everybody calls it
    output: Format | None = None,
) -> bytes:
    """Encrypt the content of one plaintext file; `output` is the format of the encrypted one, if it is another.

    Raises FileError for what can't be encrypted (broken syntax, already encrypted, a number out of range), DataKeyError
    and TransientError where a master key can't be used.
    """
    store = store_for(format)
    tree = store.load_plain(data)
    if any(key == METADATA_KEY for branch in tree for key, _ in branch):
        raise FileError("the file has a top-level key `sops` already: it is encrypted, or would be mistaken for it")
    if not tree:
        raise FileError("the file is empty: there is nothing to encrypt")
    ring = keys if isinstance(keys, Keyring) else Keyring(keys)
    data_key = urandom(DATA_KEY_BYTES)
    threshold = creation.threshold or len(creation.groups)
    metadata = Metadata(
        groups=ring.wrap(creation.groups, threshold, data_key),
        threshold=threshold,
        rule=DEFAULT_RULE if format is Format.BINARY else creation.rule,  # a binary file is encrypted whole
        mac="",
        lastmodified="",
        mac_only_encrypted=creation.mac_only_encrypted,
        version=WRITES_AS,
    )
    sealed, metadata = seal(tree, metadata, data_key)
    return store_for(output or format).emit_encrypted(sealed, metadata_branch(metadata), indent=creation.indent)


def seal(
    tree: list[Branch], metadata: Metadata, data_key: bytes, stash: Stash | None = None
) -> tuple[list[Branch], Metadata]:
    """Seal a tree with its file's data key; the metadata come back with the new MAC and date.

    Envelopes are taken from the stash, which must be of the same data key. Raises FileError.
    """
    cipher = Cipher(data_key)
    sealer = _Sealer(cipher, metadata, stash or Stash())
    sealed = [sealer.document(branch) for branch in tree]
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    mac = cipher.seal(sealer.mac.hexadecimal(), now)  # tied to the date instead of a path
    return sealed, metadata._replace(mac=mac, lastmodified=now, version=WRITES_AS)


class _Sealer:
    """Walks a tree in document order: hashes, and seals what the rule selects."""

    def __init__(self, cipher: Cipher, metadata: Metadata, stash: Stash) -> None:
        self._cipher = cipher
        self._rule = metadata.rule
        self._by_comment = metadata.rule.by_comment
        self._matches = metadata.rule.matches
        self._stash = stash
        self._mac_only_encrypted = metadata.mac_only_encrypted
        self.mac = Mac(only_encrypted=metadata.mac_only_encrypted, numbers_were_float64=False)

    def document(self, branch: Branch) -> Branch:
        return self._branch(branch, "", False)

    def _branch(self, branch: Branch, path: str, matched: bool) -> Branch:
        """`path`: the keys so far, each followed by a colon. `matched`: whether a key or comment around matched."""
        result = Branch()
        comments: list[str] = []  # since the last key: what a comment rule looks at
        for key, value in branch:
            if isinstance(key, Comment):
                envelope = self._comment(key, path, matched, comments)
                result.append((Comment(envelope) if envelope else key, None))
                continue
            inner = matched or (self._any(comments) if self._by_comment else self._matches(key))
            comments.clear()
            result.append((key, self._value(value, f"{path}{key}:", inner)))
        return result

    def _sequence(self, items: Sequence, path: str, matched: bool) -> Sequence:
        result = Sequence()
        comments: list[str] = []
        for item in items:
            if isinstance(item, Comment):  # sops writes an encrypted one as an item
                result.append(self._comment(item, path, matched, comments) or item)
                continue
            inner = matched or (self._by_comment and self._any(comments))
            comments.clear()
            result.append(self._value(item, path, inner))
        return result

    def _value(self, value: Value, path: str, matched: bool) -> Value:
        if isinstance(value, Branch):
            return self._branch(value, path, matched)
        if isinstance(value, Sequence):
            return self._sequence(value, path, matched)
        if value is None or isinstance(value, Comment):
            return value
        encrypted = matched == self._rule.encrypts
        if isinstance(value, int) and not INT64_MIN <= value <= INT64_MAX:
            raise FileError(
                f"{path[:-1].replace(':', '.')}: an integer of more than 64 bits: sops can't hold it; quote it"
            )
        if encrypted or not self._mac_only_encrypted:
            self.mac.add(value)
        if not encrypted or (value == "" and isinstance(value, str)):
            return value  # an empty string is never encrypted
        return self._stash.take(value, path) or self._cipher.seal(value, path)

    def _comment(self, comment: Comment, path: str, matched: bool, comments: list[str]) -> str | None:
        """The envelope of a comment, None if it stays as it is; the comment then counts for what follows it."""
        before = self._by_comment and self._any(comments)
        comments.append(comment.value)
        if self._rule.kind is RuleKind.UNENCRYPTED_COMMENT_REGEX:
            before = self._any(comments)  # a comment that says `leave this alone` is left alone itself
        if (matched or before) != self._rule.encrypts or not comment.value:
            return None
        aad = path or ":"
        envelope = self._stash.take(comment, aad) or self._cipher.seal(comment, aad)
        if self._rule.kind is RuleKind.UNENCRYPTED_COMMENT_REGEX and self._matches(envelope):
            raise FileError(
                "unencrypted_comment_regex matches encrypted comments too: nobody could read the file again"
            )
        return envelope

    def _any(self, comments: list[str]) -> bool:
        return any(map(self._matches, comments))
