"""A session as a value, how long it may last, and how a row of the database holds it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import lru_cache
from sys import intern
from typing import Any

from sqlalchemy import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLimits:
    """How long a session may be idle, and how long it may last at all."""

    idle: timedelta = timedelta(minutes=30)
    absolute: timedelta = timedelta(hours=10)

    def __post_init__(self) -> None:
        """Refuse limits that would never, or always, end a session."""
        if not timedelta(0) < self.idle <= self.absolute:
            message = "sessions: the idle limit must be above zero and within the absolute one"
            raise ValueError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A session as the database has it.

    Attributes:
        hash: SHA-256 of the token, 64 hexadecimal digits.
        staff_id: whose it is.
        organisation: of which organisation they are.
        directory: the id of the directory that vouched for them.
        provider_session: what the provider calls its own session (`sid`), or empty.
        factors: how they proved who they are: `password`, `kerberos`, `provider`,
            `second-factor`, `break-glass`.
        second_factor_at_us: when the second factor was last shown, None if never.
        source: the address it was opened from.
        agent: what the browser called itself.
        started_at_us: when it was opened, microseconds since 1970 UTC.
        last_seen_at_us: when it was last used, up to a minute behind.
        idle_us: how long it may be idle.
        ends_at_us: when it ends however much it is used.
        vouched_at_us: when its directory last vouched for the person.
        rested_us: the longest pause since the person last proved who they are.
        displaced: how many older sessions of the person its opening ended.
    """

    hash: str
    staff_id: str
    organisation: str
    directory: str
    factors: frozenset[str]
    started_at_us: int
    last_seen_at_us: int
    idle_us: int
    ends_at_us: int
    vouched_at_us: int
    provider_session: str = ""
    second_factor_at_us: int | None = None
    source: str = ""
    agent: str = ""
    rested_us: int = 0
    displaced: int = 0

    def lives_at(self, at_us: int) -> bool:
        """Tell whether neither limit has been reached."""
        return at_us < self.ends_at_us and at_us - self.last_seen_at_us < self.idle_us


def session_row(session: Session) -> dict[str, object]:
    """Write a session as the columns of its row."""
    return {**asdict(session), "factors": ",".join(sorted(session.factors))}


def to_session(row: Row[Any]) -> Session:
    """Read a session from its row."""
    held = dict(row._mapping)  # noqa: SLF001  # the public way to a row's columns by name
    held["factors"] = _factors(held["factors"])
    # One object for what many sessions say: workers hold thousands of them.
    for name in ("organisation", "directory", "agent"):
        held[name] = intern(held[name])
    return Session(**{name: held[name] for name in Session.__dataclass_fields__})


@lru_cache(maxsize=64)
def _factors(text: str) -> frozenset[str]:
    return frozenset(text.split(","))
