"""Tokens of ours that belong to nobody, such as those of sessions that have ended.

They are remembered for some seconds, so that whoever goes on sending one costs no look at the
database each time.
"""

from __future__ import annotations

from typing import Final

KEPT_SECONDS: Final = 3
MOST_KEPT: Final = 2_000


class EndedTokens:
    """The tokens of one worker; its owner sees to it that one thread writes at a time."""

    def __init__(self) -> None:
        """Know none."""
        self._ended: dict[str, tuple[int, str]] = {}  # until when, why

    def add(self, token: str, why: str, at_us: int) -> None:
        """Remember one.

        Args:
            token: that belongs to nobody.
            why: its session was ended, as a code; empty where it is not known.
            at_us: now, microseconds since 1970 UTC.
        """
        if len(self._ended) >= MOST_KEPT:
            self._ended = {}
        self._ended[token] = (at_us + KEPT_SECONDS * 1_000_000, why)

    def holds(self, token: str, at_us: int) -> bool:
        """Tell whether a token was found to belong to nobody just before."""
        ended = self._ended.get(token)
        return ended is not None and at_us < ended[0]

    def why(self, token: str) -> str:
        """Give why its session was ended, as far as it is remembered."""
        ended = self._ended.get(token)
        return "" if ended is None else ended[1]

    def forget_past(self, at_us: int) -> None:
        """Forget those that need not be held any more."""
        self._ended = {token: ended for token, ended in self._ended.items() if at_us < ended[0]}

    def forget(self) -> None:
        """Forget all of them: something has changed."""
        self._ended = {}
