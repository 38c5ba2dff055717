"""What the attacks are made on: who is signed in, how requests are written, what got through."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from typing_extensions import override

from deploy.demo.places import Places
from deploy.demo.stack import Stack
from deploy.demo.visitor import Visitor
from gateway.audit.entry import Kind
from gateway.audit.search import AuditRow
from tests.attacks.programs import AskedStack
from tests.attacks.relay import Relay, SeenRequest
from tests.attacks.wire import Reply, Wire
from tests.doubles.few_staff import few_staff
from tests.journeys.record_reader import entries_of

SIGN_OUT = "/OA_HTML/AppsLogout"
COOKIE = "gateway-localhost"
OWN_PAYSLIP = b"/OA_HTML/OA.jsp?OAFunc=XX_PAYSLIP"
Fields = Iterable[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayedPlaces(Places):
    """Places in which the gateway finds the relay where the back office would be."""

    relay_port: int

    @property
    @override
    def back_office(self) -> str:
        return f"http://127.0.0.1:{self.relay_port}"


@dataclass(slots=True, kw_only=True)
class Target:
    """The gateway under attack."""

    stack: Stack
    relay: Relay
    _tokens: dict[str, str] = field(default_factory=dict)

    @property
    def port(self) -> int:
        """Give the gateway's port."""
        return self.stack.places.port

    @property
    def host(self) -> bytes:
        """Give the `Host` by which the gateway is known."""
        return b"localhost:%d" % self.port

    @property
    def origin(self) -> bytes:
        """Give the gateway's own origin."""
        return b"http://" + self.host

    def sign_in(self, username: str) -> Visitor:
        """Sign somebody in anew, at a browser of their own."""
        visitor = Visitor(port=self.port)
        account = self.stack.accounts[username]
        page = visitor.sign_in(account.organisation, username, self.stack.accounts.password)
        assert page.status == 303, page.status
        return visitor

    def token(self, username: str = "firefighter") -> str:
        """Give the session token of somebody who is signed in once for all attacks."""
        if username not in self._tokens:
            self._tokens[username] = self.sign_in(username).cookies[COOKIE]
        return self._tokens[username]

    def cookie(self, username: str = "firefighter") -> bytes:
        """Give the cookie of somebody who is signed in once for all attacks."""
        return f"{COOKIE}={self.token(username)}".encode("ascii")

    def request(
        self,
        wanted: bytes = OWN_PAYSLIP,
        *,
        method: bytes = b"GET",
        fields: Fields = (),
        body: bytes | None = None,
        username: str | None = "firefighter",
        version: bytes = b"HTTP/1.1",
        host: bytes | None = None,
        accept: bytes = b"text/html",
    ) -> bytes:
        """Write a request; everything is sent as given."""
        lines = [b" ".join((method, wanted, version)), b"Host: " + (host or self.host)]
        lines.append(b"Accept: " + accept)
        if username is not None:
            lines.append(b"Cookie: " + self.cookie(username))
        lines += [name + b": " + value for name, value in fields]
        if body is not None:
            lines.append(b"Content-Length: %d" % len(body))
        return b"\r\n".join([*lines, b"", body or b""])

    def say(self, raw: bytes, *, source: str = "127.0.0.1", head_only: bool = False) -> Reply:
        """Send bytes on a connection of their own and read the first answer."""
        with Wire(self.port, source) as wire:
            wire.send(raw)
            reply = wire.reply(head_only=head_only)
        assert reply is not None, f"no answer to {raw[:200]!r}"
        return reply

    def let_through(self, mark: int) -> list[SeenRequest]:
        """Give what has left the gateway since a mark, once all that was under way has.

        A request of our own goes through after the others; whatever was sent on before it has
        been seen when it is. Sign-outs are left out: the gateway calls them by itself, whenever
        a session of whoever signed in before has ended.
        """
        fence = b"/estates/jobs/FENCE-%d" % time.monotonic_ns()
        self.say(self.request(fence))
        seen = self.relay.since(mark)
        assert self.relay.unreadable() == []
        own = ("/estates/jobs/FENCE-", SIGN_OUT)
        return [one for one in seen if not one.target.startswith(own)]

    def rows(self, references: Iterable[str]) -> dict[str, AuditRow]:
        """Find the entries of visits in the sealed record, once they are there."""
        return entries_of(
            self.stack.places, references, until=lambda row: row.kind is not Kind.SYSTEM
        )


@contextmanager
def relayed_target() -> Iterator[Target]:
    """Start the whole stack with few staff, and a relay before its back office; end it all."""
    folder = Path(tempfile.mkdtemp(prefix="attacks-"))
    chosen = Places.choose(folder, None, scenario=few_staff())
    relay = Relay(chosen.back_office_port)
    places = RelayedPlaces(
        folder=chosen.folder,
        port=chosen.port,
        back_office_port=chosen.back_office_port,
        server_ports=chosen.server_ports,
        scenario=chosen.scenario,
        relay_port=relay.port,
    )
    stack = AskedStack(places=places, say=print)
    try:
        stack.start()
        yield Target(stack=stack, relay=relay)
    finally:
        stack.stop()
        relay.close()
        shutil.rmtree(folder, ignore_errors=True)
