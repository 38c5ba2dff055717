"""Ways to end a client's connection other than to close it when all has been sent."""

import asyncio
import struct
from contextlib import suppress
from socket import SO_LINGER, SOL_SOCKET
from typing import Final

_AT_ONCE: Final = struct.pack("ii", 1, 0)  # on, with no time to linger


def reset(transport: asyncio.Transport) -> None:
    """Cut it so that the other side sees that something is missing.

    An orderly end is how HTTP/1.0 ends a whole answer; and what waits is not sent any more.
    """
    socket = transport.get_extra_info("socket")
    if socket is not None:  # as it is where TLS, or the peer, has ended already
        with suppress(OSError):
            socket.setsockopt(SOL_SOCKET, SO_LINGER, _AT_ONCE)
    transport.abort()


def end_writing(transport: asyncio.Transport) -> bool:
    """Send the end behind what was written, and go on reading; False where only both can end."""
    if transport.is_closing() or not transport.can_write_eof():
        return False
    transport.write_eof()
    return True
