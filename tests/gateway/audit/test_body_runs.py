"""Many bodies are read at once only where all of them are as they should be."""

import json

import pytest

from gateway.audit.body_runs import BodyRun, read_run
from gateway.audit.bundles import KEPT, envelope_of
from gateway.audit.closings import closing_draft
from gateway.audit.columns import EnvelopeColumns, clear_columns
from gateway.audit.entry import Kind, Outcome
from gateway.audit.keyed_hash import KeyedHash
from gateway.audit.sealing import Sealed, Sealer
from tests.doubles.record import RecordBench, decision

WRITER = "worker-test-1"


def sealed(bench: RecordBench) -> list[Sealed]:
    """Seal entries of every kind that there is in one journal."""
    first, second = decision(1), decision(2)
    closes = tuple((each.id.hex(), each.at_us, 200, 5, 0, 7) for each in (first, second))
    drafts = [
        first,
        decision(3, outcome=Outcome.DENY, reference=""),
        second,
        decision(4, kind=Kind.VETTING_CHANGE),
        closing_draft(closes),
        decision(5, staff_id="", subject="", actor_name="", ip="", target=""),
    ]
    made = Sealer(bench.key_ring, WRITER).seal_all(drafts)
    return [each for each in made if isinstance(each, Sealed)]


def read(
    bench: RecordBench, bodies: list[bytes], *, first: int = 1, writer: str = WRITER
) -> BodyRun | None:
    keyed = KeyedHash(bench.key_ring.writer_mac_key)
    return read_run(bodies, first, writer.encode(), keyed, EnvelopeColumns())


def test_a_run_says_what_its_bodies_say(bench: RecordBench) -> None:
    entries = sealed(bench)
    run = read(bench, [each.body for each in entries])

    assert run is not None
    assert list(run.kept) == [each.body[KEPT] for each in entries]
    assert list(run.leaves) == [each.leaf for each in entries]
    envelopes = [envelope_of(each.body[KEPT]) for each in entries]
    assert list(run.columns) == [clear_columns(json.loads(each)) for each in envelopes]
    ids = [columns[0] for columns in run.columns]
    assert list(run.closed) == [(4, (ids[0], ids[2]))]


def test_no_byte_of_a_run_may_be_another(bench: RecordBench) -> None:
    bodies = [each.body for each in sealed(bench)]
    assert read(bench, bodies) is not None

    for place, body in enumerate(bodies[:3]):
        for at in range(len(body)):
            changed = bytearray(body)
            changed[at] ^= 0x01
            assert read(bench, [*bodies[:place], bytes(changed), *bodies[place + 1 :]]) is None, at


def test_what_is_not_the_next_of_this_writer_is_left_to_others(bench: RecordBench) -> None:
    sealer = Sealer(bench.key_ring, WRITER)
    bodies = [each.body for each in sealed(bench)]

    assert read(bench, bodies, first=2) is None
    assert read(bench, bodies, writer="worker-test-2") is None
    assert read(bench, bodies[::-1]) is None
    assert read(bench, [bodies[0], bodies[2]]) is None
    assert read(bench, [*bodies, sealer.close_body()]) is None
    assert read(bench, bodies[1:], first=2) is not None


@pytest.mark.parametrize("cut", [0, 1, 80, 88, 200, -1])
def test_a_body_that_is_cut_is_left_to_others(bench: RecordBench, cut: int) -> None:
    bodies = [each.body for each in sealed(bench)]

    assert read(bench, [*bodies[:2], bodies[2][:cut]]) is None
