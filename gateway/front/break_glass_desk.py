"""Break-glass for the pages: each use and each failure recorded, each use an alarm."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import structlog

from gateway.audit.entry import EntryDraft, Kind, Outcome
from gateway.errors import GatewayError, RecordUnavailable, SignInRefused
from gateway.identity.signing_in.break_glass import BreakGlass, Opening, shows_password
from gateway.identity.signing_in.sign_in_refusal import refusal_code
from gateway.visit import Visit

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from gateway.audit.recorder import Recorder
    from gateway.identity.signing_in.break_glass_accounts import Use
    from gateway.identity.signing_in.sign_in import SignedIn
    from gateway.pages.page_services import OpenVisit
    from gateway.throttle import RefusalThrottle

ALARM = "break-glass"
_NAME_CHARACTERS = 40

_log = structlog.get_logger("break-glass")


class RecordedBreakGlass:
    """Lets people in with the envelope, and tells. Blocks; safe to use from several threads."""

    def __init__(
        self,
        *,
        break_glass: BreakGlass,
        host: str,
        recorder: Recorder,
        throttle: RefusalThrottle,
        clock: Callable[[], datetime],
    ) -> None:
        """Hold what is needed.

        Args:
            break_glass: the steps.
            host: the organisation whose accounts these are.
            recorder: makes it durable.
            throttle: keeps strangers from filling the record.
            clock: the present instant.
        """
        self._break_glass = break_glass
        self._host = host
        self._recorder = recorder
        self._throttle = throttle
        self._clock = clock

    def open(
        self,
        *,
        account: str,
        password: str,
        code: str,
        used_by: str,
        reason: str,
        visit: OpenVisit,
        replaces: str | None,
    ) -> str:
        """Let somebody in; see `gateway.pages.page_services.BreakGlassDesk`."""
        if not isinstance(visit, Visit):
            raise TypeError("break-glass: a visit that is none of ours")
        opening = Opening(
            account=account,
            password=password,
            code=code,
            used_by=used_by,
            reason=reason,
            source=visit.ip,
            agent=visit.agent,
            reference=visit.reference,
        )

        def record(signed_in: SignedIn) -> None:
            draft = self._draft(visit, Outcome.PERMIT, "break-glass", opening)
            subject = signed_in.subject
            draft.staff_id = subject.staff_id
            draft.roles = " ".join(sorted(subject.appointments))
            held = subject.clearance.held(at=self._clock())
            draft.vetting = " ".join(grant.level for grant in held)
            draft.session = signed_in.session.hash.encode("ascii")
            draft.auth = ",".join(sorted(signed_in.session.factors))
            self._recorder.record_and_wait(draft)

        try:
            signed_in = self._break_glass.open(
                opening, at=visit.at, replaces=replaces, record=record
            )
        except RecordUnavailable:
            # The use is taken and its review open; only the session came to nothing.
            _log.error("break-glass not recorded", alarm=ALARM, reference=visit.reference)
            raise
        except GatewayError as error:
            self._record_refusal(visit, opening, error)
            raise
        _log.error("break-glass account used", alarm=ALARM, reference=visit.reference)
        return signed_in.token

    def uses(self) -> tuple[Use, ...]:
        """List the uses; see `gateway.pages.page_services.BreakGlassDesk`."""
        return self._break_glass.uses()

    def _record_refusal(self, visit: Visit, opening: Opening, error: GatewayError) -> None:
        code = refusal_code(error)
        if isinstance(error, SignInRefused) and shows_password(error):
            # Somebody has read the envelope: that is worth an alarm, let in or not.
            _log.error("break-glass password known", alarm=ALARM, reference=visit.reference)
        else:
            _log.warning("break-glass refused", code=code, reference=visit.reference)
            if not self._throttle.admit(visit.ip, code, visit.at_us):
                return
        outcome = Outcome.DENY if isinstance(error, SignInRefused) else Outcome.ERROR
        self._recorder.record_and_wait(self._draft(visit, outcome, code, opening))

    def _draft(self, visit: Visit, outcome: Outcome, code: str, opening: Opening) -> EntryDraft:
        spelt = opening.account.strip().casefold()[:_NAME_CHARACTERS]
        return EntryDraft(
            kind=Kind.SIGNIN,
            at_us=visit.at_us,
            outcome=outcome,
            reference=visit.reference,
            code=code,
            organisation=self._host,
            actor_name=f"break-glass account {spelt}@{self._host}",
            ip=visit.ip,
            agent=visit.agent,
            detail=json.dumps(
                {"used_by": opening.used_by, "reason": opening.reason}, ensure_ascii=False
            ),
        )
