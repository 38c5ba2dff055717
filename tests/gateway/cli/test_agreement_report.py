"""`gateway policy access`: the use of an agreement, from the record."""

from __future__ import annotations

import csv
import io

from tests.gateway.cli.conftest import BLUE_LIGHT
from tests.gateway.cli.place import Place


def test_the_use_of_an_agreement_is_told_by_organisation_and_function(visited: Place) -> None:
    (row,) = visited.run("policy", "access", BLUE_LIGHT, "--json").json()

    assert (row["organisation"], row["function"]) == ("cheshire-fire", "pay.slip")
    assert (row["visits"], row["people"]) == (2, 2)
    assert row["first"] < row["last"]
    assert "2 visits under" in visited.run("policy", "access", BLUE_LIGHT).out


def test_only_the_time_asked_for_counts(visited: Place) -> None:
    assert (
        visited.run("policy", "access", BLUE_LIGHT, "--until", "2026-09-01", "--json").json() == []
    )
    late = visited.run("policy", "access", BLUE_LIGHT, "--since", "2026-09-01", "--json").json()
    assert [row["visits"] for row in late] == [2]


def test_the_report_is_there_for_spreadsheets(visited: Place) -> None:
    written = visited.run("policy", "access", BLUE_LIGHT, "--csv").out
    heads, row = csv.reader(io.StringIO(written))

    assert heads[:3] == ["ORGANISATION", "FUNCTION", "VISITS"]
    assert row[:4] == ["cheshire-fire", "pay.slip", "2", "2"]


def test_an_agreement_nobody_used_has_an_empty_report_and_an_unknown_one_is_refused(
    visited: Place,
) -> None:
    unused = visited.run("policy", "access", "nwas-premises")
    assert unused.code == 0
    assert "0 visits" in unused.out

    unknown = visited.run("policy", "access", "nwas-premisses")
    assert unknown.code == 1
    assert "did you mean `nwas-premises`" in unknown.err
