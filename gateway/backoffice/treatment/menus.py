"""Reduces an answer that lists functions to those that somebody may open; pages in `html_menus`.

What is listed is known by its addresses, and by members that stand for addresses (`MenuRule`). An
object that leads to a function goes with all it holds, and so does a heading under which nothing is
left. Whatever leads to no function that is known, or to another site, goes too; and what leads
nowhere that could be told, beside others that do: a script may lead it on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from gateway.backoffice.treatment.unfit import UnfitAnswerError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gateway.backoffice.treatment.json_text import Json

MayOpen: TypeAlias = "Callable[[str], bool]"
"""Tells whether an address, path and query, opens a function that is permitted."""

_ADDRESS: Final = re.compile(r"\s*(?:/|[a-zA-Z][a-zA-Z0-9+.-]*:|\?)")
_LIKE_ADDRESS: Final = re.compile(r"\S*\.jsp\b\S*|\S*OAFunc=\S*", re.IGNORECASE)
_QUOTED: Final = re.compile(r"""'([^'\\]*)'|"([^"\\]*)"|`([^`\\]*)`""")
_CALL: Final = re.compile(r"[\w.$]+\((?:\s*[\"'`]|\)|\d|this\b|event\b)|[\w.$]+\s*=\s*[\"'`]")
_GONE: Final = object()


@dataclass(frozen=True, slots=True)
class Menu:
    """What is known of an answer that lists functions.

    Attributes:
        opens: by name of a member, what stands before its value in the address that it opens.
        may_open: tells of an address.
    """

    opens: Mapping[str, str]
    may_open: MayOpen

    def may_run(self, script: str) -> bool:
        """Tell whether a script leads to what may be opened, by every address that it names.

        One that names none may lead anywhere.
        """
        quoted = ("".join(found) for found in _QUOTED.findall(script))
        places = [text.strip() for text in quoted if is_address(text)]
        return bool(places) and all(map(self.may_open, places))


@dataclass(slots=True)
class Removed:
    """How much was taken out."""

    count: int = field(default=0)


def reduce_json(value: Json, menu: Menu, removed: Removed) -> Json:
    """Give a menu without what may not be opened; how much went is noted.

    Raises:
        UnfitAnswerError: nothing of it may be shown.
    """
    left = _reduced(value, menu, removed)
    if left is _GONE:
        raise UnfitAnswerError("answer-menu")
    return left


def is_address(text: str) -> bool:
    """Tell whether a text is an address, or like those of this back office."""
    return bool(_ADDRESS.match(text) or _LIKE_ADDRESS.fullmatch(text.strip()))


def _reduced(value: Json, menu: Menu, removed: Removed) -> Json:
    if isinstance(value, dict):
        return _reduced_object(value, menu, removed)
    if isinstance(value, list):
        return _reduced_list(value, menu, removed)
    if isinstance(value, str) and not _may_open_text(value, menu):
        removed.count += 1
        return _GONE
    return value


def _reduced_list(value: list[Json], menu: Menu, removed: Removed) -> Json:
    kept = [left for each in value if (left := _reduced(each, menu, removed)) is not _GONE]
    if value and not kept:
        return _GONE
    objects = [each for each in value if isinstance(each, dict)]
    if not any(_leads(each, menu) for each in objects):
        return kept
    entries = [each for each in kept if not isinstance(each, dict) or _leads(each, menu)]
    removed.count += len(kept) - len(entries)
    return entries or _GONE


def _reduced_object(value: dict[str, Json], menu: Menu, removed: Removed) -> Json:
    for name, member in value.items():
        before = menu.opens.get(name)
        if before is not None and not _may_open_member(before, member, menu):
            removed.count += 1
            return _GONE
        if isinstance(member, str) and not _may_open_text(member, menu):
            removed.count += 1
            return _GONE
    kept: dict[str, Json] = {}
    for name, member in value.items():
        left = _reduced(member, menu, removed)
        if left is _GONE:
            return _GONE  # a heading under which nothing is left, or leads nowhere
        kept[name] = left
    return kept


def _may_open_text(text: str, menu: Menu) -> bool:
    """Tell whether a text leads nowhere, or to what may be opened."""
    if is_address(text):
        return menu.may_open(text.strip())
    return _CALL.match(text.strip()) is None or menu.may_run(text)


def _leads(value: Json, menu: Menu) -> bool:
    """Tell whether something in an object leads to a function."""
    if isinstance(value, dict):
        return any(
            (name in menu.opens and member not in (None, "")) or _leads(member, menu)
            for name, member in value.items()
        )
    if isinstance(value, list):
        return any(_leads(each, menu) for each in value)
    return isinstance(value, str) and (is_address(value) or _CALL.match(value.strip()) is not None)


def _may_open_member(before: str, member: Json, menu: Menu) -> bool:
    """Tell whether a member that stands for an address opens what is permitted.

    A heading says so by holding nothing there.
    """
    if member is None or member == "":
        return True
    if isinstance(member, bool) or not isinstance(member, str | int):
        return False
    return menu.may_open(f"{before}{member}")
