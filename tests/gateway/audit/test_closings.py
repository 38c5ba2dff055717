"""Visits that ended as permitted share an entry, and each is found with its own end."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.closings import MOST_CLOSINGS, Outcomes, as_result, closed_by, closing_draft
from gateway.audit.entry import Closing, EntryDraft, Outcome
from gateway.audit.recorder import Recorder
from gateway.audit.sealing import MAX_ENTRY_BYTES, Sealer
from tests.doubles.record import RecordBench, decision
from tests.doubles.waiting import wait_until

VISITS = 5


def ended(draft: EntryDraft, number: int = 1) -> Closing:
    return draft.id.hex(), draft.at_us + 900, 200 + number, 4_000 + number, number, 850


def visit(recorder: Recorder, drafts: list[EntryDraft]) -> None:
    for draft in drafts:
        recorder.record_and_wait(draft)
    for number, draft in enumerate(drafts):
        recorder.close_visit(ended(draft, number))


@pytest.fixture
def visited(bench: RecordBench) -> tuple[RecordBench, list[EntryDraft]]:
    drafts = [decision(number) for number in range(VISITS)]
    with bench.recorder() as recorder:
        visit(recorder, drafts)
    bench.drain()
    return bench, drafts


def change(bench: RecordBench, statement: str) -> list[str]:
    with bench.database() as connection:
        connection.execute(statement)
    return [f"{fault.where}: {fault.what}" for fault in bench.verify().faults]


def test_each_visit_is_found_with_its_own_end(
    visited: tuple[RecordBench, list[EntryDraft]],
) -> None:
    bench, drafts = visited

    for number, draft in enumerate(drafts):
        result = bench.search(reference=draft.reference).rows[0].result
        assert result is not None
        assert result.outcome is Outcome.PERMIT
        assert (result.reference, result.function) == (draft.reference, draft.function)
        clear = result.clear
        assert (clear["corr"], clear["status"], clear["bytes_out"]) == (
            draft.id.hex(),
            200 + number,
            4_000 + number,
        )
        assert "closes" not in clear
    assert {row.result is None for row in bench.search().rows if row.function} == {False}
    assert bench.verify().holds


def test_many_ends_take_one_entry(bench: RecordBench) -> None:
    drafts = [decision(number) for number in range(40)]
    with bench.recorder() as recorder:
        visit(recorder, drafts)

    assert bench.drain() < len(drafts) + 5
    assert all(row.result for row in bench.search(function="pay.slip").rows)


def test_a_visit_that_was_closed_is_not_closed_again(
    visited: tuple[RecordBench, list[EntryDraft]],
) -> None:
    bench, drafts = visited
    later = drafts[0].result(Outcome.ERROR, at_us=drafts[0].at_us + 9_000)
    bench.record(later)
    bench.drain()

    result = bench.search(reference=drafts[0].reference).rows[0].result
    assert result is not None
    assert result.outcome is Outcome.PERMIT
    assert bench.verify().holds


def test_a_visit_that_was_open_when_the_sequencer_ended_is_closed_by_the_next(
    bench: RecordBench,
) -> None:
    """Where its decision is, the next one has to look up."""
    drafts = [decision(number) for number in range(VISITS)]
    with bench.recorder() as recorder:
        for draft in drafts:
            recorder.record_and_wait(draft)
        bench.drain()
        for number, draft in enumerate(drafts):
            recorder.close_visit(ended(draft, number))
    bench.drain()

    assert [row.result is not None for row in bench.search(function="pay.slip").rows] == [True] * 5
    assert bench.verify().holds


def test_what_closes_a_visit_finds_it_though_entries_before_it_are_set_aside(
    bench: RecordBench,
) -> None:
    """Two writers have an entry of one id: the second is no entry, and what follows moves."""
    first, again, kept = decision(1), decision(2), decision(3)
    again.id = first.id
    with bench.recorder() as one, bench.recorder() as other:
        one.record_and_wait(first)
        with bench.sequencer() as sequencer:
            sequencer.step()
            for draft in (again, kept):
                other.record_and_wait(draft)
            sequencer.step()
            other.close_visit(ended(kept))
            wait_until(sequencer.step)

    result = bench.search(reference=kept.reference).rows[0].result
    assert result is not None
    assert result.clear["status"] == 201
    assert bench.verify().faults == ()


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE closing SET result = result + 1", "does not say which entries of block 0 it"),
        ("UPDATE closing SET result = 0", "bear out 0"),
        ("UPDATE closing SET decisions = x'00010002'", "does not say which entries of block 0 it"),
        ("DELETE FROM closing", "does not say which entries of block 0 it closes"),
        ("INSERT INTO closing VALUES (900, 5, x'0000')", "holds 2 rows"),
    ],
)
def test_the_table_says_what_the_entries_say(
    visited: tuple[RecordBench, list[EntryDraft]], statement: str, said: str
) -> None:
    bench, _ = visited
    assert bench.verify().holds

    assert any(said in fault for fault in change(bench, statement))


def test_what_a_killed_worker_did_not_write_is_unknown_and_what_it_wrote_is_not(
    bench: RecordBench,
) -> None:
    kept, lost = decision(1), decision(2)
    with bench.recorder() as recorder:
        visit(recorder, [kept])
        recorder.record_and_wait(lost)
    bench.drain()
    ends = {
        draft.reference: bench.search(reference=draft.reference).rows[0].result
        for draft in (kept, lost)
    }

    assert [end and end.outcome for end in ends.values()] == [Outcome.PERMIT, Outcome.UNKNOWN]


def test_few_are_waited_with_and_many_are_not() -> None:
    outcomes = Outcomes(0.05)
    outcomes.add(ended(decision(1)))
    assert len(list(outcomes.take(10.0, everything=False))) == 1  # the first after a quiet time

    outcomes.add(ended(decision(2)))
    assert list(outcomes.take(10.04, everything=False)) == []
    assert len(list(outcomes.take(10.06, everything=False))) == 1

    for number in range(2 * MOST_CLOSINGS + 1):
        outcomes.add(ended(decision(number)))
    taken = list(outcomes.take(10.07, everything=False))
    assert [len(draft.closes) for draft in taken] == [MOST_CLOSINGS, MOST_CLOSINGS]
    assert outcomes
    assert [len(draft.closes) for draft in outcomes.take(10.07, everything=True)] == [1]
    assert not outcomes


def test_the_longest_entry_fits_uncut(bench: RecordBench) -> None:
    huge = 2**63 - 1
    closing = ("f" * 32, 4_000_000_000_000_000, 599, huge, 10**15, 10**13)
    sealed = Sealer(bench.key_ring, "worker").seal(closing_draft((closing,) * MOST_CLOSINGS))

    assert len(sealed.body) < MAX_ENTRY_BYTES
    assert b"shortened" not in sealed.body


def test_an_entry_says_what_it_closes() -> None:
    one, two = b"\x01" * 16, b"\x02" * 16
    many = {"status": 1, "closes": [[one.hex(), 5, 200, 1, 2, 3], [two.hex(), 6, 404, 4, 5, 6]]}

    assert closed_by(many) == (one, two)
    assert closed_by({"corr": one.hex()}) == (one,)
    assert closed_by({}) == ()
    assert as_result(many, two) == {
        "corr": two.hex(),
        "time": 6,
        "status": 404,
        "bytes_out": 4,
        "bytes_in": 5,
        "duration_us": 6,
    }
    wrongs: list[dict[str, Any]] = [
        {"corr": "zz"}, {"closes": [["ab"]]}, {"closes": [[]]}, {"closes": 5}
    ]  # fmt: skip
    for wrong in wrongs:
        with pytest.raises((ValueError, TypeError, IndexError)):
            closed_by(wrong)


HEX = st.text("0123456789abcdefAF x", max_size=33)
# Of another length, though it could be read.
NEARLY = ("a" * 32 + " ", "a" * 30, "")
ID = st.one_of(
    st.binary(min_size=16, max_size=16).map(bytes.hex), HEX, st.sampled_from(NEARLY),
    st.integers(10**31, 10**32), st.none(),
)  # fmt: skip


@given(ids=st.lists(ID, max_size=4), alike=st.lists(st.integers(0, 3), max_size=4))
def test_ids_are_read_all_at_once_as_one_by_one(ids: list[object], alike: list[int]) -> None:
    named = [*ids, *(ids[at] for at in alike if at < len(ids))]
    for entry in ({"closes": [[each, 5, 200] for each in named]}, {"corr": (named or [""])[0]}):
        assert outcome_of(closed_by, entry) == outcome_of(closed_one_by_one, entry)


def closed_one_by_one(entry: dict[str, Any]) -> tuple[bytes, ...]:
    ids = [str(each[0]) for each in entry["closes"]] if "closes" in entry else [entry["corr"]]
    for each in ids:
        if len(each) != 32:
            raise ValueError(each)
    return tuple(bytes.fromhex(each) for each in dict.fromkeys(ids))


def outcome_of(read: Callable[[dict[str, Any]], object], entry: dict[str, Any]) -> object:
    try:
        return read(entry)
    except (LookupError, ValueError, TypeError) as error:
        return type(error)
