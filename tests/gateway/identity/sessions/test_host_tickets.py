"""A ticket is taken once, soon, at its host, by the browser that began there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from gateway.identity.sessions.host_tickets import (
    HostTickets,
    TicketOver,
    browser_of,
    is_browser,
    purge_tickets,
)
from gateway.identity.sessions.tokens import new_token
from gateway.store.engine import reading, writing
from gateway.store.schema import host_ticket
from tests.gateway.identity.parts import AT, FIRE, Parts, new_parts

SECRET = bytes(range(32))
MINE, OTHERS = "m" * 43, "n" * 43


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Parts]:
    with new_parts(tmp_path) as made:
        yield made


def given(parts: Parts) -> tuple[HostTickets, str, str]:
    """Sign somebody in: the tickets, the session's token, a ticket for fleet."""
    token, _ = parts.sign_in(organisation=FIRE)
    tickets = HostTickets(parts.store, SECRET)
    return tickets, token, tickets.give(token, system="fleet", browser=browser_of(MINE), at=AT)


def kept(parts: Parts) -> list[str]:
    with reading(parts.store) as connection:
        return [str(row) for row in connection.execute(select(host_ticket))]


def test_a_ticket_gives_its_session_once(parts: Parts) -> None:
    tickets, token, ticket = given(parts)

    assert tickets.take(ticket, system="fleet", secret=MINE, at=AT) == token
    with pytest.raises(TicketOver, match="used up"):
        tickets.take(ticket, system="fleet", secret=MINE, at=AT)


@pytest.mark.parametrize(
    ("system", "secret", "after"),
    [
        ("ebs", MINE, 0),
        ("fleet", OTHERS, 0),
        ("fleet", "", 0),
        ("fleet", "é", 0),
        ("fleet", MINE, 30),
        ("fleet", MINE, -30),
    ],
)
def test_a_ticket_that_is_shown_wrongly_is_refused_and_used_up(
    parts: Parts, system: str, secret: str, after: int
) -> None:
    tickets, _, ticket = given(parts)

    at = AT + timedelta(seconds=after)
    with pytest.raises(TicketOver, match="not for this host and browser, or is too old"):
        tickets.take(ticket, system=system, secret=secret, at=at)
    with pytest.raises(TicketOver, match="used up"):
        tickets.take(ticket, system="fleet", secret=MINE, at=AT)


def test_it_may_be_taken_within_half_a_minute(parts: Parts) -> None:
    tickets, token, ticket = given(parts)

    at = AT + timedelta(seconds=29)
    assert tickets.take(ticket, system="fleet", secret=MINE, at=at) == token


@pytest.mark.parametrize("said", ["", "x", "k" * 43, "é" * 43])
def test_what_is_no_ticket_is_refused(parts: Parts, said: str) -> None:
    with pytest.raises(TicketOver):
        HostTickets(parts.store, SECRET).take(said, system="fleet", secret=MINE, at=AT)


def test_a_copy_of_the_database_holds_neither_ticket_nor_token(parts: Parts) -> None:
    _, token, ticket = given(parts)

    (row,) = kept(parts)
    assert ticket not in row
    assert token not in row
    assert MINE not in row


def test_a_ticket_goes_with_its_session_and_with_time(parts: Parts) -> None:
    tickets, token, _ = given(parts)
    tickets.give(token, system="fleet", browser=browser_of(MINE), at=AT + timedelta(seconds=29))
    assert len(kept(parts)) == 2
    with writing(parts.store) as connection:
        purge_tickets(connection, AT + timedelta(seconds=30))
    assert len(kept(parts)) == 1
    parts.sessions.purge(at=AT + timedelta(days=2))

    assert kept(parts) == []


def test_a_browser_is_known_by_a_hash() -> None:
    assert is_browser(browser_of(MINE))
    assert not is_browser(MINE)
    assert not is_browser(browser_of(MINE).upper())


def test_no_ticket_is_given_for_a_session_that_has_ended(parts: Parts) -> None:
    token, session = parts.sign_in(organisation=FIRE)
    parts.sessions.end(session.hash, at=AT)

    for each in (token, new_token()):
        with pytest.raises(TicketOver, match="the session has ended"):
            HostTickets(parts.store, SECRET).give(
                each, system="fleet", browser=browser_of(MINE), at=AT
            )
    assert kept(parts) == []
