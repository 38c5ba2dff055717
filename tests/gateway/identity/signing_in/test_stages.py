"""A sign-in that owes a factor: for its browser, ten minutes, once, and never a session."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from gateway.errors import SecondFactorOwed
from gateway.identity.directories.directory import DirectoryPerson
from gateway.identity.organisations import Organisation, Organisations
from gateway.identity.sessions.session import SessionLimits
from gateway.identity.sessions.session_ending import Whose
from gateway.identity.signing_in.attempts import AttemptLimits, Attempts
from gateway.identity.signing_in.sign_in import Hold, SignIn, Vouched
from gateway.identity.signing_in.sign_in_refusal import Refusal
from gateway.identity.signing_in.stages import SignInStages, purge_stages
from gateway.identity.staff import remember
from gateway.store import schema
from gateway.store.engine import reading, writing
from gateway.store.schema_second_factor import sign_in_stage
from tests.gateway.identity.factor_bench import SEAL
from tests.gateway.identity.parts import AT, FIRE, Parts, later, us

VOUCHED = Vouched(
    organisation=FIRE,
    directory=FIRE,
    person=DirectoryPerson(
        directory_id="id-alice", username="alice", name="Älice", employee_number="40011",
        posts=frozenset({"a", "b"}), team=frozenset({"40012"}), mail="a@fire.example",
    ),
    factors=frozenset({"provider"}),
    source="10.0.0.1",
    provider_session="sid-1",
    limits=SessionLimits(idle=timedelta(minutes=10), absolute=timedelta(minutes=20)),
    id_token="id.token.of-alice",
    refresh_token="refresh-of-alice",
)  # fmt: skip


@pytest.fixture
def stages(parts: Parts) -> SignInStages:
    return SignInStages(parts.store, SEAL)


@pytest.fixture
def token(parts: Parts, stages: SignInStages) -> str:
    with writing(parts.store) as connection:
        staff = remember(connection, FIRE, VOUCHED.person, AT)
        return stages.begin(connection, staff, VOUCHED, AT)


def test_what_was_vouched_for_comes_back_and_the_factor_with_it(
    stages: SignInStages, token: str
) -> None:
    stage = stages.look(token, at=later(minutes=1))

    assert stage is not None
    assert (stage.vouched, stage.begun_at, stage.staff.name) == (VOUCHED, AT, "Älice")
    proved = stage.proved(later(minutes=1))
    assert proved.factors == {"provider", "second-factor"}
    assert proved.second_factor_at == later(minutes=1)
    assert proved.vouched_at == AT


@pytest.mark.parametrize(
    ("whose", "there"),
    [
        (Whose(person=f"{FIRE}/40011"), False),
        (Whose(staff_id=f"{FIRE}/id-alice"), False),
        (Whose(organisation=FIRE), False),
        (Whose(directory=FIRE), False),
        (Whose(everyone=True), False),
        (Whose(provider_session=(FIRE, "sid-1")), False),
        (Whose(provider_session=(FIRE, "sid-2")), True),
        (Whose(provider_session=("nwas", "sid-1")), True),
        (Whose(directory="nwas"), True),
        (Whose(person=f"{FIRE}/40012"), True),
        (Whose(staff_id=f"{FIRE}/id-bob"), True),
        (Whose(organisation="cheshire"), True),
    ],
    ids=repr,
)
def test_who_is_signed_out_by_others_does_not_finish_a_sign_in_either(
    parts: Parts, stages: SignInStages, token: str, whose: Whose, *, there: bool
) -> None:
    parts.sessions.end_all(whose, at=AT, reason="test")

    assert (stages.look(token, at=AT) is not None) is there


def test_it_is_taken_once_however_many_try(parts: Parts, stages: SignInStages, token: str) -> None:
    stage = stages.look(token, at=AT)
    assert stage is not None

    def take(_: int) -> bool:
        with writing(parts.store) as connection:
            return stages.take(connection, stage.hash)

    with ThreadPoolExecutor(4) as threads:
        taken = list(threads.map(take, range(4)))

    assert sorted(taken) == [False, False, False, True]
    assert stages.look(token, at=AT) is None


def test_its_token_is_no_session(parts: Parts, stages: SignInStages, token: str) -> None:
    """A browser that puts it into the session's cookie is nobody."""
    assert stages.look(token, at=AT) is not None
    assert parts.sessions.find(token, at=AT) is None
    assert parts.cache.load(token, at=AT) is None


def test_a_session_is_no_stage(parts: Parts, stages: SignInStages, token: str) -> None:
    session_token, _ = parts.sign_in("bob", "40012")

    assert stages.look(session_token, at=AT) is None
    for made_up in ("", "A" * 43, token[:-1], token + "A", "é" * 43):
        assert stages.look(made_up, at=AT) is None


def test_it_lapses_after_ten_minutes(parts: Parts, stages: SignInStages, token: str) -> None:
    stage = stages.look(token, at=later(minutes=9.9))
    assert stage is not None
    assert stages.look(token, at=later(minutes=10)) is None
    assert stages.find(stage.hash, at=later(minutes=9.9)) == stage
    assert stages.find(stage.hash, at=later(minutes=10)) is None
    with writing(parts.store) as connection:
        purge_stages(connection, later(minutes=10))
    with reading(parts.store) as connection:
        assert connection.execute(select(func.count()).select_from(sign_in_stage)).scalar() == 0


def test_the_database_holds_nothing_readable(parts: Parts, token: str) -> None:
    with reading(parts.store) as connection:
        kept = str(connection.execute(select(sign_in_stage)).all())

    assert token not in kept
    assert "sid-1" not in kept
    assert "of-alice" not in kept
    assert "of-alice" not in repr(VOUCHED)


# ---- an organisation that asks for a second factor at sign-in ------------------------------------


@pytest.fixture
def strict(parts: Parts, stages: SignInStages) -> SignIn:
    return sign_in_of(parts, stages.begin)


def sign_in_of(parts: Parts, hold: Hold | None) -> SignIn:
    fire = Organisation(id=FIRE, name="Fire", kind="fire", factor_at_sign_in=True)
    return SignIn(
        engine=parts.store,
        bulletin=parts.bulletin,
        organisations=Organisations([fire]),
        doors={},
        attempts=Attempts(parts.store, lambda _: AttemptLimits()),
        sessions=parts.sessions,
        subjects=parts.subjects,
        hold=hold,
    )


def count_sessions(parts: Parts) -> int:
    with reading(parts.store) as connection:
        return int(
            connection.execute(select(func.count()).select_from(schema.session)).scalar_one()
        )


def test_nobody_of_it_is_signed_in_without_the_factor(
    parts: Parts, stages: SignInStages, strict: SignIn
) -> None:
    with pytest.raises(SecondFactorOwed) as owed:
        strict.admit(VOUCHED, at=AT)

    assert count_sessions(parts) == 0
    stage = stages.look(owed.value.token, at=AT)
    assert stage is not None
    assert (stage.vouched, owed.value.address) == (VOUCHED, f"alice@{FIRE}")
    signed_in = strict.admit(stage.proved(later(minutes=1)), at=later(minutes=1))
    assert signed_in.session.factors == {"provider", "second-factor"}
    assert signed_in.session.second_factor_at_us == us(later(minutes=1))
    assert signed_in.session.vouched_at_us == us(AT)  # the directory is asked again the sooner
    assert signed_in.token != owed.value.token


def test_the_factor_of_a_trusted_provider_is_enough(parts: Parts, strict: SignIn) -> None:
    vouched = replace(VOUCHED, factors=frozenset({"provider", "second-factor"}))

    assert strict.admit(vouched, at=AT).session.factors == vouched.factors
    assert count_sessions(parts) == 1


def test_where_nobody_keeps_stages_nobody_is_let_in(parts: Parts) -> None:
    with pytest.raises(Refusal, match="second-factor-owed"):
        sign_in_of(parts, None).admit(VOUCHED, at=AT)

    assert count_sessions(parts) == 0
