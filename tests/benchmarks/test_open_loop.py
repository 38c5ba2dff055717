"""The steady load sees a server stall, and takes nothing but the page for an answer."""

from __future__ import annotations

import pytest

from tests.benchmarks.load import Asked, WrongAnswersError
from tests.benchmarks.one_answer import OneAnswer, answer
from tests.benchmarks.open_loop import answer_size, percentile, run_open_loop

BODY = b"p" * 4096


def asked(port: int) -> Asked:
    return Asked(title="a server", port=port, target="/page", headers={})


def test_every_request_that_is_due_is_sent_and_measured() -> None:
    server = OneAnswer(answer=answer(BODY))

    with server.serving() as port:
        seen = run_open_loop(asked(port), BODY, rate=500, seconds=0.2)

    assert len(seen) == server.requests == 100
    assert seen == sorted(seen)


def test_a_stall_counts_for_all_who_were_due_meanwhile() -> None:
    """A generator that waits for answers before it goes on would see one slow request in 200."""
    server = OneAnswer(answer=answer(BODY), stall_at=20, stall_seconds=0.2)

    with server.serving() as port:
        seen = run_open_loop(asked(port), BODY, rate=500, seconds=0.4)

    assert len([latency for latency in seen if latency > 20]) > 50
    assert seen[-1] > 190


@pytest.mark.parametrize(
    "wrong",
    [
        answer(BODY, status="303 See Other"),
        answer(b"q" * 4096),
        answer(BODY) + b"more",
    ],
    ids=["another status", "another body", "more than the body"],
)
def test_an_answer_that_is_not_the_page_ends_the_run(wrong: bytes) -> None:
    with OneAnswer(answer=wrong).serving() as port, pytest.raises(WrongAnswersError):
        run_open_loop(asked(port), BODY, rate=100, seconds=0.1)


def test_the_size_of_an_answer_counts_its_head() -> None:
    with OneAnswer(answer=answer(BODY)).serving() as port:
        assert answer_size(asked(port), BODY) == len(answer(BODY))


def test_a_percentile_is_a_value_that_was_measured() -> None:
    values = [float(number) for number in range(1, 101)]

    assert percentile(values, 0.5) == 50
    assert percentile(values, 0.99) == 99
    assert percentile([7.0], 0.99) == 7
