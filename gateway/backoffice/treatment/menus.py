"""Reduces an answer that lists functions to those that somebody may open.

What is listed is known by its addresses, and by members that stand for addresses (`MenuRule`). In
JSON, an object that leads to a function goes with all it holds, and so does a heading under which
nothing is left. On a page, a link goes with the item of the list, or the row, that it stands in.
Whatever leads to no function that is known, or to another site, goes too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from gateway.backoffice.treatment.html_page import ancestors, drop
from gateway.backoffice.treatment.unfit import UnfitAnswerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from selectolax.lexbor import LexborNode

    from gateway.backoffice.treatment.html_page import Page
    from gateway.backoffice.treatment.json_text import Json

MayOpen: TypeAlias = "Callable[[str], bool]"
"""Tells whether an address, path and query, opens a function that is permitted."""

_ADDRESS: Final = re.compile(r"\s*(?:/|[a-zA-Z][a-zA-Z0-9+.-]*:|\?)")
_ROOTED: Final = re.compile(r"\s*(?:/|https?:)", re.IGNORECASE)
_LIKE_ADDRESS: Final = re.compile(r"\S*\.jsp\b\S*|\S*OAFunc=\S*", re.IGNORECASE)
_LINKS: Final = (("a", "href"), ("area", "href"), ("form", "action"), ("button", "formaction"))
_MORE_LINKS: Final = (("input", "formaction"), ("iframe", "src"), ("frame", "src"))
_CHOICES: Final = "option"
_ITEMS: Final = frozenset({"li", "tr", "dd", "option"})
_GROUPS: Final = "ul, ol, dl, table, optgroup, select"
_HEADINGS: Final = frozenset({"h1", "h2", "h3", "h4", "h5", "h6", "dt"})
_WHOLE: Final = frozenset({"body", "head", "html", "main", "nav"})
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


def reduce_page(page: Page, menu: Menu, removed: Removed) -> None:
    """Take out of a page what may not be opened; how much went is noted."""
    page.drop_unreadable()
    gone: list[LexborNode] = []
    kept: set[int] = set()
    for node, address in _links(page, menu):
        if menu.may_open(address):
            kept.update(above.mem_id for above in ancestors(node))
        else:
            gone.append(node)
    gone += _led_by_scripts(page, menu, kept | {node.mem_id for node in gone})
    removed.count += len(gone)
    # With its item, unless the item leads to something else besides.
    drop([_item(node, kept) for node in gone])
    _drop_empty(page)


def _reduced(value: Json, menu: Menu, removed: Removed) -> Json:
    if isinstance(value, dict):
        return _reduced_object(value, menu, removed)
    if isinstance(value, list):
        kept = [left for each in value if (left := _reduced(each, menu, removed)) is not _GONE]
        return _GONE if value and not kept else kept
    if isinstance(value, str) and _is_address(value) and not menu.may_open(value.strip()):
        removed.count += 1
        return _GONE
    return value


def _reduced_object(value: dict[str, Json], menu: Menu, removed: Removed) -> Json:
    for name, member in value.items():
        before = menu.opens.get(name)
        if before is not None and not _may_open_member(before, member, menu):
            removed.count += 1
            return _GONE
        if isinstance(member, str) and _is_address(member) and not menu.may_open(member.strip()):
            removed.count += 1
            return _GONE
    kept: dict[str, Json] = {}
    for name, member in value.items():
        left = _reduced(member, menu, removed)
        if left is _GONE:
            return _GONE  # a heading under which nothing is left, or leads nowhere
        kept[name] = left
    return kept


def _may_open_member(before: str, member: Json, menu: Menu) -> bool:
    """Tell whether a member that stands for an address opens what is permitted.

    A heading says so by holding nothing there.
    """
    if member is None or member == "":
        return True
    if isinstance(member, bool) or not isinstance(member, str | int):
        return False
    return menu.may_open(f"{before}{member}")


def _is_address(text: str) -> bool:
    return bool(_ADDRESS.match(text) or _LIKE_ADDRESS.fullmatch(text.strip()))


def _links(page: Page, menu: Menu) -> Iterator[tuple[LexborNode, str]]:
    for tag, name in (*_LINKS, *_MORE_LINKS):
        for node in page.find(f"{tag}[{name}]"):
            address = (node.attributes.get(name) or "").strip()
            if address and not address.startswith("#"):
                yield node, address
    for node in page.find(_CHOICES):
        value = node.attributes.get("value") or ""
        if _is_address(value):
            yield node, value.strip()
    for name, before in menu.opens.items():
        for node in page.elements():
            for written in (name.lower(), f"data-{name.lower().replace('_', '-')}"):
                if told := node.attributes.get(written):
                    yield node, f"{before}{told}"


def _led_by_scripts(page: Page, menu: Menu, known: set[int]) -> Iterator[LexborNode]:
    """Give what a script would lead on, unless it is known or holds a link that stays."""
    for node in page.elements():
        if node.mem_id in known or node.tag in _WHOLE:
            continue
        for name, value in node.attributes.items():
            if (
                value
                and (name == "xlink:href" or name.startswith("data-"))
                and (_ROOTED.match(value) or _LIKE_ADDRESS.fullmatch(value.strip()))
                and not menu.may_open(value.strip())
            ):
                yield node
                break


def _item(node: LexborNode, kept: set[int]) -> LexborNode:
    for above in ancestors(node):
        if above.mem_id in kept or above.tag in _WHOLE:
            break
        if above.tag in _ITEMS:
            return above
    return node


def _drop_empty(page: Page) -> None:
    """Take out lists in which nothing is left, and the headings that stand right before them."""
    while True:
        empty = [
            node for node in page.find(_GROUPS) if not node.css("li, tr, dd, option, a, button")
        ]
        hollow = [
            item
            for item in page.find("li")
            if item.css(_GROUPS) and not item.css("a, button, input") and not _leads(item)
        ]
        gone = [*empty, *hollow]
        if not gone:
            return
        drop([*gone, *(heading for node in gone if (heading := _heading(node)) is not None)])


def _leads(item: LexborNode) -> bool:
    return any(node.css("li, option, tr, dd") for node in item.css(_GROUPS))


def _heading(node: LexborNode) -> LexborNode | None:
    before = node.prev
    while before is not None and before.is_text_node and not (before.text_content or "").strip():
        before = before.prev
    return before if before is not None and before.tag in _HEADINGS else None
