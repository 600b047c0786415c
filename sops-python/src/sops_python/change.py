"""Changing an encrypted file: values edited, the data key rotated, recipients changed; the rest stays as it was."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from os import urandom

from sops_python.cipher import Stash
from sops_python.decrypt import Encrypted, open_tree, read
from sops_python.encrypt import WRITES_AS, seal
from sops_python.keys import Keyring, KeySource
from sops_python.metadata import DATA_KEY_BYTES, KeyGroup, MasterKey, Metadata, metadata_branch
from sops_python.stores import Format, store_for
from sops_python.tree import Branch

_INDENT = rb"(?m)^sops:\r?\n( +)\S"


class OpenFile:
    """An encrypted file that is open for changes: change `tree`, then `save`. Its `repr` shows no value."""

    def __init__(
        self,
        data: bytes,
        *,
        keys: Keyring | Iterable[KeySource],
        format: Format | None = None,  # noqa: A002  # what everybody calls it
        ignore_mac: bool = False,
        indent: int | None = None,
    ) -> None:
        """Decrypt the content of a file. `indent`: blanks a level when it is written; None: as it was.

        Raises as `decrypt` does.
        """
        self._ring = keys if isinstance(keys, Keyring) else Keyring(keys)
        self._encrypted: Encrypted = read(data, format=format)
        self._indent = _indent_of(data, self._encrypted.format) if indent is None else indent
        self.metadata: Metadata = self._encrypted.metadata
        self._data_key = self._ring.data_key(self.metadata)
        self._stash: Stash | None = Stash()
        self.tree: list[Branch] = open_tree(self._encrypted, self._data_key, ignore_mac=ignore_mac, stash=self._stash)[
            0
        ]

    def __repr__(self) -> str:
        return f"<OpenFile of {len(self.tree)} documents>"

    @property
    def format(self) -> Format:
        """The file's format."""
        return self._encrypted.format

    def save(self) -> bytes:
        """The encrypted file with what `tree` is now. What did not change is written as it was. Raises FileError."""
        sealed, self.metadata = seal(self.tree, self.metadata, self._data_key, self._stash)
        self._encrypted = self._encrypted._replace(tree=sealed)
        return self._emit()

    def rotate(self, *, add: Sequence[MasterKey] = (), remove: Sequence[MasterKey] = ()) -> bytes:
        """Encrypt everything anew under a new data key, for the same recipients and those in `add`, less `remove`.

        Recipients are added to the first group and removed from all. Raises FileError, DataKeyError, TransientError.
        """
        gone = {(key.kind, key.identity) for key in remove}
        kept = [[key for key in group if (key.kind, key.identity) not in gone] for group in self.metadata.groups]
        known = {(key.kind, key.identity) for group in kept for key in group}
        kept[0] += [key for key in add if (key.kind, key.identity) not in known]
        self._data_key = urandom(DATA_KEY_BYTES)
        self._wrap([tuple(bare(key) for key in group) for group in kept if group], self.metadata.threshold)
        self._stash = None  # an envelope of the old key opens no more
        return self.save()

    def update_keys(self, groups: Sequence[KeyGroup], threshold: int) -> bytes:
        """Give the file these recipients, under the same data key; its values stay as they are.

        In a file of one group, a recipient that was there before keeps its wrapped key. Raises FileError, DataKeyError,
        TransientError.
        """
        if len(groups) == len(self.metadata.groups) == 1:
            known = {same_key(key): key for key in self.metadata.groups[0]}
            wanted = [known.get(same_key(key)) or key for key in groups[0]]
            fresh = [key for key in wanted if not key.enc]
            wrapped = iter(self._ring.wrap([tuple(fresh)], 1, self._data_key)[0]) if fresh else iter(())
            group = tuple(key if key.enc else next(wrapped) for key in wanted)
            self.metadata = self.metadata._replace(groups=(group,), threshold=1)
        else:
            self._wrap([tuple(bare(key) for key in group) for group in groups], threshold or len(groups))
        return self._emit()

    def _wrap(self, groups: Sequence[KeyGroup], threshold: int) -> None:
        threshold = min(threshold, len(groups))
        self.metadata = self.metadata._replace(
            groups=self._ring.wrap(groups, threshold, self._data_key), threshold=threshold
        )

    def _emit(self) -> bytes:
        # The version tells how the values were written, so it stays where they do.
        metadata = self.metadata if self.metadata.version else self.metadata._replace(version=WRITES_AS)
        store = store_for(self.format)
        return store.emit_encrypted(self._encrypted.tree, metadata_branch(metadata), indent=self._indent)


def bare(key: MasterKey) -> MasterKey:
    """A master key without what was wrapped with it."""
    return key._replace(enc="", created_at="")


def same_key(key: MasterKey) -> tuple[str, str]:
    """What has to be equal for two entries to be the same recipient, used the same way (an AWS role, a context)."""
    fields = {name: value for name, value in key.fields.items() if value and name != "created_at"}
    return key.kind, repr(sorted(fields.items()))


def _indent_of(data: bytes, file_format: Format) -> int | None:
    found = re.search(_INDENT, data) if file_format is Format.YAML else None
    return len(found[1]) if found else None
