"""Auditors find what they ask for, all of it and nothing else, also while the log grows."""

import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta

import pytest

from gateway.audit import blocks, open_part, persons, table_check
from gateway.audit import search as search_module
from gateway.audit.entry import Kind, Outcome, Phase
from gateway.audit.errors import LogStoreError
from gateway.audit.search import AuditFilter, PersonIdentities, search
from gateway.keys import KeyPurpose, KeyRing
from tests.doubles.record import START, RecordBench, decision


@pytest.fixture
def filled(bench: RecordBench) -> RecordBench:
    return bench.filled(40)


def test_the_newest_comes_first_and_a_decision_carries_its_result(filled: RecordBench) -> None:
    rows = filled.search(kind=Kind.ACCESS, limit=100).rows

    assert [row.index for row in rows] == sorted((row.index for row in rows), reverse=True)
    assert len(rows) == 40
    assert {row.phase for row in rows} == {Phase.DECISION}
    assert {row.result is None for row in rows if row.outcome is Outcome.PERMIT} == {False}
    assert {row.result is None for row in rows if row.outcome is Outcome.DENY} == {True}


def test_a_row_says_what_the_entry_said(bench: RecordBench) -> None:
    draft = decision(7)
    bench.record(draft)
    bench.drain()
    row = bench.search(reference=draft.reference).rows[0]

    assert (row.id, row.reference, row.function) == (draft.id, draft.reference, "pay.slip")
    assert row.at == START + timedelta(microseconds=7)
    assert row.clear["vetting"] == "DBSB"
    assert row.personal["actor_name"] == "firefighter-7@cheshire-fire"
    assert row.personal["subject"] == "cheshire-fire/40007"
    assert row.personal_state == "shown"


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        ({"person": "cheshire-fire/person-7"}, [7]),
        ({"person": "cheshire-fire/40007"}, [7]),
        ({"person": "cheshire-fire/person-77"}, []),
        ({"outcome": Outcome.DENY}, [39, 34, 29, 24, 19, 14, 9, 4]),
        ({"outcome": Outcome.DENY, "organisation": "nwas"}, []),
        ({"outcome": Outcome.DENY, "organisation": "cheshire-fire", "limit": 2}, [39, 34]),
        ({"function": "pay.bank"}, []),
        ({"function": "pay.slip", "limit": 3}, [39, 38, 37]),
        ({"since": START + timedelta(microseconds=38)}, [39, 38]),
        ({"until": START + timedelta(microseconds=2), "kind": Kind.ACCESS}, [1, 0]),
        ({"since": START + timedelta(days=1)}, []),
        ({"kind": Kind.SIGNIN}, []),
        ({"reference": "0000000000"}, []),
        ({"outcome": Outcome.ERROR}, []),
    ],
)
def test_each_filter_finds_what_it_says(
    filled: RecordBench, wanted: dict[str, object], numbers: list[int]
) -> None:
    rows = filled.search(**{"kind": Kind.ACCESS, **wanted}).rows

    assert [int(row.personal["subject"][-5:]) - 40_000 for row in rows] == numbers


def test_pages_follow_each_other_without_gap_or_repeat(filled: RecordBench) -> None:
    everything = filled.search(limit=200).rows
    paged: list[int] = []
    before = None
    while True:
        page = filled.search(limit=7, before=before)
        paged += [row.index for row in page.rows]
        before = page.next
        if before is None:
            break

    assert paged == [row.index for row in everything]


def test_a_person_is_paged_like_everything_else(bench: RecordBench) -> None:
    drafts = [decision(3) for _ in range(20)]
    bench.record(*(each for draft in drafts for each in (draft, decision(4))))
    bench.drain()
    first = bench.search(person="cheshire-fire/person-3", limit=12)
    second = bench.search(person="cheshire-fire/person-3", limit=12, before=first.next)

    assert [row.id for row in (*first.rows, *second.rows)] == [d.id for d in reversed(drafts)]
    assert second.next is None


def test_what_somebody_typed_is_resolved_by_the_caller(filled: RecordBench) -> None:
    asked: list[str] = []

    def resolve(text: str) -> PersonIdentities:
        asked.append(text)
        return PersonIdentities(
            staff_ids=("cheshire-fire/person-7",), subjects=("cheshire-fire/40008",)
        )

    page = search(filled.log, filled.key_ring, AuditFilter(person="ff7"), resolve)

    assert asked == ["ff7"]
    assert [row.personal["actor_name"] for row in page.rows] == [
        "firefighter-8@cheshire-fire",
        "firefighter-7@cheshire-fire",
    ]


def test_nobody_found_is_not_everybody(filled: RecordBench) -> None:
    page = search(
        filled.log, filled.key_ring, AuditFilter(person="x"), lambda _: PersonIdentities()
    )

    assert page.rows == ()


def test_a_person_is_found_under_an_index_key_of_before(filled: RecordBench) -> None:
    filled.key_ring = filled.key_ring.rotate(KeyPurpose.INDEX, at=START)
    filled.record(decision(7))
    filled.drain()

    assert len(filled.search(person="cheshire-fire/person-7").rows) == 2


def test_errors_and_unknowns_of_results_lead_to_their_decision(bench: RecordBench) -> None:
    failed, died = decision(1), decision(2)
    bench.record(failed, failed.result(Outcome.ERROR, at_us=failed.at_us), died)
    bench.drain()

    assert [row.id for row in bench.search(outcome=Outcome.ERROR).rows] == [failed.id]
    assert [row.id for row in bench.search(outcome=Outcome.UNKNOWN).rows] == [died.id]


def test_without_keys_names_stay_locked_and_nobody_can_be_looked_for(filled: RecordBench) -> None:
    row = search(filled.log, None, AuditFilter(kind=Kind.ACCESS)).rows[0]

    assert (row.personal, row.personal_state) == ({}, "locked")
    with pytest.raises(LogStoreError, match="only be found with the key ring"):
        search(filled.log, None, AuditFilter(person="x"))


def test_once_the_key_is_destroyed_names_are_gone_and_the_rest_is_found(
    filled: RecordBench,
) -> None:
    for path in (filled.key_ring.directory / "field").iterdir():
        path.unlink()
    filled.key_ring = KeyRing.open(filled.key_ring.directory)
    rows = filled.search(kind=Kind.ACCESS).rows

    assert {row.personal_state for row in rows} == {"expired"}
    assert rows[0].function == "pay.slip"
    assert filled.verify().holds


def test_a_changed_ciphertext_is_shown_as_damaged(filled: RecordBench) -> None:
    filled.change(0, ciphertext=bytes(90))

    assert filled.search(kind=Kind.ACCESS, limit=100).rows[-1].personal_state == "damaged"


@pytest.mark.parametrize(
    "change",
    [
        lambda text: b"\x00" + text,
        lambda text: text.replace(b'"time":1', b'"time":991', 1),
        lambda text: text.replace(b'"kind":"access"', b'"kind":"party"'),
        lambda text: text.replace(b'"kc":"', b'"kc":7,"kd":"'),
    ],
    ids=["no json", "time", "kind", "key"],
)
def test_an_entry_that_cannot_be_read_is_said_to_be_so(
    filled: RecordBench, change: Callable[[bytes], bytes]
) -> None:
    [first] = [each for each in filled.entries() if each.idx == 0]
    filled.change(0, envelope=change(first.envelope))

    with pytest.raises(LogStoreError, match="`gateway audit verify` says which"):
        filled.search(organisation="cheshire-fire", limit=100)


def test_a_long_search_without_an_index_stops_to_breathe(
    filled: RecordBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    with filled.rewriting():
        pass  # so that each entry is a bundle of its own
    monkeypatch.setattr(search_module, "_SCAN_ENTRIES", 20)
    page = filled.search(function="pay.bank")
    seen = 1
    while page.next is not None:
        page = filled.search(function="pay.bank", before=page.next)
        seen += 1

    assert page.rows == ()
    assert seen == 4


def test_reading_goes_on_while_the_sequencer_writes(bench: RecordBench) -> None:
    bench.filled(5)
    stop = threading.Event()
    failures: list[Exception] = []
    counts: list[int] = []

    def read() -> None:
        while not stop.is_set():
            try:
                counts.append(len(bench.search(limit=500).rows))
            except (LogStoreError, sqlite3.Error) as error:
                failures.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    with bench.recorder() as recorder, bench.sequencer() as sequencer:
        for number in range(60):
            recorder.record_and_wait(decision(number))
            if number % 6 == 0:
                sequencer.step()
    stop.set()
    thread.join()

    assert failures == []
    assert counts == sorted(counts)
    assert len(set(counts)) > 1


@pytest.mark.parametrize("person", ["cheshire-fire/person-7", "cheshire-fire/40007"])
def test_a_person_is_found_in_full_parts_and_in_the_one_that_grows(
    bench: RecordBench, monkeypatch: pytest.MonkeyPatch, person: str
) -> None:
    """What a full part says of persons is written once; a small part shows it."""
    for module in (persons, open_part, search_module, table_check):
        monkeypatch.setattr(module, "PART_ENTRIES", 8)
    for module in (persons, open_part, search_module, table_check, blocks):
        monkeypatch.setattr(module, "BLOCK_ENTRIES", 4, raising=False)
    for module in (persons, table_check):
        monkeypatch.setattr(module, "PART_BLOCKS", 2)
    drafts = [decision(7 if number % 9 == 0 else number + 50) for number in range(40)]
    for some in (drafts[:3], drafts[3:25], drafts[25:]):
        bench.record(*some)
        bench.drain()
    with bench.database() as connection:
        parts = connection.execute("SELECT count(DISTINCT part) FROM person").fetchone()[0]

    assert parts >= 5
    found = bench.search(person=person).rows
    assert [row.id for row in found] == [draft.id for draft in drafts[::9]][::-1]
    assert bench.verify().holds


def test_a_person_is_looked_for_only_in_the_parts_of_the_time_asked_for(
    bench: RecordBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[range] = []

    def noting(
        connection: sqlite3.Connection, pseudonyms: Iterable[bytes], parts: range, size: int
    ) -> Iterator[int]:
        asked.append(parts)
        return persons.blocks_with(connection, pseudonyms, parts, size)

    for module in (persons, open_part, search_module):
        monkeypatch.setattr(module, "PART_ENTRIES", 8)
    for module in (persons, open_part, search_module, blocks):
        monkeypatch.setattr(module, "BLOCK_ENTRIES", 4)
    monkeypatch.setattr(persons, "PART_BLOCKS", 2)
    monkeypatch.setattr(search_module, "blocks_with", noting)
    bench.at = START + timedelta(days=1)  # of the sequencer's own entries
    bench.record(*(decision(number, staff_id="nwas/one") for number in range(60)))
    bench.drain()
    span = {
        "since": START + timedelta(microseconds=33),
        "until": START + timedelta(microseconds=35),
    }
    rows = bench.search(person="nwas/one", **span).rows
    nothing = bench.search(person="nwas/one", since=START + timedelta(days=9)).rows

    assert [row.at - START for row in rows] == [timedelta(microseconds=n) for n in (34, 33)]
    assert nothing == ()
    assert [len(parts) for parts in asked] == [1]
