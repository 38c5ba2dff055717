"""Reading the export of a vetting unit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.vetting.exports import AT, TERMS, row, to_csv, to_json
from vetting.feed_file import FeedError, FeedFault, read_feed
from vetting.grants import GrantStatus

Writer = Callable[..., str]
both = pytest.mark.parametrize("write", [to_csv, to_json])


def faults(text: str) -> tuple[FeedFault, ...]:
    with pytest.raises(FeedError) as refused:
        read_feed(text, TERMS)
    return refused.value.faults


@both
def test_an_export_is_read_whole(write: Writer) -> None:
    bound = row(2, level="DBSB", expires_on="", contract="C-1", reference="CP/7")
    functions: Any = "pay.slip hr.me" if write is to_csv else ["pay.slip", "hr.me"]
    export = read_feed(write(row(1, functions=functions, status="restricted"), bound), TERMS)

    assert export.exported_at.isoformat() == AT
    (person, grant), (_, other) = export.rows
    assert str(person) == "cheshire-fire/40001"
    assert (grant.id, grant.status) == ("unit/V1", GrantStatus.RESTRICTED)
    assert grant.functions == {"pay.slip", "hr.me"}
    assert (other.contract, other.expires_on) == ("C-1", None)
    assert TERMS.seal.open(other.reference, grant_id="unit/V2") == "CP/7"


@both
@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"level": "N9"}, "`N9` is no level"),
        ({"status": "active"}, "status `active` is none of requested"),
        ({"status": ""}, "status `` is none of"),
        ({"expires_on": "31/12/2027"}, "write it as 2026-11-22"),
        ({"expires_on": "2027-02-29"}, "is no date"),
        ({"expires_on": ""}, "expires_on is missing"),
        ({"expires_on": "2024-01-01"}, "expires_on is before granted_on"),
        ({"granted_on": ""}, "granted_on `` is no date"),
        ({"organisation": "atlantis"}, "`atlantis` is no organisation here"),
        ({"employee_number": ""}, "`` is no employee number"),
        ({"granting_body": "north-police"}, "may not grant in the name of `north-police`"),
        ({"id": "V 1"}, "id `V 1` is none"),
        ({"status": "restricted"}, "restricted, but to no function"),
        ({"contract": "a b"}, "`a b` is no contract"),
        ({"reference": "see the note on debts"}, "nothing about findings"),
    ],
)
def test_each_fault_is_told_with_its_line(
    write: Writer, changes: dict[str, Any], told: str
) -> None:
    text = write(row(1), row(2, **changes), row(3))

    (fault,) = faults(text)

    assert told in fault.message
    if write is to_csv:
        assert fault.line == 4
    else:
        assert text.splitlines()[fault.line - 1].strip() == "{"
        assert "\n".join(text.splitlines()[: fault.line]).count("{") == 3  # the file, one, two


def test_every_fault_is_told_at_once() -> None:
    told = faults(to_csv(row(1, level="N9"), row(1), row(2, status="x"), row(3)))

    assert [each.line for each in told] == [3, 4, 5]
    assert "is that of line 3" in told[1].message


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("", 1, "the first line must be"),
        ("id,organisation\n", 1, "the first line must be"),
        (to_csv(row(), feed="other"), 1, "is the export of `other`"),
        (to_csv(row(), at="yesterday"), 1, "the first line must be"),
        (to_csv(row(), at="2026-11-20T06:00:00"), 1, "no instant with a time zone"),
        (to_csv(row(1), count=2), 1, "1 rows, but the first line says 2"),
        (to_csv(row()).replace("contract", "findings"), 2, "`findings` is no column"),
        (to_csv(row()).replace("contract", "level"), 2, "a column comes twice"),
        (to_csv(row()).replace("granted_on", "begun"), 2, "`begun` is no column"),
        (to_csv(row(1), row(2)).replace(",N2F,", ","), 3, "12 columns instead of 13"),
        (to_csv(row()) + '"open', 4, "this is no CSV"),
        ('{"feed": "unit",\n "grants": [}', 2, "this is no JSON"),
        ('{"feed": "unit", "grants": []}', 1, "write an object of"),
        (to_json(row(notes="drinks")), 5, "`notes` is no column"),
        (to_json(row(level=["N3"])), 5, "level is no text"),
        (to_json(row(expires_on={})), 5, "is no date"),
        (to_json(row(functions=[1])), 5, "are no list of ids"),
        ("[" * 100_000, 1, ""),
        ('{"a":' * 100_000, 1, "this is no JSON"),
    ],
)
def test_what_is_no_export_is_refused_where_it_goes_wrong(text: str, line: int, told: str) -> None:
    first = faults(text)[0]

    assert told in first.message
    assert first.line == line


def test_progress_is_told() -> None:
    seen: list[tuple[int, int]] = []
    read_feed(
        to_csv(*(row(number) for number in range(2500))),
        TERMS,
        progress=lambda done, total: seen.append((done, total)),
    )

    assert seen == [(1000, 2500), (2000, 2500)]
