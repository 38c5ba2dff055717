"""Nothing is said to a directory that has not proved to be it, and nothing waits for ever."""

from __future__ import annotations

import datetime
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import trustme

from gateway.errors import DirectoryMisconfigured, DirectoryUnavailable
from gateway.identity.directories.directory import DirectoryUntrusted
from gateway.identity.directories.directory_channel import STARTTLS_REQUEST, Channel, Server, Trust
from gateway.identity.directories.ldap_directory import LdapDirectory
from tests.doubles.certificates import revocation_list, weak_certificate
from tests.doubles.slapd import PASSWORD, Slapd
from tests.gateway.identity.conftest import settings_for

pytestmark = pytest.mark.directory

BUDGET = 5.0
SUCCESS = b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00"


def ask(server: Slapd) -> None:
    LdapDirectory(settings_for(server)).authenticate("alice", PASSWORD, BUDGET)


@contextmanager
def answering(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """Run a server for one connection and give its port."""

    def run() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(10)
            serve(connection)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        thread = threading.Thread(target=run)
        thread.start()
        yield int(listener.getsockname()[1])
        thread.join()


def connect(uri: str, ca_file: Path, *, seconds: float = BUDGET) -> None:
    """Open a channel and close it again."""
    with Channel(Server.from_uri(uri), Trust(ca_file), deadline=time.monotonic() + seconds):
        pass


@pytest.mark.parametrize("scheme", ["ldaps_uri", "starttls_uri"])
def test_a_certificate_of_another_authority_is_refused(
    fire: Slapd, tmp_path: Path, scheme: str
) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(other)
    directory = LdapDirectory(settings_for(fire, getattr(fire, scheme), ca_file=other))
    length = fire.log_length()
    with pytest.raises(DirectoryUntrusted, match=r"certificate .* refused"):
        directory.authenticate("alice", PASSWORD, BUDGET)

    assert not fire.binds(length)


def test_a_certificate_for_another_host_is_refused(authority: trustme.CA, tmp_path: Path) -> None:
    with Slapd(tmp_path / "else", authority, names=("elsewhere.example",)) as server:
        with pytest.raises(DirectoryUntrusted, match="IP address mismatch"):
            ask(server)

        assert not server.binds()


def test_a_certificate_that_has_ended_is_refused(authority: trustme.CA, tmp_path: Path) -> None:
    ended = authority.issue_cert(
        "127.0.0.1",
        not_before=datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC),
        not_after=datetime.datetime(2021, 1, 1, tzinfo=datetime.UTC),
    )
    with (
        Slapd(tmp_path / "ended", authority, certificate=ended) as server,
        pytest.raises(DirectoryUntrusted, match="expired"),
    ):
        ask(server)


def test_a_certificate_that_was_revoked_is_refused(authority: trustme.CA, tmp_path: Path) -> None:
    """And a list that is out of date refuses every certificate: it would hide a revocation."""
    certificate = authority.issue_cert("127.0.0.1")
    now = datetime.datetime.now(datetime.UTC)  # noqa: TID251 - TLS looks at the machine's clock
    day = datetime.timedelta(days=1)
    crl = tmp_path / "revoked.crl"
    with Slapd(tmp_path / "revoked", authority, certificate=certificate) as server:
        for until, revoked, words in (
            (now + day, (certificate,), "certificate revoked"),
            (now - day, (), "CRL has expired"),
        ):
            crl.write_bytes(revocation_list(authority, until, *revoked))
            with pytest.raises(DirectoryUntrusted, match=words):
                LdapDirectory(settings_for(server, crl_file=crl)).authenticate("a", "b", BUDGET)
        crl.write_bytes(revocation_list(authority, now + day))

        assert LdapDirectory(settings_for(server, crl_file=crl)).probe(BUDGET).usable
        assert not [line for line in server.binds() if "uid=a" in line]


def test_a_weak_key_is_refused(tmp_path: Path) -> None:
    """1,024 bits of RSA were enough once."""
    authority, certificate = weak_certificate("127.0.0.1")
    ca_file = tmp_path / "weak.pem"
    ca_file.write_bytes(authority)
    with Slapd(tmp_path / "weak", trustme.CA()) as server:
        (server.folder / "key.pem").write_bytes(certificate.key)
        (server.folder / "certificate.pem").write_bytes(certificate.pem)
        (server.folder / "ca.pem").write_bytes(authority)
        server.stop()
        server.start()
        with pytest.raises(DirectoryUntrusted, match=r"too weak|key too small"):
            LdapDirectory(settings_for(server, ca_file=ca_file)).authenticate("a", "b", BUDGET)

        assert not server.binds()


@pytest.mark.parametrize("scheme", ["ldaps_uri", "starttls_uri"])
def test_a_silent_server_ends_within_the_budget(own_server: Slapd, scheme: str) -> None:
    """The timeouts of libldap itself do not bound the TLS handshake."""
    uri = getattr(own_server, scheme)
    own_server.pause()
    started = time.monotonic()
    with pytest.raises(DirectoryUnavailable):
        LdapDirectory(settings_for(own_server, uri)).authenticate("alice", PASSWORD, 0.7)

    assert 0.6 < time.monotonic() - started < 2.0


def test_a_server_that_speaks_only_old_tls_never_sees_a_password(
    fire: Slapd, authority: trustme.CA
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    received: list[bytes] = []

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        try:
            with context.wrap_socket(connection, server_side=True) as secure:
                received.append(secure.recv(100))
        except (OSError, ssl.SSLError):
            connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        uri = f"ldaps://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(DirectoryUntrusted):
            LdapDirectory(settings_for(fire, uri)).authenticate("alice", PASSWORD, BUDGET)
        thread.join()

    assert received == []


@pytest.mark.parametrize(
    "answer",
    [
        SUCCESS[:9] + b"\x35" + SUCCESS[10:],  # unwillingToPerform
        SUCCESS[:9] + b"\x02" + SUCCESS[10:],  # protocolError: does not know StartTLS
        SUCCESS[:9] + b"\x0a" + SUCCESS[10:],  # referral
        SUCCESS[:4] + b"\x02" + SUCCESS[5:],  # an answer to another request
        SUCCESS[:5] + b"\x61" + SUCCESS[6:],  # success, but of a bind
        b"\x30\x00",
        b"\x30\x03\x02\x01\x01",
        b"\x30\x84\xff\xff\xff\xff",
        b"\x30\x88" + b"\x00" * 20,
        b"HTTP/1.1 400 Bad Request\r\n\r\n" + b" " * 100,
    ],
)
def test_without_a_yes_to_tls_nothing_more_is_said(fire: Slapd, answer: bytes) -> None:
    """Somebody in between may strip the answer and hope for a password in clear."""
    received: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        received.append(connection.recv(1000))
        with suppress(OSError):  # it may hang up on what it has not read
            connection.sendall(answer)
            connection.shutdown(socket.SHUT_WR)
            received.append(connection.recv(1000))

    with answering(serve) as port, pytest.raises(DirectoryUnavailable):
        connect(f"ldap://127.0.0.1:{port}", fire.ca_file)

    assert b"".join(received) == STARTTLS_REQUEST


def test_what_is_slipped_in_after_the_yes_ends_the_connection(fire: Slapd) -> None:
    """It came in clear; read after the handshake it would pass for the server's word."""

    def serve(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(SUCCESS + SUCCESS)
        connection.recv(1000)

    with answering(serve) as port, pytest.raises(DirectoryUntrusted):
        connect(f"ldap://127.0.0.1:{port}", fire.ca_file)


def test_an_answer_that_trickles_ends_within_the_budget(fire: Slapd) -> None:
    """A byte now and then keeps no sign-in waiting."""
    stop = threading.Event()

    def serve(connection: socket.socket) -> None:
        connection.recv(1000)
        for byte in b"\x30\x82\x0f\xff" + b"\x02" * 200:
            if stop.wait(0.1):
                return
            connection.sendall(bytes([byte]))

    started = time.monotonic()
    with answering(serve) as port:
        with pytest.raises(DirectoryUnavailable):
            connect(f"ldap://127.0.0.1:{port}", fire.ca_file, seconds=0.5)
        stop.set()

    assert time.monotonic() - started < 2.0


def test_a_server_that_hangs_up_is_unavailable(fire: Slapd) -> None:
    with answering(lambda _: None) as port, pytest.raises(DirectoryUnavailable):
        connect(f"ldaps://127.0.0.1:{port}", fire.ca_file)


def test_a_channel_ends_at_its_deadline_whatever_is_said_on_it(fire: Slapd) -> None:
    server = Server.from_uri(fire.ldaps_uri)
    with Channel(server, Trust(fire.ca_file), deadline=time.monotonic() + 0.4) as channel:
        with socket.socket(fileno=channel.client_end()) as end:
            end.settimeout(5)

            assert end.recv(1) == b""
        with pytest.raises(DirectoryUnavailable):
            channel.remaining()


def test_a_name_that_does_not_resolve_is_unavailable(fire: Slapd) -> None:
    with pytest.raises(DirectoryUnavailable, match="resolved"):
        connect("ldaps://directory.invalid", fire.ca_file)


class TestServer:
    """Addresses of servers."""

    def test_ldaps_and_starttls_have_their_own_ports(self) -> None:
        servers = [Server.from_uri(uri) for uri in ("ldaps://a.example", "ldap://a.example/")]

        assert [(each.port, each.starttls) for each in servers] == [(636, False), (389, True)]

    def test_a_port_and_an_ipv6_address_are_understood(self) -> None:
        server = Server.from_uri("ldaps://[::1]:1636")

        assert (server.host, server.port) == ("::1", 1636)

    @pytest.mark.parametrize(
        "uri",
        [
            "",
            "ldapi:///var/run/ldapi",
            "https://a.example",
            "ldaps://",
            "ldaps://a.example/dc=x",
            "ldaps://a.example ldap://b.example",
            "ldaps://user@a.example",
            "ldaps://a.example:port",
            "ldaps://a.example\n",
            "LDAPS://a.example",
        ],
    )
    def test_anything_else_is_refused(self, uri: str) -> None:
        with pytest.raises(DirectoryMisconfigured):
            Server.from_uri(uri)


class TestTrust:
    """The one authority."""

    @pytest.mark.parametrize("content", [None, b"", b"no certificate"])
    def test_a_file_without_an_authority_is_refused(
        self, tmp_path: Path, content: bytes | None
    ) -> None:
        file = tmp_path / "ca.pem"
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(DirectoryMisconfigured, match="authority"):
            Trust(file)

    def test_a_new_file_is_used_and_a_broken_one_leaves_the_last_good_one(
        self, fire: Slapd, tmp_path: Path
    ) -> None:
        file = tmp_path / "ca.pem"
        trustme.CA().cert_pem.write_to_path(file)
        trust = Trust(file)
        server = Server.from_uri(fire.ldaps_uri)

        def trusted() -> bool:
            try:
                with Channel(server, trust, deadline=time.monotonic() + BUDGET):
                    return True
            except DirectoryUntrusted:
                return False

        before = trusted()
        file.write_bytes(fire.ca_file.read_bytes())
        replaced = trusted()
        file.write_bytes(b"half a file")
        broken = trusted()
        file.unlink()

        assert (before, replaced, broken, trusted()) == (False, True, True, True)
