"""Wrong codes: five are borne, then the waits grow, for that person alone."""

from __future__ import annotations

from datetime import timedelta

from gateway.identity.factors.factor_failures import count_failure, forget_failures, wait_until
from gateway.store.engine import reading, writing
from tests.gateway.identity.parts import AT, Parts, later

ALICE = "cheshire-fire/id-alice"


def fail(parts: Parts, times: int = 1, who: str = ALICE) -> float:
    """Count wrong codes at one moment; gives the wait in seconds."""
    with writing(parts.store) as connection:
        for _ in range(times):
            count_failure(connection, who, AT)
        until = wait_until(connection, who, AT)
    return (until - AT).total_seconds() if until else 0


def test_five_are_borne_and_then_the_waits_double(parts: Parts) -> None:
    assert [fail(parts) for _ in range(14)] == [
        0, 0, 0, 0, 30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600,
    ]  # fmt: skip


def test_a_wait_ends_by_itself_and_the_count_stays(parts: Parts) -> None:
    fail(parts, 5)
    with writing(parts.store) as connection:
        assert wait_until(connection, ALICE, later(seconds=29)) is not None
        assert wait_until(connection, ALICE, later(seconds=30)) is None
        count_failure(connection, ALICE, later(seconds=30))
        assert wait_until(connection, ALICE, later(seconds=89)) is not None


def test_a_right_code_ends_the_count(parts: Parts) -> None:
    fail(parts, 4)
    with writing(parts.store) as connection:
        forget_failures(connection, ALICE)

    assert fail(parts, 4) == 0


def test_a_quiet_day_ends_the_count(parts: Parts) -> None:
    fail(parts, 9)
    with writing(parts.store) as connection:
        assert count_failure(connection, ALICE, later(hours=23)) == 10
        assert count_failure(connection, ALICE, later(hours=47, seconds=1)) == 1


def test_nobody_else_waits(parts: Parts) -> None:
    fail(parts, 9)
    with reading(parts.store) as connection:
        assert wait_until(connection, "cheshire-fire/id-bob", AT + timedelta(0)) is None
