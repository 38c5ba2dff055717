"""Sign-ins as load: the form is sent by many people, at fixed instants or as fast as it goes.

Each sign-in has a connection of its own, as a browser's first request has. The form itself is
fetched once: what is measured is the sending of it, from the instant it was due to the last byte.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from deploy.demo.visitor import Visitor
from tests.benchmarks.load import WrongAnswersError

SIGNED_IN = 303
NOT_KNOWN = 401
NO_ANSWER = 0  # within the patience of a person
AWAY = 503
PATIENCE_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """The sign-in form as somebody has it before them: the cookie and the hidden field."""

    port: int
    cookie: str
    token: str

    def request(self, organisation: str, username: str, password: str) -> bytes:
        """Write the request with which it is sent."""
        body = urlencode(
            {
                "csrf_token": self.token,
                "organisation": organisation,
                "username": username,
                "password": password,
                "next": "/-/portal",
            }
        )
        origin = f"http://localhost:{self.port}"
        return (
            f"POST /-/sign-in HTTP/1.1\r\nHost: localhost:{self.port}\r\nOrigin: {origin}\r\n"
            f"Cookie: {self.cookie}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}"
        ).encode("ascii")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """How one sign-in went: of which organisation, the status, and how long it took."""

    organisation: str
    status: int
    milliseconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who signs in."""

    organisation: str
    username: str
    password: str
    source: str = "127.0.0.1"


def open_form(port: int) -> Form:
    """Fetch the form once.

    Raises:
        WrongAnswersError: if there is none.
    """
    visitor = Visitor(port=port)
    token = visitor.get("/-/sign-in").seen.fields.get("csrf_token", "")
    cookie = visitor.cookie_field
    if not token or not cookie:
        message = "the gate: the sign-in page has no form"
        raise WrongAnswersError(message)
    return Form(port=port, cookie=cookie, token=token)


def at_a_rate(form: Form, people: Sequence[Person], *, seconds: float) -> list[Answered]:
    """Have all these people sign in, one after the other within so many seconds."""

    async def storm() -> list[Answered]:
        begun = time.perf_counter() + 0.1
        interval = seconds / len(people)
        due = [begun + number * interval for number in range(len(people))]
        return await asyncio.gather(
            *(_sign_in(form, person, at) for person, at in zip(people, due, strict=True))
        )

    return asyncio.run(storm())


def as_fast_as_it_goes(
    form: Form, people: Sequence[Person], *, at_once: int, seconds: float
) -> list[Answered]:
    """Have people sign in for so many seconds, so many at once, each as the one before is done."""
    answered: list[Answered] = []

    async def lane(number: int, until: float) -> None:
        turn = number
        while time.perf_counter() < until:
            answered.append(await _sign_in(form, people[turn % len(people)], time.perf_counter()))
            turn += at_once

    async def lanes() -> None:
        until = time.perf_counter() + seconds
        await asyncio.gather(*(lane(number, until) for number in range(at_once)))

    asyncio.run(lanes())
    return answered


def one_by_one(form: Form, people: Sequence[Person], *, at_once: int) -> list[Answered]:
    """Have each of them sign in once, so many at once; the answers are in their order."""
    answered: list[Answered | None] = [None] * len(people)

    async def lane(number: int) -> None:
        for turn in range(number, len(people), at_once):
            answered[turn] = await _sign_in(form, people[turn], time.perf_counter())

    async def lanes() -> None:
        await asyncio.gather(*(lane(number) for number in range(at_once)))

    asyncio.run(lanes())
    return [one for one in answered if one is not None]


async def _sign_in(form: Form, person: Person, due: float) -> Answered:
    await asyncio.sleep(max(0.0, due - time.perf_counter()))
    request = form.request(person.organisation, person.username, person.password)
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            answer = await _ask(form.port, request, person.source)
    except TimeoutError:
        answer = b""
    status = int(answer[9:12] or NO_ANSWER)
    if status not in {SIGNED_IN, NOT_KNOWN, AWAY, NO_ANSWER}:
        message = f"the gate: a sign-in at {person.organisation} answered {answer[:80]!r}"
        raise WrongAnswersError(message)
    return Answered(
        organisation=person.organisation,
        status=status,
        milliseconds=(time.perf_counter() - due) * 1e3,
    )


async def _ask(port: int, request: bytes, source: str) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
    try:
        writer.write(request)
        return await reader.read()
    finally:
        writer.close()
