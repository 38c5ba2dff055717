"""HAProxy and nginx with the configurations of deploy/fronts: the gate knows whom it serves."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import warnings
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.doubles.fronts import haproxy, nginx
from tests.doubles.raw_client import RawClient
from tests.gateway.entrance.entrance import (
    BY_PROXY,
    LIMITS,
    NAME,
    Entrance,
    Issued,
    entrance,
)
from tests.gateway.stand import field_of, status_of
from tests.gateway.wire.bench import echo

CLIENT, OTHER = "127.0.0.2", "127.0.0.3"  # the fronts themselves connect from 127.0.0.1
TARGET = "/OA_HTML/OA.jsp?a=%2F&b=x+y&c=%E2%82%AC"
LIES = "X-Forwarded-For: 203.0.113.1\r\nX-Forwarded-Proto: http\r\nForwarded: for=203.0.113.2\r\n"
FRONTS = ("haproxy.cfg", "haproxy-passthrough.cfg", "nginx.conf")


@contextlib.asynccontextmanager
async def fronted(folder: Path, tls: Issued, name: str) -> AsyncIterator[tuple[Entrance, int]]:
    """Open a gate behind a front; gives the front's port."""
    certificate = tls.served() if name == "haproxy-passthrough.cfg" else None
    header = "X-Forwarded-For" if name == "nginx.conf" else ""
    rules = replace(BY_PROXY, plain_limits=LIMITS)
    async with contextlib.AsyncExitStack() as stack:
        gate = await stack.enter_async_context(
            entrance(rules, certificate, serve=echo, header=header)
        )
        running = nginx if header else haproxy
        more = () if header else (name,)
        port = await stack.enter_async_context(running(folder, gate.address[1], *more))
        yield gate, port


async def staff(tls: Issued, port: int, ip: str = CLIENT) -> RawClient:
    """Connect a browser from an address."""
    context = tls.believer()
    made = await asyncio.open_connection(
        "127.0.0.1", port, ssl=context, server_hostname=NAME, local_addr=(ip, 0)
    )
    return RawClient(*made, host=NAME)


@pytest.mark.parametrize("name", FRONTS)
async def test_the_whole_of_it(tmp_path: Path, tls: Issued, name: str) -> None:
    """One front for all of it: starting one for each question would cost more than they do."""
    async with fronted(tmp_path, tls, name) as (gate, port):
        first, second = await staff(tls, port), await staff(tls, port, OTHER)
        answers = [await each.get(TARGET, more=LIES) for each in (first, second, first)]
        body = "x" * 100_000
        length = f"Content-Length: {len(body)}"
        await first.say(f"POST /x HTTP/1.1\r\nHost: {NAME}\r\n{length}\r\n\r\n{body}".encode())
        posted = await first.answer()

        # whoever it was is known, whatever they say of themselves, on connections in turn
        assert [status_of(each) for each in answers] == [200] * 3
        assert gate.worker.ips == [CLIENT, OTHER, CLIENT, CLIENT]
        # what came is what is decided on; browsers are told to stay with https
        assert {each.head.target for each in gate.worker.served[:3]} == {TARGET.encode()}
        assert {field_of(each, "Strict-Transport-Security") for each in answers} == {"max-age=1"}
        assert body.encode() in posted
        # nothing older than TLS 1.2 comes through
        old = tls.believer()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
        old.set_ciphers("ALL:@SECLEVEL=0")
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await asyncio.open_connection("127.0.0.1", port, ssl=old, server_hostname=NAME)
        # their own looks whether the gate is there are no refusals
        refused = set(gate.worker.codes) - {"tls-handshake"}  # of the one just before
        assert refused == set()
        for each in (first, second):
            each.writer.close()
