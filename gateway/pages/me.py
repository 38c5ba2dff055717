"""A person's own sessions: where they are signed in, and ending that; staying signed in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from flask import Response, request

from gateway.pages.browser_words import browser_words
from gateway.pages.local_path import PORTAL
from gateway.pages.page import PageKit, PageRequest, Route, see_other, small_number

if TYPE_CHECKING:
    from gateway.identity.sessions.session_list import ListedSession

FUNCTION = "gate.me"
ME = "/-/me"
_NUMBER_DIGITS = 18

_FACTORS = {
    "password": "password",
    "kerberos": "this computer's sign-in",
    "provider": "your organisation's sign-in page",
    "second-factor": "second factor",
    "break-glass": "emergency account",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnSession:
    """One session as its owner sees it."""

    short: str
    here: bool
    browser: str
    source: str
    factors: str
    started_at: datetime
    last_seen_at: datetime


class MePages:
    """My sessions."""

    def __init__(self, kit: PageKit) -> None:
        self._kit = kit

    def routes(self) -> tuple[Route, ...]:
        """List the addresses."""
        return (
            Route(rule=ME, endpoint="me", view=self.show, guarded_by=FUNCTION),
            Route(
                rule=f"{ME}/end",
                endpoint="me_end",
                view=self.end,
                methods=("POST",),
                guarded_by=FUNCTION,
            ),
            Route(
                rule=f"{ME}/seen",
                endpoint="me_seen",
                view=self.seen,
                methods=("POST",),
                guarded_by=FUNCTION,
            ),
            Route(
                rule=f"{ME}/stay",
                endpoint="me_stay",
                view=self.stay,
                methods=("POST",),
                guarded_by=FUNCTION,
            ),
        )

    def show(self) -> Response:
        """List where the person is signed in."""
        return self._list(self._kit.open_request())

    def end(self) -> Response:
        """End one of the person's other sessions, or all of them."""
        page = self._kit.open_request()
        if not page.form_is_ours():
            return self._list(page, stale=True)
        which = request.form.get("session", "")
        every = request.form.get("others") == "all"
        if bool(which) == every or page.session is None:
            return self._list(page, status=400)
        desk = self._kit.services.session_desk
        ended = desk.end_mine(page.session, page.visit, which="" if every else which)
        return see_other(f"{ME}?ended={ended}")

    def seen(self) -> Response:
        """Note that the person has seen what the portal told them of."""
        page = self._kit.open_request()
        number = small_number(request.form.get("number", ""), digits=_NUMBER_DIGITS)
        if page.form_is_ours() and number is not None:
            self._kit.services.notices.see(page.live_session, number)
        return see_other(PORTAL)

    def stay(self) -> Response:
        """Keep the session: asking was the use that keeps it. Says until when, to the script."""
        page = self._kit.open_request()
        if not page.form_is_ours() or page.session is None:
            return Response(status=400)
        ends_at = page.session.ends_unused_at(page.at)
        if request.accept_mimetypes.best_match(["text/html", "application/json"]) == "text/html":
            return see_other(ME)
        return Response(
            f'{{"seconds": {int((ends_at - page.at).total_seconds())}}}',
            content_type="application/json",
        )

    def _list(self, page: PageRequest, *, stale: bool = False, status: int = 200) -> Response:
        session = page.session
        listed = self._kit.services.session_desk.mine(session) if session else ()
        here = session.session.hash if session else ""
        return page.respond(
            "me.html",
            status=400 if stale else status,
            stale=stale,
            ended=small_number(request.args.get("ended", "")),
            sessions=sorted((_own(each, here) for each in listed), key=lambda each: not each.here),
            at_most=self._kit.services.at_most,
            form_token=page.form_token,
        )


def _own(each: ListedSession, here: str) -> OwnSession:
    return OwnSession(
        short=each.short,
        here=each.hash == here,
        browser=browser_words(each.agent),
        source=each.source,
        factors=" and ".join(_FACTORS.get(factor, factor) for factor in sorted(each.factors)),
        started_at=each.started_at,
        last_seen_at=each.last_seen_at,
    )
