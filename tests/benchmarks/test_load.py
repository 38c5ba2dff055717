"""The closed-loop load fails where a server under it answers something else than the page."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks.load import Asked, WrongAnswersError, run_wrk
from tests.benchmarks.one_answer import OneAnswer, answer
from tests.benchmarks.servers import MissingProgramError, program

BODY = b"p" * 4096


@pytest.fixture(autouse=True)
def wrk() -> None:
    try:
        program("wrk", "wrk")
    except MissingProgramError:
        pytest.skip("wrk is not installed; `make setup-bench` installs it")


def asked(port: int) -> Asked:
    size = len(answer(BODY))
    return Asked(title="a server", port=port, target="/page", headers={}, answer_bytes=size)


def test_answers_are_counted(tmp_path: Path) -> None:
    server = OneAnswer(answer=answer(BODY))

    with server.serving() as port:
        seen = run_wrk(asked(port), tmp_path, connections=2, seconds=1)

    assert 0 < seen.requests <= server.requests
    assert 0 < seen.p50_ms <= seen.p99_ms


@pytest.mark.parametrize(
    "wrong",
    [answer(b"no", status="503 Service Unavailable"), answer(b"", status="303 See Other")],
    ids=["refused", "sent to sign in"],
)
def test_answers_that_are_not_the_page_fail_the_run(tmp_path: Path, wrong: bytes) -> None:
    """Sizes tell: wrk itself takes a redirect for a success."""
    with OneAnswer(answer=wrong).serving() as port, pytest.raises(WrongAnswersError):
        run_wrk(asked(port), tmp_path, connections=2, seconds=1)
