"""TLS to a system: its certificate is always verified, and ours is shown where it asks for one.

Files that are replaced are used from the next connection on; while they cannot be read, or a key
and a certificate do not belong together (one of the two is still to be replaced), the last good
ones stay.
"""

import ssl
from pathlib import Path
from typing import Final

import structlog

from gateway.errors import UpstreamError

_log = structlog.get_logger("upstream")
_Stamp = tuple[tuple[int, int, int], ...]
_NOTHING: Final[_Stamp] = ()


class UpstreamTls:
    """Whom to believe at a system, and who we are there; a `Trust`."""

    def __init__(
        self,
        system: str,
        *,
        ca_file: Path | None,
        certificate_file: Path | None = None,
        key_file: Path | None = None,
        must: bool = True,
    ) -> None:
        """Read the files.

        Args:
            system: whose, for the operational log.
            ca_file: PEM of the one authority that is believed; without it, those of the machine.
            certificate_file: PEM of our own certificate and what leads to its authority.
            key_file: PEM of its key.
            must: refuse files that cannot be used; else nobody is connected to until they can, so
                that a worker that starts while they are replaced serves everything else.

        Raises:
            UpstreamError: a file cannot be used.
        """
        self._system = system
        self._ca_file = ca_file
        self._certificate_file = certificate_file
        self._key_file = key_file
        self._files = tuple(each for each in (ca_file, certificate_file, key_file) if each)
        self._refused: _Stamp | None = None  # what was there when it could not be used
        self._stamp: _Stamp | None = None
        self._context: ssl.SSLContext | None = None
        try:
            if must or not self._files:
                self._stamp, self._context = self._look(), self._read()
        except OSError as error:  # SSLError is one too
            named = "`, `".join(map(str, self._files))
            message = f"upstream: {system}: `{named}` cannot be used: {error.strerror or error}"
            raise UpstreamError(message) from error

    def context(self) -> ssl.SSLContext:
        """Give the settings for one handshake.

        Raises:
            ssl.SSLError: there have been no files yet that could be used.
        """
        if self._files:
            self._follow()
        if self._context is None:
            raise ssl.SSLError("upstream: no certificates")
        return self._context

    def _follow(self) -> None:
        """Read the files again where they are not what they were."""
        stamp = _NOTHING
        try:
            stamp = self._look()
            if stamp in {self._stamp, self._refused}:
                return
            self._context = self._read()
        except OSError as error:
            if (
                stamp != self._refused
            ):  # one line for each state of the files, not for each handshake
                _log.error(
                    "certificates not taken; the last ones stay",
                    upstream=self._system,
                    error=type(error).__name__,
                )
            self._refused = stamp
        else:
            if self._stamp is not None:
                _log.info("certificates taken anew", upstream=self._system)
            self._stamp = stamp

    def _look(self) -> _Stamp:
        each = (file.stat() for file in self._files)
        return tuple((status.st_mtime_ns, status.st_size, status.st_ino) for status in each)

    def _read(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self._ca_file)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self._certificate_file is not None:
            context.load_cert_chain(self._certificate_file, self._key_file, password=_no_password)
        return context


def _no_password() -> str:
    """Refuse a key that is locked, where OpenSSL would ask at the terminal."""
    return ""
