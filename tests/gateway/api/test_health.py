"""Health says that the process answers; readiness names what keeps it from permitting anything."""

import orjson
import pytest

from gateway.api.health import Readiness, health


def test_a_process_that_answers_is_alive() -> None:
    answer = health()

    assert (answer.status, answer.body) == (200, b'{"status":"ok"}')
    assert dict(answer.fields)[b"Cache-Control"] == b"no-store"


@pytest.mark.parametrize(
    ("record", "status", "word"), [("ok", 200, "ok"), ("reserve", 503, "not-ready")]
)
def test_a_gate_is_ready_when_every_part_is(record: str, status: int, word: str) -> None:
    readiness = Readiness(parts={"record": lambda: record, "bulletin": lambda: "ok"})
    answer = readiness.answer()

    assert answer.status == status
    assert orjson.loads(answer.body) == {
        "status": word,
        "parts": {"record": record, "bulletin": "ok"},
    }


def test_the_parts_are_asked_each_time() -> None:
    states = iter(["ok", "stopped"])
    readiness = Readiness(parts={"record": lambda: next(states)})

    assert [readiness.answer().status, readiness.answer().status] == [200, 503]


def test_a_system_that_is_not_well_is_named_and_the_gate_is_ready_all_the_same() -> None:
    """Taking the gate away as well would help nobody."""
    systems = {"ebs": "degraded", "learning": "ok", "payroll": "away"}
    answer = Readiness(parts={"record": lambda: "ok"}, systems=lambda: systems).answer()

    assert answer.status == 200
    assert orjson.loads(answer.body) == {
        "status": "ok",
        "parts": {"record": "ok"},
        "systems": {"ebs": "degraded", "payroll": "away"},
    }


def test_what_is_withheld_is_named_and_the_rest_is_ready() -> None:
    readiness = Readiness(parts={"record": lambda: "ok"}, withheld=lambda: {"pay.slip", "a.b"})

    answer = readiness.answer()

    assert answer.status == 200
    assert orjson.loads(answer.body)["withheld"] == ["a.b", "pay.slip"]
