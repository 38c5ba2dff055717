"""The back office: who is asking, which screen, what it shows or stores.

In order:
1. style sheets, script and mark are given to everybody;
2. the pages that such suites forget about are there too, for whoever reaches them (`UNLISTED`): the
   attack tests look for their mark, and must never see it through the gateway;
3. the assertion is verified, or 401, but for the sign-out, which needs a cookie alone;
4. the screen is found, or 404;
5. a read shows it, a write stores what was sent and leads back to it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from itertools import count
from pathlib import Path
from urllib.parse import quote

from deploy.demo.backoffice.assertion import (
    FIELD,
    Asker,
    AssertionRefusedError,
    AssertionVerifier,
)
from deploy.demo.backoffice.contents import Library
from deploy.demo.backoffice.exchange import JSON_TYPE, STREAM_TYPE, Answer, Asked
from deploy.demo.backoffice.live_socket import LiveSocket
from deploy.demo.backoffice.menu import menu_answer
from deploy.demo.backoffice.people import People, Person
from deploy.demo.backoffice.rendering import Pages, as_json, json_answer
from deploy.demo.backoffice.report import MEBIBYTE, REPORT_BYTES, report
from deploy.demo.backoffice.screens import BY_NUMBER, Screen, Screens
from deploy.demo.backoffice.store import Owner, Store
from deploy.demo.backoffice.transactions import PARAMETER, Transactions
from deploy.demo.backoffice.uploads import BadBodyError, Sent, read_sent

MEDIA = Path(__file__).with_name("media")
MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
MEDIA_PATH = "/OA_MEDIA/"
SIGN_OUT_PATH = "/OA_HTML/AppsLogout"
HEARTBEAT_PATH = "/forms/lservlet"  # of the professional forms
COOKIE = "EBSSESSION"
MARKING = "Classification"  # of an answer that is marked
UNLISTED_MARK = "this page is on no list"
# Not one of them is in the catalogue: what a suite like this has beside what it is meant for.
UNLISTED = frozenset(
    {
        "/OA_HTML/AppsLogin",
        "/OA_HTML/AppsLocalLogin.jsp",
        "/OA_HTML/OAErrorPage.jsp",
        "/OA_HTML/OAExport.jsp",
        "/OA_HTML/OADownload.jsp",
        "/OA_HTML/fndvald.jsp",
        "/OA_HTML/JavaScriptServlet",
        "/OA_HTML/jsp/fnd/AOLDataStreaming.jsp",
        "/webservices/rest/login",
        "/internal/export-everybody",
        "/internal/status",
        "/",
    }
)
LIVE_SECONDS = 1.0
MAX_LIVE_SECONDS = 0.01
Wait = Callable[[float], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Turn:
    """One request on its way: what was asked, by whom, on which screen, about whom."""

    asked: Asked
    asker: Asker
    screen: Screen
    holder: Person

    @property
    def owner(self) -> Owner:
        """Give whose entries are shown and stored."""
        return Owner(
            organisation=self.asker.organisation, employee_number=self.asker.employee_number
        )

    @property
    def here(self) -> str:
        """Give the URL of the screen's list, with the person it was asked about."""
        pairs = dict(self.screen.query)
        if self.holder.employee_number != self.asker.employee_number:
            pairs["person_id"] = self.holder.employee_number
        query = "&".join(f"{name}={quote(value)}" for name, value in pairs.items())
        path = self.screen.path
        if "*" in path or "{" in path or self.asked.path == BY_NUMBER:
            path = self.screen.entry.partition("?")[0]
        return path + (f"?{query}" if query else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """A WebSocket, and whom it is for."""

    asker: str
    socket: LiveSocket


class BackOffice:
    """Answers requests. Safe for threads."""

    def __init__(
        self,
        *,
        store: Store,
        verifier: AssertionVerifier,
        people: People,
        now: Callable[[], datetime],
        wait: Wait,
    ) -> None:
        """Put it together.

        Args:
            store: where entries are kept.
            verifier: says who is asking.
            people: whose records there are.
            now: the clock.
            wait: waits for seconds; true when the process is ending.
        """
        self._store = store
        self._verifier = verifier
        self._people = people
        self._library = Library(people=people)
        self._screens = Screens.read()
        self._transactions = Transactions()
        self._pages = Pages()
        self._now = now
        self._wait = wait

    def answer(self, asked: Asked) -> Answer:
        """Answer one request."""
        if asked.path.startswith(MEDIA_PATH):
            return _media(asked.path.removeprefix(MEDIA_PATH))
        if asked.path in UNLISTED:
            return Answer(body=f"<!DOCTYPE html><title>{UNLISTED_MARK}</title>".encode())
        if asked.path == SIGN_OUT_PATH:  # whose session it is the cookie says; nothing is shown
            return self._sign_out(asked)
        try:
            asker = self._verifier.verify(asked.headers.get(FIELD))
        except AssertionRefusedError as refused:
            return json_answer({"error": "who is asking?", "detail": str(refused)}, 401)
        try:
            answered = self._answer(asked, asker)
        except BadBodyError as error:
            answered = json_answer({"error": str(error)}, HTTPStatus.BAD_REQUEST)
        proof = ("X-Asker", asker.employee_number)
        return Answer(
            status=answered.status,
            content_type=answered.content_type,
            body=answered.body,
            length=answered.length,
            headers=(*answered.headers, proof),
        )

    def _answer(self, asked: Asked, asker: Asker) -> Answer:
        if asked.path == HEARTBEAT_PATH:
            return Answer(content_type="application/octet-stream", body=b"\x00\x01")
        sent = Sent() if asked.method in {"GET", "HEAD"} else read_sent(asked)
        opened = self._transactions.screen_of(asked.parameter(PARAMETER))
        screen = self._screens.by_id(opened) if opened else self._screens.find(asked, sent.fields)
        menu = menu_answer(asked, asker, self._screens.each, self._pages)
        if menu is not None:
            return menu
        if screen is None and asked.path == BY_NUMBER:
            return self._menu(asker)
        if screen is None:
            return json_answer({"error": "no such page"}, HTTPStatus.NOT_FOUND)
        named = asked.parameter("person_id") or sent.fields.get("person_id")
        holder = self._holder(asker, named)
        if holder is None:
            return json_answer({"error": "no such person"}, HTTPStatus.NOT_FOUND)
        turn = _Turn(asked=asked, asker=asker, screen=screen, holder=holder)
        match asked.method:
            case "GET" | "HEAD":
                return self._show(turn)
            case "POST" | "PUT" | "PATCH":
                return self._keep(turn, sent)
            case "DELETE":
                return self._remove(turn)
            case _:
                return json_answer({"error": "no such method"}, HTTPStatus.METHOD_NOT_ALLOWED)

    def live_socket(self, asked: Asked) -> Talk | Answer:
        """Give what is said over a WebSocket, or why there is none."""
        try:
            asker = self._verifier.verify(asked.headers.get(FIELD))
        except AssertionRefusedError as refused:
            return json_answer({"error": "who is asking?", "detail": str(refused)}, 401)
        screen = self._screens.find(asked, {})
        holder = self._holder(asker, asked.parameter("person_id"))
        live = asked.path.endswith("/live")
        if screen is None or holder is None or not screen.socket or not live:
            return json_answer({"error": "no such page"}, HTTPStatus.NOT_FOUND)
        rows = self._library.contents(screen, holder, self._now().date(), None).rows
        every = int(asked.parameter("every_ms") or 0) / 1000 or LIVE_SECONDS
        changes = (self._change(asker, rows, number) for number in count())
        return Talk(
            asker=asker.employee_number,
            socket=LiveSocket(
                changes,
                lambda said: {"asker": asker.employee_number, "heard": said},
                max(every, MAX_LIVE_SECONDS),
            ),
        )

    def _change(self, asker: Asker, rows: tuple[tuple[str, ...], ...], number: int) -> str:
        values = list(rows[number % len(rows)]) if rows else []
        at = f"{self._now():%H:%M:%S}"
        return json.dumps({"at": at, "asker": asker.employee_number, "values": values})

    def _menu(self, asker: Asker) -> Answer:
        """Show the whole menu, as such suites do where they are asked for what they do not know."""
        links = [(screen.title, screen.entry) for screen in self._screens.each]
        return self._pages.render(
            "plain.html", title=UNLISTED_MARK, asker=asker, screen=None, text="", links=links,
            visit=None, pages=None,
        )  # fmt: skip

    def _holder(self, asker: Asker, number: str | None) -> Person | None:
        """Give whose record it is: the one named, or the asker's own, known here or not."""
        found = self._people.find(number or asker.employee_number)
        if number is not None and number != asker.employee_number:
            return found
        if found is not None and found.organisation == asker.organisation:
            return found
        return Person(
            employee_number=asker.employee_number,
            name=asker.name,
            organisation=asker.organisation,
        )

    def _show(self, turn: _Turn) -> Answer:
        asked, screen, asker = turn.asked, turn.screen, turn.asker
        if screen.report and asked.path.endswith("/download"):
            mib = asked.parameter("mib")
            return _report(screen, asker, int(mib) * MEBIBYTE if mib else REPORT_BYTES)
        if screen.transaction and asked.wants("text/html") and not asked.parameter(PARAMETER):
            return self._open(turn)
        contents = self._library.contents(
            screen, turn.holder, self._now().date(), asked.parameter("name")
        )
        if (screen.live and asked.wants(STREAM_TYPE)) or asked.path.endswith("/events"):
            return self._live(turn, contents.rows)
        stored = self._store.kept(screen.id, turn.owner)
        uploads = self._store.uploads(screen.id, turn.owner) if screen.upload else ()
        if not asked.wants("text/html") and (screen.json or asked.wants(JSON_TYPE)):
            return as_json(screen, asker, turn.holder, contents, stored, uploads)
        wanted = asked.parameter("item") or _named_in_path(screen, asked.path)
        marked = screen.marked.get(wanted or "")
        item = contents.row(wanted) if wanted else None
        if marked is not None and wanted:  # a record that should not have been put here
            item = (wanted, *contents.rows[0][1:])
        if wanted and item is None:
            return json_answer({"error": "no such record"}, HTTPStatus.NOT_FOUND)
        cookie, pages = self._session(asked)
        page = self._pages.render(
            "screen.html",
            title=screen.title,
            screen=screen,
            asker=asker,
            holder=turn.holder,
            contents=contents,
            item=item,
            stored=stored,
            uploads=uploads,
            done=asked.parameter("stored"),
            found=asked.parameter("name"),
            here=turn.here,
            send_to=f"{screen.path}?{PARAMETER}={asked.parameter(PARAMETER)}"
            if screen.transaction
            else turn.here,
            visit=asked.headers.get("x-request-id"),
            pages=pages,
        )
        marking = ((MARKING, marked),) if marked else ()
        return Answer(status=page.status, body=page.body, headers=(*cookie, *marking))

    def _open(self, turn: _Turn) -> Answer:
        """Open a page of the screen under a number of its own, and lead there."""
        asked, screen = turn.asked, turn.screen
        kept = [(name, value) for name, value in asked.query if name != "function_id"]
        pairs = {**screen.query, **dict(kept), PARAMETER: self._transactions.begin(screen.id)}
        query = "&".join(f"{name}={quote(value)}" for name, value in pairs.items())
        location = ("Location", f"{screen.path}?{query}")
        return Answer(status=HTTPStatus.FOUND, headers=(location,))

    def _keep(self, turn: _Turn, sent: Sent) -> Answer:
        at = self._now().isoformat(timespec="seconds")
        screen, owner = turn.screen, turn.owner
        kept = [self._store.keep_upload(screen.id, owner, file, at) for file in sent.files]
        fields = {name: value for name, value in sent.fields.items() if name not in screen.query}
        if fields or not kept:
            kept.insert(0, self._store.keep(screen.id, owner, fields, at))
        if turn.asked.wants("text/html"):
            joint = "&" if "?" in turn.here else "?"
            location = f"{turn.here}{joint}stored={kept[0]}"
            return Answer(status=HTTPStatus.SEE_OTHER, headers=(("Location", location),))
        files = [{"name": f.name, "size": f.size, "sha256": f.sha256} for f in sent.files]
        told = {"reference": kept[0], "asker": turn.asker.employee_number, "files": files}
        return json_answer(told, HTTPStatus.CREATED)

    def _remove(self, turn: _Turn) -> Answer:
        item = turn.asked.parameter("item") or _named_in_path(turn.screen, turn.asked.path) or ""
        if self._store.forget(turn.screen.id, turn.owner, item):
            return json_answer({"removed": item, "asker": turn.asker.employee_number})
        return json_answer({"error": "no such record"}, HTTPStatus.NOT_FOUND)

    def _live(self, turn: _Turn, rows: tuple[tuple[str, ...], ...]) -> Answer:
        """Send a change each second, or as the parameters `events` and `every_ms` say."""
        most = int(turn.asked.parameter("events") or 0) or None
        every = int(turn.asked.parameter("every_ms") or 0) / 1000 or LIVE_SECONDS
        last = int(turn.asked.headers.get("last-event-id", "0") or 0)
        return Answer(
            content_type=STREAM_TYPE,
            body=self._changes(turn.asker, rows, last, most, max(every, MAX_LIVE_SECONDS)),
        )

    def _changes(
        self,
        asker: Asker,
        rows: tuple[tuple[str, ...], ...],
        last: int,
        most: int | None,
        every: float,
    ) -> Iterator[bytes]:
        number = last
        while most is None or number < last + most:
            told = self._change(asker, rows, number)
            number += 1
            yield f"id: {number}\nevent: change\ndata: {told}\n\n".encode()
            if (most is None or number < last + most) and self._wait(every):
                return

    def _session(self, asked: Asked) -> tuple[tuple[tuple[str, str], ...], int]:
        token = _cookie(asked)
        pages = self._store.count_page(token) if token else None
        if pages is not None:
            return (), pages
        token = self._store.begin_session()
        cookie = ("Set-Cookie", f"{COOKIE}={token}; Path=/; HttpOnly; SameSite=Lax")
        return (cookie,), self._store.count_page(token) or 1

    def _sign_out(self, asked: Asked) -> Answer:
        if token := _cookie(asked):
            self._store.end_session(token)
        gone = f"{COOKIE}=; Path=/; Max-Age=0"
        return Answer(status=HTTPStatus.NO_CONTENT, headers=(("Set-Cookie", gone),))


def _named_in_path(screen: Screen, path: str) -> str | None:
    """Give the record that a path below the screen's own names, such as `/fleet/jobs/JOB-10012`."""
    if not path.startswith(f"{screen.path}/"):
        return None
    return path.removeprefix(f"{screen.path}/").partition("/")[0]


def _cookie(asked: Asked) -> str | None:
    for pair in asked.headers.get("cookie", "").split(";"):
        name, _, value = pair.strip().partition("=")
        if name == COOKIE:
            return value
    return None


def _media(name: str) -> Answer:
    path = MEDIA / name
    if "/" in name or path.suffix not in MEDIA_TYPES or not path.is_file():
        return json_answer({"error": "no such file"}, HTTPStatus.NOT_FOUND)
    return Answer(content_type=MEDIA_TYPES[path.suffix], body=path.read_bytes())


def _report(screen: Screen, asker: Asker, size: int) -> Answer:
    name = f"{screen.id}-{asker.employee_number}.csv"
    return Answer(
        content_type="text/csv; charset=utf-8",
        body=report(screen.title, asker.employee_number, size),
        length=size,
        headers=(("Content-Disposition", f'attachment; filename="{name}"'),),
    )
