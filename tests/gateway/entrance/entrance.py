"""A reception on a real port, with a worker behind it that only notes what it is given."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from socket import create_server, socket
from typing import TYPE_CHECKING

import trustme

from gateway.entrance.certificates import CertificateFiles, ServedCertificate
from gateway.entrance.reception import EntranceRules, ListedFront, Reception, Way
from gateway.entrance.told_client import ToldByHeader
from gateway.wire.answers import plain
from gateway.wire.limits import ConnectionLimits
from tests.doubles.raw_client import RawClient
from tests.doubles.waiting import until
from tests.gateway.wire.bench import REFERENCE, Handler, Serve, ok

if TYPE_CHECKING:
    from gateway.wire.answers import Answer
    from gateway.wire.connection import Connection
    from gateway.wire.incoming import Incoming

NAME = "gate.example"
STRICT = b"Strict-Transport-Security: max-age=1\r\n"
HERE = (ip_network("127.0.0.0/8"),)
LIMITS = ConnectionLimits(
    head_bytes=8192,
    head_fields=20,
    head_seconds=2,
    idle_seconds=2,
    hosts=frozenset({b"gate", NAME.encode()}),
)
RULES = EntranceRules(
    fronts=(),
    neighbours=(),
    source_connections=100,
    seconds=2,
    handshakes=8,
    answer_fields=STRICT,
    origins={b"gate": f"https://{NAME}", NAME.encode(): f"https://{NAME}"},
    plain_limits=LIMITS,
)
BY_PROXY = replace(RULES, fronts=(ListedFront(networks=HERE, by_header=None),))


class Worker(Handler):
    """Serves what a test says, and notes whom it served and what it was told to refuse."""

    def __init__(self, serve: Serve, limits: ConnectionLimits, at_most: int) -> None:
        super().__init__(serve, limits)
        self._at_most = at_most
        self.ips: list[str] = []
        self.turned_away: list[tuple[int, str, str]] = []

    async def serve(self, incoming: Incoming, connection: Connection) -> None:
        self.ips.append(connection.peer_ip)
        await super().serve(incoming, connection)

    def has_room(self, entering: int) -> bool:
        return len(self.connections) + entering < self._at_most

    def refusal(self, status: int, code: str, ip: str, sentence: str) -> Answer:
        self.turned_away.append((status, code, ip))
        return plain(status or 400, sentence, REFERENCE)

    def refuse_head(self, status: int, code: str, connection: Connection) -> bytes:
        self.turned_away.append((status, code, connection.peer_ip))
        return super().refuse_head(status, code, connection)

    @property
    def codes(self) -> list[str]:
        """Why somebody was turned away, in order."""
        return [code for _, code, _ in self.turned_away]


@dataclass(kw_only=True)
class Entrance:
    """An entrance one can come to."""

    worker: Worker
    reception: Reception
    address: tuple[str, int]
    open: list[RawClient] = field(default_factory=list)

    async def client(
        self, context: ssl.SSLContext | None = None, host: str = "gate", asking_for: str = ""
    ) -> RawClient:
        """Connect, over TLS where there is a context."""
        name = (asking_for or NAME) if context else None
        made = await asyncio.open_connection(*self.address, ssl=context, server_hostname=name)
        self.open.append(RawClient(*made, host=host))
        return self.open[-1]

    async def until_refused(self, *codes: str) -> None:
        """Wait until so many were turned away, for these reasons."""
        await until(lambda: len(self.worker.codes) >= len(codes))
        assert self.worker.codes == list(codes)


@contextlib.asynccontextmanager
async def entrance(
    rules: EntranceRules = RULES,
    certificate: ServedCertificate | None = None,
    *,
    serve: Serve = ok,
    limits: ConnectionLimits = LIMITS,
    at_most: int = 5_000,
    way: Way = Way.MAIN,
    header: str = "",
) -> AsyncIterator[Entrance]:
    """Listen on a free port; where there is a `header`, loopback is a front that tells by it."""
    loop = asyncio.get_running_loop()
    worker = Worker(serve, limits, at_most)
    if header:
        told = ToldByHeader(worker, field=header, scheme="https", asking_path=b"/ask")
        rules = replace(rules, fronts=(ListedFront(networks=HERE, by_header=told),))
    reception = Reception(worker, rules, certificate, loop)
    listener: socket = create_server(("127.0.0.1", 0), backlog=2048)
    listener.setblocking(False)
    entering: set[asyncio.Task[None]] = set()

    async def accept() -> None:
        while True:
            accepted, peer = await loop.sock_accept(listener)
            task = loop.create_task(reception.receive(accepted, peer[0], way))
            entering.add(task)
            task.add_done_callback(entering.discard)

    async def sweep() -> None:
        while True:
            await asyncio.sleep(0.02)
            for connection in [c for c in worker.connections if c.deadline <= loop.time()]:
                connection.expire()

    tasks = [loop.create_task(accept()), loop.create_task(sweep())]
    made = Entrance(worker=worker, reception=reception, address=listener.getsockname())
    try:
        yield made
    finally:
        for task in (*tasks, *entering):
            task.cancel()
        for client in made.open:
            client.writer.close()
        for connection in list(worker.connections):
            connection.abort()
        await asyncio.sleep(0.01)
        listener.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A certificate in files, and whoever believes it."""

    files: CertificateFiles
    authority: trustme.CA

    def issue(self, *names: str, key_size: trustme.KeyType = trustme.KeyType.ECDSA) -> bytes:
        """Put another certificate into the files; gives its own part as PEM."""
        leaf = self.authority.issue_cert(*(names or (NAME,)), key_type=key_size)
        self.files.key.write_bytes(leaf.private_key_pem.bytes())
        self.files.key.chmod(0o600)
        chain = [each.bytes() for each in leaf.cert_chain_pems]
        self.files.certificate.write_bytes(b"".join(chain))
        return chain[0]

    def served(self) -> ServedCertificate:
        """Load what is in the files."""
        return ServedCertificate(self.files, self.now)

    @staticmethod
    def now() -> datetime:
        """Give the present instant, as certificates hold real time."""
        return datetime.now(UTC)  # noqa: TID251 - see above

    def believer(self) -> ssl.SSLContext:
        """Make the context of a browser that trusts the authority."""
        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        return context


def issued(folder: Path, *, authority: trustme.CA | None = None, host: str = NAME) -> Issued:
    """Make an authority, if there is none yet, and a certificate of it in files."""
    files = CertificateFiles(certificate=folder / "gate.pem", key=folder / "gate.key", host=host)
    made = Issued(files=files, authority=authority or trustme.CA())
    made.issue(host)
    return made
