"""The few file operations on which durability rests, in one place so that tests can make them fail.

Everything that must survive a power cut goes through here: what a test's double refuses at the Nth
call, a real disk may refuse too.
"""

import contextlib
import os
from pathlib import Path


class Disk:
    """The real disk."""

    def free_bytes(self, directory: Path) -> int:
        """Tell how much may still be written to the file system of `directory`."""
        status = os.statvfs(directory)
        return status.f_bavail * status.f_frsize

    def allocate(self, handle: int, size_bytes: int) -> None:
        """Give a file its size and its blocks."""
        os.posix_fallocate(handle, 0, size_bytes)

    def write(self, handle: int, content: bytes, offset: int) -> None:
        """Write all of `content` at `offset`."""
        written = os.pwrite(handle, content, offset)
        while written < len(content):
            written += os.pwrite(handle, content[written:], offset + written)

    def flush(self, handle: int) -> None:
        """Wait until what was written to a file would survive a power cut."""
        os.fdatasync(handle)

    def flush_directory(self, directory: Path | str) -> None:
        """Wait until the names in a directory would survive a power cut."""
        handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def make_directory(self, directory: Path, mode: int = 0o777) -> None:
        """Make a directory, and those above it, whose names would survive a power cut.

        One that is there already may have been made by somebody who has not flushed its name yet.
        """
        if not directory.is_dir():
            if not directory.parent.is_dir():
                self.make_directory(directory.parent)
            directory.mkdir(mode, exist_ok=True)
        self.flush_directory(directory.parent)

    def rename(self, source: Path | str, target: Path | str) -> None:
        """Give a file its final name."""
        os.rename(source, target)  # noqa: PTH104 - either may be text

    def replace_file(self, path: Path, content: bytes) -> None:
        """Put a whole file in place at once, durably."""
        temporary = path.with_name(path.name + ".new")
        self.write_file(temporary, content)
        self.rename(temporary, path)
        self.flush_directory(path.parent)

    def write_file(self, path: Path | str, content: bytes) -> None:
        """Write a whole file and flush it; its name is flushed with the directory."""
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o640)
        try:
            self.write(handle, content, 0)
            self.flush(handle)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(path).unlink()
            raise
        finally:
            os.close(handle)
