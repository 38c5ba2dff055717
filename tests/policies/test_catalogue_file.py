"""Reading a catalogue from its file, or refusing it with every fault."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from policies.catalogue_file import load_catalogue
from policies.errors import PolicyFileError
from policies.function import Classification, Operation, RecordPlace, Regime, Scope
from policies.obligations import Obligation
from policies.request_body import BodyKind
from vetting.levels import LevelOrder

if TYPE_CHECKING:
    from pathlib import Path

    from policies.catalogue import Catalogue
    from vetting.errors import Fault

ORDER = LevelOrder.shipped()

TEXT = """\
[[path]]
path = "/OA_HTML/OA.jsp"
carries = ["OAFunc", "page"]
reads_form = true

[[function]]
id = "pay.bank"
title = "My bank details"
area = "Payroll"
classification = "OFFICIAL-SENSITIVE"
regime = "GP"
floor = "BASE"
floor_by_owner = { a-fire = "N2F" }
scope = "own"
system = "ebs"
entry = "/OA_HTML/OA.jsp?OAFunc=XX_BANK"
obligations = ["step-up"]
step_up_minutes = 5
body_mib = 2
record = { name = "person_id", where = ["query"] }
note = "a note"
match = [
  { methods = ["GET"], path = "/OA_HTML/OA.jsp", query = { OAFunc = "XX_BANK" } },
  {methods=["POST"], path="/OA_HTML/OA.jsp", query.OAFunc="XX_BANK", operation="alteration"},
]

[[function]]
id = "hr.search"
title = "Search"
area = "HR"
classification = "OFFICIAL"
regime = "LE"
floor = "N2F or RV"
scope = "organisation"
system = "ebs"
match = [{ methods = ["GET"], path = "/hr/{number}" }]

[[function]]
id = "gate.portal"
title = "Portal"
area = "Gateway"
classification = "OFFICIAL"
regime = "GP"
floor = "ANY"
scope = "all"
system = "gateway"
match = [{ methods = ["GET"], path = "/" }, { methods = ["GET"], path = "/-/portal" }]
"""


def load(tmp_path: Path, text: str) -> Catalogue:
    path = tmp_path / "catalogue.toml"
    path.write_text(text, encoding="utf-8")
    return load_catalogue(path, ORDER)


def faults(tmp_path: Path, text: str) -> tuple[Fault, ...]:
    with pytest.raises(PolicyFileError) as refusal:
        load(tmp_path, text)
    return refusal.value.faults


def line_of(text: str, part: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if part in line)


def test_a_file_is_read_to_the_functions_it_says(tmp_path: Path) -> None:
    catalogue = load(tmp_path, TEXT)

    assert list(catalogue.functions) == ["pay.bank", "hr.search", "gate.portal"]
    bank = catalogue.functions["pay.bank"]
    assert (bank.title, bank.area, bank.system, bank.note) == (
        "My bank details",
        "Payroll",
        "ebs",
        "a note",
    )
    assert bank.classification is Classification.OFFICIAL_SENSITIVE
    assert bank.regime is Regime.GP
    assert bank.scope is Scope.OWN
    assert bank.floor.text == "BASE"
    assert {owner: floor.text for owner, floor in bank.floor_by_owner.items()} == {"a-fire": "N2F"}
    assert bank.obligations == (Obligation.STEP_UP,)
    assert (bank.step_up_minutes, catalogue.functions["hr.search"].step_up_minutes) == (5, 15)
    assert (bank.body_mib, catalogue.functions["hr.search"].body_mib) == (2, 0)
    assert bank.record is not None
    assert bank.record.name == "person_id"
    assert bank.record.where == {RecordPlace.QUERY}
    assert catalogue.functions["hr.search"].entry is None


def test_a_file_is_matched_as_it_says(tmp_path: Path) -> None:
    catalogue = load(tmp_path, TEXT)
    query = [("OAFunc", "XX_BANK")]

    posted = catalogue.match("POST", "/OA_HTML/OA.jsp", query, [])

    assert posted is not None
    assert posted.operation is Operation.ALTERATION
    assert catalogue.bodies("POST", "/OA_HTML/OA.jsp", query) == frozenset({BodyKind.FORM})
    assert catalogue.match("GET", "/OA_HTML/OA.jsp", [*query, ("page", "x")]) is None
    assert catalogue.declared_parameters == {"OAFunc", "page", "person_id"}


@pytest.mark.parametrize(
    ("old", "new", "message", "remedy"),
    [
        ('title = "Search"', 'tilte = "Search"', "unknown key `tilte`", "did you mean `title`?"),
        ("hr.search", "hr search", "`hr search` is not of the right form", "write it as"),
        ("hr.search", "pay.bank", "`pay.bank` stands twice", "rename one"),
        ('"LE"', '"le"', "unknown value `le`", "GP, LE"),
        ('"organisation"', '"organization"', "unknown value `organization`", "`organisation`?"),
        ('"OFFICIAL-SENSITIVE"', '"SECRET"', "nothing SECRET may", "take the function"),
        ('"OFFICIAL-SENSITIVE"', '"TOP SECRET"', "nothing SECRET may be", "take the function"),
        ('"OFFICIAL-SENSITIVE"', '"RESTRICTED"', "unknown value `RESTRICTED`", "OFFICIAL"),
        ('"N2F or RV"', '"N2F or"', "requirement", "write levels joined"),
        ('"N2F or RV"', '"N2X"', "N2X", "DBSB"),
        ('"N2F or RV"', '"ANY"', "asks for no clearance at all", "gateway's own pages"),
        ('"N2F" }', '"ANY" }', "asks for no clearance at all", "gateway's own pages"),
        ('"N2F" }', '"NPPV2" }', "NPPV2", "write levels joined"),
        ('scope = "own"', 'scope = "team"', "too little for OFFICIAL-SENSITIVE", "raise the floor"),
        ('"step-up"', '"stepup"', "unknown value `stepup`", "did you mean `step-up`?"),
        ("minutes = 5", "minutes = 0", "is not of the right kind", "whole number from 1 to 480"),
        ("minutes = 5", "minutes = true", "is not of the right kind", "whole number from 1 to 480"),
        ('obligations = ["step-up"]', "", "but none is asked for", "remove it"),
        ('"GET"], path = "/hr', '"GTE"], path = "/hr', "unknown method `GTE`", "HEAD follows GET"),
        ("/hr/{number}", "hr/{number}", "does not start with a slash", "mean one function"),
        ("/hr/{number}", "/hr/{number}x", "is no usable segment", "mean one function"),
        ("/hr/{number}", "/-/hr", "is not a path of `ebs`", "is the gateway's"),
        ("/-/portal", "/portal", "is not a path of `gateway`", "is the gateway's"),
        ('"/hr/{number}"', '"/-/portal"', "already means `hr.search`", "mean one function"),
        ("?OAFunc=XX_BANK", "?OAFunc=XX_BNAK", "opens nothing", "naming no person"),
        ("?OAFunc=XX_BANK", "?OAFunc=XX_BANK&person_id=4", "opens `pay.bank`", "naming no person"),
        ('["query"]', '["cookie"]', "unknown value `cookie`", "query, form, json, path"),
        ('["query"]', '["query", "path"]', "cannot share its name", "of query, form and json"),
        ('["query"]', '["path"]', "does not name the person", "{person_id}"),
        ('"person_id"', '"person id"', "is not of the right form", "write it as"),
        (
            'path = "/OA_HTML/OA.jsp"\ncarries',
            'path = "/OA_HTML/OA.js"\ncarries',
            "no function matches",
            "OA.jsp`?",
        ),
        ("reads_form", "read_form", "unknown key `read_form`", "did you mean `reads_form`?"),
        ('["OAFunc", "page"]', '["OAFunc", "oafunc"]', "differ only in case", "one spelling"),
        ('["OAFunc", "page"]', '["person_id"]', "names a person", "one purpose"),
        ('OAFunc = "XX_BANK" } }', "OAFunc = 4 } }", "not of the right kind", "text in quotation"),
        ('"alteration"', '"altering"', "unknown value `altering`", "did you mean `alteration`?"),
        ('floor = "BASE"\n', "", "`floor` is missing", "add floor"),
    ],
)
def test_a_fault_is_told_with_its_remedy(
    tmp_path: Path, old: str, new: str, message: str, remedy: str
) -> None:
    assert old in TEXT
    changed = TEXT.replace(old, new, 1)
    found = faults(tmp_path, changed)

    assert any(message in fault.message and remedy in fault.remedy for fault in found), found


def test_a_fault_names_its_line(tmp_path: Path) -> None:
    text = TEXT.replace("N2F or RV", "N2F or X9")

    (fault,) = faults(tmp_path, text)

    assert fault.line == line_of(text, "X9")
    assert fault.where == "function[2].floor"


def test_the_matcher_that_clashes_is_the_one_that_is_named(tmp_path: Path) -> None:
    text = TEXT + (
        '\n[[function]]\nid = "a.b"\ntitle = "A"\narea = "A"\nclassification = "OFFICIAL"\n'
        'regime = "GP"\nfloor = "RV"\nscope = "all"\nsystem = "ebs"\nmatch = [\n'
        '  { methods = ["GTE"], path = "/wrong" },\n'
        '  { methods = ["GET"], path = "/right" },\n'
        '  { methods = ["GET"], path = "/hr/7" },\n]\n'
    )

    method, clash = faults(tmp_path, text)

    assert method.line == line_of(text, "/wrong")
    assert clash.line == line_of(text, "/hr/7")
    assert "`hr.search`" in clash.message


def test_all_faults_of_a_file_are_told_at_once_and_nothing_is_loaded(tmp_path: Path) -> None:
    """Mending one fault at a time, and meeting the next, is what makes people give up."""
    text = (
        TEXT.replace('"LE"', '"XX"')
        .replace('title = "Portal"', "title = 4")
        .replace('"BASE"', '"BSAE"')
        .replace('carries = ["OAFunc"', 'carries = ["OA Func"')
    )

    found = faults(tmp_path, text)

    assert {line_of(text, part) for part in ('XX"', "title = 4", "BSAE", "OA Func")} <= {
        fault.line for fault in found
    }


def test_a_catalogue_without_functions_is_refused(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, "")

    assert fault.message == "`function` is missing"


def test_a_path_that_is_declared_twice_is_refused(tmp_path: Path) -> None:
    again = '\n[[path]]\npath = "/OA_HTML/OA.jsp"\n'

    (fault,) = faults(tmp_path, TEXT + again)

    assert "stands twice" in fault.message
    assert fault.line > len(TEXT.splitlines())
