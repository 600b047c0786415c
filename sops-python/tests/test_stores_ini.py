"""INI by go-ini's rules: how a file is read, how it is printed again, and that both are what the real sops does."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sops_python import Branch, Comment, FileError, Format, Keyring, decrypt
from sops_python.stores import ini
from sops_python.tree import Sequence

READ = {
    "keys_above_all_sections_are_of_DEFAULT": ("a=1\n", [("DEFAULT", [("a", "1")])]),
    "blanks_around_names_and_values_go": (
        "  a \t=  x y \r\n[ s ]\n",
        [("DEFAULT", [("a", "x y")]), (" s ", [])],
    ),
    "a_colon_parts_as_well": ("a:b=c\n", [("DEFAULT", [("a", "b=c")])]),
    "a_repeated_section_is_kept": (
        "[s]\na=1\n[s]\na=2\n",
        [("DEFAULT", []), ("s", [("a", "1")]), ("s", [("a", "2")])],
    ),
    "of_a_repeated_key_the_last_counts": ("a=1\nb=2\na=3\n", [("DEFAULT", [("a", "3"), ("b", "2")])]),
    "quotes_around_a_value_go": ("a='x'\nb=\"y\"\n", [("DEFAULT", [("a", "x"), ("b", "y")])]),
    "quotes_inside_a_value_stay": ('a="x"y"\n', [("DEFAULT", [("a", '"x"y"')])]),
    "a_quoted_key_may_hold_a_delimiter": ('"a=b"=1\n`c:d`=2\n', [("DEFAULT", [("a=b", "1"), ("c:d", "2")])]),
    "a_backtick_protects_a_mark": ("a=`x;y`\n", [("DEFAULT", [("a", "x;y")])]),
    "a_value_may_have_lines": ('a="""x\ny"""\n', [("DEFAULT", [("a", "x\ny")])]),
    "a_backslash_behind_the_closing_quote_goes_on": ("a=`x\ny`\\\nz`\n", [("DEFAULT", [("a", "x\ny`\\\nz")])]),
    "a_backslash_continues_a_line": ("a=x\\\n  y\n", [("DEFAULT", [("a", "xy")])]),
    "an_escaped_newline_stays_two_characters": ("a=x\\ny\n", [("DEFAULT", [("a", "x\\ny")])]),
    "a_comment_follows_its_key": ("; c\na=1\n", [("DEFAULT", [("a", "1"), Comment("c")])]),
    "a_comment_beside_a_value_follows_it": ("a=x ; c\n", [("DEFAULT", [("a", "x"), Comment("c")])]),
    "a_sections_comment_is_its_first_item": ("# c\n[s] ; d\na=1\n", [("DEFAULT", []), ("s", ["c\n; d", ("a", "1")])]),
    "a_dash_numbers_a_key": ("[s]\n-=x\n-=y\n", [("DEFAULT", []), ("s", [("#1", "x"), ("#2", "y")])]),
    "an_empty_value": ("a=\n", [("DEFAULT", [("a", "")])]),
    "a_byte_order_mark_goes": ("\ufeffa=1\n", [("DEFAULT", [("a", "1")])]),
    "an_interpolation_is_a_text": ("a=1\nb=%(a)s\n", [("DEFAULT", [("a", "1"), ("b", "%(a)s")])]),
}


def section(items: list[object]) -> Branch:
    """A section, whose comments are given as texts."""
    comments = [(Comment(item), None) if isinstance(item, str) else item for item in items]
    return Branch((item, None) if isinstance(item, Comment) else item for item in comments)  # type: ignore[misc]


@pytest.mark.parametrize(("text", "expected"), READ.values(), ids=READ.keys())
def test_ini_is_read_as_go_ini_reads_it(text: str, expected: list[tuple[str, list[object]]]) -> None:
    assert ini.load_plain(text.encode()) == [Branch((name, section(items)) for name, items in expected)]


PRINTED = {
    "keys_are_aligned_and_sections_parted": "a=1\nlonger=2\n[s]\n[t]\nb=3\n",
    "an_empty_DEFAULT_is_left_out": "[s]\na=1\n",
    "a_later_DEFAULT_has_a_header": "a=1\n[DEFAULT]\nb=2\n",
    "DEFAULT_in_other_letters_is_another_section": "[default]\na=1\n",
    "comments_move_above_their_keys": "; one\n# two\na = 1 ; three\n[s] # four\n# five\nb=2\n# lost\n",
    "texts_that_need_quotes_get_them": 'a=`x;y`\nb=`x\ny`\nc=""" x """\n`k=`=1\n"""k`"""=2\n',
    "names_in_other_scripts_are_aligned_by_bytes": "é=1\nabc=2\n",
    "bytes_that_are_no_utf8_pass": b"a=\xff\xfe\n",
}


@pytest.mark.parametrize("text", PRINTED.values(), ids=PRINTED.keys())
def test_ini_is_printed_byte_for_byte_as_sops_prints_it(
    text: str | bytes, sops: Callable[..., bytes], encrypt: Callable[..., bytes], keys: Keyring
) -> None:
    data = text.encode() if isinstance(text, str) else text
    encrypted = encrypt(data, "file.ini")
    printed = sops("decrypt", text=encrypted, name="file.ini")
    assert ini.emit(ini.load_plain(data)) == printed
    assert decrypt(encrypted, keys=keys, format=Format.INI).emit() == printed


def test_metadata_with_newlines_escaped_once_or_twice_are_the_same(encrypt: Callable[..., bytes]) -> None:
    once = encrypt("a=1\n", "file.ini").decode()
    assert "-----\\n" in once
    assert ini.load(once.replace("\\n", "\\\\n")) == ini.load(once)


IN_THE_CLEAR = {
    "quotes_around_a_text": '"x"',
    "a_backslash_at_the_end": "x\\",
    "a_backtick_at_the_end": "x`",
    "a_text_of_quotes": '"""',
    "blanks_around": " x ",
}


@pytest.mark.parametrize("value", IN_THE_CLEAR.values(), ids=IN_THE_CLEAR.keys())
def test_a_text_that_is_left_in_the_clear_can_be_read_again(value: str) -> None:
    # sops writes some of these so that its own file fails the MAC.
    tree = [Branch([("DEFAULT", Branch([("a", value), ("#1", "numbered")]))])]
    encrypted = ini.emit_encrypted(tree, Branch([("version", "3.11.0")]))
    assert ini.load(encrypted.decode())[0][0] == tree[0][0]


def test_a_text_that_ini_has_no_form_for_is_refused() -> None:
    with pytest.raises(FileError, match="in the clear: encrypt it"):
        ini.emit_encrypted([Branch([("s", Branch([("a", 'x\n`"""\ny')]))])], Branch())


REFUSED = {
    "no_delimiter": ("[s]\na\n", "line 2: neither a section, a comment, nor name = value"),
    "no_name": ("=1\n", "line 1: a value without a name"),
    "an_unnamed_section": ("[]\n", "line 1: a section without a name"),
    "an_unclosed_section": ("a=1\n\n[s\n", "line 3: a section without a name, or without its closing bracket"),
    "an_unclosed_name": ('"a=1\n', "line 1: a quoted name without its closing quote"),
    "an_unclosed_value": ("b=1\na=`x\ny\n", "line 2: a quoted value without its closing quote"),
    "a_name_that_is_no_utf8": (b"b=1\n\xff=1\n", "line 2: not UTF-8"),
}


@pytest.mark.parametrize(("text", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_broken_ini_is_refused_with_its_line(text: str | bytes, reason: str) -> None:
    with pytest.raises(FileError) as caught:
        ini.load_plain(text.encode() if isinstance(text, str) else text)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    "branch",
    [
        Branch([("a", "hunter2")]),
        Branch([("s", Branch([("a", Sequence(["hunter2"]))]))]),
        Branch([("s", Branch([("a", Branch([("b", "hunter2")]))]))]),
    ],
    ids=["no_section", "a_sequence", "a_mapping_in_a_section"],
)
def test_a_tree_that_is_no_ini_is_refused_without_its_values(branch: Branch) -> None:
    with pytest.raises(FileError, match="another output type") as caught:
        ini.emit([branch])
    assert "hunter2" not in str(caught.value)
