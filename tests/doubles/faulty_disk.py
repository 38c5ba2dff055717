"""A real disk that fails, fills up or hangs when a test says so."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

from gateway.audit.disk import Disk


class FaultyDisk(Disk):
    """Fails the Nth call of one operation; every later one too, if `lasting`.

    Attributes:
        calls: How often each operation was called.
        failing: Whether a lasting fault is on; a test may end it.
        free: Free space to report, or None for the truth.
        hang: While set, flushing waits for it to be cleared.
    """

    def __init__(
        self,
        operation: str = "",
        nth: int = 1,
        code: int = errno.EIO,
        *,
        lasting: bool = False,
    ) -> None:
        self.calls: dict[str, int] = {}
        self.failing = False
        self.free: int | None = None
        self.released = threading.Event()
        self.released.set()
        self._operation = operation
        self._nth = nth
        self._code = code
        self._lasting = lasting

    def free_bytes(self, directory: Path) -> int:
        return super().free_bytes(directory) if self.free is None else self.free

    def allocate(self, handle: int, size_bytes: int) -> None:
        self._perhaps_fail("allocate")
        super().allocate(handle, size_bytes)

    def write(self, handle: int, content: bytes, offset: int) -> None:
        try:
            self._perhaps_fail("write")
        except OSError:
            # Half of it reaches the disk, as it would.
            os.pwrite(handle, content[: len(content) // 2], offset)
            raise
        super().write(handle, content, offset)

    def flush(self, handle: int) -> None:
        self._perhaps_fail("flush")
        self.released.wait()
        super().flush(handle)

    def flush_directory(self, directory: Path | str) -> None:
        self._perhaps_fail("flush_directory")
        super().flush_directory(directory)

    def rename(self, source: Path | str, target: Path | str) -> None:
        self._perhaps_fail("rename")
        super().rename(source, target)

    def fail(self, operation: str, nth: int = 1, code: int = errno.EIO) -> None:
        """Fail the Nth call from now of an operation."""
        self._operation, self._code = operation, code
        self._nth = self.calls.get(operation, 0) + nth

    def _perhaps_fail(self, operation: str) -> None:
        self.calls[operation] = self.calls.get(operation, 0) + 1
        if operation != self._operation:
            return
        if self.calls[operation] == self._nth or self.failing:
            self.failing = self._lasting
            raise OSError(self._code, os.strerror(self._code))
