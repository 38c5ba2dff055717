"""Break-glass for the pages: every use recorded and an alarm, every failure recorded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from argon2.profiles import CHEAPEST
from structlog.testing import capture_logs

from gateway.audit.entry import Kind, Outcome
from gateway.audit.recorder import Recorder
from gateway.errors import RecordUnavailable, SignInRefused
from gateway.front.break_glass_desk import RecordedBreakGlass
from gateway.identity.signing_in.attempts import Attempts
from gateway.identity.signing_in.break_glass import LIMITS, BreakGlass
from gateway.identity.signing_in.password_hash import PasswordCheck
from gateway.operational_log import LISTED_FIELDS
from gateway.throttle import RefusalThrottle
from tests.gateway.front.test_sign_in_desk import NotingRecorder
from tests.gateway.identity.desks import Desk, ScriptedDirectory
from tests.gateway.identity.envelopes import ACCOUNT, NUMBER, SEAL, code_at, new_envelope
from tests.gateway.identity.parts import AT, FIRE, Parts, new_parts
from tests.gateway.visits import REFERENCE, new_visit, request


class Bench:
    """A desk with everything behind it."""

    def __init__(self, parts: Parts, passwords: PasswordCheck) -> None:
        self.recorder = NotingRecorder()
        self.envelope = new_envelope(parts.store)
        self.doors = Desk(parts, ScriptedDirectory(), ScriptedDirectory())
        self.desk = RecordedBreakGlass(
            break_glass=BreakGlass(
                engine=parts.store,
                host=FIRE,
                sign_in=self.doors.sign_in,
                attempts=Attempts(parts.store, lambda _: LIMITS),
                passwords=passwords,
                factor_seal=SEAL,
            ),
            host=FIRE,
            recorder=cast("Recorder", self.recorder),
            throttle=RefusalThrottle(singles_per_minute=2),
            clock=lambda: AT,
        )

    def open(self, *, password: str | None = None, code: str | None = None) -> str:
        visit = new_visit(request("POST", b"/-/break-glass", user_agent=b"Firefox"))
        return self.desk.open(
            account=f" {ACCOUNT.upper()}",
            password=self.envelope.password if password is None else password,
            code=code_at(self.envelope, visit.at) if code is None else code,
            used_by="Helen Marsh",
            reason="directory away",
            visit=visit,
            replaces=None,
        )


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr("gateway.identity.signing_in.password_hash.RFC_9106_LOW_MEMORY", CHEAPEST)
    passwords = PasswordCheck()
    with new_parts(tmp_path) as parts:
        parts.appoint(NUMBER, role="security-officer")
        made = Bench(parts, passwords)
        yield made
        made.doors.sign_in.close()
    passwords.close()


def test_a_use_is_recorded_with_who_and_why_and_is_an_alarm(bench: Bench) -> None:
    with capture_logs() as logs:
        assert bench.open()

    (draft,) = bench.recorder.drafts
    assert (draft.kind, draft.outcome, draft.code) == (Kind.SIGNIN, Outcome.PERMIT, "break-glass")
    assert draft.auth == "break-glass,second-factor"
    assert draft.staff_id == f"{FIRE}/break-glass:{ACCOUNT}"
    assert (draft.roles, draft.reference) == ("security-officer", REFERENCE)
    assert json.loads(draft.detail) == {"used_by": "Helen Marsh", "reason": "directory away"}
    (alarm,) = [line for line in logs if "alarm" in line]
    assert (alarm["alarm"], alarm["log_level"], alarm["reference"]) == (
        "break-glass",
        "error",
        REFERENCE,
    )
    assert "alarm" in LISTED_FIELDS


def test_who_cannot_be_recorded_is_not_let_in_but_is_an_alarm(bench: Bench) -> None:
    bench.recorder.away = True
    with capture_logs() as logs, pytest.raises(RecordUnavailable):
        bench.open()

    assert [line["alarm"] for line in logs if "alarm" in line] == ["break-glass"]
    assert len(bench.desk.uses()) == 1


def test_an_open_envelope_is_an_alarm_even_without_the_code(bench: Bench) -> None:
    with capture_logs() as logs, pytest.raises(SignInRefused):
        bench.open(code="000000")

    assert [line["alarm"] for line in logs if "alarm" in line] == ["break-glass"]
    assert [draft.code for draft in bench.recorder.drafts] == ["wrong-code"]


def test_guesses_are_recorded_within_limits_and_are_no_alarm(bench: Bench) -> None:
    with capture_logs() as logs:
        for _ in range(4):
            with pytest.raises(SignInRefused):
                bench.open(password="guess")

    assert [line for line in logs if "alarm" in line] == []
    assert [(draft.outcome, draft.code) for draft in bench.recorder.drafts] == [
        (Outcome.DENY, "wrong-password")
    ] * 2
    assert bench.recorder.drafts[0].actor_name == f"break-glass account {ACCOUNT}@{FIRE}"
    assert "guess" not in repr(bench.recorder.drafts)
