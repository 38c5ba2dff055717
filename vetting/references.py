"""References of the vetting unit: what one may look like, and how it is kept.

A reference is a file number, never a sentence: it has no blanks, so that no finding finds its way
into the register. It is kept sealed. This floor holds no key; whoever has one hands in a
`ReferenceSeal`, and a reference that is not sealed is never written.
"""

from __future__ import annotations

import re
from typing import Protocol

from vetting.errors import RegisterError, quoted

REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9/._-]{0,39}")
SEALED = re.compile(r"v1\.[a-z0-9-]{1,40}\.[A-Za-z0-9_-]{16,400}")


class ReferenceSeal(Protocol):
    """Seals references, and opens them again for those who may read them.

    The same reference of the same grant gives the same text while the key stays, so that a feed
    that says nothing new changes nothing.
    """

    def seal(self, reference: str, *, grant_id: str) -> str:
        """Seal a reference for one grant; the empty one stays empty."""
        ...

    def open(self, sealed: str, *, grant_id: str) -> str | None:
        """Open what was sealed for this grant; None when it cannot be read."""
        ...


def checked_reference(text: str) -> str:
    """Give a reference back that has the form of one, or is empty.

    Raises:
        RegisterError: it has not; free text is not kept in the register.
    """
    if text and not REFERENCE.fullmatch(text):
        raise RegisterError(
            f"read reference: {quoted(text)} is no reference; write letters, digits and / . _ -"
            " without blanks, and nothing about findings"
        )
    return text


def is_sealed(text: str) -> bool:
    """Tell whether a text may be written as a reference: sealed, or empty."""
    return not text or SEALED.fullmatch(text) is not None
