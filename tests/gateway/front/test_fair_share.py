"""Who has more connections than another worker leaves the next one to it."""

import os

from gateway.front.fair_share import ConnectionCounts


def test_a_worker_that_is_alone_takes_everything() -> None:
    counts = ConnectionCounts()
    counts.note(1, 500)

    assert not counts.are_uneven(1, 500)


def test_who_has_more_than_another_leaves_the_next_one_to_it() -> None:
    counts = ConnectionCounts()
    counts.note(1, 1)
    counts.note(2, 0)

    assert counts.are_uneven(1, 1)
    assert not counts.are_uneven(2, 0)


def test_of_many_connections_a_few_more_are_no_matter() -> None:
    counts = ConnectionCounts()
    counts.note(2, 80)

    assert not counts.are_uneven(1, 90)
    assert counts.are_uneven(1, 91)


def test_a_worker_that_left_is_not_waited_for() -> None:
    counts = ConnectionCounts()
    counts.note(2, 0)
    counts.leave(2)

    assert not counts.are_uneven(1, 5)


def test_what_one_process_notes_another_sees() -> None:
    counts = ConnectionCounts()
    counts.note(1, 7)
    child = os.fork()
    if child == 0:
        counts.note(2, 3)
        os._exit(0)
    os.waitpid(child, 0)

    assert counts.are_uneven(1, 7)


def test_workers_know_which_of_them_they_are() -> None:
    """Also when one was replaced: its successor has the next number, and no two have one place."""
    counts = ConnectionCounts()
    for worker in (1, 2):
        counts.note(worker, 5)
    before = counts.place(1), counts.place(2)
    counts.leave(1)
    counts.note(3, 0)

    assert before == ((0, 2), (1, 2))
    assert (counts.place(2), counts.place(3)) == ((0, 2), (1, 2))
