"""HTTP towards a provider, with a bound on everything.

One deadline holds for connecting, every read and every write together, however slowly the other
side answers; no answer is longer than `MAX_BYTES`; redirects, proxies of the environment, cookies
and compressed answers are not followed, used, kept or read. Over TLS the certificate is always
verified, by the authority of the settings where one is named.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import httpcore
import httpx
from typing_extensions import override

from gateway.errors import DirectoryMisconfigured, DirectoryUnavailable
from gateway.identity.providers.strict_json import StrictJsonError, read_object

MAX_BYTES: Final = 1024 * 1024
CONNECT_SECONDS: Final = 2.0
READ_SECONDS: Final = 3.0

Seconds = Callable[[], float]


class AnswerTooLong(httpx.TransportError):
    """An answer is longer than any that a provider has reason to give."""


class ProviderHttp:
    """Asks one provider. Safe for several threads; keeps no connection."""

    def __init__(
        self,
        ca_file: Path | None,
        *,
        monotonic: Seconds = time.monotonic,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        """Read the authority; nothing is asked yet.

        Raises:
            DirectoryMisconfigured: if its file cannot be used.
        """
        try:
            self._tls = ssl.create_default_context(cafile=ca_file)
        except (OSError, ssl.SSLError) as error:
            message = f"provider: the authority's file `{ca_file}` cannot be used"
            raise DirectoryMisconfigured(message) from error
        self._tls.minimum_version = ssl.TLSVersion.TLSv1_2
        self._monotonic = monotonic
        self._max_bytes = max_bytes

    def transport(self, deadline: float) -> httpx.BaseTransport:
        """Give a transport whose every exchange has ended by the deadline (monotonic seconds)."""
        return _BoundedTransport(self._tls, deadline, self._monotonic, self._max_bytes)

    def get_object(self, url: str, deadline: float, *, token: str | None = None) -> dict[str, Any]:
        """Fetch a JSON object.

        Args:
            url: one that the settings, or the provider's checked discovery, name.
            deadline: monotonic seconds.
            token: shown as bearer token, if given.

        Raises:
            DirectoryUnavailable: no answer, or none that is a JSON object; says what was wrong.
        """
        headers = {"Accept": "application/json"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        try:
            with httpx.Client(transport=self.transport(deadline), trust_env=False) as client:
                answer = client.get(url, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            message = f"provider: `{url}` did not answer: {type(error).__name__}"
            raise DirectoryUnavailable(message) from error
        kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        if answer.status_code != httpx.codes.OK or not kind.endswith(("/json", "+json")):
            message = f"provider: `{url}` answered {answer.status_code} `{kind[:60]}`"
            raise DirectoryUnavailable(message)
        try:
            return read_object(answer.content)
        except StrictJsonError as error:
            message = f"provider: `{url}` answered what is no JSON object: {error}"
            raise DirectoryUnavailable(message) from error


class _BoundedTransport(httpx.BaseTransport):
    """Sends each request on a connection of its own, within one deadline."""

    def __init__(
        self, tls: ssl.SSLContext, deadline: float, monotonic: Seconds, max_bytes: int
    ) -> None:
        self._max_bytes = max_bytes
        self._pool = httpcore.ConnectionPool(
            ssl_context=tls,
            max_keepalive_connections=0,
            network_backend=_DeadlineBackend(deadline, monotonic),
        )

    @override
    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.headers["Accept-Encoding"] = "identity"
        sent = httpcore.Request(
            method=request.method,
            url=httpcore.URL(
                scheme=request.url.raw_scheme,
                host=request.url.raw_host,
                port=request.url.port,
                target=request.url.raw_path,
            ),
            headers=request.headers.raw,
            content=request.stream,
            extensions={"timeout": {"connect": CONNECT_SECONDS, "read": READ_SECONDS}},
        )
        try:
            answer = self._pool.handle_request(sent)
            try:
                body = _read(answer.stream, self._max_bytes)
            finally:
                answer.close()
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException) as error:
            raise httpx.TransportError(type(error).__name__) from error
        encodings = {value for name, value in answer.headers if name.lower() == b"content-encoding"}
        if encodings - {b"identity"}:
            raise httpx.DecodingError("compressed")
        return httpx.Response(answer.status, headers=answer.headers, content=body)

    @override
    def close(self) -> None:
        self._pool.close()


def _read(stream: object, most: int) -> bytes:
    pieces: list[bytes] = []
    length = 0
    for piece in _pieces(stream):
        length += len(piece)
        if length > most:
            raise AnswerTooLong("longer than a provider has reason to answer")
        pieces.append(piece)
    return b"".join(pieces)


def _pieces(stream: object) -> Iterator[bytes]:
    if not isinstance(stream, Iterable):
        raise TypeError("provider: an answer that cannot be read")
    yield from stream


class _DeadlineBackend(httpcore.SyncBackend):
    """Opens connections whose every step takes no longer than what is left."""

    def __init__(self, deadline: float, monotonic: Seconds) -> None:
        self._deadline = deadline
        self._monotonic = monotonic

    @override
    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        left = _left(self._deadline, self._monotonic, timeout)
        stream = super().connect_tcp(host, port, left, local_address, socket_options)
        return _DeadlineStream(stream, self._deadline, self._monotonic)


class _DeadlineStream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream, deadline: float, monotonic: Seconds) -> None:
        self._stream = stream
        self._deadline = deadline
        self._monotonic = monotonic

    @override
    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(self._deadline, self._monotonic, timeout))

    @override
    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(self._deadline, self._monotonic, timeout))

    @override
    def close(self) -> None:
        self._stream.close()

    @override
    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left = _left(self._deadline, self._monotonic, timeout)
        secured = self._stream.start_tls(ssl_context, server_hostname, left)
        return _DeadlineStream(secured, self._deadline, self._monotonic)

    @override
    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left(deadline: float, monotonic: Seconds, timeout: float | None) -> float:
    left = deadline - monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("the deadline has passed")
    return left if timeout is None else min(timeout, left)
