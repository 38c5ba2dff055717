"""What the record says of second factors, and who is told of what went wrong with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import structlog

from gateway.audit.entry import EntryDraft, Kind, Outcome
from gateway.front.sign_in_desk import name_signed_in
from gateway.identity.factors.factor_notices import NoticeCode, give_notice
from gateway.identity.signing_in.factor_holder import Holder
from gateway.store.engine import writing

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Engine

    from gateway.audit.recorder import Recorder
    from gateway.identity.factors.factors import FactorRefused
    from gateway.identity.sessions.live_session import LiveSession
    from gateway.identity.signing_in.sign_in import SignedIn
    from gateway.throttle import RefusalThrottle
    from gateway.visit import Visit

_TOLD_AFTER: Final = 5  # wrong codes

_log = structlog.get_logger("second-factor")


class FactorRecord:
    """Writes entries of second factors. Blocks; safe to use from several threads."""

    def __init__(self, *, engine: Engine, recorder: Recorder, throttle: RefusalThrottle) -> None:
        """Hold what is needed.

        Args:
            engine: the store, for notices.
            recorder: makes entries durable.
            throttle: keeps strangers from filling the record.
        """
        self._engine = engine
        self._recorder = recorder
        self._throttle = throttle

    def done(self, holder: Holder, visit: Visit, code: str) -> None:
        """Record what is done with somebody's own factors, before it takes effect."""
        self._write(holder, visit, Outcome.PERMIT, code)

    def signed_in(self, visit: Visit, signed_in: SignedIn, at: datetime) -> None:
        """Record that the stage of a sign-in has become a session."""
        draft = _draft(visit, Outcome.PERMIT, "")
        name_signed_in(draft, signed_in, at)
        self._recorder.record_and_wait(draft)

    def refused(self, holder: Holder, visit: Visit, error: FactorRefused) -> None:
        """Record a refusal; the person is told of repeated wrong codes and of a copied key."""
        notice = None
        if error.code == "key-copied":
            notice = NoticeCode.KEY_COPIED
            _log.error(
                "a security key counts backwards", alarm="key-copied", reference=visit.reference
            )
        elif error.failures == _TOLD_AFTER:
            notice = NoticeCode.CODES_REFUSED
        if notice is not None:
            with writing(self._engine) as connection:
                give_notice(connection, holder.staff.staff_id, notice, visit.at)
        # Before there is a session it is anybody who knows the password.
        if holder.live is None and not self._throttle.admit(visit.ip, error.code, visit.at_us):
            return
        self._write(holder, visit, Outcome.DENY, f"second-factor-{error.code}")

    def officer(
        self, officer: LiveSession, visit: Visit, outcome: Outcome, code: str, person: str
    ) -> None:
        """Record what an officer does with another person's factors, before it takes effect.

        Args:
            officer: who.
            visit: the request.
            outcome: whether it is done or refused.
            code: what.
            person: whose factors, as the register names people.
        """
        holder = Holder(staff=officer.staff, binding=officer.session.hash, live=officer)
        self._write(holder, visit, outcome, code, person)

    def _write(
        self, holder: Holder, visit: Visit, outcome: Outcome, code: str, subject: str = ""
    ) -> None:
        draft = _draft(visit, outcome, code)
        draft.organisation = holder.staff.organisation
        draft.staff_id = holder.staff.staff_id
        draft.actor_name = holder.staff.address
        draft.subject = subject
        if holder.live is not None:
            draft.session = holder.binding.encode("ascii")
            draft.auth = ",".join(sorted(holder.live.session.factors))
            draft.roles = " ".join(sorted(holder.live.subject.appointments))
        self._recorder.record_and_wait(draft)


def _draft(visit: Visit, outcome: Outcome, code: str) -> EntryDraft:
    return EntryDraft(
        kind=Kind.SIGNIN,
        at_us=visit.at_us,
        outcome=outcome,
        code=code,
        reference=visit.reference,
        ip=visit.ip,
        agent=visit.agent,
    )
