"""The levels of vetting and their order.

The order is partial: force vetting, national security vetting and an employer's screening protect
different things, so most levels of one scheme say nothing about another. Levels and covering edges
are data (`levels.toml`); this module closes them and answers `dominates` from a bit mask per level.

Rules, in this order:

1. A file with any fault gives no order at all: all faults are told at once.
2. A level that the order does not know is an error, never a quiet "no" or "yes".
3. INVARIANT: a mask of `reach` is closed downwards, so masks of several levels may be joined with
   `|` and the result is again closed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NewType

from vetting.days import last_day_of_months, last_day_of_years
from vetting.errors import LevelError, TomlError, quoted
from vetting.toml_source import TomlSource

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from vetting.errors import Fault

LevelId = NewType("LevelId", str)
_ToldFault = Callable[[str, str, str], None]  # key, message, remedy

SCHEMES = ("force", "nppv", "nsv", "employer")
RESERVED_WORDS = frozenset({"and", "or", "any", "base"})  # words of a requirement, in lower case
_LEVEL_ID = re.compile(r"[A-Za-z][A-Za-z0-9]{0,15}")
_LEVEL_KEYS = {"id", "scheme", "title", "screening", "systems", "valid_years", "review_months"}
_LONGEST = {"valid_years": 20, "review_months": 120}
_COVER_KEYS = {"holder", "required", "source"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One step on one scale of vetting.

    Attributes:
        id: as requirements write it, e.g. `N2F`.
        scheme: `force`, `nppv`, `nsv` or `employer`.
        title: in words, e.g. `NPPV2 full`.
        screening: whether this is screening by an employer. It then counts only when the person's
            own organisation granted it, and needs no end date.
        systems: whether it opens systems at all; without that it adds nothing to what is reached.
        valid_years: how long a new grant lasts when no last day is given; None: it must be given.
        review_months: when a new grant is to be reviewed when no day is given; None: never.
    """

    id: LevelId
    scheme: str
    title: str
    screening: bool = False
    systems: bool = True
    valid_years: int | None = None
    review_months: int | None = None

    def expires_on(self, granted_on: date) -> date | None:
        """Give the last valid day of a grant: the day before the anniversary."""
        return last_day_of_years(granted_on, self.valid_years) if self.valid_years else None

    def review_due_on(self, granted_on: date) -> date | None:
        """Give the last day on which a grant counts without its first review."""
        return last_day_of_months(granted_on, self.review_months) if self.review_months else None


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelOrder:
    """The levels and which satisfies which.

    Attributes:
        levels: every level, in the order of the file; the position is the bit.
        covers: the covering edges, each (holder, required).
        base: the level that the requirement `BASE` asks for.
    """

    levels: tuple[Level, ...]
    covers: tuple[tuple[LevelId, LevelId], ...]
    base: LevelId
    _bits: Mapping[str, int] = field(init=False, repr=False, compare=False)
    _reach: Mapping[str, int] = field(init=False, repr=False, compare=False)
    _meaning: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Close the edges into one mask per level.

        Raises:
            LevelError: no levels, a level twice, an edge or base that names no level, or a cycle.
        """
        bits = {str(level.id): 1 << position for position, level in enumerate(self.levels)}
        if not bits:
            raise LevelError("order levels: there are no levels")
        if len(bits) != len(self.levels):
            raise LevelError("order levels: a level is listed twice")
        for level_id in (*(end for edge in self.covers for end in edge), self.base):
            if level_id not in bits:
                raise LevelError(f"order levels: {quoted(level_id)} is no level")
        cycle = find_cycle(self.covers)
        if cycle:
            raise LevelError(f"order levels: {' > '.join(cycle)} is a cycle")
        reach = _closure(bits, self.covers)
        object.__setattr__(self, "_bits", bits)
        object.__setattr__(self, "_reach", reach)
        object.__setattr__(self, "_meaning", f"{self.base} {reach}")

    @classmethod
    def shipped(cls) -> LevelOrder:
        """Read the 15 levels that are shipped with the product.

        Returns:
            A new order at each call; keep it, reading costs milliseconds.
        """
        file = files("vetting").joinpath("levels.toml")
        return cls.from_toml(
            TomlSource.from_text(file.read_text(encoding="utf-8"), file="levels.toml")
        )

    @classmethod
    def from_toml(cls, source: TomlSource) -> LevelOrder:
        """Read an order from a file of `[[level]]`, `[[cover]]` and `base`.

        Raises:
            TomlError: with every fault: unknown keys, schemes or levels, duplicates, cycles.
        """
        faults: list[Fault] = []
        levels = _read_levels(source, faults)
        known = {str(level.id) for level in levels}
        covers = _read_covers(source, known, faults)
        base = str(source.data.get("base"))
        if base not in known:
            faults.append(
                source.fault(
                    "base",
                    message=f"{quoted(base)} is no level",
                    remedy="name the level that BASE asks for, one of those in this file",
                )
            )
        faults += [
            source.fault(key, message="unknown key", remedy="use level, cover and base only")
            for key in sorted(set(source.data) - {"level", "cover", "base"})
        ]
        cycle = find_cycle(covers)
        if cycle:
            edge = covers.index((cycle[0], cycle[1]))
            faults.append(
                source.fault(
                    "cover",
                    edge,
                    message=f"{' > '.join(cycle)} is a cycle",
                    remedy="take one of these edges out",
                )
            )
        if faults:
            raise TomlError(tuple(sorted(faults, key=lambda fault: fault.line)))
        return cls(levels=levels, covers=covers, base=LevelId(base))

    @property
    def ids(self) -> tuple[LevelId, ...]:
        """Every level, in the order of the file."""
        return tuple(level.id for level in self.levels)

    def means_the_same_as(self, other: LevelOrder) -> bool:
        """Tell whether masks of one order may be used with the other: same bits, same reach."""
        return self is other or self._meaning == other._meaning

    def knows(self, level: str) -> bool:
        """Tell whether the order has this level."""
        return level in self._bits

    def level(self, level: str) -> Level:
        """Find a level by its id.

        Raises:
            LevelError: the order does not know it.
        """
        return self.levels[self.bit(level).bit_length() - 1]

    def bit(self, level: str) -> int:
        """Give the one bit of a level.

        Raises:
            LevelError: the order does not know it.
        """
        bit = self._bits.get(level)
        if bit is None:
            raise LevelError(f"order levels: {quoted(level)} is no level")
        return bit

    def reach(self, level: str) -> int:
        """Give the mask of every level that this one satisfies, itself included.

        Raises:
            LevelError: the order does not know it.
        """
        reach = self._reach.get(level)
        if reach is None:
            raise LevelError(f"order levels: {quoted(level)} is no level")
        return reach

    def dominates(self, holder: str, required: str) -> bool:
        """Tell whether a holder of one level satisfies a demand for the other.

        Raises:
            LevelError: the order does not know one of them.
        """
        return bool(self.reach(holder) & self.bit(required))


def find_cycle(edges: Iterable[tuple[LevelId, LevelId]]) -> tuple[LevelId, ...]:
    """Find a cycle among edges.

    Args:
        edges: each (holder, required).

    Returns:
        The levels along one cycle, the first repeated at the end; empty when there is none.
    """
    sorter: TopologicalSorter[LevelId] = TopologicalSorter()
    for holder, required in edges:
        sorter.add(holder, required)
    try:
        sorter.prepare()
    except CycleError as error:
        return tuple(reversed(error.args[1]))  # it tells the cycle from the bottom up
    return ()


def _closure(bits: Mapping[str, int], covers: Iterable[tuple[LevelId, LevelId]]) -> dict[str, int]:
    reach = dict(bits)
    edges = tuple(covers)
    changed = True
    while changed:
        changed = False
        for holder, required in edges:
            joined = reach[holder] | reach[required]
            if joined != reach[holder]:
                reach[holder] = joined
                changed = True
    return reach


def _read_levels(source: TomlSource, faults: list[Fault]) -> tuple[Level, ...]:
    levels: list[Level] = []
    seen: set[str] = set()
    for position, row in enumerate(_rows(source, "level", faults)):

        def fault(key: str, message: str, remedy: str, position: int = position) -> None:
            faults.append(source.fault("level", position, key, message=message, remedy=remedy))

        for key in sorted(set(row) - _LEVEL_KEYS):
            fault(key, "unknown key", f"use {', '.join(sorted(_LEVEL_KEYS))} only")
        level_id, scheme, title = row.get("id"), row.get("scheme"), row.get("title")
        if not isinstance(level_id, str) or not _LEVEL_ID.fullmatch(level_id):
            fault("id", f"{quoted(level_id)} is no id", "write a letter, then letters and digits")
            continue
        if level_id.lower() in RESERVED_WORDS:
            fault("id", f"{quoted(level_id)} is a word of requirements", "choose another id")
        if level_id in seen:
            fault("id", f"{quoted(level_id)} is listed twice", "keep one of the two")
            continue
        seen.add(level_id)
        if scheme not in SCHEMES:
            fault("scheme", f"{quoted(scheme)} is no scheme", f"use one of {', '.join(SCHEMES)}")
        if not isinstance(title, str) or not title.strip():
            fault("title", "the title is missing", "say the level in words")
        levels.append(
            Level(
                id=LevelId(level_id),
                scheme=str(scheme),
                title=str(title),
                screening=_flag(row, "screening", fault, otherwise=False),
                systems=_flag(row, "systems", fault, otherwise=True),
                valid_years=_length(row, "valid_years", fault),
                review_months=_length(row, "review_months", fault),
            )
        )
    return tuple(levels)


def _flag(row: dict[str, Any], key: str, fault: _ToldFault, *, otherwise: bool) -> bool:
    value = row.get(key, otherwise)
    if not isinstance(value, bool):
        fault(key, f"{quoted(value)} is neither true nor false", "write true or false")
    return value is True


def _length(row: dict[str, Any], key: str, fault: _ToldFault) -> int | None:
    value, longest = row.get(key), _LONGEST[key]
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= longest:
        fault(key, f"{quoted(value)} is no length", f"write 1 to {longest}")
        return None
    return value


def _read_covers(
    source: TomlSource, known: set[str], faults: list[Fault]
) -> tuple[tuple[LevelId, LevelId], ...]:
    # An edge with a fault stays in the list, so that positions in the list are those in the file.
    covers: list[tuple[LevelId, LevelId]] = []
    for position, row in enumerate(_rows(source, "cover", faults)):

        def fault(key: str, message: str, remedy: str, position: int = position) -> None:
            faults.append(source.fault("cover", position, key, message=message, remedy=remedy))

        for key in sorted(set(row) - _COVER_KEYS):
            fault(key, "unknown key", f"use {', '.join(sorted(_COVER_KEYS))} only")
        holder, required = str(row.get("holder")), str(row.get("required"))
        for key, value in (("holder", holder), ("required", required)):
            if value not in known:
                fault(key, f"{quoted(value)} is no level", "name a level of this file")
        edge = (LevelId(holder), LevelId(required))
        if edge in covers:
            fault("holder", "the edge is listed twice", "keep one of the two")
        covers.append(edge)
    return tuple(covers)


def _rows(source: TomlSource, key: str, faults: list[Fault]) -> list[dict[str, Any]]:
    rows = source.data.get(key, [])
    if isinstance(rows, list) and all(isinstance(row, dict) for row in rows):
        return rows
    faults.append(source.fault(key, message="this is no list of tables", remedy=f"use [[{key}]]"))
    return []
