"""What a catalogue changes of the one it is based on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from policies.catalogue_file import load_catalogue
from policies.errors import PolicyFileError
from tests.policies.people import SHARED, cheshire

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from policies.catalogue import Catalogue

BASE = SHARED / "catalogue.toml"


@pytest.fixture
def standing(tmp_path: Path) -> Callable[[str], Catalogue]:
    def load(text: str) -> Catalogue:
        path = tmp_path / "catalogue.toml"
        path.write_text(f'based_on = "{BASE}"\n{text}', encoding="utf-8")
        return load_catalogue(path, cheshire().levels)

    return load


def test_nothing_written_means_the_same_catalogue(standing: Callable[[str], Catalogue]) -> None:
    assert standing("").functions == cheshire().catalogue.functions


def test_a_change_sets_what_it_names_and_keeps_the_rest(
    standing: Callable[[str], Catalogue],
) -> None:
    changed = standing(
        '[[change]]\nid = "hr.search"\nfloor = "N3"\nfloor_by_owner = { nwas = "N2F" }\n'
        'title = "Find a person"\n'
    ).functions["hr.search"]
    before = cheshire().catalogue.functions["hr.search"]

    assert (changed.floor.text, changed.title) == ("N3", "Find a person")
    assert {owner: floor.text for owner, floor in changed.floor_by_owner.items()} == {"nwas": "N2F"}
    assert (changed.matchers, changed.record, changed.scope) == (
        before.matchers,
        before.record,
        before.scope,
    )


def test_functions_left_out_mean_nothing_any_more(standing: Callable[[str], Catalogue]) -> None:
    catalogue = standing('without = ["pay.slip"]\n')

    assert "pay.slip" not in catalogue.functions
    assert catalogue.match("GET", "/OA_HTML/OA.jsp", [("OAFunc", "XX_PAYSLIP")]) is None
    assert catalogue.match("GET", "/OA_HTML/OA.jsp", [("OAFunc", "XX_BANK")]) is not None


def test_functions_of_ones_own_are_added(standing: Callable[[str], Catalogue]) -> None:
    catalogue = standing(
        """
[[function]]
id = "rota.swap"
title = "Swap a shift"
area = "Duty"
classification = "OFFICIAL"
regime = "GP"
floor = "BASE"
scope = "own"
system = "rota"
match = [{ methods = ["GET"], path = "/rota/swap" }]
"""
    )

    match = catalogue.match("GET", "/rota/swap", [])
    assert match is not None
    assert match.function.id == "rota.swap"
    assert len(catalogue.functions) == len(cheshire().catalogue.functions) + 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('without = ["pay.slop"]', "not a function of the catalogue it is based on"),
        ('[[change]]\nid = "pay.slop"\nfloor = "N3"', "did you mean `pay.slip`"),
        (
            '[[change]]\nid = "pay.slip"\nfloor = "N3"\n[[change]]\nid = "pay.slip"\nfloor = "N3"',
            "changed twice",
        ),
        ('[[change]]\nid = "pay.slip"\nfloor = "ANY"', "asks for no clearance at all"),
        ('[[change]]\nid = "hr.team"\nfloor = "N9"', "floor"),
        (
            '[[change]]\nid = "hr.search"\nfloor_by_owner = { nwas = "BASE" }',
            "too little for OFFICIAL-SENSITIVE",
        ),
        ('[[change]]\nid = "pay.slip"\nregime = "LE"', "unknown key"),
        (
            '[[path]]\npath = "/OA_HTML/OA.jsp"\ncarries = ["x"]',
            "declared in the file this one is based on",
        ),
    ],
)
def test_a_wrong_change_is_refused(
    standing: Callable[[str], Catalogue], text: str, said: str
) -> None:
    with pytest.raises(PolicyFileError, match=said):
        standing(text + "\n")


def test_a_function_declared_in_both_is_refused(standing: Callable[[str], Catalogue]) -> None:
    text = BASE.read_text("utf-8")
    start = text.index('[[function]]\nid = "pay.slip"')
    own = text[start : text.index("[[function]]", start + 1)]

    with pytest.raises(PolicyFileError, match=r"write what differs as a \[\[change\]\]"):
        standing(own)


def test_screening_suffices_only_with_a_reason(standing: Callable[[str], Catalogue]) -> None:
    change = '[[change]]\nid = "hr.search"\nfloor_by_owner = { nwas = "BASE" }\n'
    with pytest.raises(PolicyFileError, match="screening_suffices"):
        standing(change)

    function = standing(change + 'screening_suffices = "their own staff"\n').functions["hr.search"]
    assert [floor.text for floor in function.floors_for("nwas")] == ["BASE"]
