"""A socket without a network: what a test sends is called, what is written is kept."""

from __future__ import annotations

import asyncio


class Wire(asyncio.Transport):
    """Keeps what is written, and what else was done.

    Attributes:
        written: all of it.
        did: the other calls, in order.
    """

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.did: list[str] = []

    def get_extra_info(self, name: str, default: object = None) -> object:
        return {"peername": ("127.0.0.1", 1234), "socket": self}.get(name, default)

    def setsockopt(self, *option: object) -> None:
        """Have it reset, when it is aborted."""

    def write(self, data: bytes | bytearray | memoryview[int]) -> None:
        self.written += bytes(data)

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.did.append("eof")

    def close(self) -> None:
        self.did.append("close")

    def abort(self) -> None:
        self.did.append("abort")

    def is_closing(self) -> bool:
        return "abort" in self.did or "close" in self.did

    def pause_reading(self) -> None:
        self.did.append("pause")

    def resume_reading(self) -> None:
        self.did.append("resume")
