"""The mixed load of the soak: what each kind of visitor does again and again, and what must come.

Every answer of the back office says for whom it was made: each page, each event, each part of a
report. One that names somebody else ends the run; so does one that names nobody, and so does any
status that was not due. What only leads to a page is followed.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import re
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import count

from deploy.demo.backoffice.report import REPORT_BYTES, report
from deploy.demo.visitor import Visitor
from tests.soak.line import Answered, Line

PAGE = "text/html"
JSON = "application/json"
PRICE_LIST = "/catalogue/frameworks/current/download"
PRICE_LIST_TITLE = "Joint framework catalogue"
UPLOAD = "/ict/tickets/ICT-10001/attachments"
UPLOAD_BYTES = 4 * 1024 * 1024
EVENTS = "/ict/tickets/ICT-10001/events?events=20&every_ms=100"
EVENTS_EACH = 20
OWN_PAYSLIP = "/OA_HTML/OA.jsp?OAFunc=XX_PAYSLIP"
# What nobody of the load may open, and what must be answered.
REFUSED = (
    ("/admin/console", HTTPStatus.NOT_FOUND),
    ("/OA_HTML/OAExport.jsp", HTTPStatus.NOT_FOUND),
    ("/OA_HTML//OA.jsp?OAFunc=XX_PAYSLIP", HTTPStatus.BAD_REQUEST),
    ("/OA_HTML/%2e%2e/OA.jsp", HTTPStatus.BAD_REQUEST),
)
PAUSE_SECONDS = 3.0  # between two large transfers of one person, and between two sign-ins
_ASKERS = re.compile(rb'data-asker="([^"]*)"|"asker": ?"([^"]*)"|, made for ([^,]*), part')


class CrossTalkError(Exception):
    """An answer was made for somebody else than who asked, or for nobody."""


class WrongAnswerError(Exception):
    """An answer was not the one that was due."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who is signed in.

    Attributes:
        number: of the employee, which the back office says back.
        pages: what their portal offers and asks nothing more for.
    """

    organisation: str
    username: str
    number: str
    cookie: str = ""
    pages: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class Tally:
    """What was counted.

    Attributes:
        kinds: answers by kind of visitor.
        carried: answers that carry who asked, each of them compared.
        bytes_down: of reports.
        bytes_up: of uploads.
    """

    kinds: Counter[str] = field(default_factory=Counter)
    carried: int = 0
    bytes_down: int = 0
    bytes_up: int = 0

    @property
    def responses(self) -> int:
        """Give the number of all answers."""
        return self.kinds.total()


def demand_own(person: Person, answered: Answered, what: str) -> None:
    """Demand that an answer of the back office was made for this person.

    Raises:
        CrossTalkError: if it was not, or does not say.
    """
    seen = named_in(answered.body)
    if seen != {person.number}:
        others = ", ".join(f"`{each}`" for each in sorted(seen - {person.number})) or "nobody"
        message = f"{what}: asked by {person.number}, and the answer names {others}"
        raise CrossTalkError(message)


def named_in(body: bytes) -> set[str]:
    """Give for whom the parts of a body were made."""
    found = (match[1] or match[2] or match[3] or b"" for match in _ASKERS.finditer(body))
    return {each.decode("utf-8", "replace") for each in found}


def demand(answered: Answered, due: set[int], what: str) -> None:
    """Demand a status.

    Raises:
        WrongAnswerError: if it is another.
    """
    if answered.status not in due:
        message = f"{what}: answered {answered.status}: {answered.body[:200]!r}"
        raise WrongAnswerError(message)


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
            cookie = cookie_of(session)
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


def cookie_of(visitor: Visitor) -> str:
    """Write the field with the cookies of a visitor."""
    return "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
