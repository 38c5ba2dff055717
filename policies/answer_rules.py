"""What a catalogue says of the answers of a system: which are menus, and how they are marked.

    [[marking]]
    system = "ebs"
    header = "Classification"     # the field of an answer that says how it is marked
    required = true               # an answer without it is refused; left out: it passes
    levels = [                    # ascending; what is not among them is refused
      { marking = "OFFICIAL", needs = "BASE" },
      { marking = "OFFICIAL-SENSITIVE", needs = "N2F or RV" },
      { marking = "SECRET" },     # without `needs`: nobody is shown it
    ]

    [[function]]
    ...
    menu = { function_id = "/OA_HTML/RF.jsp?function_id=" }   # {} where addresses alone tell

A function with `menu` answers a list of functions: what somebody may not open goes from it, and
what cannot be tied to a function at all. Each key names a member of a JSON answer whose value,
after the address, opens a function; addresses are found without.

An answer that is marked no higher than its function is classified was judged when the function was
decided. One that is marked higher needs what its marking needs, whatever the rules permit. That
holds for the answer to the handshake of a WebSocket as well. Where another proxy asks, the gate
sees no answers: there everything of a system that marks them is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from policies.floors import read_floor
from policies.function import WEBSOCKET
from vetting.errors import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from policies.findings import TableReader
    from policies.function import Matcher
    from vetting.levels import LevelOrder
    from vetting.requirement import Requirement

HEADER: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
"""How the name of a header field is written."""

SYSTEM: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")

_TAKEN: Final = frozenset(
    {"content-type", "content-length", "transfer-encoding", "set-cookie", "location", "connection"}
)
_NO_RULES: Final[Mapping[str, MarkingRule]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class MenuRule:
    """An answer that lists functions.

    Attributes:
        opens: by name of a member, what stands before its value in the address that it opens.
    """

    opens: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Marking:
    """One marking: its word, in capitals, and what seeing it needs; None where nobody may."""

    word: str
    needs: Requirement | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkingRule:
    """How the answers of a system are marked.

    Attributes:
        system: id of the system.
        header: the field, in lower case.
        required: whether an answer without it is refused.
        markings: ascending.
    """

    system: str
    header: str
    required: bool
    markings: tuple[Marking, ...]

    def fault(self, values: list[str], classification: str, reach: int) -> str:
        """Say why an answer may not be shown, as a fixed word; empty where it may.

        Args:
            values: of the field, as the answer has it.
            classification: of the function that was decided; empty for what has none.
            reach: what the vetting of whoever asks reaches, as `Requirement.met_by` takes it.
        """
        if not values:
            return "marking-missing" if self.required else ""
        words = [marking.word for marking in self.markings]
        said = values[0].strip().upper()
        if len(values) > 1 or said not in words:
            return "marking-unknown"
        if classification in words and words.index(said) <= words.index(classification):
            return ""
        needs = self.markings[words.index(said)].needs
        return "" if needs is not None and needs.met_by(reach) else "marking-exceeds"


def read_markings(
    document: TableReader, order: LevelOrder, below: Mapping[str, MarkingRule] = _NO_RULES
) -> dict[str, MarkingRule]:
    """Read every `[[marking]]` of a catalogue, by system.

    Args:
        document: the outermost table.
        order: the levels that may be asked for.
        below: those of the file that this one is based on.
    """
    rules = dict(below)
    for reader in document.tables("marking", required=False):
        system = reader.text("system", pattern=SYSTEM)
        header = reader.text("header", pattern=HEADER).lower()
        required = reader.flag("required")
        markings = _levels(reader, order)
        reader.finish()
        if header in _TAKEN:
            reader.fault(
                "header",
                message=f"{quoted(header)} says something else",
                remedy="name the field that the system marks its answers with",
            )
        elif system in rules:
            reader.fault("system", message=f"{quoted(system)} stands twice", remedy="remove one")
        elif system and header and markings:
            rules[system] = MarkingRule(
                system=system, header=header, required=required, markings=markings
            )
    return rules


def read_menu(reader: TableReader, matchers: Iterable[Matcher]) -> MenuRule | None:
    """Read whether a function answers a list of functions.

    Args:
        reader: the function's table.
        matchers: the requests that mean it.
    """
    if not reader.has("menu"):
        return None
    if any(WEBSOCKET in matcher.methods for matcher in matchers):
        reader.fault(
            "menu",
            message="nobody reads what is said over WebSocket",
            remedy="make the WebSocket a function of its own, or remove this",
        )
    opens = reader.text_map("menu")
    for name, address in opens.items():
        if not address.startswith("/") or "#" in address:
            reader.fault(
                "menu",
                name,
                message=f"{quoted(address)} is not the beginning of an address",
                remedy='write what stands before the value, e.g. "/OA_HTML/RF.jsp?function_id="',
            )
    return MenuRule(opens=MappingProxyType(opens))


def _levels(reader: TableReader, order: LevelOrder) -> tuple[Marking, ...]:
    markings: list[Marking] = []
    for level in reader.tables("levels"):
        word = level.text("marking").upper()
        text = level.text("needs", required=False)
        needs = read_floor(level, text, order, "needs")
        level.finish()
        if any(word == other.word for other in markings):
            level.fault("marking", message=f"{quoted(word)} stands twice", remedy="remove one")
        elif word:
            markings.append(Marking(word=word, needs=needs))
    return tuple(markings)
