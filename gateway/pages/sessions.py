"""Sessions for security officers: who is signed in, and signing people out, after a second look."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from flask import Response, request

from gateway.pages.browser_words import browser_words
from gateway.pages.page import PageKit, PageRequest, Route, see_other, small_number
from gateway.pages.page_services import NotYoursError, SessionSearch

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.identity.sessions.session_list import ListedSession

FUNCTION = "gate.sessions"
SESSIONS = "/-/sessions"

_LONGEST = 200
_NAMES = ("person", "organisation", "directory")


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """One session in the list."""

    name: str
    person: str
    organisation: str
    directory: str
    browser: str
    source: str
    started_at: datetime
    last_seen_at: datetime
    ends_at: datetime
    end_url: str
    here: bool


class SessionPages:
    """The list, and the page that asks before it ends."""

    def __init__(self, kit: PageKit) -> None:
        self._kit = kit

    def routes(self) -> tuple[Route, ...]:
        """List the addresses."""
        return (
            Route(rule=SESSIONS, endpoint="sessions", view=self.show, guarded_by=FUNCTION),
            Route(
                rule=f"{SESSIONS}/end",
                endpoint="sessions_end",
                view=self.confirm,
                guarded_by=FUNCTION,
            ),
            Route(
                rule=f"{SESSIONS}/end",
                endpoint="sessions_end_send",
                view=self.end,
                methods=("POST",),
                guarded_by=FUNCTION,
            ),
        )

    def show(self) -> Response:
        """List sessions: everybody's that the officer answers for, or those that match."""
        page = self._kit.open_request()
        search = _search(request.args.get)
        try:
            found, more = self._found(page, search)
        except NotYoursError:
            return page.respond("sessions_unknown.html", status=404)
        services = self._kit.services
        here = page.session.session.hash if page.session else ""
        chosen = _named(search)
        return page.respond(
            "sessions.html",
            rows=[self._row(each, here) for each in found],
            more=more,
            search=search,
            organisations=services.organisations,
            directories=sorted(services.directories),
            end_all_url=f"{SESSIONS}/end?{urlencode(chosen or {'everyone': 'yes'})}",
            end_all_words=self._words(search),
            ended=small_number(request.args.get("ended", "")),
        )

    def confirm(self) -> Response:
        """Say whose sessions would end and how many, and ask."""
        page = self._kit.open_request()
        return self._ask(page, _search(request.args.get), request.args.get("everyone") == "yes")

    def end(self) -> Response:
        """End them."""
        page = self._kit.open_request()
        search = _search(request.form.get)
        everyone = request.form.get("everyone") == "yes"
        if not page.form_is_ours() or page.session is None or not _clear(search, everyone):
            return self._ask(page, search, everyone, status=400)
        try:
            ended = self._kit.services.session_desk.end(page.session, page.visit, search)
        except NotYoursError:
            return page.respond("sessions_unknown.html", status=404)
        return see_other(f"{SESSIONS}?{urlencode({'ended': str(ended)})}")

    def _ask(
        self,
        page: PageRequest,
        search: SessionSearch,
        everyone: bool,
        *,
        status: int = 200,
    ) -> Response:
        try:
            found, more = self._found(page, search) if _clear(search, everyone) else ((), False)
        except NotYoursError:
            found, more = (), False
        if not found:
            return page.respond("sessions_unknown.html", status=404)
        here = page.session.session.hash if page.session else ""
        others = sum(each.hash != here for each in found)
        return page.respond(
            "sessions_end.html",
            status=status,
            whose=found[0].name if search.person else self._words(search),
            count=others,
            more=more,
            includes_here=others < len(found),
            fields=_named(search) or {"everyone": "yes"},
            form_token=page.form_token,
        )

    def _found(
        self, page: PageRequest, search: SessionSearch
    ) -> tuple[tuple[ListedSession, ...], bool]:
        if page.session is None:
            return (), False
        return self._kit.services.session_desk.found(page.session, search)

    def _words(self, search: SessionSearch) -> str:
        organisation = self._kit.services.organisation(search.organisation)
        if organisation is not None:
            return organisation.name
        return search.directory or "everybody you answer for"

    def _row(self, each: ListedSession, here: str) -> SessionRow:
        organisation = self._kit.services.organisation(each.organisation)
        return SessionRow(
            name=each.name,
            person=each.person,
            organisation=organisation.name if organisation else each.organisation,
            directory=each.directory,
            browser=browser_words(each.agent),
            source=each.source,
            started_at=each.started_at,
            last_seen_at=each.last_seen_at,
            ends_at=each.ends_at,
            end_url=f"{SESSIONS}/end?{urlencode({'person': each.person})}",
            here=each.hash == here,
        )


def _search(get: Callable[..., str | None]) -> SessionSearch:
    def text(name: str) -> str:
        return (get(name) or "")[:_LONGEST].strip()

    return SessionSearch(
        text=text("q"),
        person=text("person"),
        organisation=text("organisation"),
        directory=text("directory"),
    )


def _named(search: SessionSearch) -> dict[str, str]:
    return {name: value for name in _NAMES if (value := getattr(search, name))}


def _clear(search: SessionSearch, everyone: bool) -> bool:
    """Tell whether exactly one thing was said: whose sessions are to end."""
    return len(_named(search)) + everyone == 1 and not search.text
