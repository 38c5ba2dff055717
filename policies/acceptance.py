"""Acceptance: whose vetting an agreement lets count for its functions, which levels, and as what.

    [[agreement.accepts]]
    body = "bedfordshire-police"   # who granted it
    levels = ["RV", "MV"]
    as = "RV"                      # what it counts as here; left out, each as itself

Clearance is not portable: it counts here where the host accepts the granting body in general
(`accepts_vetting_by`), or under the agreement that covers the question. Where several cover it,
each is tried in the order of the file (`policies.engine`), and what one accepts is never added to
what another does. Screening is the employer's own and needs
nobody's acceptance; a level that opens no systems opens none by being accepted.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from policies.findings import nearest_of
from policies.organisations import ORGANISATION_ID
from vetting.errors import quoted
from vetting.levels import LevelId

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from policies.findings import TableReader
    from vetting.levels import LevelOrder


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Acceptance:
    """One level of one body, and what it counts as.

    Attributes:
        body: Who granted it.
        level: The level as granted.
        counts_as: The level it is taken for.
    """

    body: str
    level: LevelId
    counts_as: LevelId

    def __str__(self) -> str:
        """Say it for officers."""
        words = f"{self.level} of {self.body}"
        return words if self.counts_as == self.level else f"{words} as {self.counts_as}"


def reaches_of(
    acceptances: Iterable[Acceptance], order: LevelOrder
) -> Mapping[tuple[str, LevelId], int]:
    """Give by body and level the levels that are reached, as `Clearance.reach` takes them."""
    return MappingProxyType(
        {(each.body, each.level): order.reach(each.counts_as) for each in acceptances}
    )


def read_acceptances(reader: TableReader, order: LevelOrder) -> tuple[Acceptance, ...]:
    """Read what an agreement accepts; faults are noted where they stand.

    Args:
        reader: The table of the agreement.
        order: The levels there are.
    """
    read: dict[tuple[str, LevelId], Acceptance] = {}
    for table in reader.tables("accepts", required=False):
        body = table.text("body", pattern=ORGANISATION_ID)
        levels = [
            level
            for place, word in enumerate(table.texts("levels"))
            if (level := _level(table, word, order, "levels", place)) is not None
        ]
        word = table.text("as", required=False)
        counts_as = _level(table, word, order, "as") if word else None
        table.finish()
        for level in levels:
            if (body, level) in read:
                table.fault(
                    "levels", message=f"`{level}` of `{body}` stands twice", remedy="remove one"
                )
            read[body, level] = Acceptance(body=body, level=level, counts_as=counts_as or level)
    return tuple(sorted(read.values()))


def _level(table: TableReader, word: str, order: LevelOrder, *keys: str | int) -> LevelId | None:
    level = LevelId(word)
    if not order.knows(level):
        table.fault(
            *keys, message=f"{quoted(word)} is not a level", remedy=nearest_of(word, order.ids)
        )
        return None
    if order.level(level).screening:
        table.fault(
            *keys,
            message=f"`{word}` is screening, which is the employer's own",
            remedy="leave it out; it counts without being accepted",
        )
        return None
    return level
