"""The certificate the gateway shows by itself, followed as its files change.

A new one is put together beside the old and takes its place whole; the connections there are keep
theirs, so that no request notices. One that cannot be used is refused with a line in the
operational log, and the old one stays. The first one has to be right, or nothing starts.
"""

from __future__ import annotations

import ssl
import stat
from dataclasses import dataclass
from ipaddress import ip_address
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NoReturn

import structlog
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from gateway.errors import ServeError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from pathlib import Path

_log = structlog.get_logger("certificates")
# Forward secrecy and authenticated encryption, nothing else; TLS 1.3 has no others.
_CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20:@SECLEVEL=2"


class CertificateError(ServeError):
    """The certificate, or its key, cannot be used; the message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFiles:
    """Where the certificate is, and for whom.

    Attributes:
        certificate: the chain as PEM, the gateway's own certificate first.
        key: its private key as PEM, for its owner alone.
        host: the name that staff type, without a port.
        others: names that it is shown for too.
    """

    certificate: Path
    key: Path
    host: str
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A certificate that can be used.

    Attributes:
        context: what connections are made with.
        chain: the certificates of its file, its own first.
    """

    context: ssl.SSLContext
    chain: tuple[x509.Certificate, ...]


def load(files: CertificateFiles) -> Loaded:
    """Read certificate and key, and make a context of them.

    Raises:
        CertificateError: a file is missing, open to others or damaged, key and certificate are not
            of each other, or the certificate is for another name.
    """
    try:
        mode = stat.S_IMODE(files.key.stat().st_mode)
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            message = f"tls: `{files.key}` is open to others (mode {mode:04o})"
            raise CertificateError(f"{message}; run `chmod 600 {files.key}`")
        chain = tuple(x509.load_pem_x509_certificates(files.certificate.read_bytes()))
    except OSError as error:
        raise CertificateError(f"tls: cannot read `{error.filename}`: {error.strerror}") from error
    except ValueError as error:
        message = f"tls: `{files.certificate}` holds no certificate that can be read"
        raise CertificateError(f"{message}; write it as PEM, ours first") from error
    if not _names(chain[0], files.host):
        message = f"tls: `{files.certificate}` is not for `{files.host}`"
        raise CertificateError(f"{message}; have one issued for that name")
    for other in files.others:
        if not _names(chain[0], other):
            message = f"tls: `{files.certificate}` is not for `{other}`"
            remedy = "have one issued for both, or write a `[[tls.host_certificate]]` for it"
            raise CertificateError(f"{message}; {remedy}")
    return Loaded(context=_context(files), chain=chain)


_NONE: Mapping[str, ServedCertificate] = MappingProxyType({})


class ServedCertificate:
    """The certificate that new connections are shown. Made before any fork; each process has one.

    `refresh` may run on a thread; whoever takes the context gets the old one or the new.
    """

    def __init__(
        self,
        files: CertificateFiles,
        clock: Callable[[], datetime],
        by_name: Mapping[str, ServedCertificate] = _NONE,
    ) -> None:
        """Load the first one.

        Args:
            files: where it is.
            clock: says what time it is.
            by_name: those that are shown instead to whoever asks for these names (SNI).

        Raises:
            CertificateError: it cannot be used.
        """
        self._files = files
        self._clock = clock
        self._by_name = by_name
        self._seen = self._look()
        self._loaded = self._choosing(load(files))
        self._coming: Loaded | None = None  # in order, but for that its time has not begun

    @property
    def context(self) -> ssl.SSLContext:
        """What a new connection is made with."""
        return self._loaded.context

    def refresh(self) -> None:
        """Take the files' certificate in use if they have changed, and it can be used."""
        for each in self._by_name.values():
            each.refresh()
        seen, at = self._look(), self._clock()
        if seen == self._seen:
            if self._coming is not None and _has_begun(self._coming, at):
                self._take(self._coming)
            return
        self._seen, self._coming = seen, None
        try:
            loaded = load(self._files)
            if not _has_begun(loaded, at):
                self._coming = loaded
            _demand_current(loaded, self._files, at)
        except CertificateError as error:
            _log.error("new certificate refused, the old one stays", detail=str(error))
            return
        self._take(loaded)

    def _take(self, loaded: Loaded) -> None:
        self._loaded, self._coming = self._choosing(loaded), None
        own = loaded.chain[0]
        _log.info(
            "new certificate in use",
            sha256=own.fingerprint(hashes.SHA256()).hex(),
            ends_at=own.not_valid_after_utc.isoformat(),
        )

    def _choosing(self, loaded: Loaded) -> Loaded:
        """Have connections that are made with a certificate go over to that of the name asked for.

        The name says nothing of what is asked for later: `Host` does, which is one of ours or none.
        """
        if self._by_name:
            loaded.context.sni_callback = self._choose
        return loaded

    def _choose(
        self, connection: ssl.SSLObject, name: str | None, _context: ssl.SSLContext
    ) -> None:
        other = self._by_name.get((name or "").lower())
        if other is not None:
            connection.context = other.context

    def _look(self) -> tuple[tuple[int, ...], ...]:
        """Say what would be different if a file had been written anew."""
        looks: list[tuple[int, ...]] = []
        for path in (self._files.certificate, self._files.key):
            try:
                found = path.stat()
            except OSError:
                looks.append((0,))
                continue
            looks.append((found.st_ino, found.st_mtime_ns, found.st_size, found.st_mode))
        return tuple(looks)


def _has_begun(loaded: Loaded, at: datetime) -> bool:
    return loaded.chain[0].not_valid_before_utc <= at


def _demand_current(loaded: Loaded, files: CertificateFiles, at: datetime) -> None:
    if not _has_begun(loaded, at):
        message = f"tls: `{files.certificate}` has not begun"
        raise CertificateError(f"{message}; it is taken when it has")
    if at >= loaded.chain[0].not_valid_after_utc:
        message = f"tls: `{files.certificate}` has ended"
        raise CertificateError(f"{message}; put one there that holds now")


def _context(files: CertificateFiles) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(files.certificate, files.key, password=_no_password)
    except ssl.SSLError as error:
        message = f"tls: `{files.key}` is not the key of `{files.certificate}`"
        if error.reason != "KEY_VALUES_MISMATCH":
            message = f"tls: `{files.certificate}` or `{files.key}` cannot be used: {error.reason}"
        raise CertificateError(f"{message}; put both there, of at least 2,048 bits") from error
    except OSError as error:  # of another owner, most often: who renews it is seldom who serves
        message = f"tls: cannot read `{files.key}`: {error.strerror}"
        raise CertificateError(f"{message}; give it to the user that serves") from error
    return context


def _no_password() -> NoReturn:
    """Refuse a key under a password: there is nobody to type it when a process starts."""
    raise CertificateError(
        "tls: the key is under a password; store it without, for its owner alone"
    )


def _names(certificate: x509.Certificate, host: str) -> bool:
    """Tell whether a certificate is for a host, by its alternative names alone (RFC 9525)."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    try:
        return ip_address(host) in names.get_values_for_type(x509.IPAddress)
    except ValueError:
        known = {each.lower() for each in names.get_values_for_type(x509.DNSName)}
        return host in known or f"*.{host.partition('.')[2]}" in known
