"""What comes out of a journal goes into the log, and what is wrong with it is said there."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.audit import blocks, open_part
from gateway.audit.admission import Admission, WriterProgress
from gateway.audit.batch import (
    CODE_DUPLICATE,
    CODE_GAP,
    CODE_MAC,
    CODE_UNREADABLE,
    CODE_VANISHED,
    Batch,
)
from gateway.audit.body_runs import read_run
from gateway.audit.bundles import FLAG_MAC, FLAG_SEQUENCE
from gateway.audit.closings import closing_draft
from gateway.audit.columns import clear_columns
from gateway.audit.entry import Closing, EntryDraft, Kind, Outcome, Phase
from gateway.audit.journal import frame
from gateway.audit.log_store import LogStore
from gateway.audit.sealing import HEADER, Sealed, Sealer
from gateway.keys import KeyPurpose
from tests.doubles.record import RecordBench, decision

WRITER = "worker-test-1"


def sealed_bodies(bench: RecordBench, count: int) -> list[bytes]:
    sealer = Sealer(bench.key_ring, WRITER)
    sealed = sealer.seal_all([decision(number) for number in range(count)])
    return [item.body for item in sealed if isinstance(item, Sealed)]


def admission(bench: RecordBench) -> Admission:
    bench.log.mkdir(exist_ok=True)
    return Admission(bench.key_ring, LogStore(bench.log))


def admitted(bench: RecordBench, bodies: list[bytes]) -> tuple[Batch, WriterProgress]:
    batch = Batch(first=0, at_us=0)
    progress = WriterProgress(WRITER)
    admission(bench).admit(progress, bodies, batch)
    return batch, progress


def codes(batch: Batch) -> list[str]:
    return [note.code for note in batch.notes]


def with_envelope(body: bytes, change: Callable[[bytes], bytes]) -> bytes:
    kind, mac, persons, length, more = HEADER.unpack_from(body)
    envelope = change(body[HEADER.size : HEADER.size + length])
    header = HEADER.pack(kind, mac, persons, len(envelope), more)
    return header + envelope + body[HEADER.size + length :]


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"outcome": Outcome.DENY, "reference": ""},
        {"vetting_expires": "2027-05-01", "roles": "auditor", "code": "", "op": ""},
        {"organisation": "", "function": "", "vetting": ""},
        {"organisation": 'a"b', "function": "\\", "roles": "é"},
        {"function": "pay.ünit", "regime": ""},
        {"roles": '","function":"pay.other'},
        {"kind": Kind.VETTING_CHANGE, "regime": "", "corr": b"c" * 16},
    ],
)
def test_columns_are_what_the_envelope_says(bench: RecordBench, facts: dict[str, Any]) -> None:
    """They are read without parsing it; `verify` compares them the same way."""
    sealed = Sealer(bench.key_ring, WRITER).seal(decision(1, **facts))
    batch, _ = admitted(bench, [sealed.body])
    [row] = batch.rows

    assert row.columns == clear_columns(json.loads(row.envelope))
    assert row.flag == 0
    assert batch.leaves == [sealed.leaf]


def test_good_entries_become_rows_in_order(bench: RecordBench) -> None:
    batch, progress = admitted(bench, sealed_bodies(bench, 3))

    assert list(batch.places.values()) == [0, 1, 2]
    assert [row.flag for row in batch.rows] == [0, 0, 0]
    assert codes(batch) == []
    assert progress.wseq == 3
    assert list(progress.undecided) == [row.id for row in batch.rows]


def test_every_changed_byte_of_a_body_is_noticed(bench: RecordBench) -> None:
    """Each is kept: as a flagged entry or as damaged bytes, and the log says so."""
    body = sealed_bodies(bench, 1)[0]

    for at in range(len(body)):
        changed = bytearray(body)
        changed[at] ^= 0x01
        batch, _ = admitted(bench, [bytes(changed)])
        flagged = [row.flag for row in batch.rows]
        assert (flagged, len(batch.damaged)) in (([FLAG_MAC], 0), ([], 1)), at
        assert codes(batch) in ([CODE_MAC], [CODE_UNREADABLE]), at


@pytest.mark.parametrize(
    "change",
    [
        lambda e: e.replace(b'"permit"', b'"deny"'),
        lambda e: e.replace(b'"cheshire-fire"', b'"cheshire-police"'),
        lambda e: e.replace(b"{", b'{"late":true,', 1),
    ],
    ids=["outcome", "organisation", "added"],
)
def test_a_forged_envelope_is_kept_and_flagged(
    bench: RecordBench, change: Callable[[bytes], bytes]
) -> None:
    batch, _ = admitted(bench, [with_envelope(sealed_bodies(bench, 1)[0], change)])

    assert [row.flag for row in batch.rows] == [FLAG_MAC]
    assert codes(batch) == [CODE_MAC]
    assert batch.notes[0].kind is Kind.SYSTEM
    assert batch.notes[0].outcome is Outcome.ERROR


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("time", "yesterday"),
        ("time", -1),
        ("time", 2**62),
        ("id", "AB" * 16),
        ("id", "a " * 16),
        ("corr", "ab"),
        ("kid", 1),
        ("kc", 5),
        ("count", "many"),
        ("duration_us", 1.5),
        ("status", True),
        ("rules", "GP"),
        ("time", 2**64 - 1),
        ("time", 1.5),
        ("id", "00"),
        ("kind", "party"),
        ("reference", 7),
        ("reference", "\U0010ffff"),
        ("corr", "zz"),
        ("wseq", "one"),
        ("wseq", -1),
        ("wseq", 2**64),
    ],
)
def test_a_forged_value_the_log_cannot_hold_is_kept_as_damaged(
    bench: RecordBench, name: str, value: object
) -> None:
    def change(envelope: bytes) -> bytes:
        return json.dumps({**json.loads(envelope), name: value}).encode()

    batch, _ = admitted(bench, [with_envelope(sealed_bodies(bench, 1)[0], change)])

    assert batch.rows == []
    assert [piece.code for piece in batch.damaged] == [CODE_UNREADABLE]
    assert codes(batch) == [CODE_UNREADABLE]


@pytest.mark.parametrize("body", [b"", b"\x01", b"\x07rest", b"\x01" + b"\0" * 200, b"\x02short"])
def test_what_is_no_body_is_kept_as_damaged(bench: RecordBench, body: bytes) -> None:
    batch, _ = admitted(bench, [body])

    assert [piece.content for piece in batch.damaged] == [body]
    assert codes(batch) == [CODE_UNREADABLE]


def test_missing_entries_are_said_to_be_missing(bench: RecordBench) -> None:
    bodies = sealed_bodies(bench, 5)
    batch, progress = admitted(bench, [bodies[0], bodies[3], bodies[4]])

    assert [row.flag for row in batch.rows] == [0, FLAG_SEQUENCE, 0]
    assert codes(batch) == [CODE_GAP]
    assert batch.notes[0].inputs == {
        "writer": WRITER,
        "from": 2,
        "to": 3,
        "id": batch.rows[1].id.hex(),
    }
    assert progress.wseq == 5


def test_entries_in_another_order_are_noticed(bench: RecordBench) -> None:
    bodies = sealed_bodies(bench, 3)
    batch, _ = admitted(bench, [bodies[1], bodies[0], bodies[2]])

    assert len(batch.rows) == 3
    assert codes(batch)[0] == CODE_GAP


def test_an_entry_of_another_writer_does_not_fit(bench: RecordBench) -> None:
    batch = Batch(first=0, at_us=0)
    admission(bench).admit(WriterProgress("other"), sealed_bodies(bench, 1), batch)

    assert codes(batch) == [CODE_MAC]


def test_a_key_rotated_while_we_run_is_found(bench: RecordBench) -> None:
    admitting = admission(bench)
    bench.key_ring = bench.key_ring.rotate(KeyPurpose.WRITER_MAC, at=bench.at)
    batch = Batch(first=0, at_us=0)
    admitting.admit(WriterProgress(WRITER), sealed_bodies(bench, 2), batch)

    assert codes(batch) == []


def test_entries_sealed_under_the_key_before_are_still_good(bench: RecordBench) -> None:
    bodies = sealed_bodies(bench, 2)
    bench.key_ring = bench.key_ring.rotate(KeyPurpose.WRITER_MAC, at=bench.at)

    assert codes(admitted(bench, bodies)[0]) == []


def test_a_forged_mark_of_a_writer_excuses_nothing(bench: RecordBench) -> None:
    """Else whoever removes entries could say that they had been given up."""
    bodies = sealed_bodies(bench, 4)
    mark = bytearray(Sealer(bench.key_ring, WRITER).start_body(2, 1, 0))
    mark[24] = 3
    batch, progress = admitted(bench, [bodies[0], bytes(mark), bodies[3]])

    assert codes(batch) == [CODE_MAC, CODE_GAP]
    assert progress.wseq == 4


def test_a_result_closes_its_decision(bench: RecordBench) -> None:
    opened = decision(1)
    sealer = Sealer(bench.key_ring, WRITER)
    sealed = sealer.seal_all([opened, decision(2), opened.result(Outcome.ERROR, at_us=5)])
    bodies = [item.body for item in sealed if isinstance(item, Sealed)]
    batch, progress = admitted(bench, bodies)

    assert list(progress.undecided) == [batch.rows[1].id]


def test_an_entry_closes_what_was_decided_before_it_and_nothing_else(bench: RecordBench) -> None:
    """All still open is the common way; each other place of a decision is looked for by itself."""
    stored, opened = decision(1), [decision(number) for number in range(2, 9)]
    bench.record(stored)
    bench.drain()
    in_log = bench.ids().index(stored.id)
    first, itself, nobody = len(bench.ids()), decision(9).id, decision(10).id
    closes: list[tuple[list[bytes], list[int]]] = [
        ([opened[1].id, opened[0].id], [first + 1, first]),
        ([opened[2].id, opened[0].id, opened[3].id], [first + 2, first, first + 3]),
        ([opened[4].id, nobody], [first + 4]),
        ([itself, opened[5].id], [first + 5]),
        ([stored.id, opened[6].id], [in_log, first + 6]),
        ([nobody], []),
        ([stored.id], [in_log]),
    ]
    drafts = [*opened, *(closing_draft(_ends(*ids)) for ids, _ in closes)]
    drafts[len(opened) + 3].id = itself
    batch, progress = Batch(first=first, at_us=0), WriterProgress(WRITER)
    sealed = Sealer(bench.key_ring, WRITER).seal_all(drafts)
    admitting = admission(bench)
    admitting.admit(progress, [item.body for item in sealed if isinstance(item, Sealed)], batch)

    places = range(first + len(opened), batch.first + len(drafts))
    assert batch.closed == [
        (place, tuple(decisions))
        for place, (_, decisions) in zip(places, closes, strict=True)
        if decisions
    ]
    assert progress.undecided == {}


def test_where_a_decision_of_before_is_need_not_be_known(bench: RecordBench) -> None:
    """Of decisions that were open when a sequencer ended, the next one knows the ids alone."""
    drafts = [decision(number) for number in range(3)]
    with bench.recorder() as recorder:
        for draft in drafts:
            recorder.record_and_wait(draft)
        bench.drain()
    ids = [draft.id for draft in drafts]
    here = [bench.ids().index(each) for each in ids]
    progress = WriterProgress(WRITER, undecided={ids[0]: here[0], ids[1]: None, ids[2]: None})
    first = len(bench.ids())
    batch = Batch(first=first, at_us=0)
    sealed = Sealer(bench.key_ring, WRITER).seal(closing_draft(_ends(*ids)))
    admission(bench).admit(progress, [sealed.body], batch)

    assert batch.closed == [(first, tuple(here))]
    assert progress.undecided == {}


def test_nothing_closes_what_was_decided_after_it(bench: RecordBench) -> None:
    ids = [decision(number).id for number in range(3)]
    progress = WriterProgress(WRITER, undecided={ids[0]: 3, ids[1]: 7, ids[2]: 8})
    batch = Batch(first=7, at_us=0)
    sealed = Sealer(bench.key_ring, WRITER).seal(closing_draft(_ends(*ids)))
    admission(bench).admit(progress, [sealed.body], batch)

    assert batch.closed == [(7, (3,))]


def _ends(*ids: bytes) -> tuple[Closing, ...]:
    return tuple((each.hex(), 5, 200, 1, 2, 3) for each in ids)


@given(
    seed=st.integers(0, 2**32),
    faults=st.lists(
        st.tuples(
            st.sampled_from(["swap", "drop", "repeat", "alter", "mark", "unsign"]),
            st.integers(0, 39),
        ),
        max_size=3,
    ),
)
@settings(max_examples=60, deadline=None)
def test_many_at_once_or_one_by_one_is_the_same(seed: int, faults: list[tuple[str, int]]) -> None:
    """Whatever the entries are, and whatever is wrong with some of them."""
    with TemporaryDirectory() as directory:
        bench = RecordBench(Path(directory))
        bodies = mixed_bodies(bench, seed)
        for fault, at in faults:
            meddle(bench, bodies, fault, at % len(bodies))
        found = []
        for reader in (read_run, lambda *_: None):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("gateway.audit.admission.read_run", reader)
                patch.setattr("gateway.audit.admission.RUN_BODIES", 16)
                batch, progress = admitted(bench, bodies)
            notes = [(note.code, note.outcome, note.inputs) for note in batch.notes]
            batch.notes.clear()  # each has an id of its own
            found.append((batch, notes, progress, list(batch.places), list(progress.undecided)))

    assert found[0] == found[1]


def mixed_bodies(bench: RecordBench, seed: int) -> list[bytes]:
    """Seal 40 entries, most of them permits, some of which others close, few of them twice."""
    chance = Random(seed)
    drafts: list[EntryDraft] = []
    for number in range(40):
        open_ones = [each for each in drafts if each.phase is Phase.DECISION]
        if open_ones and chance.random() < 0.2:
            closed = chance.sample(open_ones, k=min(len(open_ones), 3))
            ends = tuple((each.id.hex(), each.at_us, 200, 1, 2, 3) for each in closed)
            drafts.append(closing_draft(ends))
        elif open_ones and chance.random() < 0.1:
            drafts.append(chance.choice(open_ones).result(Outcome.ERROR, at_us=number))
        elif drafts and chance.random() < 0.02:
            drafts.append(chance.choice(drafts))
        else:
            outcome = chance.choice([Outcome.PERMIT, Outcome.PERMIT, Outcome.DENY])
            drafts.append(decision(number, outcome=outcome, kind=chance.choice([*Kind][:2])))
    sealed = Sealer(bench.key_ring, WRITER).seal_all(drafts)
    return [item.body for item in sealed if isinstance(item, Sealed)]


def meddle(bench: RecordBench, bodies: list[bytes], fault: str, at: int) -> None:
    if fault == "swap":
        bodies[at], bodies[-1] = bodies[-1], bodies[at]
    elif fault == "drop":
        del bodies[at]
    elif fault == "repeat":
        bodies.insert(at, bodies[0])
    elif fault == "mark":
        bodies.insert(at, Sealer(bench.key_ring, WRITER).start_body(2, 0, at))
    elif fault == "alter":
        bodies[at] = bodies[at].replace(b'"permit"', b'"deny"  ')
    else:
        bodies[at] = bodies[at][:1] + bytes(32) + bodies[at][33:]


def log_codes(bench: RecordBench) -> list[str]:
    return [row.clear["code"] for row in bench.search(kind=Kind.SYSTEM).rows][::-1]


def journalled(bench: RecordBench, count: int) -> bytearray:
    bench.record(*(decision(number) for number in range(count)))
    return bytearray(next(bench.journal.rglob("0*.seg")).read_bytes())


def test_a_journal_altered_before_it_was_drained_is_found_in_the_log(bench: RecordBench) -> None:
    """The administrator's way: change an entry and put the checksum right."""
    content = journalled(bench, 3)
    at = content.index(b'"permit"')
    start = content.rindex(b"VGj1", 0, at)
    length = int.from_bytes(content[start + 4 : start + 8], "big")
    body = bytes(content[start + 12 : start + 12 + length]).replace(b'"permit"', b'"denied"', 1)
    content[start : start + 12 + length] = frame(body.replace(b'"denied"', b'"deny"  ', 1))
    next(bench.journal.rglob("0*.seg")).write_bytes(content)
    bench.drain()

    assert CODE_MAC in log_codes(bench)
    assert bench.verify().holds
    assert CODE_MAC in [code for _, code in bench.verify().alarms]


def test_a_journal_taken_away_is_found(bench: RecordBench) -> None:
    with bench.recorder() as recorder, bench.sequencer() as sequencer:
        recorder.record_and_wait(decision(1))
        sequencer.step()
        folder = bench.journal / recorder.writer
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
    bench.drain()

    assert CODE_VANISHED in log_codes(bench)
    assert bench.verify().holds


def test_the_same_draft_recorded_twice_is_one_entry(bench: RecordBench) -> None:
    """The second is kept apart and said, since its bytes differ from the first."""
    draft = decision(1)
    bench.record(draft, decision(2), draft)
    bench.drain()

    assert bench.ids().count(draft.id) == 1
    assert CODE_DUPLICATE in log_codes(bench)
    assert bench.verify().holds


@pytest.fixture
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let few entries be older than those that are remembered."""
    monkeypatch.setattr(open_part, "PART_ENTRIES", 8)
    for module in (open_part, blocks):
        monkeypatch.setattr(module, "BLOCK_ENTRIES", 4)


@pytest.mark.usefixtures("_small_parts")
@pytest.mark.parametrize("same", [True, False], ids=["copied", "another"])
def test_an_id_of_older_entries_than_are_remembered_comes_in_once(
    bench: RecordBench, same: bool
) -> None:
    draft = decision(1)
    bench.record(draft)
    first = next(bench.journal.iterdir())
    shutil.copytree(first, copied := bench.directory / "copied")
    bench.record(*(decision(number) for number in range(2, 30)))
    bench.drain()
    size = len(bench.ids())
    if same:
        copied.rename(bench.journal / "worker-copied-1")
    else:
        bench.record(draft)
    bench.drain()

    assert bench.ids().count(draft.id) == 1
    assert len(bench.ids()) > size
    assert (CODE_MAC if same else CODE_DUPLICATE) in log_codes(bench)


@pytest.mark.usefixtures("_small_parts")
@pytest.mark.parametrize("after", [1, 4, 28], ids=["open part", "part before", "older"])
def test_an_id_that_is_in_the_log_is_found_among_many(bench: RecordBench, after: int) -> None:
    first = decision(1)
    bench.record(first, *(decision(2 + number) for number in range(after)))
    bench.drain()
    sealed = Sealer(bench.key_ring, WRITER).seal_all([decision(90), first, decision(91)])
    batch, _ = admitted(bench, [item.body for item in sealed if isinstance(item, Sealed)])

    assert len(batch.rows) == 2
    assert codes(batch) == [CODE_DUPLICATE]


def test_an_id_of_the_part_before_is_found_among_many(bench: RecordBench) -> None:
    """As a sequencer has it that was there when the part before was filled."""
    first = decision(1)
    bench.record(first)
    bench.drain()
    store = LogStore(bench.log)
    store.newest.ids_before, store.newest.ids = store.newest.ids, {}
    sealed = Sealer(bench.key_ring, WRITER).seal_all([decision(90), first, decision(91)])
    batch = Batch(first=store.size(), at_us=0)
    bodies = [item.body for item in sealed if isinstance(item, Sealed)]
    Admission(bench.key_ring, store).admit(WriterProgress(WRITER), bodies, batch)

    assert len(batch.rows) == 2
    assert codes(batch) == [CODE_DUPLICATE]


def test_no_more_open_decisions_are_remembered_than_may_be(
    bench: RecordBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither of a run that just fits nor of one that does not; all entries are admitted."""
    monkeypatch.setattr("gateway.audit.admission._MAX_UNDECIDED", 5)
    monkeypatch.setattr("gateway.audit.admission.RUN_BODIES", 3)
    batch, progress = admitted(bench, sealed_bodies(bench, 9))

    assert len(batch.rows) == 9
    assert list(progress.undecided.values()) == [0, 1, 2, 3, 4]
