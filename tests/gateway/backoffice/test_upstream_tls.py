"""TLS to a system: proved on both sides, with files that are replaced while people work."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import trustme

from gateway.backoffice.transport import ExchangeError
from gateway.backoffice.upstream_address import UpstreamAddress
from gateway.backoffice.upstream_pool import UpstreamPool
from gateway.backoffice.upstream_tls import UpstreamTls
from gateway.errors import UpstreamError
from tests.doubles.nginx_instances import nginx_instances
from tests.doubles.raw_client import RawClient
from tests.doubles.waiting import until
from tests.gateway.backoffice.gate import gate_to
from tests.gateway.backoffice.systems import address_of, system_at

NAME = "ebs.example"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def write_own(folder: Path, authority: trustme.CA) -> UpstreamTls:
    """Write what we believe and who we are, and give TLS with it."""
    own = authority.issue_cert("gate.example")
    (folder / "own.pem").write_bytes(b"".join(each.bytes() for each in own.cert_chain_pems))
    own.private_key_pem.write_to_path(folder / "own.key")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    return UpstreamTls(
        "ebs",
        ca_file=folder / "ca.pem",
        certificate_file=folder / "own.pem",
        key_file=folder / "own.key",
    )


class Server:
    """A system that demands a certificate, and notes whose it was shown."""

    def __init__(self, authority: trustme.CA, name: str) -> None:
        self.authority, self.name = authority, name
        self.shown: list[int] = []
        self.port = 0

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        shown = writer.get_extra_info("ssl_object").getpeercert()
        self.shown.append(int(shown["serialNumber"], 16))
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(OK)
            await reader.read()
        writer.close()

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator["Server"]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.verify_mode = ssl.CERT_REQUIRED
        self.authority.configure_trust(context)
        self.authority.issue_cert(self.name).configure_cert(context)
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=context)
        self.port = server.sockets[0].getsockname()[1]
        yield self
        server.close()


async def connected(server: Server, tls: UpstreamTls, name: str | None = None) -> str:
    """Connect, give the connection up, and tell what came of it."""
    address = UpstreamAddress(
        host="127.0.0.1",
        port=server.port,
        tls=tls,
        tls_name=name,
        connect_seconds=2,
        first_byte_seconds=1,
        idle_seconds=1,
        max_connections=1,
    )
    pool = UpstreamPool(address, asyncio.get_running_loop())
    try:
        await pool.acquire()
    except ExchangeError as error:
        return error.code
    finally:
        pool.close()
    before = len(server.shown)
    async with asyncio.timeout(2):
        while len(server.shown) == before:
            await asyncio.sleep(0.005)
            if server.shown:
                break
    return "ok"


async def test_both_sides_show_who_they_are(tmp_path: Path) -> None:
    authority = trustme.CA()
    tls = write_own(tmp_path, authority)
    async with Server(authority, "127.0.0.1").listening() as server:
        assert await connected(server, tls) == "ok"
        assert len(server.shown) == 1


async def test_a_name_that_all_instances_share_is_what_the_certificate_must_have(
    tmp_path: Path,
) -> None:
    authority = trustme.CA()
    tls = write_own(tmp_path, authority)
    async with Server(authority, "ebs.example").listening() as server:
        assert await connected(server, tls) == "upstream-tls"
        assert await connected(server, tls, "ebs.example") == "ok"


async def test_a_system_of_another_authority_is_told_nothing(tmp_path: Path) -> None:
    tls = write_own(tmp_path, trustme.CA())
    async with Server(trustme.CA(), "127.0.0.1").listening() as server:
        assert await connected(server, tls) == "upstream-tls"


async def test_files_that_are_replaced_are_used_from_the_next_connection_on(
    tmp_path: Path,
) -> None:
    """The system has a new authority, and so have we: nobody restarts anything."""
    tls = write_own(tmp_path, trustme.CA())
    new = trustme.CA()
    async with Server(new, "127.0.0.1").listening() as server:
        assert await connected(server, tls) == "upstream-tls"

        write_own(tmp_path, new)

        assert await connected(server, tls) == "ok"


async def test_between_two_files_of_a_pair_the_last_good_ones_stay(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A certificate is never replaced at the same moment as its key."""
    authority = trustme.CA()
    tls = write_own(tmp_path, authority)
    key = (tmp_path / "own.key").read_bytes()
    async with Server(authority, "127.0.0.1").listening() as server:
        assert await connected(server, tls) == "ok"
        trustme.CA().issue_cert("other").private_key_pem.write_to_path(tmp_path / "own.key")
        assert await connected(server, tls) == "ok"
        (tmp_path / "own.key").unlink()
        for _ in range(3):
            assert await connected(server, tls) == "ok"
        (tmp_path / "own.key").write_bytes(key)
        assert await connected(server, tls) == "ok"

        assert len(set(server.shown)) == 1
    told = capsys.readouterr().out
    assert told.count("certificates not taken") == 2  # once for each state, not for each connection


async def test_a_worker_that_starts_between_two_files_waits_for_the_second(tmp_path: Path) -> None:
    """It serves every other system meanwhile."""
    authority = trustme.CA()
    write_own(tmp_path, authority)
    key = (tmp_path / "own.key").read_bytes()
    trustme.CA().issue_cert("other").private_key_pem.write_to_path(tmp_path / "own.key")
    tls = UpstreamTls(
        "ebs",
        ca_file=tmp_path / "ca.pem",
        certificate_file=tmp_path / "own.pem",
        key_file=tmp_path / "own.key",
        must=False,
    )
    async with Server(authority, "127.0.0.1").listening() as server:
        assert await connected(server, tls) == "upstream-tls"
        (tmp_path / "own.key").write_bytes(key)
        assert await connected(server, tls) == "ok"


@pytest.mark.parametrize("file", ["ca.pem", "own.pem", "own.key"])
def test_files_that_cannot_be_used_at_the_start_are_named(tmp_path: Path, file: str) -> None:
    write_own(tmp_path, trustme.CA())
    (tmp_path / file).write_text("nothing")

    with pytest.raises(UpstreamError, match=r"upstream: ebs: `.*ca\.pem`.*cannot be used"):
        UpstreamTls(
            "ebs",
            ca_file=tmp_path / "ca.pem",
            certificate_file=tmp_path / "own.pem",
            key_file=tmp_path / "own.key",
        )


async def test_certificates_of_both_sides_are_replaced_without_a_failed_request(
    tmp_path: Path,
) -> None:
    """Nginx with two instances and TLS on both sides, asked all the time."""
    authority = trustme.CA()
    tls = write_own(tmp_path, authority)
    (tmp_path / "office").mkdir()
    async with nginx_instances(tmp_path / "office", authority, "ebs.example", 2) as office:
        system = system_at(
            *(
                (f"https://127.0.0.1:{port}", replace(address_of(port)[1], tls=tls, tls_name=NAME))
                for port in office.ports
            )
        )
        async with gate_to(system) as (_, handler):
            clients = [await handler.another_client() for _ in range(4)]
            said: list[bytes] = []
            stopping = asyncio.Event()

            async def ask(client: RawClient) -> None:
                while not stopping.is_set():
                    said.append(await client.get())

            asking = [asyncio.ensure_future(ask(each)) for each in clients]
            await until(lambda: len(bodies(said)) == len(office.ports))
            for _ in range(2):
                before = shown(said)
                office.certify(authority, "ebs.example")
                write_own(tmp_path, authority)
                office.reload()
                await until(lambda: shown(said) - before)  # noqa: B023
            stopping.set()
            await asyncio.gather(*asking)

    assert {each[9:12] for each in said} == {b"200"}
    assert len(shown(said)) == 3
    assert {int(each.split()[1]) for each in bodies(said)} == set(office.ports)


def bodies(said: list[bytes]) -> set[bytes]:
    """Give what the instances answered."""
    return {each.partition(b"\r\n\r\n")[2] for each in said}


def shown(said: list[bytes]) -> set[bytes]:
    """Give the numbers of our certificates, as the instances saw them."""
    return {each.split()[0] for each in bodies(said)}
