"""The header in which a front tells the client's address before anything else (PROXY protocol).

Versions 1 (a line of text) and 2 (binary), as HAProxy's proxy-protocol.txt has them. Nothing of
what follows the header is taken from the socket, so that what comes next, HTTP or TLS, finds its
own first byte. A header that is not exactly right is none: the connection is closed.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address
from socket import MSG_PEEK
from typing import TYPE_CHECKING, Final

from gateway.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from socket import socket

UNKNOWN: Final = "unknown"
"""Stands for the client's address where a front says that there is none, as with its own checks."""

_LINE: Final = re.compile(
    r"PROXY (?:UNKNOWN(?: [\x20-\x7e]*)?|TCP([46]) ([0-9A-Fa-f.:]+) ([0-9A-Fa-f.:]+)"
    r" (0|[1-9][0-9]{0,4}) (0|[1-9][0-9]{0,4}))\r\n"
)
_LINE_BYTES: Final = 107  # the longest line there can be
_OPENING: Final = b"PROXY "
_SIGNATURE: Final = b"\r\n\r\n\x00\r\nQUIT\n"
_FIXED_BYTES: Final = 16  # signature, command, family, length
_MOST_BYTES: Final = 1_024  # addresses, and what a front may tell beside them
_HIGHEST_PORT: Final = 65_535
_LOCAL, _PROXY = 0x20, 0x21
_ADDRESSES: Final = {0x11: (IPv4Address, 4), 0x21: (IPv6Address, 16)}  # TCP over IPv4, IPv6
_PORTS_BYTES: Final = 4


class ProxyHeaderError(RequestError):
    """A header that is missing, malformed, too long or not whole; a fixed word for the record."""


def client_told(header: bytes) -> str:
    """Give the client's address from a whole header, `UNKNOWN` where it tells none.

    Raises:
        ProxyHeaderError: it is malformed.
    """
    return _from_line(header) if header.startswith(_OPENING) else _from_binary(header)


def length_of(begun: bytes) -> int:
    """Give the length of the header that `begun` begins, at least; at most `len(begun)` if whole.

    Raises:
        ProxyHeaderError: it begins no header, or one that is too long.
    """
    if begun.startswith(_OPENING) or _OPENING.startswith(begun):
        end = begun.find(b"\r\n", 0, _LINE_BYTES)
        if end < 0 and len(begun) >= _LINE_BYTES:
            raise ProxyHeaderError("proxy-header-too-long")
        return len(begun) + 1 if end < 0 else end + 2
    if not _SIGNATURE.startswith(begun[: len(_SIGNATURE)]):
        raise ProxyHeaderError("proxy-header-missing")
    if len(begun) < _FIXED_BYTES:
        return _FIXED_BYTES
    length = _FIXED_BYTES + int.from_bytes(begun[14:16], "big")
    if length > _MOST_BYTES:
        raise ProxyHeaderError("proxy-header-too-long")
    return length


async def read_client(accepted: socket, readable: Callable[[], Awaitable[None]]) -> str:
    """Read the header from a socket; gives the client's address as `client_told` does.

    Args:
        accepted: a socket that does not block, and of which nothing has been read.
        readable: waits until there is something to read.

    Raises:
        ProxyHeaderError: what comes is no header, or ends within it.
        OSError: the socket failed.
    """
    begun = b""
    while True:
        await readable()
        try:
            seen = accepted.recv(_MOST_BYTES - len(begun), MSG_PEEK)
        except (BlockingIOError, InterruptedError):
            continue
        if not seen and not begun:
            raise ConnectionResetError  # somebody who only looks whether we are there
        if not seen:
            raise ProxyHeaderError("proxy-header-missing")
        length = length_of(begun + seen)
        begun += accepted.recv(min(len(seen), length - len(begun)))
        if len(begun) == length:
            return client_told(begun)


def _from_line(header: bytes) -> str:
    match = _LINE.fullmatch(header.decode("latin-1"))
    if match is None:
        raise ProxyHeaderError("proxy-header-malformed")
    family, source, destination, *ports = match.groups()
    if family is None:
        return UNKNOWN
    address = IPv4Address if family == "4" else IPv6Address
    try:
        told, _ = address(source), address(destination)
    except ValueError as error:
        raise ProxyHeaderError("proxy-header-malformed") from error
    if any(int(port) > _HIGHEST_PORT for port in ports):
        raise ProxyHeaderError("proxy-header-malformed")
    return str(told)


def _from_binary(header: bytes) -> str:
    command, family = header[12], header[13]
    if command == _LOCAL:
        return UNKNOWN
    if command != _PROXY:
        raise ProxyHeaderError("proxy-header-malformed")
    if family not in _ADDRESSES:  # a client that has no address, or none we could know
        return UNKNOWN
    address, size = _ADDRESSES[family]
    if len(header) < _FIXED_BYTES + 2 * size + _PORTS_BYTES:
        raise ProxyHeaderError("proxy-header-malformed")
    return str(address(header[_FIXED_BYTES : _FIXED_BYTES + size]))
