"""What a sequencer remembers is what the next one reads from the log."""

import pytest

from gateway.audit import blocks, open_part, persons
from gateway.audit.entry import new_entry_id
from gateway.audit.open_part import OlderIds, OpenPart, least_new_id, load_open_part
from gateway.audit.persons import Persons
from tests.doubles.record import RecordBench, decision


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(persons, "PART_BLOCKS", 2)
    for module in (persons, open_part):
        monkeypatch.setattr(module, "PART_ENTRIES", 8)
    for module in (persons, open_part, blocks):
        monkeypatch.setattr(module, "BLOCK_ENTRIES", 4)


def test_the_next_sequencer_knows_what_this_one_knew(bench: RecordBench) -> None:
    bench.record(*(decision(number) for number in range(21)))
    with bench.sequencer() as sequencer:
        sequencer.step()
        knew = sequencer._store.newest
    with bench.database() as connection:
        knows = load_open_part(connection)

    assert knew.size == knows.size > 21
    assert knew.persons == knows.persons
    assert (
        knew.ids
        == knows.ids
        == dict(zip(bench.ids()[knows.known_from :], range(knows.known_from, 99), strict=False))
    )
    assert (knew.known_from, knows.known_from) == (knows.size // 8 * 8 - 8, knows.size // 8 * 8)
    assert len(knew.ids_before) == 8


def test_full_parts_are_given_away_however_the_entries_come() -> None:
    ids = [number.to_bytes(16, "big") for number in range(30)]
    kept = [b"s" * 16 + bytes([n // 4 + 1]) * 16 + bytes(16) for n in range(30)]

    def grown(*pieces: int) -> tuple[OpenPart, dict[int, Persons]]:
        saved: dict[int, Persons] = {}
        part, at = OpenPart(), 0
        for count in pieces:
            part.grow(kept[at : at + count], ids[at : at + count], saved.__setitem__)
            at += count
        return part, saved

    assert grown(30) == grown(7, 1, 1, 21) == grown(8, 8, 8, 6)
    part, saved = grown(30)
    assert sorted(saved) == [0, 1, 2]
    assert saved[1] == {bytes([3]) * 16: 0b01, bytes([4]) * 16: 0b10}
    assert (part.size, part.known_from) == (30, 16)
    assert [part.index_of(each) for each in ids] == [None] * 16 + list(range(16, 30))


def test_ids_of_before_are_read_from_their_blocks(bench: RecordBench) -> None:
    bench.record(*(decision(number) for number in range(11)))
    bench.drain()
    ids = bench.ids()
    with bench.database() as connection:
        older = OlderIds(connection)

        assert [older.have(each, 8) for each in ids] == [True] * 8 + [False] * (len(ids) - 8)
        assert not older.have(decision(3).id, 8)


_TIME = new_entry_id(5_000)[:6]  # all begin with it, so each is looked for where the others are
_FIRST, _SECOND = _TIME + b"-a" + _TIME + b"-b", _TIME + b"-c" + bytes(8)
_BETWEEN = _FIRST[8:] + _SECOND[:8]


@pytest.mark.parametrize("third", [_BETWEEN, _TIME + b"-d" + bytes(8)], ids=["there", "not"])
def test_the_end_of_one_id_and_the_beginning_of_the_next_are_none(
    bench: RecordBench, third: bytes
) -> None:
    first = (decision(id=each, at_us=5_000) for each in (_FIRST, _SECOND, third))
    bench.record(*first, *(decision(number) for number in range(8)))
    bench.drain()
    with bench.database() as connection:
        older = OlderIds(connection)

        assert [older.have(each, 8) for each in (_FIRST, _SECOND, third)] == [True] * 3
        assert older.have(_BETWEEN, 8) is (third == _BETWEEN)


def test_an_id_that_somebody_has_cut_hides_none_behind_it(bench: RecordBench) -> None:
    bench.record(*(decision(number) for number in range(11)))
    bench.drain()
    ids = bench.ids()
    told = b'{"v":1,"id":"%b"' % ids[0].hex().encode()
    cut = b'{"v":1, "id":"%b" ' % ids[0][:-1].hex().encode()
    with bench.database() as connection:
        (content,) = connection.execute("SELECT content FROM bundle LIMIT 1").fetchone()
        changed = content.replace(told, cut)
        assert (len(changed), changed == content) == (len(content), False)
        connection.execute("UPDATE bundle SET content = ? WHERE first = 0", (changed,))
        older = OlderIds(connection)

        assert [older.have(each, 8) for each in ids[:8]] == [False] + [True] * 7


def test_an_id_of_a_later_time_than_all_before_is_new(bench: RecordBench) -> None:
    times = [number * 10_000 for number in range(11)]
    bench.record(*(decision(id=new_entry_id(at_us), at_us=at_us) for at_us in times))
    bench.drain()
    with bench.database() as connection:
        least = least_new_id(connection, 8)

        assert least_new_id(connection, 0) == b""
    assert all(each < least for each in bench.ids()[:8])
    assert all(each > least for each in bench.ids()[9:11])


def test_forged_times_do_not_overflow(bench: RecordBench) -> None:
    bench.record(*(decision(number) for number in range(8)))
    bench.drain()
    with bench.database() as connection:
        connection.execute("UPDATE block SET to_us = ?", (2**63 - 1,))
        assert least_new_id(connection, 8) == b"\xff" * 6
        connection.execute("UPDATE block SET to_us = ?", (-(2**63),))
        assert least_new_id(connection, 8) == bytes(6)
