"""What the entrance needs of the worker it lets people into."""

from __future__ import annotations

from typing import Final, Protocol

from gateway.wire.answers import Answer
from gateway.wire.connection import Connection
from gateway.wire.handler import RequestHandler

UNREAD: Final = "This request could not be read in one way only, so it was refused."
"""What whoever sent it is told."""


class Inside(RequestHandler[Connection], Protocol):
    """The connections of a worker and what serves them."""

    def has_room(self, entering: int) -> bool:
        """Tell whether it takes another connection beside those that are on their way in."""
        ...

    def refusal(self, status: int, code: str, ip: str, sentence: str) -> Answer:
        """Record a refusal that came before any visit, within limits, and say it.

        Args:
            status: 0 where nothing is answered.
            code: a fixed word for the record.
            ip: whom it was refused.
            sentence: our own words; never outside input.
        """
        ...
