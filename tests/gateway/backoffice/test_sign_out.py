"""The back office is told once of each session that ended, and nobody waits for it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from gateway.backoffice.sign_out import SignOutPlace, SignOutTold, UpstreamSignOuts
from gateway.backoffice.upstream_address import UpstreamAddress
from gateway.store.engine import writing
from tests.gateway.identity.parts import AT, Parts, new_parts

JAR = '[["sid", "42", "/", null], ["other", "1", "/elsewhere", null]]'


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Parts]:
    with new_parts(tmp_path) as made:
        yield made


class System:
    """A system of the back office that notes what it is asked."""

    def __init__(self, status: int = 302) -> None:
        self.asked: list[tuple[str, str, str]] = []
        system = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                cookie = self.headers.get("Cookie", "")
                system.asked.append((self.path, cookie, self.headers.get("Host", "")))
                self.send_response(status)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def place(port: int) -> SignOutPlace:
    address = UpstreamAddress(
        host="127.0.0.1",
        port=port,
        tls=None,
        connect_seconds=1,
        first_byte_seconds=1,
        idle_seconds=1,
        max_connections=1,
    )
    nobody = replace(address, port=9)
    instances = [("gone.example", nobody), ("ebs.example", address)]
    return SignOutPlace(instances=instances, path="/OA_HTML/AppsLogout")


@contextmanager
def telling(parts: Parts, port: int) -> Iterator[tuple[UpstreamSignOuts, list[SignOutTold]]]:
    told: list[SignOutTold] = []
    sign_outs = UpstreamSignOuts(
        engine=parts.store,
        places={"ebs": place(port)},
        report=told.append,
        clock=lambda: AT,
        call_seconds=0.3,
    )
    yield sign_outs, told
    sign_outs.close()


def end_with_jar(parts: Parts, system: str = "ebs") -> str:
    _, session = parts.sign_in()
    with writing(parts.store) as connection:
        connection.execute(
            text("INSERT INTO upstream_cookie VALUES (:hash, :system, :jar)"),
            {"hash": session.hash, "system": system, "jar": JAR},
        )
    parts.sessions.end(session.hash, at=AT)
    return session.hash


def test_the_system_is_called_once_with_the_sessions_cookies(parts: Parts) -> None:
    system = System()
    session_hash = end_with_jar(parts)
    with telling(parts, system.server.server_port) as (sign_outs, told):
        sign_outs.tell()
        sign_outs.tell()
    system.close()

    assert system.asked == [("/OA_HTML/AppsLogout", "sid=42", "ebs.example")]
    assert [(each.session_hash, each.status, each.done) for each in told] == [
        (session_hash, 302, True)
    ]


def test_where_each_person_has_an_instance_theirs_is_called(parts: Parts) -> None:
    """The other knows nothing of their session."""
    systems = [System(), System()]
    instances = [place(each.server.server_port).instances[1] for each in systems]
    with telling(parts, 9) as (sign_outs, told):
        for each in (instances, instances[::-1]):
            sign_outs._places["ebs"] = SignOutPlace(instances=each, path="/x", by_person=True)
            end_with_jar(parts)
            sign_outs.tell()
    for system in systems:
        system.close()

    assert len(told) == 2
    assert sorted(len(each.asked) for each in systems) == [0, 2]


def test_a_system_that_fails_or_is_silent_is_told_of_and_not_asked_again(parts: Parts) -> None:
    silent = socket.create_server(("127.0.0.1", 0))
    end_with_jar(parts)
    with telling(parts, silent.getsockname()[1]) as (sign_outs, told):
        sign_outs.tell()
        sign_outs.tell()
    silent.close()
    failing = System(500)
    end_with_jar(parts)
    with telling(parts, failing.server.server_port) as (sign_outs, more):
        sign_outs.tell()
    failing.close()

    assert [(each.status, each.done) for each in told + more] == [(0, False), (500, False)]


def test_a_system_without_a_sign_out_is_told_nothing(parts: Parts) -> None:
    end_with_jar(parts, "other")
    with telling(parts, 1) as (sign_outs, told):
        assert not sign_outs.tell()

    assert told == []


def test_an_end_wakes_the_thread_at_once(parts: Parts) -> None:
    """Not after the five seconds in which it looks by itself."""
    system = System()
    heard = threading.Event()
    with telling(parts, system.server.server_port) as (sign_outs, told):
        sign_outs._report = lambda each: (told.append(each), heard.set())[0]  # type: ignore[func-returns-value]
        parts.reader.listen(sign_outs.apply)
        sign_outs.start()
        end_with_jar(parts)
        parts.reader.read()
        assert heard.wait(3)
    system.close()

    assert len(told) == 1
