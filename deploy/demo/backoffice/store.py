"""The back office's own store: what was entered and sent on a screen, and its own sessions."""

from __future__ import annotations

import json
import secrets
import sqlite3
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

TABLES = """
create table if not exists stored (
    reference text primary key, screen text not null, organisation text not null,
    employee_number text not null, fields text not null, at text not null);
create index if not exists stored_by_person on stored (screen, organisation, employee_number);
create table if not exists upload (
    reference text primary key, screen text not null, organisation text not null,
    employee_number text not null, name text not null, size integer not null, sha256 text not null,
    at text not null);
create table if not exists session (token text primary key, pages integer not null);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whose entry it is: two organisations may give one number twice."""

    organisation: str
    employee_number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """Something entered on a screen."""

    reference: str
    fields: Mapping[str, str]
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploaded:
    """A file that was taken."""

    reference: str
    name: str
    size: int
    sha256: str


class Store:
    """An SQLite file. Safe for threads: one statement at a time."""

    def __init__(self, path: Path) -> None:
        """Open the file, and make its tables if they are missing."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.executescript("pragma journal_mode = wal; pragma synchronous = normal;")
        self._connection.executescript(TABLES)
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def keep(self, screen: str, owner: Owner, fields: Mapping[str, str], at: str) -> str:
        """Store what was entered; gives its reference."""
        return self._insert(
            "insert or ignore into stored values (?, ?, ?, ?, ?, ?) returning reference",
            (screen, *_owner(owner), json.dumps(dict(fields)), at),
        )

    def kept(self, screen: str, owner: Owner) -> tuple[Stored, ...]:
        """Give what somebody entered on a screen, the newest first."""
        rows = self._run(
            "select reference, fields, at from stored where screen = ? and organisation = ?"
            " and employee_number = ? order by rowid desc limit 100",
            (screen, *_owner(owner)),
        )
        return tuple(
            Stored(reference=reference, fields=json.loads(fields), at=at)
            for reference, fields, at in rows
        )

    def forget(self, screen: str, owner: Owner, reference: str) -> bool:
        """Remove something that somebody entered; tells whether it was there."""
        rows = self._run(
            "delete from stored where screen = ? and organisation = ? and employee_number = ?"
            " and reference = ? returning reference",
            (screen, *_owner(owner), reference),
        )
        return bool(rows)

    def keep_upload(self, screen: str, owner: Owner, file: Uploaded, at: str) -> str:
        """Note a file that was taken; gives its reference."""
        return self._insert(
            "insert or ignore into upload values (?, ?, ?, ?, ?, ?, ?, ?) returning reference",
            (screen, *_owner(owner), file.name, file.size, file.sha256, at),
        )

    def uploads(self, screen: str, owner: Owner) -> tuple[Uploaded, ...]:
        """Give the files somebody sent to a screen, the newest first."""
        rows = self._run(
            "select reference, name, size, sha256 from upload where screen = ? and organisation = ?"
            " and employee_number = ? order by rowid desc limit 20",
            (screen, *_owner(owner)),
        )
        return tuple(
            Uploaded(reference=reference, name=name, size=int(size), sha256=sha256)
            for reference, name, size, sha256 in rows
        )

    def begin_session(self) -> str:
        """Begin a session of the back office's own; gives its token."""
        token = secrets.token_urlsafe(18)
        self._run("insert into session values (?, 0)", (token,))
        return token

    def count_page(self, token: str) -> int | None:
        """Count a page of a session; None if there is no such session."""
        rows = self._run(
            "update session set pages = pages + 1 where token = ? returning pages", (token,)
        )
        return int(rows[0][0]) if rows else None

    def end_session(self, token: str) -> None:
        """End a session."""
        self._run("delete from session where token = ?", (token,))

    def _insert(self, statement: str, values: tuple[object, ...]) -> str:
        """Insert under a reference that nothing else has; of thousands, two are alike at times."""
        while True:
            reference = _reference()
            if self._run(statement, (reference, *values)):
                return reference

    def _run(self, statement: str, values: tuple[object, ...]) -> list[tuple[str, ...]]:
        with self._lock:
            return self._connection.execute(statement, values).fetchall()


def _owner(owner: Owner) -> tuple[str, str]:
    return owner.organisation, owner.employee_number


def _reference() -> str:
    return f"N{secrets.randbelow(9_000_000) + 1_000_000}"
