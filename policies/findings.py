"""Reads the tables of a policy file and collects every fault on the way.

An officer who mends a file wants all of its faults at once, each with its line and what to do, so
reading does not stop at the first one. The rules, in order:

1. A key that nobody asked for is a fault, and the nearest known key is named.
2. A missing or wrong value is a fault and reads as None (or empty), so that the rest can still be
   looked at.
3. Whoever reads a file asks `Findings.refuse_if_any` before handing anything on: nothing is half
   loaded.
"""

from __future__ import annotations

import difflib
import re
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from policies.errors import PolicyFileError
from vetting.errors import Fault, TomlError, quoted
from vetting.toml_source import TomlSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from enum import StrEnum
    from pathlib import Path

_Choice = TypeVar("_Choice", bound="StrEnum")
_Value = TypeVar("_Value")


class Findings:
    """The faults found in one file so far, and the file's lines.

    Attributes:
        source: the file.
    """

    __slots__ = ("_faults", "source")

    def __init__(self, source: TomlSource) -> None:
        self.source = source
        self._faults: list[Fault] = []

    @classmethod
    def read(cls, path: Path) -> Findings:
        """Open a file of a policy set.

        Raises:
            PolicyFileError: it cannot be read or is not TOML.
        """
        try:
            return cls(TomlSource.read(path))
        except TomlError as error:
            raise PolicyFileError(error.faults) from error

    def add(self, *keys: str | int, message: str, remedy: str) -> None:
        """Note a fault of the value at `keys`."""
        self._faults.append(self.source.fault(*keys, message=message, remedy=remedy))

    @property
    def faults(self) -> tuple[Fault, ...]:
        """Every fault so far, in the order of the file."""
        return tuple(sorted(self._faults, key=lambda fault: fault.line))

    def refuse_if_any(self) -> None:
        """Refuse the file if it has faults.

        Raises:
            PolicyFileError: with all of them.
        """
        if self._faults:
            raise PolicyFileError(self.faults)

    def document(self) -> TableReader:
        """Give the file's outermost table."""
        return TableReader(self, self.source.data)


class TableReader:
    """One table of a file, read key by key; `finish` finds the keys that nobody asked for."""

    __slots__ = ("_asked", "_findings", "_keys", "_table")

    def __init__(self, findings: Findings, table: dict[str, Any], *keys: str | int) -> None:
        self._findings = findings
        self._table = table
        self._keys = keys
        self._asked: list[str] = []

    @property
    def line(self) -> int:
        """The line that the table begins on, counted from 1."""
        return self._findings.source.line(*self._keys)

    def fault(self, *keys: str | int, message: str, remedy: str) -> None:
        """Note a fault of a value in this table; without `keys`, of the table itself."""
        self._findings.add(*self._keys, *keys, message=message, remedy=remedy)

    def has(self, name: str) -> bool:
        """Tell whether the key is there."""
        self._ask(name)
        return name in self._table

    def text(
        self, name: str, *, required: bool = True, pattern: re.Pattern[str] | None = None
    ) -> str:
        """Read one line of text; empty where it is missing or wrong.

        Args:
            name: the key.
            required: whether it is a fault to leave it out.
            pattern: what the whole text has to look like.
        """
        value = self._value(name, required=required)
        if value is None:
            return ""
        return self._checked_text(value, name, pattern=pattern)

    def texts(
        self, name: str, *, required: bool = True, pattern: re.Pattern[str] | None = None
    ) -> tuple[str, ...]:
        """Read a list of different texts; empty where it is missing or wrong."""
        read: list[str] = []
        for position, value in enumerate(self._list(name, required=required)):
            text = self._checked_text(value, name, position, pattern=pattern)
            if text in read:
                self.fault(
                    name, position, message=f"{quoted(text)} is written twice", remedy="remove one"
                )
            elif text:
                read.append(text)
        return tuple(read)

    def text_map(self, name: str, *, key_pattern: re.Pattern[str] | None = None) -> dict[str, str]:
        """Read a table of texts; empty where it is missing or wrong."""
        value = self._value(name, required=False)
        if value is None:
            return {}
        if not isinstance(value, dict):
            self._wrong_type(name, asked='a table, e.g. { OAFunc = "XX_PAYSLIP" }')
            return {}
        read = {}
        for key, item in value.items():
            if key_pattern is not None and not key_pattern.fullmatch(key):
                self.fault(
                    name,
                    key,
                    message=f"{quoted(key)} is not a usable name",
                    remedy=f"write it as {key_pattern.pattern}",
                )
                continue
            text = self._checked_text(item, name, key, pattern=None)
            if text:
                read[key] = text
        return read

    def choice(self, name: str, kind: type[_Choice], *, required: bool = True) -> _Choice | None:
        """Read one word of a closed list."""
        value = self._value(name, required=required)
        if value is None:
            return None
        known = [member.value for member in kind]
        if isinstance(value, str) and value in known:
            return kind(value)
        self._unknown_choice(value, known, name)
        return None

    def choices(
        self, name: str, kind: type[_Choice], *, required: bool = False
    ) -> tuple[_Choice, ...]:
        """Read a list of words of a closed list; empty where it is missing or wrong."""
        known = [member.value for member in kind]
        chosen = []
        for position, text in enumerate(self.texts(name, required=required)):
            if text in known:
                chosen.append(kind(text))
            else:
                self._unknown_choice(text, known, name, position)
        return tuple(chosen)

    def raw(self, name: str) -> object:
        """Look at a value as TOML holds it; None where it is missing."""
        return self._table.get(name)

    def day(self, name: str, *, required: bool) -> date | None:
        """Read a date without a time of day."""
        value = self._value(name, required=required)
        if value is None:
            return None
        if isinstance(value, date) and not isinstance(value, datetime):
            return value
        self._wrong_type(name, asked="a date without quotation marks, e.g. 2018-04-01")
        return None

    def instant(self, name: str, *, required: bool) -> datetime | None:
        """Read an instant; None where it is missing or has no offset from UTC."""
        value = self._value(name, required=required)
        if value is None:
            return None
        if isinstance(value, datetime) and value.tzinfo is not None:
            return value
        self._wrong_type(name, asked="an instant with its offset, e.g. 2026-11-21T12:00:00Z")
        return None

    def flag(self, name: str) -> bool:
        """Read true or false; false where it is missing."""
        value = self._value(name, required=False)
        if value is None or isinstance(value, bool):
            return bool(value)
        self._wrong_type(name, asked="true or false")
        return False

    def whole(self, name: str, *, least: int, most: int, default: int) -> int:
        """Read a whole number; the default where it is missing or wrong."""
        value = self._value(name, required=False)
        if value is None:
            return default
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return value
        self._wrong_type(name, asked=f"a whole number from {least} to {most}")
        return default

    def table(self, name: str) -> TableReader | None:
        """Enter a table inside this one; None where it is missing or no table."""
        value = self._value(name, required=False)
        if value is None:
            return None
        if isinstance(value, dict):
            return TableReader(self._findings, value, *self._keys, name)
        self._wrong_type(name, asked="a table")
        return None

    def tables(self, name: str, *, required: bool = True) -> list[TableReader]:
        """Enter each table of a list; entries that are no table are faults and left out."""
        readers = []
        for position, value in enumerate(self._list(name, required=required)):
            if isinstance(value, dict):
                readers.append(TableReader(self._findings, value, *self._keys, name, position))
            else:
                self._wrong_type(name, position, asked="a table")
        return readers

    def parsed(
        self,
        *keys: str | int,
        read: Callable[[], _Value],
        error: type[Exception],
        remedy: str,
    ) -> _Value | None:
        """Build a value from what was read; its refusal becomes a fault of the value at `keys`.

        Args:
            keys: where the fault is to be shown.
            read: builds the value.
            error: what `read` raises when it refuses.
            remedy: what to do about it.
        """
        try:
            return read()
        except error as refusal:
            self.fault(*keys, message=str(refusal), remedy=remedy)
            return None

    def finish(self) -> None:
        """Note every key of this table that nobody asked for."""
        for key in self._table:
            if key not in self._asked:
                self.fault(
                    key,
                    message=f"unknown key {quoted(key)}",
                    remedy=_nearest(key, self._asked) or f"use one of: {', '.join(self._asked)}",
                )

    def _ask(self, name: str) -> None:
        if name not in self._asked:
            self._asked.append(name)

    def _value(self, name: str, *, required: bool) -> Any:
        self._ask(name)
        if name not in self._table:
            if required:
                self.fault(message=f"{quoted(name)} is missing", remedy=f"add {name} = ...")
            return None
        return self._table[name]

    def _list(self, name: str, *, required: bool) -> list[Any]:
        value = self._value(name, required=required)
        if value is None:
            return []
        if not isinstance(value, list):
            self._wrong_type(name, asked="a list")
            return []
        if not value:
            self.fault(name, message="is empty", remedy="name at least one, or leave the key out")
        return value

    def _checked_text(
        self, value: object, *keys: str | int, pattern: re.Pattern[str] | None
    ) -> str:
        if not isinstance(value, str) or not value or not value.isprintable():
            self._wrong_type(*keys, asked="a text in quotation marks, on one line, not empty")
            return ""
        if pattern is not None and not pattern.fullmatch(value):
            self.fault(
                *keys,
                message=f"{quoted(value)} is not of the right form",
                remedy=f"write it as {pattern.pattern}",
            )
            return ""
        return value

    def _unknown_choice(self, value: object, known: list[str], *keys: str | int) -> None:
        self.fault(
            *keys,
            message=f"unknown value {quoted(value)}",
            remedy=_nearest(str(value), known) or f"use one of: {', '.join(known)}",
        )

    def _wrong_type(self, *keys: str | int, asked: str) -> None:
        self.fault(*keys, message="is not of the right kind", remedy=f"write {asked}")


def nearest_of(word: str, known: Iterable[str]) -> str:
    """Suggest the known word that an unknown one was probably meant to be, as a remedy.

    Args:
        word: what was written.
        known: what could have been meant.

    Returns:
        A remedy; a general one where nothing is near.
    """
    return _nearest(word, known) or "use one that is declared"


def _nearest(word: str, known: Iterable[str]) -> str:
    found = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"did you mean `{found[0]}`?" if found else ""
