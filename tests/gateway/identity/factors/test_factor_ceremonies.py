"""What is under way: once, in time, and for the session that began it."""

from __future__ import annotations

from sqlalchemy import func, select

from gateway.identity.factors.factor_ceremonies import (
    Purpose,
    keep_value,
    peek_value,
    purge_ceremonies,
    take_value,
)
from gateway.identity.factors.factor_seal import FactorSeal
from gateway.store.engine import reading, writing
from gateway.store.schema_second_factor import factor_ceremony
from tests.gateway.identity.parts import AT, Parts, later

SEAL = FactorSeal([bytes(32)])
HERE, ELSEWHERE = "a" * 64, "b" * 64


def keep(parts: Parts, value: bytes = b"challenge") -> None:
    with writing(parts.store) as connection:
        keep_value(connection, SEAL, HERE, Purpose.PROVE_KEY, value, AT)


def test_it_is_given_once(parts: Parts) -> None:
    keep(parts)
    with writing(parts.store) as connection:
        assert peek_value(connection, SEAL, HERE, Purpose.PROVE_KEY, AT) == b"challenge"
        assert take_value(connection, SEAL, HERE, Purpose.PROVE_KEY, AT) == b"challenge"
        assert take_value(connection, SEAL, HERE, Purpose.PROVE_KEY, AT) is None


def test_another_session_and_another_purpose_find_nothing(parts: Parts) -> None:
    keep(parts)
    with writing(parts.store) as connection:
        assert take_value(connection, SEAL, ELSEWHERE, Purpose.PROVE_KEY, AT) is None
        assert take_value(connection, SEAL, HERE, Purpose.ADD_KEY, AT) is None


def test_it_lapses_after_ten_minutes_and_never_comes_from_the_future(parts: Parts) -> None:
    keep(parts)
    with writing(parts.store) as connection:
        assert peek_value(connection, SEAL, HERE, Purpose.PROVE_KEY, later(minutes=9.9))
        assert peek_value(connection, SEAL, HERE, Purpose.PROVE_KEY, later(minutes=-1)) is None
        assert take_value(connection, SEAL, HERE, Purpose.PROVE_KEY, later(minutes=10)) is None
        assert peek_value(connection, SEAL, HERE, Purpose.PROVE_KEY, AT) is None


def test_a_newer_one_takes_the_place_of_the_older(parts: Parts) -> None:
    keep(parts)
    keep(parts, b"second")
    with writing(parts.store) as connection:
        assert take_value(connection, SEAL, HERE, Purpose.PROVE_KEY, AT) == b"second"


def test_what_lapsed_is_removed(parts: Parts) -> None:
    keep(parts)
    with writing(parts.store) as connection:
        purge_ceremonies(connection, later(minutes=10))
    with reading(parts.store) as connection:
        assert connection.execute(select(func.count()).select_from(factor_ceremony)).scalar() == 0
