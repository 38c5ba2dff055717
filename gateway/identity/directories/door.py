"""A directory as everybody who asks it meets it: with the places at it and the time it may take."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.identity.directories.bulkhead import Bulkhead
from gateway.identity.directories.directory import Directory

GRACE_SECONDS = 0.5
"""What a directory may overrun its budget by before its caller stops waiting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """The directory at which an organisation's staff type their password.

    Attributes:
        id: of the directory, its own in the settings.
        directory: to ask.
        bulkhead: the places at it.
        budget_seconds: what one sign-in may take.
        linked: whether it holds the same people as the organisation's other directories.
    """

    id: str
    directory: Directory
    bulkhead: Bulkhead
    budget_seconds: float
    linked: bool = False
