"""What becomes of a visit that a step refused or that failed: an entry of its own, then an answer.

Whatever is raised on the way through the gate comes here, and nothing that is raised lets anybody
through: what has no meaning of its own is a fault, and 503.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from gateway.audit.entry import Kind
from gateway.backoffice.canonical import TargetError
from gateway.drafts import refusal_draft
from gateway.errors import NotCurrent, RecordUnavailable, StoreError
from gateway.identity.sessions.live_session import DirectoryAway
from gateway.pace import PERSON_RATE
from gateway.refused import Refused
from gateway.staff_finder import sign_in_address
from gateway.wire.answers import see_other

if TYPE_CHECKING:
    from gateway.acts import Refusals
    from gateway.audit.recorder import Recorder
    from gateway.staff_finder import StaffFinder
    from gateway.throttle import RefusalThrottle
    from gateway.visit import Visit

_log = structlog.get_logger("refuser")


class Refuser:
    """Records refusals and answers them. One a host and worker, on the event loop."""

    def __init__(
        self,
        *,
        staff: StaffFinder,
        recorder: Recorder,
        throttle: RefusalThrottle,
        refusals: Refusals,
    ) -> None:
        """Hold the parts.

        Args:
            staff: finds who tried what was refused before anybody asked.
            recorder: makes refusals durable.
            throttle: keeps strangers from filling the record.
            refusals: writes the answers.
        """
        self._staff = staff
        self._recorder = recorder
        self._throttle = throttle
        self._refusals = refusals

    async def refuse(self, visit: Visit, why: Exception) -> None:
        """Record a refusal that has no entry yet, and answer.

        Args:
            visit: the visit; it has not been answered.
            why: what was raised on its way.
        """
        refused = _refusal_for(visit, why)
        status, cause, location = refused.status, refused.code, refused.location
        if not refused.recorded:
            status = await self._record(visit, refused)
        if status == 303:  # noqa: PLR2004
            return visit.give(see_other(location or sign_in_address(visit, cause), visit.reference))
        told, title = refused.reasons, refused.asked_for
        answer = self._refusals.answer(
            visit, status, reasons=told, asked_for=title, cause=cause, sign_in=location
        )
        return visit.give(answer)

    def answer(self, visit: Visit, status: int, *, cause: str) -> None:
        """Answer a visit that was permitted and came to nothing; its entry stands already."""
        visit.give(self._refusals.answer(visit, status, cause=cause))

    async def _record(self, visit: Visit, refused: Refused) -> int:
        """Record a refusal, those of strangers within limits; gives the status to answer."""
        if visit.live is None:
            await self._staff.name(visit)
        draft = refusal_draft(visit, Kind.ACCESS, refused.code, refused.status)
        flood = visit.live is None or refused.code == PERSON_RATE
        if flood and not self._throttle.admit(visit.ip, refused.code, visit.at_us):
            return refused.status
        try:
            await self._recorder.record_async(draft)
        except RecordUnavailable:
            _log.error("refusal not recorded", reference=visit.reference, code=refused.code)
            return refused.status if refused.status == 400 else 503  # noqa: PLR2004
        return refused.status


def _refusal_for(visit: Visit, why: Exception) -> Refused:
    """Say what the caller meets for what was raised; a fault is told to the operational log."""
    match why:
        case Refused():
            return why
        case TargetError():
            return Refused(400, why.code)
        case DirectoryAway():
            visit.live = why.live
            return Refused(503, "directory-away")
        case NotCurrent():
            return Refused(503, "bulletin-stale")
        case StoreError():
            return Refused(503, "store-unavailable")
        case RecordUnavailable():
            # Nothing was sent on; the reference finds the operational log.
            return Refused(503, "record-unavailable", recorded=True)
        case _:
            _log.error("visit failed", reference=visit.reference, exc_info=why)
            return Refused(503, "fault")
