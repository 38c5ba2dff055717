"""Everyone who waits is told once, on their own loop, and one who fails harms no other."""

import asyncio
import threading
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.waiting import Waiting, WaitingRoom
from gateway.errors import RecordUnavailable
from tests.doubles.record import decision


def test_whoever_is_told_is_told_once() -> None:
    told: list[BaseException | None] = []
    room = WaitingRoom()
    waiting = Waiting(decision(1), done=told.append)
    room.settle([waiting], None)
    room.settle([waiting], "too late")

    assert told == [None]


def test_a_failure_is_told_as_record_unavailable() -> None:
    told: list[BaseException | None] = []
    WaitingRoom().settle([Waiting(decision(1), done=told.append)], "the disk is full")

    assert isinstance(told[0], RecordUnavailable)
    assert str(told[0]) == "record: the disk is full"


def test_one_who_fails_when_told_does_not_silence_the_next() -> None:
    told: list[BaseException | None] = []

    def fail(_: BaseException | None) -> None:
        raise RuntimeError

    WaitingRoom().settle(
        [Waiting(decision(1), done=fail), Waiting(decision(2), done=told.append)], None
    )

    assert told == [None]


def test_an_entry_nobody_waits_for_is_counted_when_lost() -> None:
    room = WaitingRoom()
    room.settle([Waiting(decision(1))], None)
    room.settle([Waiting(decision(2))], "the disk is full")

    assert room.lost == 1


def test_only_those_who_are_due_are_failed() -> None:
    told: dict[str, BaseException | None] = {}
    room = WaitingRoom()
    room.pending.append(Waiting(decision(1)))
    room.pending.append(Waiting(decision(2), due=5.0, done=lambda e: told.update(pending=e)))
    room.pending.append(Waiting(decision(3), due=9.0, done=lambda e: told.update(later=e)))
    room.in_flight[0] = (Waiting(decision(4), due=4.0, done=lambda e: told.update(flying=e)),)
    room.settle_late(5.0)

    assert set(told) == {"pending", "flying"}
    assert room.lost == 0


async def test_futures_are_resolved_on_their_own_loop_in_one_call() -> None:
    loop = asyncio.get_running_loop()
    room = WaitingRoom()
    futures = [loop.create_future() for _ in range(3)]
    futures[1].cancel()
    batch = [Waiting(decision(1), future=future) for future in futures]
    thread = threading.Thread(target=room.settle, args=(batch, None))
    thread.start()
    await futures[0]
    await futures[2]
    thread.join()

    assert futures[1].cancelled()


async def test_a_failed_future_raises_record_unavailable() -> None:
    future = asyncio.get_running_loop().create_future()
    WaitingRoom().settle([Waiting(decision(1), future=future)], "the disk is full")

    with pytest.raises(RecordUnavailable, match="the disk is full"):
        await future


def test_a_closed_loop_harms_nobody() -> None:
    loop = asyncio.new_event_loop()
    future = loop.create_future()
    loop.close()
    told: list[BaseException | None] = []
    WaitingRoom().settle(
        [Waiting(decision(1), future=future), Waiting(decision(2), done=told.append)], None
    )

    assert told == [None]


KINDS = ("future", "future elsewhere", "future given up", "caller", "nobody")
DURABLE = "None"
Batches = list[tuple[set[int], str | None]]


def told_together(kinds: list[str], batches: Batches) -> tuple[list[list[str]], int]:
    """Settle batches; give what each was told, and how many are lost."""
    here, elsewhere = asyncio.new_event_loop(), asyncio.new_event_loop()
    room = WaitingRoom()
    told: list[list[str]] = [[] for _ in kinds]
    everyone = []
    for number, kind in enumerate(kinds):
        each = Waiting(decision(number))
        if kind == "caller":
            each.done = lambda error, told=told[number]: told.append(str(error))
        elif kind != "nobody":
            loop = elsewhere if kind == "future elsewhere" else here
            each.future = loop.create_future()
            if kind == "future given up":
                each.future.cancel()
        everyone.append(each)
    for numbers, failure in batches:
        room.settle([each for number, each in enumerate(everyone) if number in numbers], failure)
    futures = [(each.future, heard) for each, heard in zip(everyone, told, strict=True)]
    for loop in (here, elsewhere):
        theirs = [(f, heard) for f, heard in futures if f and f.get_loop() is loop]
        assert all(future.cancelled() for future, _ in theirs if future.done())  # by no other loop
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()
        for future, heard in theirs:
            if future.done() and not future.cancelled():
                heard.append(str(future.exception()))
    return told, room.lost


def told_one_by_one(kinds: list[str], batches: Batches) -> tuple[list[list[str]], int]:
    """Say what each should be told: how it went the first time."""
    first: dict[int, str] = {}
    for numbers, failure in batches:
        for number in numbers:
            first.setdefault(number, f"record: {failure}" if failure else DURABLE)
    hears = [kind not in {"nobody", "future given up"} for kind in kinds]
    told = [[first[n]] if hears[n] and n in first else [] for n in range(len(kinds))]
    failed = [kinds[n] for n, how in first.items() if n < len(kinds) and how != DURABLE]
    return told, failed.count("nobody")


@given(
    kinds=st.lists(st.sampled_from(KINDS), min_size=1, max_size=8),
    batches=st.lists(
        st.tuples(st.sets(st.integers(0, 7)), st.sampled_from((None, "late", "stopped"))),
        max_size=4,
    ),
)
def test_a_batch_is_told_what_each_of_it_would_be_told_alone(
    kinds: list[str], batches: Batches
) -> None:
    assert told_together(kinds, batches) == told_one_by_one(kinds, batches)


async def test_who_was_told_late_is_not_told_again_while_the_disk_hangs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[BaseException | None] = []
    future = asyncio.get_running_loop().create_future()
    room = WaitingRoom()
    room.in_flight[1] = (
        Waiting(decision(1), due=1.0, future=future),
        Waiting(decision(2), due=2.0, done=told.append),
    )
    settle = Mock(side_effect=room.settle)
    monkeypatch.setattr(room, "settle", settle)
    for now in (1.5, 1.6, 2.5, 2.6):
        room.settle_late(now)

    with pytest.raises(RecordUnavailable, match="in time"):
        await future
    assert [str(error) for error in told] == ["record: the disk did not answer in time"]
    assert settle.call_count == 2


def test_what_one_lane_took_is_its_own_until_it_lands() -> None:
    room = WaitingRoom()
    told: list[BaseException | None] = []
    room.pending.extend(Waiting(decision(n), due=5.0, done=told.append) for n in range(5))

    assert [len(room.take(0, 2)), len(room.take(1, 9)), len(room.take(0, 9))] == [2, 3, 0]
    room.land(1)
    room.settle_late(9.0)
    assert len(told) == 2
    room.land(0)
    assert not any(room.in_flight)
