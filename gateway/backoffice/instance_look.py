"""A look at one instance of a system, apart from what people ask: does it answer?

Where the settings name a path, it is asked for, without anybody's name, and an answer of 200 to 399
is well; it is read as strictly as any other. Elsewhere a connection (over TLS, its certificate
checked) is enough.
"""

import asyncio
import ssl
from typing import Final

from gateway.backoffice.transport import ExchangeError, UpstreamConnection
from gateway.backoffice.upstream_address import UpstreamAddress
from gateway.backoffice.upstream_pool import open_connection

WELL: Final = ""


class _Keeper:
    """Keeps no connection: each look has one of its own."""

    def __init__(self, address: UpstreamAddress, loop: asyncio.AbstractEventLoop) -> None:
        self.address = address
        self.loop = loop

    def put_back(self, connection: UpstreamConnection) -> None:
        """Close it."""
        connection.discard()

    keep = put_back

    def forget(self, connection: UpstreamConnection) -> None:
        """Know nothing."""


class _Answer:
    """Waits for the end of an answer; a `ResponseSink`."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.done: asyncio.Future[str] = loop.create_future()
        self._status = 0

    def on_head(self, status: int, fields: list[tuple[bytes, bytes]], length: int | None) -> None:
        """Note the status."""
        del fields, length
        self._status = status

    def on_body(self, piece: bytes) -> None:
        """Take what nobody reads."""

    def on_read(self) -> None:
        """Write nothing."""

    def on_end(self) -> None:
        """Judge the answer."""
        well = 200 <= self._status < 400  # noqa: PLR2004
        self._settle(WELL if well else f"health-{self._status}")

    def on_fail(self, error: ExchangeError) -> None:
        """Tell what went wrong."""
        self._settle(error.code)

    def on_upstream_slow(self) -> None:
        """Send nothing more anyway."""

    def on_upstream_ready(self) -> None:
        """Send nothing more anyway."""

    def _settle(self, code: str) -> None:
        if not self.done.done():
            self.done.set_result(code)


async def look_at(
    address: UpstreamAddress, host: bytes, path: str | None, *, seconds: float
) -> str:
    """Look once, on a connection of its own.

    Args:
        address: of the instance.
        host: value of `Host`.
        path: what is asked for; None for nothing.
        seconds: for the whole look.

    Returns:
        `WELL`, or a fixed word for what is wrong.
    """
    loop = asyncio.get_running_loop()
    keeper = _Keeper(address, loop)
    connection: UpstreamConnection | None = None
    try:
        async with asyncio.timeout(seconds):
            connection = await open_connection(keeper)
            if path is None:
                return WELL
            answer = _Answer(loop)
            head = b"GET %b HTTP/1.1\r\nHost: %b\r\nConnection: close\r\n\r\n"
            connection.begin(
                head % (path.encode("ascii"), host), answer, head_only=False, complete=True
            )
            return await answer.done
    except TimeoutError:
        return "upstream-timeout" if connection else "upstream-connect-timeout"
    except ssl.SSLError:
        return "upstream-tls"
    except OSError:
        return "upstream-refused"
    finally:
        if connection is not None:
            connection.cancel()
