"""Everyone who waits is told once, on their own loop, and one who fails harms no other."""

import asyncio
import threading

import pytest

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
    room.in_flight = [(Waiting(decision(4), due=4.0, done=lambda e: told.update(flying=e)),)]
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
