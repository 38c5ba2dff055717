"""What plain HTTP meets where it is not served; the ways there are in test_reception.py."""

from __future__ import annotations

import asyncio

import pytest

from gateway.entrance.plain_http import ON_TLS_PORT, UNLISTED, PlainHttp, PlainRefusal
from gateway.wire.connection import Connection
from tests.gateway.entrance.entrance import LIMITS, Worker
from tests.gateway.wire.bench import ok


@pytest.mark.parametrize("refusal", [UNLISTED, ON_TLS_PORT])
async def test_what_cannot_be_read_is_told_the_same(refusal: PlainRefusal) -> None:
    worker = Worker(ok, LIMITS, at_most=1)
    answer = PlainHttp(worker, LIMITS, refusal).refuse_head(414, "target-too-long", _nobody(worker))

    assert answer.startswith(f"HTTP/1.1 {refusal.status} ".encode())
    assert b"\r\nConnection: close\r\n" in answer
    assert worker.turned_away == [(refusal.status, refusal.code, "")]


async def test_where_it_is_led_to_https_what_cannot_be_read_is_refused_for_itself() -> None:
    worker = Worker(ok, LIMITS, at_most=1)
    plain = PlainHttp(worker, LIMITS, UNLISTED, {b"gate": "https://gate.example"})

    assert plain.refuse_head(414, "target-too-long", _nobody(worker)).startswith(b"HTTP/1.1 414 ")
    assert worker.codes == ["target-too-long"]
    assert plain.draining


def _nobody(worker: Worker) -> Connection:
    return Connection(worker, asyncio.get_running_loop())
