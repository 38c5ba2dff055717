"""A form that waits: sealed, for its own session, ten minutes, once."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select, update

from gateway.identity.factors.factor_seal import FactorSeal, SealBroken
from gateway.identity.factors.kept_forms import KeptForm, KeptForms, purge_forms
from gateway.store.engine import reading, writing
from gateway.store.schema_second_factor import kept_form
from tests.gateway.identity.factor_bench import SEAL
from tests.gateway.identity.parts import AT, Parts, later

HERE, ELSEWHERE = "a" * 64, "b" * 64
FORM = KeptForm(
    target="/OA_HTML/OA.jsp?OAFunc=XX_BANK",
    title="My bank details",
    fields=(("account", "12345678"), ("note", "für\r\n£ & <b>"), ("note", "twice"), ("", "")),
)


@pytest.fixture
def forms(parts: Parts) -> KeptForms:
    made = KeptForms(parts.store, SEAL)
    made.keep(HERE, FORM, at=AT)
    return made


def test_it_is_given_back_as_it_was_once(forms: KeptForms) -> None:
    assert forms.look(HERE, at=AT) == FORM
    assert forms.take(HERE, at=AT) == FORM
    assert forms.take(HERE, at=AT) is None


def test_another_session_finds_nothing(forms: KeptForms, parts: Parts) -> None:
    """Nor where somebody writes into the database that it were theirs."""
    assert forms.take(ELSEWHERE, at=AT) is None
    with writing(parts.store) as connection:
        connection.execute(update(kept_form).values(session_hash=ELSEWHERE))
    with pytest.raises(SealBroken):
        forms.look(ELSEWHERE, at=AT)


def test_it_is_kept_for_ten_minutes(forms: KeptForms, parts: Parts) -> None:
    assert forms.look(HERE, at=later(minutes=9.9)) == FORM
    assert forms.look(HERE, at=later(minutes=10)) is None
    with writing(parts.store) as connection:
        purge_forms(connection, later(minutes=10))
    with reading(parts.store) as connection:
        assert connection.execute(select(func.count()).select_from(kept_form)).scalar() == 0


def test_a_later_form_takes_the_place_of_the_first(forms: KeptForms) -> None:
    later_form = KeptForm(target="/other", title="Other", fields=())
    forms.keep(HERE, later_form, at=AT)

    assert forms.take(HERE, at=AT) == later_form


def test_it_follows_a_session_whose_id_changes(forms: KeptForms, parts: Parts) -> None:
    with writing(parts.store) as connection:
        forms.move(connection, HERE, ELSEWHERE)
        forms.move(connection, "c" * 64, "d" * 64)

    assert forms.look(HERE, at=AT) is None
    assert forms.take(ELSEWHERE, at=AT) == FORM


def test_the_database_holds_nothing_readable(forms: KeptForms, parts: Parts) -> None:
    del forms
    with reading(parts.store) as connection:
        kept = str(connection.execute(select(kept_form)).all())

    assert "12345678" not in kept
    assert "OAFunc" not in kept


def test_a_form_whose_key_is_gone_keeps_nobody_from_signing_in(
    forms: KeptForms, parts: Parts
) -> None:
    """Nor from showing a second factor: what cannot be read is left behind."""
    rotated = KeptForms(parts.store, FactorSeal([bytes(32)]))
    with writing(parts.store) as connection:
        rotated.move(connection, HERE, ELSEWHERE)

    assert forms.look(HERE, at=AT) is None
    assert forms.look(ELSEWHERE, at=AT) is None
