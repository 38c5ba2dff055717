"""Sessions for the pages: one's own, and those that an officer answers for.

An officer of the host sees everybody's sessions; one of a partner sees those of their own
organisation and no others, whatever is asked for. Ending is on the record before it happens.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from gateway.audit.entry import EntryDraft, Kind, Outcome
from gateway.identity.sessions.live_session import LiveSession
from gateway.identity.sessions.session_ending import Whose
from gateway.identity.sessions.session_list import ListedSession, list_sessions
from gateway.identity.staff import find_staff
from gateway.pages.page_services import NotYoursError, SessionSearch
from gateway.store.engine import reading
from gateway.visit import Visit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from sqlalchemy import Engine

    from gateway.audit.recorder import Recorder
    from gateway.identity.sessions.sessions import Sessions
    from gateway.pages.page_services import LiveSession as PageSession
    from gateway.pages.page_services import OpenVisit

_MOST: Final = 200  # on one page; somebody who sees more should narrow it down


class RecordedSessions:
    """Lists and ends sessions, and records it. Blocks; safe to use from several threads."""

    def __init__(
        self,
        *,
        engine: Engine,
        sessions: Sessions,
        recorder: Recorder,
        clock: Callable[[], datetime],
        host_organisation: str,
        directories: Mapping[str, str],
    ) -> None:
        """Hold what is needed.

        Args:
            engine: the store.
            sessions: ends them.
            recorder: makes it durable first.
            clock: the present instant.
            host_organisation: whose officers see everybody's.
            directories: directory id to its organisation.
        """
        self._engine = engine
        self._sessions = sessions
        self._recorder = recorder
        self._clock = clock
        self._host = host_organisation
        self._directories = dict(directories)

    # ---- one's own ------------------------------------------------------------------------

    def mine(self, session: PageSession) -> tuple[ListedSession, ...]:
        """List the living sessions of whoever asks; see `page_services.SessionDesk`."""
        live = _ours(session)
        with reading(self._engine) as connection:
            return list_sessions(connection, Whose(staff_id=live.staff.staff_id), at=self._clock())

    def end_mine(self, session: PageSession, visit: OpenVisit, *, which: str) -> int:
        """End one of one's own sessions, or all others; see `page_services.SessionDesk`."""
        live = _ours(session)
        at = self._clock()
        chosen = [
            each
            for each in self.mine(session)
            if each.hash != live.session.hash and which in {"", each.short}
        ]
        if not chosen:
            return 0
        self._record(live, visit, "ended-by-person", {"sessions": [one.hash for one in chosen]})
        ended = [self._sessions.end(each.hash, at=at, reason="ended-by-person") for each in chosen]
        return sum(ended)

    # ---- an officer's ---------------------------------------------------------------------

    def found(
        self, session: PageSession, search: SessionSearch
    ) -> tuple[tuple[ListedSession, ...], bool]:
        """List the sessions that an officer searches for; see `page_services.SessionDesk`."""
        only = self._only(_ours(session))
        with reading(self._engine) as connection:
            at = self._clock()
            if search.text:
                people = find_staff(connection, search.text, organisation=only, limit=20)
                listed = [
                    each
                    for person in people
                    for each in list_sessions(
                        connection, Whose(staff_id=person.staff_id), at=at, limit=_MOST
                    )
                ]
            else:
                whose = self._whose(search, only)
                listed = list(
                    list_sessions(connection, whose, at=at, limit=_MOST + 1, also_organisation=only)
                )
        return tuple(listed[:_MOST]), len(listed) > _MOST

    def end(self, session: PageSession, visit: OpenVisit, search: SessionSearch) -> int:
        """End the sessions that an officer has chosen; see `page_services.SessionDesk`."""
        live = _ours(session)
        whose = self._whose(search, self._only(live))
        said = {
            "person": search.person,
            "organisation": whose.organisation,
            "directory": search.directory,
            "everyone": whose.everyone,
        }
        self._record(live, visit, "ended-by-officer", said, subject=search.person)
        return self._sessions.end_all(
            whose, at=self._clock(), reason="ended-by-officer", keep=live.session.hash
        )

    def _only(self, officer: LiveSession) -> str | None:
        """Give the one organisation that an officer answers for; None for all of them."""
        organisation = officer.staff.organisation
        return None if organisation == self._host else organisation

    def _whose(self, search: SessionSearch, only: str | None) -> Whose:
        """Say whose sessions are meant, within what the officer answers for.

        Raises:
            NotYoursError: they are another organisation's.
        """
        if search.person:
            if only is not None and search.person.partition("/")[0] != only:
                raise NotYoursError
            return Whose(person=search.person)
        if search.directory:
            owner = self._directories.get(search.directory)
            if owner is None or only not in {None, owner}:
                raise NotYoursError
            return Whose(directory=search.directory)
        organisation = search.organisation or only
        if organisation is None:
            return Whose(everyone=True)
        if only not in {None, organisation}:
            raise NotYoursError
        return Whose(organisation=organisation)

    def _record(
        self,
        live: LiveSession,
        visit: OpenVisit,
        code: str,
        detail: Mapping[str, object],
        *,
        subject: str = "",
    ) -> None:
        """Have it on the record before it happens."""
        if not isinstance(visit, Visit):
            raise TypeError("sessions: a visit that is none of ours")
        facts = live.facts(visit.at)
        self._recorder.record_and_wait(
            EntryDraft(
                kind=Kind.SIGNOUT,
                at_us=visit.at_us,
                outcome=Outcome.PERMIT,
                reference=visit.reference,
                code=code,
                organisation=live.staff.organisation,
                staff_id=live.staff.staff_id,
                actor_name=facts.address,
                roles=facts.roles,
                vetting=facts.levels,
                session=facts.session,
                auth=facts.factors,
                subject=subject,
                ip=visit.ip,
                agent=visit.agent,
                detail=json.dumps(detail, sort_keys=True),
            )
        )


def _ours(session: PageSession) -> LiveSession:
    """Narrow what the pages hand back: they know a session by a few facts only."""
    if not isinstance(session, LiveSession):
        raise TypeError("sessions: a session that is none of ours")
    return session
