"""From the envelope to a short session of the account's person, and to nothing else."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from argon2.profiles import CHEAPEST

from gateway.errors import RecordUnavailable, SignInRefused
from gateway.identity.factors.factor_notices import NoticeCode, notices
from gateway.identity.factors.factor_seal import FactorSeal
from gateway.identity.signing_in.attempts import Attempts
from gateway.identity.signing_in.break_glass import (
    ATTEMPTS_KEY,
    LIMITS,
    BreakGlass,
    Opening,
    shows_password,
)
from gateway.identity.signing_in.break_glass_accounts import disable
from gateway.identity.signing_in.password_hash import HashingBusy, PasswordCheck
from gateway.identity.signing_in.sign_in import SignedIn
from gateway.store.engine import writing
from tests.gateway.identity import desks
from tests.gateway.identity.desks import Desk, ScriptedDirectory
from tests.gateway.identity.envelopes import ACCOUNT, NUMBER, SEAL, code_at, new_envelope
from tests.gateway.identity.parts import AT, FIRE, Parts, later


class Bench:
    """An account with its envelope, and the way in."""

    def __init__(self, parts: Parts, passwords: PasswordCheck) -> None:
        self.parts = parts
        self.desk = Desk(parts, ScriptedDirectory(), ScriptedDirectory())
        self.envelope = new_envelope(parts.store)
        self.passwords = passwords
        self.recorded: list[SignedIn] = []
        self.break_glass = self.with_seal(SEAL)

    def with_seal(self, seal: FactorSeal, host: str = FIRE) -> BreakGlass:
        limits = {ATTEMPTS_KEY: LIMITS}
        return BreakGlass(
            engine=self.parts.store,
            host=host,
            sign_in=self.desk.sign_in,
            attempts=Attempts(self.parts.store, lambda where: limits.get(where, desks.LIMITS)),
            passwords=self.passwords,
            factor_seal=seal,
        )

    def open(
        self,
        *,
        at: datetime = AT,
        account: str = ACCOUNT,
        password: str | None = None,
        code: str | None = None,
        source: str = "10.0.0.1",
        replaces: str | None = None,
        way: BreakGlass | None = None,
    ) -> SignedIn:
        opening = Opening(
            account=account,
            password=self.envelope.password if password is None else password,
            code=code_at(self.envelope, at) if code is None else code,
            used_by="Helen Marsh",
            reason="directory away",
            source=source,
            agent="Firefox",
            reference="7H3K9QZ2MA",
        )
        return (way or self.break_glass).open(
            opening, at=at, replaces=replaces, record=self.recorded.append
        )

    def refused(self, **entered: object) -> tuple[str, bool]:
        with pytest.raises(SignInRefused) as refused:
            self.open(**entered)  # type: ignore[arg-type]  # passed on as they are
        return refused.value.code, refused.value.tellable


@pytest.fixture(autouse=True, scope="module")
def cheap_hashes() -> Iterator[None]:
    """What a hash costs is tested beside it; here it would only cost time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gateway.identity.signing_in.password_hash.RFC_9106_LOW_MEMORY", CHEAPEST)
        yield


@pytest.fixture(scope="module")
def passwords(cheap_hashes: None) -> Iterator[PasswordCheck]:  # noqa: ARG001  # first of all
    made = PasswordCheck()
    yield made
    made.close()


@pytest.fixture
def bench(parts: Parts, passwords: PasswordCheck) -> Iterator[Bench]:
    made = Bench(parts, passwords)
    yield made
    made.desk.sign_in.close()


def test_envelope_and_authenticator_open_a_session_of_an_hour(bench: Bench) -> None:
    signed_in = bench.open(account=f" {ACCOUNT.upper()} ", password=f"{bench.envelope.password}\n")
    session = signed_in.session

    assert session.factors == {"break-glass", "second-factor"}
    assert session.directory == "break-glass"
    assert session.organisation == FIRE
    assert session.ends_at_us - session.started_at_us == 3_600_000_000
    assert session.idle_us == 900_000_000
    assert bench.parts.sessions.find(signed_in.token, at=later(minutes=10)) is not None
    assert bench.parts.sessions.find(signed_in.token, at=later(hours=1)) is None
    assert bench.recorded == [signed_in]


def test_its_rights_are_what_the_register_grants_its_number(bench: Bench) -> None:
    nothing = bench.open().subject
    bench.parts.appoint(NUMBER, role="security-officer")
    something = bench.open(at=later(minutes=1)).subject

    assert (nothing.appointments, nothing.clearance.held(at=AT)) == (frozenset(), ())
    assert something.appointments == {"security-officer"}
    assert (something.posts, something.unit, something.team) == (frozenset(), "", frozenset())


def test_every_use_opens_a_review(bench: Bench) -> None:
    bench.open()
    (use,) = bench.break_glass.uses()

    assert (use.account, use.used_by, use.reason) == (ACCOUNT, "Helen Marsh", "directory away")
    assert (use.reference, use.reviewed_by) == ("7H3K9QZ2MA", "")


def test_the_session_that_the_browser_showed_is_ended(bench: Bench) -> None:
    token, _ = bench.parts.sign_in()
    bench.open(replaces=token)

    assert bench.parts.sessions.find(token, at=AT) is None


@pytest.mark.parametrize(
    ("entered", "code"),
    [
        ({"password": "wrong"}, "wrong-password"),
        ({"password": ""}, "wrong-password"),
        ({"code": "000000"}, "wrong-code"),
        ({"code": ""}, "wrong-code"),
        ({"account": "nobody"}, "unknown-account"),
        ({"account": ""}, "unknown-account"),
        ({"account": "%"}, "unknown-account"),
        ({"account": "x" * 9999}, "unknown-account"),
    ],
)
def test_less_than_everything_is_told_as_one_thing(
    bench: Bench, entered: dict[str, str], code: str
) -> None:
    assert bench.refused(**entered) == (code, False)
    assert bench.break_glass.uses() == ()
    assert bench.desk.count("session") == 0


def test_a_password_is_looked_at_whatever_the_account(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One hash is computed for each, so that time does not tell which accounts there are."""
    looked: list[bool] = []

    def is_right(stored: str | None, _password: str) -> bool:
        looked.append(stored is not None)
        return False

    monkeypatch.setattr(bench.passwords, "is_right", is_right)
    for account in (ACCOUNT, "nobody", "", "NO NAME"):
        bench.refused(account=account)

    assert looked == [True, False, False, False]


def test_each_code_is_used_once(bench: Bench) -> None:
    bench.open()

    assert bench.refused() == ("wrong-code", False)
    assert bench.open(at=later(minutes=1)).token


def test_an_account_is_used_as_often_as_it_was_sealed_for(bench: Bench) -> None:
    for minute in (0, 1):
        bench.open(at=later(minutes=minute))

    assert bench.refused(at=later(minutes=2)) == ("account-closed", True)
    assert len(bench.break_glass.uses()) == 2


def test_its_last_day_ends_it(bench: Bench) -> None:
    day = AT + timedelta(days=180)

    assert bench.refused(at=day) == ("account-closed", True)
    assert bench.open(at=day - timedelta(minutes=1)).token


def test_a_disabled_account_is_as_one_that_is_not_there(bench: Bench) -> None:
    with writing(bench.parts.store) as connection:
        disable(connection, ACCOUNT)

    assert bench.refused() == ("unknown-account", False)


def test_an_account_that_is_disabled_while_it_is_used_lets_nobody_in(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its use was taken already; what the command ends is what there is by then."""
    taken = bench.break_glass._take_use

    def disable_next(*given: Any) -> None:
        taken(*given)
        with writing(bench.parts.store) as connection:
            disable(connection, ACCOUNT)

    monkeypatch.setattr(bench.break_glass, "_take_use", disable_next)

    assert bench.refused() == ("account-closed", True)
    assert bench.recorded == []


def test_each_use_is_told_to_the_hosts_officers(bench: Bench) -> None:
    bench.open()
    (notice,) = notices(bench.parts.store, at=AT, organisation=FIRE)

    assert (notice.code, notice.detail) == (NoticeCode.BREAK_GLASS, "Helen Marsh")
    assert notice.name == f"Break-glass account {ACCOUNT}"


def test_an_account_of_another_host_opens_nothing(bench: Bench) -> None:
    """The settings were changed, or the database came from elsewhere."""
    elsewhere = bench.with_seal(SEAL, host="nwas")

    assert bench.refused(way=elsewhere) == ("unknown-account", False)


def test_a_key_that_is_gone_proves_nobody(bench: Bench) -> None:
    other = bench.with_seal(FactorSeal([bytes(32)]))

    assert bench.refused(way=other) == ("wrong-code", False)


def test_failures_are_counted_by_account_and_source_and_shut_nobody_else_out(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An account that anybody could lock would not be there on the day it is needed."""
    with monkeypatch.context() as patch:
        patch.setattr(bench.passwords, "is_right", lambda *_: False)
        for _ in range(5):
            assert bench.refused(source="10.9.9.9") == ("wrong-password", False)

    assert bench.refused(source="10.9.9.9") == ("too-many-attempts", True)
    assert bench.open(source="10.0.0.1").token


def test_a_busy_worker_says_so_and_blames_nobody(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object) -> bool:
        raise HashingBusy

    monkeypatch.setattr(bench.passwords, "is_right", busy)

    assert bench.refused() == ("busy", True)
    assert bench.desk.count("sign_in_attempt") == 0


def test_a_use_that_cannot_be_recorded_is_taken_but_lets_nobody_in(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens: list[str] = []

    class FullDisk(list[SignedIn]):
        def append(self, signed_in: SignedIn) -> None:
            tokens.append(signed_in.token)
            raise RecordUnavailable("disk full")

    monkeypatch.setattr(bench, "recorded", FullDisk())
    with pytest.raises(RecordUnavailable):
        bench.open()

    assert bench.parts.sessions.find(tokens[0], at=AT) is None
    assert len(bench.break_glass.uses()) == 1


def test_of_two_at_once_with_one_code_one_is_let_in(bench: Bench) -> None:
    outcomes: list[str] = []
    together = threading.Barrier(2)

    def attempt() -> None:
        together.wait()
        try:
            bench.open()
        except SignInRefused as error:
            outcomes.append(error.code)
        else:
            outcomes.append("in")

    threads = [threading.Thread(target=attempt) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert outcomes.count("in") == 1
    assert len(bench.break_glass.uses()) == 1


def test_who_has_read_the_envelope_is_told_from_who_guesses() -> None:
    known = SignInRefused("wrong-code", tellable=False)
    guessed = SignInRefused("wrong-password", tellable=False)

    assert shows_password(known)
    assert not shows_password(guessed)
