"""The mixed load of the soak: what each kind of visitor does again and again, and what must come.

Every answer of the back office says for whom it was made: each page, each event, each part of a
report; so does what another proxy is told. One that names somebody else ends the run; so does one
that names nobody, and so does any status that was not due. What only leads to a page is followed.
"""

from __future__ import annotations

import asyncio
import hashlib
import html
import json
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import count
from urllib.parse import urlencode

from deploy.demo.backoffice.report import REPORT_BYTES, report
from deploy.demo.visitor import Visitor
from tests.soak.due import (
    CrossTalkError,
    Person,
    Tally,
    WrongAnswerError,
    demand,
    demand_own,
    named_in,
    told_number,
)
from tests.soak.leaving import leave, ways
from tests.soak.line import BrokenAnswerError, Line
from tests.soak.stand import PROXY_SECRET

PAGE = "text/html"
JSON = "application/json"
PRICE_LIST = "/catalogue/frameworks/current/download"
PRICE_LIST_TITLE = "Joint framework catalogue"
UPLOAD = "/ict/tickets/ICT-10001/attachments"
UPLOAD_BYTES = 4 * 1024 * 1024
EVENTS = "/ict/tickets/ICT-10001/events?events=20&every_ms=100"
EVENTS_EACH = 20
OWN_PAYSLIP = "/OA_HTML/OA.jsp?OAFunc=XX_PAYSLIP"
JOBS = "/estates/jobs"
DECLARATIONS = "/OA_HTML/OA.jsp?OAFunc=XX_SIT"  # each opened under a number of its own
PORTAL = "/-/portal"
FORWARD_AUTH = "/-/forward-auth"
ASSERTION = "gateway-assertion"
FORM = "application/x-www-form-urlencoded"
# What nobody of the load may open, and what must be answered.
REFUSED = (
    ("/admin/console", HTTPStatus.NOT_FOUND),
    ("/OA_HTML/OAExport.jsp", HTTPStatus.NOT_FOUND),
    ("/OA_HTML//OA.jsp?OAFunc=XX_PAYSLIP", HTTPStatus.BAD_REQUEST),
    ("/OA_HTML/%2e%2e/OA.jsp", HTTPStatus.BAD_REQUEST),
    (f"{OWN_PAYSLIP}&person_id=20011", HTTPStatus.FORBIDDEN),
)
PAUSE_SECONDS = 3.0  # between two large transfers of one person, and between two sign-ins
SHORT_PAUSE_SECONDS = 0.1


@dataclass(slots=True, kw_only=True)
class Load:
    """All visitors of one run.

    Attributes:
        port: of the gate.
        password: of everybody.
        tally: what they counted.
        ended: is set when they are to stop.
    """

    port: int
    password: str
    tally: Tally = field(default_factory=Tally)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def read_pages(self, person: Person) -> None:
        """Open the pages of the portal in any order, as pages and as JSON."""
        line = Line(port=self.port, cookie=person.cookie)
        chosen = random.Random(person.number)

        async def once() -> None:
            target = chosen.choice(person.pages)
            accept = PAGE if chosen.random() < 0.5 else JSON
            answered = await line.ask("GET", target, Accept=accept)
            what = f"{target} for {person.username}"
            if answered.status == HTTPStatus.FOUND:  # opened under a number of its own
                self._count("pages opened")
                answered = await line.ask("GET", answered.headers["location"], Accept=accept)
            demand(answered, {HTTPStatus.OK}, what)
            demand_own(person, answered, what)
            self._count("pages", carried=1)

        await self._again(once, line)

    async def download(self, person: Person) -> None:
        """Fetch a report of 20 MB, whole and one's own."""
        line = Line(port=self.port, cookie=person.cookie)
        due = hashlib.sha256()
        for piece in report(PRICE_LIST_TITLE, person.number):
            due.update(piece)

        async def once() -> None:
            digest, sizes = hashlib.sha256(), Counter[str]()

            def take(piece: bytes) -> None:
                digest.update(piece)
                sizes["bytes"] += len(piece)

            answered = await line.ask("GET", PRICE_LIST, take=take, Accept="*/*")
            what = f"the report of {person.username}"
            demand(answered, {HTTPStatus.OK}, what)
            if sizes["bytes"] != REPORT_BYTES or digest.digest() != due.digest():
                message = f"{what}: {sizes['bytes']} bytes came, and they are not theirs"
                raise CrossTalkError(message)
            self.tally.bytes_down += REPORT_BYTES
            self._count("downloads", carried=1)

        await self._again(once, line, pause=PAUSE_SECONDS)

    async def upload(self, person: Person) -> None:
        """Send a file that holds who sends it; the back office tells its hash."""
        line = Line(port=self.port, cookie=person.cookie)
        parts = count(1)

        async def once() -> None:
            begun = f"{person.number} {next(parts)} ".encode()
            sent = (begun * (UPLOAD_BYTES // len(begun) + 1))[:UPLOAD_BYTES]
            answered = await line.ask(
                "POST",
                UPLOAD,
                body=sent,
                Accept=JSON,
                Content_Type="application/octet-stream",
                Origin=f"http://localhost:{self.port}",
            )
            what = f"an upload of {person.username}"
            demand(answered, {HTTPStatus.CREATED}, what)
            demand_own(person, answered, what)
            told = json.loads(answered.body)["files"][0]["sha256"]
            if told != hashlib.sha256(sent).hexdigest():
                message = f"{what}: something else arrived than was sent"
                raise CrossTalkError(message)
            self.tally.bytes_up += len(sent)
            self._count("uploads", carried=1)

        await self._again(once, line, pause=PAUSE_SECONDS)

    async def listen(self, person: Person) -> None:
        """Listen to server-sent events; each says for whom it is."""
        line = Line(port=self.port, cookie=person.cookie)

        async def once() -> None:
            answered = await line.ask("GET", EVENTS, Accept="text/event-stream")
            what = f"the events of {person.username}"
            demand(answered, {HTTPStatus.OK}, what)
            demand_own(person, answered, what)
            events = answered.body.count(b"\ndata: ")
            if events != EVENTS_EACH:
                message = f"{what}: {events} came of {EVENTS_EACH}"
                raise WrongAnswerError(message)
            self._count("events", carried=1)

        await self._again(once, line)

    async def send_forms(self, person: Person) -> None:
        """Report a fault, or open a declaration and send it under the number it was given."""
        line = Line(port=self.port, cookie=person.cookie)
        turns = count()

        async def once() -> None:
            turn, target = next(turns), JOBS
            if turn % 2:
                opened = await line.ask("GET", DECLARATIONS, Accept=PAGE)
                demand(opened, {HTTPStatus.FOUND}, f"a declaration of {person.username}")
                target = opened.headers["location"]
                self._count("pages opened")
            answered = await line.ask(
                "POST",
                target,
                body=urlencode({"detail": f"{person.number} {turn}"}).encode(),
                Accept=JSON,
                Content_Type=FORM,
                Origin=f"http://localhost:{self.port}",
            )
            what = f"a form of {person.username}"
            demand(answered, {HTTPStatus.CREATED}, what)
            demand_own(person, answered, what)
            self._count("forms", carried=1)

        await self._again(once, line, pause=SHORT_PAUSE_SECONDS)

    async def read_portal(self, person: Person) -> None:
        """Open the gate's own page of services, which shows whose it is."""
        line = Line(port=self.port, cookie=person.cookie)
        shown = f'href="/-/me">{html.escape(person.name)}<'.encode()

        async def once() -> None:
            answered = await line.ask("GET", PORTAL, Accept=PAGE)
            what = f"the portal of {person.username}"
            demand(answered, {HTTPStatus.OK}, what)
            if shown not in answered.body:
                message = f"{what}: is not theirs"
                raise CrossTalkError(message)
            self._count("portals")

        await self._again(once, line, pause=SHORT_PAUSE_SECONDS)

    async def be_held(self, person: Person) -> None:
        """Be held by another proxy, which is told in the assertion who asks."""
        line = Line(port=self.port, cookie=person.cookie)

        async def once() -> None:
            answered = await line.ask(
                "GET",
                FORWARD_AUTH,
                Gateway_Proxy_Secret=PROXY_SECRET,
                X_Forwarded_Method="GET",
                X_Forwarded_Uri=OWN_PAYSLIP,
                X_Forwarded_Host=f"localhost:{self.port}",
                X_Forwarded_Proto="http",
                X_Forwarded_For="192.0.2.10",
            )
            what = f"what a proxy is told of {person.username}"
            demand(answered, {HTTPStatus.OK}, what)
            told = told_number(answered.headers.get(ASSERTION, ""))
            if told != person.number:
                message = f"{what}: asked by {person.number}, and told `{told}`"
                raise CrossTalkError(message)
            self._count("questions of a proxy", carried=1)

        await self._again(once, line, pause=0.02)

    async def leave_early(self, person: Person) -> None:
        """Hang up amid a request, an answer, an upload, a stream."""
        turns = ways(
            self.port,
            person.cookie,
            page=OWN_PAYSLIP,
            large=PRICE_LIST,
            stream=EVENTS,
            upload=UPLOAD,
        )

        async def once() -> None:
            try:
                await leave(self.port, next(turns), ended=self.ended.is_set)
            except (OSError, EOFError) as error:  # a TimeoutError is an OSError
                message = f"{person.username}, about to leave: {type(error).__name__}: {error}"
                raise BrokenAnswerError(message) from error
            self.tally.left_early += 1

        await self._again(once, None, pause=SHORT_PAUSE_SECONDS)

    async def be_refused(self, person: Person) -> None:
        """Ask for what is refused: nothing of the back office comes, and nobody's number."""
        line = Line(port=self.port, cookie=person.cookie)
        turns = count()

        async def once() -> None:
            target, due = REFUSED[next(turns) % len(REFUSED)]
            answered = await line.ask("GET", target, Accept=PAGE)
            what = f"{target} for {person.username}"
            demand(answered, {due}, what)
            if named_in(answered.body):
                message = f"{what}: was refused, and something of the back office came"
                raise CrossTalkError(message)
            self._count("refusals")

        await self._again(once, line, pause=0.02)

    async def come_and_go(self, person: Person) -> None:
        """Sign in, open a page, sign out; the cookie of before opens nothing any more."""

        async def once() -> None:
            session = await asyncio.to_thread(signed_in, self.port, person, self.password)
            cookie = session.cookie_field
            line = Line(port=self.port, cookie=cookie)
            answered = await line.ask("GET", OWN_PAYSLIP, Accept=JSON)
            what = f"the payslip of {person.username}"
            demand(answered, {HTTPStatus.OK}, what)
            demand_own(person, answered, what)
            self._count("pages", carried=1)
            left = await asyncio.to_thread(session.sign_out)
            if left.status != HTTPStatus.SEE_OTHER:
                message = f"sign-out of {person.username} answered {left.status}"
                raise WrongAnswerError(message)
            answered = await line.ask("GET", OWN_PAYSLIP, Accept=PAGE)
            demand(answered, {HTTPStatus.SEE_OTHER}, f"{what}, after signing out")
            line.close()
            self._count("sign-ins and sign-outs", 4)

        await self._again(once, None, pause=PAUSE_SECONDS)

    async def _again(
        self, once: Callable[[], Awaitable[None]], line: Line | None, pause: float = 0.0
    ) -> None:
        """Do it again and again until the end."""
        try:
            while not self.ended.is_set():
                await once()
                if pause:
                    await asyncio.sleep(pause)
        finally:
            if line is not None:
                line.close()

    def _count(self, kind: str, number: int = 1, *, carried: int = 0) -> None:
        self.tally.kinds[kind] += number
        self.tally.carried += carried


def signed_in(port: int, person: Person, password: str) -> Visitor:
    """Sign somebody in.

    Raises:
        WrongAnswerError: if they are not let in.
    """
    visitor = Visitor(port=port)
    answered = visitor.sign_in(person.organisation, person.username, password)
    if answered.status != HTTPStatus.SEE_OTHER:
        message = f"sign-in of {person.username} answered {answered.status}"
        raise WrongAnswerError(message)
    return visitor
