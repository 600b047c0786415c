"""How one YAML scalar is written: plain, quoted or as a literal block, by the rules that libyaml and go-yaml share."""

from __future__ import annotations

import re
from binascii import b2a_base64

from sops_python.scalars import float_yaml
from sops_python.stores.yaml_scalars import reads_as_string
from sops_python.tree import Scalar, Timestamp

# The letters here begin no word that means something else (`true`, `yes`, …): most keys and many values are such texts.
_SURELY_PLAIN = re.compile(r"[A-EG-MP-SU-XZa-eg-mp-su-xz_/][0-9A-Za-z_/.@+=-]*(?: [0-9A-Za-z_/.@+=-]+)*")
# These two take milliseconds to compile: they stay text, which `re` compiles when it is first needed.
_SPECIAL = "[^\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd]"
_ESCAPED = '["\\\\\t\n]|' + _SPECIAL
_NOT_PLAIN = re.compile(
    r"""[#,\[\]{}&*!|>'"%@`\s]  # an indicator or a blank begins it
    |[-?:](?:\s|\Z)             # an indicator that a blank follows begins it
    |---|\.\.\.                 # as a document's marker does
    |.*(?::(?:\s|\Z)|\s\#|\s\Z) # a key, a comment or a trailing blank inside""",
    re.VERBOSE | re.ASCII,
)
_ESCAPES = {
    "\0": "0", "\a": "a", "\b": "b", "\t": "t", "\n": "n", "\v": "v", "\f": "f", "\r": "r", "\x1b": "e",
    '"': '"', "\\": "\\", "\x85": "N", "\u2028": "L", "\u2029": "P",
}  # fmt: skip
_BASE64_LINE = 70


def written(value: Scalar, indent: int, step: int) -> str:
    """A value after `key: ` or `- `; a block's lines are indented by `indent + step` blanks."""
    if isinstance(value, str):
        return value if isinstance(value, Timestamp) else _string(value, indent, step)
    if isinstance(value, bytes):
        return _binary(value, indent + step)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else float_yaml(value)


def written_key(key: str) -> str | None:
    """A key on one line, or None when it needs the `? ` form."""
    if key == "<<":
        return "!!merge <<"
    if "\n" in key:
        return None
    text = inline(key)
    return text if len(text) <= 128 else None


def inline(text: str) -> str:
    """A string on one line."""
    if _SURELY_PLAIN.fullmatch(text):
        return text
    if not reads_as_string(text) or "\n" in text or "\t" in text or _has_special(text):
        return '"' + re.sub(_ESCAPED, _escape, text) + '"'
    if _NOT_PLAIN.match(text):
        return "'" + text.replace("'", "''") + "'"
    return text


def _string(text: str, indent: int, step: int) -> str:
    # A block that begins with a tab can't be read again; sops writes null for such a text.
    if "\n" not in text or text[0] == "\t" or " \n" in text or text.endswith(" ") or _has_special(text):
        return inline(text)
    hint = str(step) if text[0] in " \n" else ""
    chomp = "-" if not text.endswith("\n") else "+" if text.endswith("\n\n") or text == "\n" else ""
    body = text if chomp == "-" else text[:-1]
    return f"|{hint}{chomp}\n{_indented(body, indent + step)}"


def _has_special(text: str) -> bool:
    """Whether a character needs an escape."""
    if text.isascii() and text.replace("\n", "").replace("\t", "").isprintable():
        return False
    return re.search(_SPECIAL, text) is not None


def _binary(data: bytes, indent: int) -> str:
    encoded = b2a_base64(data, newline=False).decode()
    if len(encoded) <= _BASE64_LINE:
        return f"!!binary {encoded}"
    lines = [encoded[start : start + _BASE64_LINE] for start in range(0, len(encoded), _BASE64_LINE)]
    return "!!binary |\n" + _indented("\n".join(lines), indent)


def _indented(text: str, indent: int) -> str:
    blanks = " " * indent
    return "\n".join(blanks + line if line else "" for line in text.split("\n"))


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    if known := _ESCAPES.get(character):
        return "\\" + known
    code = ord(character)
    return f"\\x{code:02X}" if code < 0x100 else f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"
