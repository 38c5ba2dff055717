"""A TLS connection to a directory server whose every step ends in time.

OpenLDAP's own client library cannot be relied on for this. Measured with Debian 12's libldap 2.5 on
GnuTLS: a server that takes the connection and then says nothing holds the TLS handshake for ever,
whatever OPT_NETWORK_TIMEOUT and OPT_TIMEOUT say; a bad certificate is reported as "unknown error";
`localhost` is replaced by the machine's own name. So TLS is done here, by Python's `ssl`:

1. connect, within the deadline;
2. for `ldap://`, ask for StartTLS (RFC 4511 section 4.14) and take nothing but success for an
   answer: there is no way on without TLS;
3. handshake: TLS 1.2 at least, the certificate signed by the directory's own authority and by no
   other, the host name as in the address;
4. carry bytes between the server and one end of a socket pair, until the deadline. The library gets
   the other end, and speaks LDAP on it.

INVARIANT: nothing is sent in clear but the StartTLS request.
"""

from __future__ import annotations

import contextlib
import re
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from gateway.errors import DirectoryMisconfigured, DirectoryUnavailable
from gateway.identity.directories.directory import DirectoryUntrusted

SERVER = re.compile(
    r"(?P<scheme>ldaps?)://(?P<host>[A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\])(?::(?P<port>[0-9]{1,5}))?/?"
)
LDAPS_PORT = 636
LDAP_PORT = 389

# LDAPMessage 1: ExtendedRequest with the name 1.3.6.1.4.1.1466.20037 (RFC 4511 section 4.14.1).
STARTTLS_REQUEST = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x16" + b"1.3.6.1.4.1.1466.20037"
STARTTLS_RESPONSE_BYTES = 4096
"""The longest answer that is read; a real one has about 40 bytes."""

EXTENDED_RESPONSE = 0x78
BUFFER_BYTES = 65_536
CLOSE_SECONDS = 1.0
"""How long to wait for the carrying thread at the end; it is woken and has nothing left to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One server of a directory.

    Attributes:
        uri: as configured, for messages.
        host: the name the certificate must have.
        port: where it listens.
        starttls: whether the connection begins in clear and turns to TLS before anything is said.
    """

    uri: str
    host: str
    port: int
    starttls: bool

    @classmethod
    def from_uri(cls, uri: str) -> Server:
        """Read `ldaps://host[:port]`, or `ldap://host[:port]` which means StartTLS.

        Raises:
            DirectoryMisconfigured: for any other form.
        """
        match = SERVER.fullmatch(uri)
        if match is None:
            message = f"directory: `{uri[:80]}` is not an address, write ldaps://host:port"
            raise DirectoryMisconfigured(message)
        starttls = match["scheme"] == "ldap"
        return cls(
            uri=uri,
            host=match["host"].strip("[]"),
            port=int(match["port"] or (LDAP_PORT if starttls else LDAPS_PORT)),
            starttls=starttls,
        )


class Believes(Protocol):
    """Whom to believe in a handshake."""

    def context(self) -> ssl.SSLContext:
        """Give the settings for one handshake."""
        ...


class Trust:
    """The one certificate authority a directory's servers must be signed by.

    When the file is replaced, later connections use the new one; while it cannot be read, the last
    good one stays.
    """

    def __init__(self, ca_file: Path, crl_file: Path | None = None) -> None:
        """Read the files.

        Args:
            ca_file: PEM of the authority.
            crl_file: PEM of the certificates it has revoked; a list that is out of date refuses
                every certificate.

        Raises:
            DirectoryMisconfigured: if they cannot be read or hold no certificate.
        """
        self._files = (ca_file, crl_file) if crl_file else (ca_file,)
        try:
            self._held = (self._stamp(), self._context())
        except OSError as error:  # SSLError is one too
            cause = error.strerror or str(error)
            named = "`, `".join(map(str, self._files))
            message = f"directory: the authority's file `{named}` cannot be used: {cause}"
            raise DirectoryMisconfigured(message) from error

    def context(self) -> ssl.SSLContext:
        """Give the settings for one handshake."""
        with contextlib.suppress(OSError):
            stamp = self._stamp()
            if stamp != self._held[0]:
                self._held = (stamp, self._context())
        return self._held[1]

    def _stamp(self) -> tuple[tuple[int, int, int], ...]:
        each = (file.stat() for file in self._files)
        return tuple((status.st_mtime_ns, status.st_size, status.st_ino) for status in each)

    def _context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # demands a certificate and the host name
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        for file in self._files:
            context.load_verify_locations(cafile=file)
        if not context.cert_store_stats()["x509_ca"]:
            message = "no certificate of an authority in it"
            raise ssl.SSLError(message)
        if len(self._files) > 1:
            context.verify_flags |= ssl.VerifyFlags.VERIFY_CRL_CHECK_LEAF
        return context


class Channel:
    """One TLS connection to a server. Use it as a context; `client_end` is for the LDAP library.

    Attributes:
        version: of TLS, such as `TLSv1.3`.
        certificate: that the server has shown, in DER.
    """

    def __init__(
        self,
        server: Server,
        trust: Believes,
        *,
        deadline: float,
        monotonic: Callable[[], float] = time.monotonic,
        on_stage: Callable[[str], None] | None = None,
    ) -> None:
        """Connect and prove the server (blocks until the deadline at most).

        Args:
            server: where to.
            trust: whom to believe.
            deadline: when the connection ends at the latest, seconds of `monotonic`.
            monotonic: seconds that never go back.
            on_stage: told as each of `name`, `connect`, `starttls` and `tls` begins.

        Raises:
            DirectoryUnavailable: it did not answer in time, or refused.
            DirectoryUntrusted: it did not prove to be the server; nothing was sent to it.
        """
        self._server = server
        self._deadline = deadline
        self._monotonic = monotonic
        on_stage = on_stage or (lambda _: None)
        plain = self._connect(on_stage)
        try:
            if server.starttls:
                on_stage("starttls")
                self._ask_for_tls(plain)
            on_stage("tls")
            self._secure = self._handshake(plain, trust)
        except BaseException:
            plain.close()
            raise
        self.version = self._secure.version() or ""
        self.certificate = self._secure.getpeercert(binary_form=True) or b""
        self._inner, self._outer = socket.socketpair()
        self._thread = threading.Thread(target=self._carry, name="directory-channel", daemon=True)
        self._thread.start()

    def client_end(self) -> int:
        """Give the file descriptor to speak LDAP on; whoever takes it closes it."""
        return self._outer.detach()

    def remaining(self) -> float:
        """Tell how many seconds are left.

        Raises:
            DirectoryUnavailable: if there are none.
        """
        seconds = self._deadline - self._monotonic()
        if seconds <= 0:
            message = f"directory: `{self._server.uri}` did not answer in time"
            raise DirectoryUnavailable(message)
        return seconds

    def __enter__(self) -> Self:
        """Give the channel, which is connected already."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the connection."""
        with contextlib.suppress(OSError):
            self._inner.shutdown(socket.SHUT_RDWR)
        self._outer.close()
        self._thread.join(CLOSE_SECONDS)

    def _connect(self, on_stage: Callable[[str], None]) -> socket.socket:
        uri = self._server.uri
        on_stage("name")
        try:
            found = socket.getaddrinfo(
                self._server.host, self._server.port, type=socket.SOCK_STREAM
            )
        except OSError as error:
            message = f"directory: the name in `{uri}` cannot be resolved: {error.strerror}"
            raise DirectoryUnavailable(message) from error
        on_stage("connect")
        failure: OSError | None = None
        for family, kind, protocol, _, address in found:
            plain = socket.socket(family, kind, protocol)
            try:
                plain.settimeout(self.remaining())
                plain.connect(address)
                plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except OSError as error:
                plain.close()
                failure = error
            except BaseException:
                plain.close()
                raise
            else:
                return plain
        reason = (failure.strerror or str(failure)) if failure else "no address"
        message = f"directory: `{uri}` cannot be reached: {reason.lower()}"
        raise DirectoryUnavailable(message) from failure

    def _ask_for_tls(self, plain: socket.socket) -> None:
        try:
            plain.settimeout(self.remaining())
            plain.sendall(STARTTLS_REQUEST)
            answer = self._read_message(plain)
        except OSError as error:
            message = f"directory: `{self._server.uri}` did not answer the request for TLS"
            raise DirectoryUnavailable(message) from error
        if not _is_success(answer):
            # Going on in clear is what somebody who strips the answer would want.
            message = f"directory: `{self._server.uri}` refused TLS"
            raise DirectoryUntrusted(message)

    def _read_message(self, plain: socket.socket) -> bytes:
        """Read exactly one message, so that what comes after it meets the handshake, not us."""
        head = self._read_exactly(plain, 2)
        if head[1] < 0x80:  # noqa: PLR2004  # BER: short form of the length (X.690 8.1.3.4)
            return self._read_exactly(plain, head[1])
        size = self._read_exactly(plain, head[1] & 0x7F if head[1] & 0x7F <= 4 else 0)  # noqa: PLR2004
        length = int.from_bytes(size, "big")
        return self._read_exactly(plain, length if length <= STARTTLS_RESPONSE_BYTES else 0)

    def _read_exactly(self, plain: socket.socket, count: int) -> bytes:
        read = b""
        while len(read) < count:
            plain.settimeout(self.remaining())
            part = plain.recv(count - len(read))
            if not part:
                message = "connection ended"
                raise OSError(message)
            read += part
        return read

    def _handshake(self, plain: socket.socket, trust: Believes) -> ssl.SSLSocket:
        uri = self._server.uri
        try:
            plain.settimeout(self.remaining())
            return trust.context().wrap_socket(plain, server_hostname=self._server.host)
        except ssl.SSLCertVerificationError as error:
            message = f"directory: the certificate of `{uri}` is refused: {error.verify_message}"
            raise DirectoryUntrusted(message) from error
        except TimeoutError as error:
            message = f"directory: `{uri}` did not answer in time"
            raise DirectoryUnavailable(message) from error
        except ssl.SSLError as error:
            reason = (error.reason or str(error)).lower().replace("_", " ")
            message = f"directory: no TLS with `{uri}`: {reason}"
            raise DirectoryUntrusted(message) from error
        except OSError as error:
            message = f"directory: `{uri}` ended the connection: {error.strerror or error}"
            raise DirectoryUnavailable(message) from error

    def _carry(self) -> None:
        """Carry bytes both ways until either side ends or the deadline is reached."""
        secure, inner = self._secure, self._inner
        with secure, inner, contextlib.suppress(OSError, ValueError):
            while (seconds := self._deadline - self._monotonic()) > 0:
                # Bytes already decrypted are not seen by select.
                waiting = secure.pending() == 0
                ready = select.select([secure, inner], [], [], seconds if waiting else 0)[0]
                if waiting and not ready:
                    return
                if secure in ready or not waiting:
                    # Not blocking: what is there may be half a record, or no data at all (a
                    # ticket).
                    secure.setblocking(False)
                    try:
                        data = secure.recv(BUFFER_BYTES)
                    except ssl.SSLWantReadError:
                        data = None
                    if data == b"":
                        return
                    if data:
                        inner.settimeout(seconds)
                        inner.sendall(data)
                if inner in ready:
                    data = inner.recv(BUFFER_BYTES)
                    if not data:
                        return
                    secure.settimeout(seconds)
                    secure.sendall(data)


def _is_success(message: bytes) -> bool:
    """Tell whether the content of an LDAPMessage is the success of extended request 1."""
    if message[:4] != b"\x02\x01\x01" + bytes([EXTENDED_RESPONSE]):
        return False
    body = message[4:]
    if not body:
        return False
    skip = 1 if body[0] < 0x80 else 1 + (body[0] & 0x7F)  # noqa: PLR2004
    return body[skip : skip + 3] == b"\x0a\x01\x00"  # resultCode success (RFC 4511 4.1.9)
