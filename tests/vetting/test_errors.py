"""How errors quote what came from outside."""

from __future__ import annotations

import pytest

from vetting.errors import Fault, TomlError, VettingError, quoted


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("N2F", "`N2F`"),
        ("", "``"),
        ("a`b\n\x1b[31m\u202e", "`a?b??[31m?`"),
        (7, "`7`"),
        (None, "`None`"),
        (b"\x00", "`b'\\x00'`"),
        ("x" * 60, "`" + "x" * 60 + "`"),
        ("x" * 61, "`" + "x" * 57 + "...`"),
    ],
)
def test_outside_input_is_shown_printable_and_short(value: object, shown: str) -> None:
    assert quoted(value) == shown


def test_a_fault_reads_file_line_where_message_and_remedy() -> None:
    fault = Fault(
        file="a.toml", line=3, where="rule[1].id", message="is used twice", remedy="rename"
    )
    bare = Fault(file="a.toml", line=1, where="", message="not TOML", remedy="mend it")

    assert str(fault) == "a.toml:3: rule[1].id: is used twice; rename"
    assert str(TomlError((fault, bare))) == f"{fault}\na.toml:1: not TOML; mend it"
    assert issubclass(TomlError, VettingError)
