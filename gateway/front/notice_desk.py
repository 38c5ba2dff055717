"""Notices for the pages: what somebody has not seen yet, of themselves and their organisation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.identity.factors.factor_notices import Unseen, mark_seen, unseen
from gateway.identity.sessions.live_session import LiveSession
from vetting.appointments import Role

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Engine

    from gateway.pages.page_services import LiveSession as PageSession


class NoticeDesk:
    """The notices of one gateway. Blocks; safe to use from several threads."""

    def __init__(self, engine: Engine) -> None:
        """Look into this store."""
        self._engine = engine

    def unseen(self, session: PageSession, *, at: datetime) -> Unseen:
        """Give what somebody has not seen yet; security officers, of their organisation too."""
        live = _ours(session)
        officer = Role.SECURITY_OFFICER in live.subject.appointments
        return unseen(
            self._engine,
            at=at,
            staff_id=live.staff.staff_id,
            officer_of=live.staff.organisation if officer else None,
        )

    def see(self, session: PageSession, number: int) -> None:
        """Note that they have seen the notices up to one."""
        mark_seen(self._engine, _ours(session).staff.staff_id, number)


def _ours(session: PageSession) -> LiveSession:
    if not isinstance(session, LiveSession):
        raise TypeError("notices: a session that is none of ours")
    return session
