"""INI text to sections, by the rules of gopkg.in/ini.v1 with repeated sections allowed, which is what sops reads with.

Source: the documentation of that package, and measurements of sops 3.11.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sops_python.errors import FileError
from sops_python.stores.texts import name_of, value_of
from sops_python.tree import Branch, Comment, Value

DEFAULT = "DEFAULT"  # the section of what stands above the first header: there in every file
DELIMITERS = re.compile("[=:]")
BLANKS = "\t\n\v\f\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"
_MARKS = re.compile("[#;]")


def read(text: str) -> Branch:
    """A branch of sections, `DEFAULT` first; a section's comment is its first item, a key's follows the key.

    Raises FileError with the line.
    """
    return _Reader(text).read()


class _Section:
    def __init__(self, name: str, comment: str = "") -> None:
        self.name = name
        self.comment = comment
        self.keys: dict[str, tuple[str | bytes, str]] = {}  # values and comments; the last of a name's values counts
        self.numbered = 0

    def branch(self) -> Branch:
        items: list[tuple[str | Comment, Value]] = _comment(self.comment)
        for key, (value, comment) in self.keys.items():
            items.append((key, value))
            items += _comment(comment)
        return Branch(items)


class _Reader:
    def __init__(self, text: str) -> None:
        self._lines: Iterator[str] = iter(re.findall(r"[^\n]*\n|[^\n]+", text))
        self._number = 0
        self._comment = ""  # what stands above, and beside, the next header or key

    def read(self) -> Branch:
        section = _Section(DEFAULT)
        sections = [section]
        while (line := self._next()) is not None:
            line = line.lstrip(BLANKS)
            if not line:
                continue
            if line[0] in "#;":
                self._comment += line
            elif line[0] == "[":
                section = self._header(line)
                sections.append(section)
            else:
                self._entry(line, section)
        return Branch((section.name, section.branch()) for section in sections)

    def _next(self) -> str | None:
        self._number += 1
        return next(self._lines, None)

    def _header(self, line: str) -> _Section:
        end = line.rfind("]")
        if end < 2:
            raise self._refused("a section without a name, or without its closing bracket")
        if found := _MARKS.search(line, end):
            self._comment += line[found.start() :]
        return _Section(name_of(line[1:end], self._number), self._taken())

    def _entry(self, line: str, section: _Section) -> None:
        name, rest = self._key(line)
        if name == "-":
            section.numbered += 1
            name = f"#{section.numbered}"
        number = self._number
        value = value_of(self._value(rest))
        section.keys[name_of(name, number)] = (value, self._taken())

    def _taken(self) -> str:
        comment, self._comment = self._comment.strip(BLANKS), ""
        return name_of(comment, self._number)

    def _key(self, line: str) -> tuple[str, str]:
        """The name and what follows its delimiter."""
        quote = '"""' if line.startswith('"""') and len(line) > 6 else line[0] if line[0] in '"`' else ""
        start, end = len(quote), -1
        if quote:
            end = line.find(quote, start)
            if end < 0:
                raise self._refused("a quoted name without its closing quote")
        delimiter = DELIMITERS.search(line, end + start if quote else 0)
        if not delimiter:
            raise self._refused("neither a section, a comment, nor name = value")
        name = line[start : end if quote else delimiter.start()].strip(BLANKS)
        if not name:
            raise self._refused("a value without a name")
        return name, line[delimiter.end() :]

    def _value(self, text: str) -> str:
        line = text.lstrip(BLANKS)
        if not line:
            return ""
        quote = '"""' if line.startswith('"""') and len(line) > 3 else "`" if line[0] == "`" else ""
        if quote:
            start = len(quote)
            end = line.rfind(quote, start)
            return line[start:end] if end >= start else self._many_lines(line[start:], quote)
        line = line.strip(BLANKS)
        if line[-1] == "\\":
            return self._continued(line[:-1])
        if found := _MARKS.search(line):
            self._comment += line[found.start() :]
            line = line[: found.start()].strip(BLANKS)
        if len(line) >= 2 and line[0] in "'\"" and line.find(line[0], 1) == len(line) - 1:
            line = line[1:-1]
        return line

    def _many_lines(self, value: str, quote: str) -> str:
        opened = self._number
        while (line := self._next()) is not None:
            end = line.rfind(quote)
            if end >= 0 and not line.rstrip(BLANKS).endswith("\\"):  # a backslash goes on even behind the quote
                if found := _MARKS.search(line, end):
                    self._comment += line[found.start() :].strip(BLANKS)
                return value + line[:end]
            value += line
        self._number = opened
        raise self._refused("a quoted value without its closing quote")

    def _continued(self, value: str) -> str:
        while (line := self._next()) is not None:
            following = line.strip(BLANKS)
            if not following:
                break
            value += following
            if value[-1] != "\\":
                break
            value = value[:-1]
        return value

    def _refused(self, problem: str) -> FileError:
        return FileError(f"line {self._number}: {problem}")


def _comment(text: str) -> list[tuple[str | Comment, Value]]:
    """A comment without the sign that begins its first line; none where nothing is left."""
    bare = text.lstrip(f"{text[0]} ") if text[:1] in ("#", ";") else text
    return [(Comment(bare), None)] if bare else []
