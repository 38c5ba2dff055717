"""One way to write what readers take for the same text."""

from __future__ import annotations

import re
import unicodedata
from base64 import b64decode
from typing import Final

# Soft hyphens, joiners and marks of direction are not seen, and break what is looked for.
_UNSEEN: Final = re.compile(
    "[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]+"
)
_SIGNS: Final = bytes(code for code in range(128) if code != 10 and not chr(code).isalnum())  # noqa: PLR2004
_BASE64: Final = re.compile(r"[\w+/-]{16,}={0,2}", re.ASCII)
_OTHER_SIGNS: Final = re.compile(r"[^\w\n]+")


def seen(text: str) -> str:
    """Give a text with letters in their common forms, without what is not seen."""
    if text.isascii():
        return text
    return _UNSEEN.sub("", unicodedata.normalize("NFKC", text))


def unpacked(text: str) -> str | None:
    """Give the text that another is the base64 of; None where it is none."""
    if _BASE64.fullmatch(text) is None:
        return None
    try:
        return b64decode(
            text + "=" * (-len(text) % 4), b"-_" if "-" in text or "_" in text else None
        ).decode("utf-8")
    except ValueError:
        return None


def folded(text: str) -> str:
    """Give a text as `seen`, without case."""
    return text.lower() if text.isascii() else seen(text).casefold()


def bare_lines(lines: list[str]) -> str:
    """Give lines without case, blanks and signs, each before a line feed but the last.

    Args:
        lines: none has a line feed in it.
    """
    text = folded("\n".join(lines))
    bare = (
        text.encode("utf-8", "surrogatepass")
        .translate(None, _SIGNS)
        .decode("utf-8", "surrogatepass")
    )
    return bare if text.isascii() else _OTHER_SIGNS.sub("", bare)
