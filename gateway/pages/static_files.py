"""Style sheets, scripts and images, read once into memory.

Their addresses hold a digest of all of them, so a browser keeps them for a year and still asks
anew after an upgrade. Nothing is read from the disk by name while serving: what was not there at
the start does not exist.
"""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path

from gateway.errors import ServeError

STATIC_ROOT = "/-/static"
FOLDER = Path(__file__).parent / "static"

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
# What a page cannot do without, and what a checkout lacks until the assets are built.
NEEDED = ("gateway.css", "gateway.js", "favicon.svg", "vendor/govuk.css")
_DIGEST_CHARACTERS = 16
ONE_YEAR = "public, max-age=31536000, immutable"


class AssetsMissingError(ServeError):
    """The style sheets have not been built."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticFile:
    """One file, ready to be sent.

    Attributes:
        content: the bytes.
        compressed: the bytes as gzip.
        content_type: by its ending.
    """

    content: bytes
    compressed: bytes
    content_type: str


class StaticFiles:
    """The files under one folder."""

    def __init__(self, folder: Path = FOLDER) -> None:
        """Read the folder.

        Raises:
            AssetsMissingError: something that a page needs is not there; says what to run.
        """
        digest = hashlib.sha256()
        self._files: dict[str, StaticFile] = {}
        for path in sorted(folder.rglob("*")):
            content_type = _TYPES.get(path.suffix)
            if content_type is None or not path.is_file():
                continue
            name = path.relative_to(folder).as_posix()
            content = path.read_bytes()
            digest.update(f"{name} {len(content)}\n".encode() + content)
            self._files[name] = StaticFile(
                content=content,
                compressed=gzip.compress(content, mtime=0),
                content_type=content_type,
            )
        missing = [name for name in NEEDED if name not in self._files]
        if missing:
            message = f"pages: `{missing[0]}` is missing; run `python deploy/assets/build.py`"
            raise AssetsMissingError(message)
        self.digest = digest.hexdigest()[:_DIGEST_CHARACTERS]
        self.path = f"{STATIC_ROOT}/{self.digest}"

    def get(self, name: str) -> StaticFile | None:
        """Give a file by its name below the folder, or None."""
        return self._files.get(name)
