"""The officers' side of second factors: find a person, propose a reset, approve another's.

A security officer acts for their own organisation and no other. Who approves is not who proposed,
and what was approved ends every session of the person.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.audit.entry import Outcome
from gateway.front.sign_in_desk import our_visit
from gateway.identity.factors.factor_notices import notices
from gateway.identity.factors.factor_reset import Officer, ResetRefused, demand_another
from gateway.identity.sessions.live_session import LiveSession
from gateway.identity.sessions.session_ending import Whose
from gateway.identity.staff import find_staff, staff_by_id
from gateway.store.engine import reading

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection, Engine

    from gateway.front.factor_record import FactorRecord
    from gateway.identity.factors.factor_notices import Notice
    from gateway.identity.factors.factor_reset import FactorResets, Reset
    from gateway.identity.factors.factor_rows import Standing
    from gateway.identity.factors.factors import SecondFactors
    from gateway.identity.sessions.sessions import Sessions
    from gateway.identity.staff import Staff
    from gateway.pages.page_services import LiveSession as PageSession
    from gateway.pages.page_services import OpenVisit

_MOST: Final = 20


class FactorOffice:
    """What officers do with others' second factors. Blocks; safe to use from several threads."""

    def __init__(
        self,
        *,
        engine: Engine,
        factors: SecondFactors,
        resets: FactorResets,
        sessions: Sessions,
        record: FactorRecord,
    ) -> None:
        """Hold what is needed.

        Args:
            engine: the store.
            factors: what people prove themselves with.
            resets: the proposals.
            sessions: ended with the factors.
            record: makes it durable.
        """
        self._engine = engine
        self._factors = factors
        self._resets = resets
        self._sessions = sessions
        self._record = record

    def find(self, officer: PageSession, text: str) -> tuple[tuple[Staff, Standing], ...]:
        """Find staff of the officer's organisation by name or number, with what they have."""
        organisation = _ours(officer).staff.organisation
        with reading(self._engine) as connection:
            found = find_staff(connection, text, organisation=organisation, limit=_MOST)
        return tuple((each, self._factors.standing(each.staff_id)) for each in found)

    def waiting(self, officer: PageSession, *, at: datetime) -> tuple[Reset, ...]:
        """List the proposals of the officer's organisation."""
        return self._resets.waiting(at=at, organisation=_ours(officer).staff.organisation)

    def notices(self, officer: PageSession, *, at: datetime) -> tuple[Notice, ...]:
        """List what lately happened to second factors in the officer's organisation."""
        organisation = _ours(officer).staff.organisation
        return notices(self._engine, at=at, organisation=organisation)

    def propose(self, officer: PageSession, staff_id: str, *, visit: OpenVisit) -> None:
        """Propose to reset somebody's factors.

        Raises:
            ResetRefused: it may not be; recorded.
        """
        live, visit = _ours(officer), our_visit(visit)
        with reading(self._engine) as connection:
            staff = staff_by_id(connection, staff_id)
        if staff is None or staff.organisation != live.staff.organisation:
            raise ResetRefused("reset-unknown", "nobody of that name in this organisation")
        by = _officer(live)
        if by.id == staff.staff_id:
            self._record.officer(live, visit, Outcome.DENY, "reset-own", staff.person)
            raise ResetRefused("reset-own", "nobody proposes to reset their own factors")
        self._record.officer(live, visit, Outcome.PERMIT, "factor-reset-proposed", staff.person)
        self._resets.propose(staff_id, by=by, at=visit.at)

    def approve(self, officer: PageSession, proposal_id: str, *, visit: OpenVisit) -> Reset:
        """Reset the factors that another officer's proposal is about, and end the sessions.

        Raises:
            ResetRefused: it may not be; recorded.
        """
        live, visit = _ours(officer), our_visit(visit)
        reset = self._of_organisation(live, proposal_id, visit.at)
        by = _officer(live)
        try:
            demand_another(reset, by)
        except ResetRefused as error:
            self._record.officer(live, visit, Outcome.DENY, error.code, reset.person)
            raise
        self._record.officer(live, visit, Outcome.PERMIT, "factor-reset-approved", reset.person)

        def end(connection: Connection, staff_id: str) -> None:
            whose = Whose(staff_id=staff_id)
            self._sessions.end_all_within(connection, whose, at=visit.at, reason="factors-reset")

        self._resets.approve(proposal_id, by=by, at=visit.at, end=end)
        self._sessions.ring()
        return reset

    def drop(self, officer: PageSession, proposal_id: str, *, visit: OpenVisit) -> Reset:
        """Take a proposal back.

        Raises:
            ResetRefused: there is none.
        """
        live, visit = _ours(officer), our_visit(visit)
        reset = self._of_organisation(live, proposal_id, visit.at)
        self._record.officer(live, visit, Outcome.PERMIT, "factor-reset-dropped", reset.person)
        return self._resets.drop(proposal_id, by=_officer(live), at=visit.at)

    def _of_organisation(self, live: LiveSession, proposal_id: str, at: datetime) -> Reset:
        reset = self._resets.find(proposal_id, at=at)
        if reset.organisation != live.staff.organisation:
            raise ResetRefused("reset-unknown", "no such proposal waits; it may have lapsed")
        return reset


def _officer(live: LiveSession) -> Officer:
    return Officer(id=live.staff.staff_id, name=live.staff.name)


def _ours(session: PageSession) -> LiveSession:
    if not isinstance(session, LiveSession):
        raise TypeError("factor office: a session that is none of ours")
    return session
