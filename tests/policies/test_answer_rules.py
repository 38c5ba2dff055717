"""What a catalogue says of answers: how they are marked, and which list functions."""

from __future__ import annotations

from pathlib import Path

import pytest

from policies.answer_rules import Marking, MarkingRule
from policies.catalogue import Catalogue
from policies.catalogue_file import load_catalogue
from policies.errors import PolicyFileError
from tests.policies.people import cheshire, requirement

ORDER = cheshire().levels
FUNCTION = """
[[function]]
id = "nav.menu"
title = "Menu"
area = "Navigation"
classification = "OFFICIAL"
regime = "GP"
floor = "BASE"
scope = "own"
system = "ebs"
match = [{ methods = ["GET"], path = "/menu" }]
menu = { function_id = "/OA_HTML/RF.jsp?function_id=" }
"""
MARKINGS = """
[[marking]]
system = "ebs"
header = "Classification"
required = true
levels = [
  { marking = "official", needs = "BASE" },
  { marking = "OFFICIAL-SENSITIVE", needs = "N2F or RV" },
  { marking = "SECRET" },
]
"""
RULE = MarkingRule(
    system="ebs",
    header="classification",
    required=True,
    markings=(
        Marking(word="OFFICIAL", needs=requirement("BASE")),
        Marking(word="OFFICIAL-SENSITIVE", needs=requirement("N2F or RV")),
        Marking(word="SECRET", needs=None),
    ),
)


def reach(*levels: str) -> int:
    total = 0
    for level in levels:
        total |= ORDER.reach(level)
    return total


def load(folder: Path, text: str, name: str = "catalogue.toml") -> Catalogue:
    path = folder / name
    path.write_text(text, "utf-8")
    return load_catalogue(path, ORDER)


def test_markings_and_menus_are_read(tmp_path: Path) -> None:
    catalogue = load(tmp_path, FUNCTION + MARKINGS)

    assert catalogue.markings == {"ebs": RULE}
    menu = catalogue.functions["nav.menu"].menu
    assert menu is not None
    assert menu.opens == {"function_id": "/OA_HTML/RF.jsp?function_id="}


def test_a_file_has_the_markings_of_the_one_it_is_based_on(tmp_path: Path) -> None:
    load(tmp_path, FUNCTION + MARKINGS, "base.toml")
    above = 'based_on = "base.toml"\n'

    assert load(tmp_path, above).markings == {"ebs": RULE}
    with pytest.raises(PolicyFileError, match="stands twice"):
        load(tmp_path, above + MARKINGS)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('header = "Classification"', 'header = "Set-Cookie"', "says something else"),
        ('header = "Classification"', 'header = "a b"', "not of the right form"),
        ('"SECRET"', '"OFFICIAL"', "stands twice"),
        ('"N2F or RV"', '"N9"', "N9"),
        ('"/OA_HTML/RF.jsp?function_id="', '"https://x/"', "not the beginning of an address"),
        ('["GET"]', '["GET", "WEBSOCKET"]', "over WebSocket"),
        ("levels = [", "levels = []\nother = [", "is empty"),
    ],
)
def test_what_is_not_whole_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(PolicyFileError, match=message):
        load(tmp_path, (FUNCTION + MARKINGS).replace(old, new, 1))


@pytest.mark.parametrize(
    ("values", "classification", "held", "fault"),
    [
        (["OFFICIAL"], "OFFICIAL", (), ""),
        ([" official-sensitive "], "OFFICIAL-SENSITIVE", ("DBSB",), ""),
        (["OFFICIAL"], "OFFICIAL-SENSITIVE", (), ""),
        (["OFFICIAL-SENSITIVE"], "OFFICIAL", ("RV",), ""),
        (["OFFICIAL-SENSITIVE"], "OFFICIAL", ("DBSB",), "marking-exceeds"),
        (["SECRET"], "OFFICIAL", ("N3", "SC", "RV"), "marking-exceeds"),
        (["TOP SECRET"], "OFFICIAL", ("DV",), "marking-unknown"),
        (["OFFICIAL", "OFFICIAL"], "OFFICIAL", ("RV",), "marking-unknown"),
        (["OFFICIAL, SECRET"], "OFFICIAL", ("RV",), "marking-unknown"),
        ([""], "OFFICIAL", ("RV",), "marking-unknown"),
        ([], "OFFICIAL", ("RV",), "marking-missing"),
    ],
)
def test_an_answer_is_judged_by_its_marking(
    values: list[str], classification: str, held: tuple[str, ...], fault: str
) -> None:
    assert RULE.fault(values, classification, reach(*held)) == fault


def test_an_answer_without_marking_passes_where_none_is_required() -> None:
    rule = MarkingRule(system="ebs", header="x", required=False, markings=RULE.markings)

    assert rule.fault([], "OFFICIAL", 0) == ""
