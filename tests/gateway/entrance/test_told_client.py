"""A front that tells the address with each request: one address, overwritten, or nothing."""

from __future__ import annotations

import pytest

from tests.gateway.entrance.entrance import STRICT, entrance
from tests.gateway.stand import status_of

HTTPS = "X-Forwarded-Proto: https\r\n"


async def test_each_request_is_that_of_the_client_it_was_told_with() -> None:
    async with entrance(header="X-Real-IP") as gate:
        client = await gate.client()
        told = ("192.0.2.7", "192.0.2.8", "2001:DB8::0:9", "192.0.2.7")
        for each in told:
            forged = "X-Forwarded-For: 203.0.113.1\r\n"
            answer = await client.get(more=f"{HTTPS}{forged}X-Real-IP: {each}\r\n")
            assert status_of(answer) == 200
            assert STRICT in answer

        assert gate.worker.ips == ["192.0.2.7", "192.0.2.8", "2001:db8::9", "192.0.2.7"]
        assert gate.reception._places == {}  # its connections are those of many


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        (HTTPS, 400, "front-client"),
        (f"{HTTPS}X-Forwarded-For: \r\n", 400, "front-client"),
        (f"{HTTPS}X-Forwarded-For: 203.0.113.1, 192.0.2.7\r\n", 400, "front-client"),
        (f"{HTTPS}X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-For: 1.2.3.5\r\n", 400, "front-client"),
        (f"{HTTPS}X-Forwarded-For: 192.0.2.7:4711\r\n", 400, "front-client"),
        (f"{HTTPS}X-Forwarded-For: unknown\r\n", 400, "front-client"),
        ("X-Forwarded-For: 192.0.2.7\r\n", 403, "plain-http"),
        ("X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: http\r\n", 403, "plain-http"),
        (f"X-Forwarded-For: 192.0.2.7\r\n{HTTPS}{HTTPS}", 403, "plain-http"),
    ],
)
async def test_what_was_not_overwritten_or_came_in_the_clear_is_refused(
    fields: str, status: int, code: str
) -> None:
    async with entrance(header="X-Forwarded-For") as gate:
        client = await gate.client()
        answer = await client.get(more=fields)
        after = await client.get(more=f"{HTTPS}X-Forwarded-For: 192.0.2.7\r\n")

        assert (status_of(answer), status_of(after)) == (status, 200)
        assert gate.worker.turned_away == [(status, code, "127.0.0.1")]
        assert gate.worker.ips == ["192.0.2.7"]


async def test_a_proxy_that_asks_says_by_itself_whose_request_it_holds() -> None:
    async with entrance(header="X-Forwarded-For") as gate:
        client = await gate.client()
        await client.get("/x", more=f"{HTTPS}X-Forwarded-For: 192.0.2.7\r\n")
        asked = await client.get("/ask", more="X-Forwarded-For: 192.0.2.9, 192.0.2.8\r\n")

        assert status_of(asked) == 200
        assert gate.worker.ips == ["192.0.2.7", "127.0.0.1"]


async def test_an_address_that_only_begins_like_a_question_is_a_clients_own() -> None:
    """Else anybody could write it, and be taken for the front."""
    async with entrance(header="X-Forwarded-For") as gate:
        client = await gate.client()
        told = f"{HTTPS}X-Forwarded-For: 192.0.2.7\r\n"
        for target in ("/askew", "/ask.jsp", "/ask%2F", "/ask/x", "/ask?x"):
            await client.get(target, more=told)

        assert gate.worker.ips == ["192.0.2.7"] * 3 + ["127.0.0.1"] * 2


async def test_what_cannot_be_read_is_nobodys_least_of_all_the_last_clients() -> None:
    async with entrance(header="X-Forwarded-For") as gate:
        client = await gate.client()
        await client.get(more=f"{HTTPS}X-Forwarded-For: 192.0.2.7\r\n")
        await client.say(b"GET / HTTP/1.1\r\nHost: evil\r\n\r\n")

        assert status_of(await client.answer()) == 400
        assert gate.worker.turned_away == [(400, "host", "127.0.0.1")]
