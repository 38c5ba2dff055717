"""Reading the tables of a policy file and collecting every fault."""

from __future__ import annotations

import re
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING

import pytest

from policies.errors import PolicyError, PolicyFileError
from policies.findings import Findings, nearest_of
from vetting.toml_source import TomlSource

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from policies.findings import TableReader


class Colour(StrEnum):
    """A closed list."""

    RED = "red"
    BLUE = "blue"


def opened(text: str) -> Findings:
    return Findings(TomlSource.from_text(text, file="set.toml"))


def test_values_that_are_right_are_read_without_a_fault() -> None:
    findings = opened(
        'name = "a"\nwords = ["b", "c"]\nday = 2018-04-01\nflag = true\ncolour = "red"\n'
        'colours = ["blue"]\nmap = { K = "v" }\n[[row]]\nid = "r"\n[inner]\nx = "y"\n'
    )
    document = findings.document()

    assert document.text("name") == "a"
    assert document.texts("words") == ("b", "c")
    assert document.day("day", required=True) == date(2018, 4, 1)
    assert document.flag("flag") is True
    assert document.choice("colour", Colour) is Colour.RED
    assert document.choices("colours", Colour) == (Colour.BLUE,)
    assert document.text_map("map") == {"K": "v"}
    assert [row.text("id") for row in document.tables("row")] == ["r"]
    inner = document.table("inner")
    assert inner is not None
    assert inner.text("x") == "y"
    document.finish()
    assert findings.faults == ()
    findings.refuse_if_any()


def test_what_may_be_left_out_is_empty_and_no_fault() -> None:
    findings = opened("")
    document = findings.document()

    assert document.text("a", required=False) == ""
    assert document.texts("b", required=False) == ()
    assert document.day("c", required=False) is None
    assert document.flag("d") is False
    assert document.choice("e", Colour, required=False) is None
    assert document.table("f") is None
    assert document.text_map("g") == {}
    assert not document.has("h")
    assert document.raw("i") is None
    assert findings.faults == ()


@pytest.mark.parametrize(
    ("text", "ask", "message", "remedy"),
    [
        ("", lambda d: d.text("name"), "`name` is missing", "add name = ..."),
        ("name = 4", lambda d: d.text("name"), "not of the right kind", "text in quotation"),
        ('name = ""', lambda d: d.text("name"), "not of the right kind", "not empty"),
        ('name = "a\\u0007b"', lambda d: d.text("name"), "not of the right kind", "one line"),
        (
            'name = "A B"',
            lambda d: d.text("name", pattern=re.compile("[a-z]+")),
            "`A B` is not of the right form",
            "[a-z]+",
        ),
        ('name = "a"', lambda d: d.texts("name"), "not of the right kind", "a list"),
        ("name = []", lambda d: d.texts("name"), "is empty", "name at least one"),
        ("name = [1]", lambda d: d.texts("name"), "not of the right kind", "text in quotation"),
        ('name = "rad"', lambda d: d.choice("name", Colour), "unknown value `rad`", "`red`"),
        ("name = 7", lambda d: d.choice("name", Colour), "unknown value `7`", "red, blue"),
        ('name = ["bleu"]', lambda d: d.choices("name", Colour), "`bleu`", "`blue`"),
        ('name = "2018-04-01"', lambda d: d.day("name", required=True), "right kind", "a date"),
        (
            "name = 2018-04-01T00:00:00Z",
            lambda d: d.day("name", required=True),
            "not of the right kind",
            "a date",
        ),
        ('name = "true"', lambda d: d.flag("name"), "not of the right kind", "true or false"),
        ("name = 2", lambda d: d.table("name"), "not of the right kind", "a table"),
        ("name = [2]", lambda d: d.tables("name"), "not of the right kind", "a table"),
        ("name = 1", lambda d: d.text_map("name"), "not of the right kind", "a table"),
        (
            'name = { "a b" = "c" }',
            lambda d: d.text_map("name", key_pattern=re.compile("[a-z]+")),
            "`a b` is not a usable name",
            "[a-z]+",
        ),
        ("name = { a = 1 }", lambda d: d.text_map("name"), "not of the right kind", "text"),
    ],
)
def test_a_value_that_is_wrong_is_a_fault_with_a_remedy(
    text: str, ask: Callable[[TableReader], object], message: str, remedy: str
) -> None:
    """A wrong value must never be read as if it had been left out in silence."""
    findings = opened(text)

    assert not ask(findings.document())

    (fault,) = findings.faults
    assert message in fault.message
    assert remedy in fault.remedy
    with pytest.raises(PolicyFileError):
        findings.refuse_if_any()


def test_a_key_nobody_asked_for_is_a_fault_and_the_nearest_known_is_named() -> None:
    findings = opened('title = "x"\ntilte = "y"\nqqqq = 1\n')
    document = findings.document()
    document.text("title")
    document.finish()

    near, far = findings.faults
    assert (near.line, near.message, near.remedy) == (
        2,
        "unknown key `tilte`",
        "did you mean `title`?",
    )
    assert (far.line, far.remedy) == (3, "use one of: title")


def test_every_fault_is_told_in_the_order_of_the_file_with_its_line_and_place() -> None:
    findings = opened('[[row]]\nid = "a"\n\n[[row]]\nid = 4\ncolour = "green"\n')
    for row in reversed(findings.document().tables("row")):
        row.choice("colour", Colour)
        row.text("id")

    assert [(fault.line, fault.where) for fault in findings.faults] == [
        (1, "row[1]"),
        (5, "row[2].id"),
        (6, "row[2].colour"),
    ]


def test_a_refusal_while_building_a_value_becomes_a_fault() -> None:
    findings = opened("a = 1\n")

    def refuse() -> int:
        raise PolicyError("it contradicts itself")

    assert findings.document().parsed("a", read=refuse, error=PolicyError, remedy="mend it") is None
    assert findings.faults[0].message == "it contradicts itself"
    assert findings.document().parsed(read=lambda: 4, error=PolicyError, remedy="") == 4


def test_a_file_that_is_not_there_or_not_toml_is_refused_as_a_policy_file(tmp_path: Path) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text("a = [1\n")

    for path in (tmp_path / "none.toml", broken):
        with pytest.raises(PolicyFileError) as refusal:
            Findings.read(path)
        assert refusal.value.faults[0].file == str(path)


def test_the_nearest_word_is_suggested_and_otherwise_a_general_remedy() -> None:
    assert nearest_of("cheshire-fir", ["cheshire-fire", "nwas"]) == "did you mean `cheshire-fire`?"
    assert nearest_of("zzz", ["nwas"]) == "use one that is declared"


def test_a_word_that_is_written_twice_is_a_fault() -> None:
    findings = opened('name = ["a", "a"]')

    assert findings.document().texts("name") == ("a",)
    assert findings.faults[0].message == "`a` is written twice"
