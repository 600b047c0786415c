"""Which values of a file are encrypted.

A file has at most one rule. Suffix and regex test every key on the way to a value; a comment rule tests the comments
before a node and before all nodes around it.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from functools import cached_property
from typing import NamedTuple

DEFAULT_UNENCRYPTED_SUFFIX = "_unencrypted"


class RuleKind(enum.Enum):
    """The rules by their names in the metadata."""

    UNENCRYPTED_SUFFIX = "unencrypted_suffix"
    ENCRYPTED_SUFFIX = "encrypted_suffix"
    UNENCRYPTED_REGEX = "unencrypted_regex"
    ENCRYPTED_REGEX = "encrypted_regex"
    UNENCRYPTED_COMMENT_REGEX = "unencrypted_comment_regex"
    ENCRYPTED_COMMENT_REGEX = "encrypted_comment_regex"


class _Said(NamedTuple):
    kind: RuleKind
    pattern: str


class Rule(_Said):  # of its own, since a NamedTuple has no place for what is cached
    """One selection rule and its suffix or RE2 pattern."""

    @cached_property
    def encrypts(self) -> bool:
        """Whether a match means encrypted (else it means left alone)."""
        return not self.kind.value.startswith("un")

    @cached_property
    def by_comment(self) -> bool:
        """Whether the rule looks at comments rather than at keys."""
        return "comment" in self.kind.value

    @cached_property
    def matches(self) -> Callable[[str], bool]:
        """Whether one key, or one comment's text, matches."""
        if self.kind in (RuleKind.UNENCRYPTED_SUFFIX, RuleKind.ENCRYPTED_SUFFIX):
            return lambda text: text.endswith(self.pattern)
        return regex(self.pattern) or (lambda _: False)  # sops ignores a broken pattern: it never matches


DEFAULT_RULE = Rule(RuleKind.UNENCRYPTED_SUFFIX, DEFAULT_UNENCRYPTED_SUFFIX)


def regex(pattern: str) -> Callable[[str], bool] | None:
    """Whether a text matches somewhere, by RE2's rules; None for a pattern that RE2 does not know."""
    # RE2, as in Go: Python's `re` would accept other patterns, and can be made to run for ever.
    import re2  # only files with such a rule pay for the import

    options = re2.Options()
    options.log_errors = False
    try:
        compiled = re2.compile(pattern, options)
    except re2.error:
        return None
    return _remember(lambda text: compiled.search(text) is not None)


def _remember(test: Callable[[str], bool]) -> Callable[[str], bool]:
    known: dict[str, bool] = {}

    def remembered(text: str) -> bool:
        answer = known.get(text)
        if answer is None:
            answer = known[text] = test(text)
        return answer

    return remembered
