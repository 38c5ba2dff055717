"""Files that belong to one user alone: read with their modes checked, created whole and durable.

A wrong mode or owner refuses with the command that puts it right.
"""

import os
import secrets
import stat
from pathlib import Path

from gateway.errors import KeysError

_MAX_FILE_BYTES = 65_536  # a PEM key has 120 bytes; more is no key of ours


def read_private(path: Path) -> bytes:
    """Read a file that must belong to us alone; the check is on the opened file, not the name."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise KeysError(f"keys: cannot read `{path}`: {error.strerror}") from error
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(handle)
        _check_owner(path, status)
        if stat.S_IMODE(status.st_mode) & 0o177:
            mode = stat.S_IMODE(status.st_mode)
            raise KeysError(f"keys: `{path}` has mode {mode:04o}; run `chmod 600 {path}`")
        return file.read(_MAX_FILE_BYTES)


def check_directory(directory: Path) -> None:
    """Check that a directory is ours and open to nobody else; raises KeysError."""
    try:
        status = directory.lstat()
    except OSError as error:
        raise KeysError(
            f"keys: cannot use `{directory}`: {error.strerror}; run `gateway keys init`"
        ) from error
    if not stat.S_ISDIR(status.st_mode):
        raise KeysError(f"keys: `{directory}` is not a directory")
    _check_owner(directory, status)
    if (mode := stat.S_IMODE(status.st_mode)) & 0o077:
        raise KeysError(f"keys: `{directory}` has mode {mode:04o}; run `chmod 700 {directory}`")


def _check_owner(path: Path, status: os.stat_result) -> None:
    if status.st_uid != os.geteuid():
        raise KeysError(
            f"keys: `{path}` belongs to user {status.st_uid}, not {os.geteuid()}; "
            f"run as that user or `chown` it"
        )


def create(path: Path, content: bytes) -> None:
    """Create a file whole and durable; if somebody else was first, theirs stays."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.fchmod(handle, 0o600)
            os.write(handle, content)
            os.fsync(handle)
        finally:
            os.close(handle)
        try:
            os.link(temporary, path)
        except FileExistsError:
            pass
        finally:
            temporary.unlink()
        flush_directory(path.parent)
    except OSError as error:
        raise KeysError(f"keys: cannot write `{path}`: {error.strerror}") from error


def flush_directory(directory: Path) -> None:
    """Wait until the names in a directory would survive a power cut."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
