"""Recovery codes: ten, each once, of their own person only, and kept as hashes."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from gateway.identity.factors.factor_seal import FactorSeal
from gateway.identity.factors.recovery_codes import codes_left, drop_codes, make_codes, use_code
from gateway.store.engine import reading, writing
from gateway.store.schema_second_factor import recovery_code
from tests.gateway.identity.parts import AT, Parts

ALICE, BOB = "cheshire-fire/id-alice", "cheshire-fire/id-bob"
SEAL = FactorSeal([bytes(32)])


def use(parts: Parts, typed: str, who: str = ALICE) -> bool:
    with writing(parts.store) as connection:
        return use_code(connection, SEAL, who, typed, AT)


@pytest.fixture
def codes(parts: Parts) -> tuple[str, ...]:
    with writing(parts.store) as connection:
        return make_codes(connection, SEAL, ALICE, AT)


def test_ten_are_made_and_each_is_good_once(parts: Parts, codes: tuple[str, ...]) -> None:
    assert len(set(codes)) == 10
    assert all(use(parts, code) for code in codes)
    assert not any(use(parts, code) for code in codes)
    with reading(parts.store) as connection:
        assert codes_left(connection, ALICE) == 0


def test_they_may_be_typed_as_people_read_them(parts: Parts, codes: tuple[str, ...]) -> None:
    """Small letters, without the hyphen, O for 0 and l for 1."""
    plain = codes[0].replace("-", " ").lower().replace("0", "o").replace("1", "l")

    assert use(parts, f" {plain} ")


@pytest.mark.parametrize("typed", ["", " ", "-", "AAAAA-AAAAA", "1234567890123", "🙂" * 10])
def test_what_is_no_code_is_refused(parts: Parts, codes: tuple[str, ...], typed: str) -> None:
    assert not use(parts, typed)
    assert codes


def test_anothers_code_is_none(parts: Parts, codes: tuple[str, ...]) -> None:
    assert not use(parts, codes[0], BOB)
    assert use(parts, codes[0])


def test_new_ones_void_the_old(parts: Parts, codes: tuple[str, ...]) -> None:
    with writing(parts.store) as connection:
        newer = make_codes(connection, SEAL, ALICE, AT)

    assert not any(use(parts, code) for code in codes)
    assert use(parts, newer[0])
    with writing(parts.store) as connection:
        drop_codes(connection, ALICE)
    assert not use(parts, newer[1])


def test_the_database_holds_none_of_them(parts: Parts, codes: tuple[str, ...]) -> None:
    with reading(parts.store) as connection:
        kept = " ".join(connection.execute(select(recovery_code.c.mac)).scalars())

    assert not any(half.lower() in kept for code in codes for half in code.split("-"))
