"""What is kept of second factors: read in order, and dropped whole."""

from __future__ import annotations

from gateway.identity.factors.factor_rows import (
    FactorKind,
    drop_factors,
    factor_rows,
    to_factor,
    to_key,
)
from gateway.store.engine import reading, writing
from tests.gateway.identity.factor_bench import FactorBench
from tests.gateway.identity.parts import Parts, later, us


def test_rows_are_read_as_values(parts: Parts) -> None:
    bench = FactorBench(parts=parts)
    staff, here = bench.staff()
    bench.with_app(staff, here)
    key = bench.with_key(staff, here, later(minutes=1))
    with reading(parts.store) as connection:
        app, other = factor_rows(connection, staff.staff_id)

    assert (to_factor(app).kind, to_factor(other).kind) == (FactorKind.APP, FactorKind.KEY)
    assert to_factor(other).added_at_us == us(later(minutes=1))
    assert to_key(other).credential_id == key.name
    standing = bench.factors.standing(staff.staff_id)
    assert standing.has_app
    assert standing.has_key


def test_dropping_leaves_nothing_of_a_person_and_all_of_others(parts: Parts) -> None:
    bench = FactorBench(parts=parts)
    staff, here = bench.staff()
    other, elsewhere = bench.staff("bob", "40012")
    bench.with_app(staff, here)
    bench.with_app(other, elsewhere)
    with writing(parts.store) as connection:
        assert drop_factors(connection, staff.staff_id) == 1

    assert bench.factors.standing(staff.staff_id).codes_left == 0
    assert bench.factors.standing(other.staff_id).codes_left == 10
