"""Reduces a page that lists functions to those that somebody may open.

A link goes with the item of the list, or the row, that it stands in. So does what a script leads
on: an element with an event handler, a `javascript:` address, a role or a `data-` attribute of
something that is opened, a button or a link without an address. It stays only where every address
that it names may be opened; what names none cannot be tied to a function. In a list that leads
anywhere, an item that leads nowhere goes as well: the list's own script may know where.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from gateway.backoffice.treatment.html_page import ancestors, drop, outermost, own_text
from gateway.backoffice.treatment.menus import is_address

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selectolax.lexbor import LexborNode

    from gateway.backoffice.treatment.html_page import Page
    from gateway.backoffice.treatment.menus import Menu, Removed

_ROOTED: Final = re.compile(r"\s*(?:/|https?:)", re.IGNORECASE)
_RUNS: Final = re.compile(r"[\s\x00-\x20]*(?:javascript|data|vbscript)[\s]*:", re.IGNORECASE)
_LINKS: Final = (("a", "href"), ("area", "href"), ("form", "action"), ("button", "formaction"))
_MORE_LINKS: Final = (("input", "formaction"), ("iframe", "src"), ("frame", "src"))
_ADDRESSES: Final = frozenset({"href", "action", "formaction", "src", "xlink:href"})
_CHOICES: Final = "option"
_ITEMS: Final = frozenset({"li", "tr", "dd", "option"})
_LISTS: Final = frozenset({"ul", "ol", "menu"})
_GROUPS: Final = "ul, ol, dl, table, optgroup, select"
_HEADINGS: Final = frozenset({"h1", "h2", "h3", "h4", "h5", "h6", "dt"})
_WHOLE: Final = frozenset({"body", "head", "html", "main", "nav"})
# What is opened by something that is made to look like a link or an entry.
_OPENED: Final = frozenset({"link", "menuitem", "treeitem", "tab", "menuitemradio", "button"})
_UNASKED: Final = frozenset({"onload", "onerror", "onunload", "onresize", "onscroll"})
_PRESSED: Final = frozenset({"button", "submit", "image", "reset"})
_WITH_WORDS: Final = frozenset({"a", "button", "option"})
_LEADING: Final = re.compile(
    r"data-(?:.*[-_])?(?:href|ur[li]|link|action|func(?:tion)?|page|route|path|goto|nav(?:igate)?"
    r"|menu|oafunc|open|screen|command|cmd)(?:-?id)?"
)


def reduce_page(page: Page, menu: Menu, removed: Removed) -> None:
    """Take out of a page what may not be opened; how much went is noted."""
    scripts = dict(_scripts(page))
    page.drop_unreadable()
    reading = _Reading(page, menu, scripts)
    removed.count += len(outermost(reading.gone))
    # With its item, unless the item leads to something else besides.
    drop([_item(node, reading.kept) for node in reading.gone])
    _drop_empty(page)


class _Reading:
    """What of a page leads where.

    Attributes:
        gone: what is taken out.
        kept: ids of what stays, and of what that stands in.
    """

    def __init__(self, page: Page, menu: Menu, scripts: dict[int, list[str]]) -> None:
        self._page, self._menu, self._scripts = page, menu, scripts
        self.gone: list[LexborNode] = []
        self.kept: set[int] = set()
        opened: set[int] = set()
        judged: set[int] = set()
        for node, address in _links(page, menu):
            judged.add(node.mem_id)
            if not menu.may_open(address):
                self.gone.append(node)
                continue
            self._keep(node)
            if node.tag in _WITH_WORDS:
                opened.add(node.mem_id)
        elements = page.elements()
        self._ids = {
            held.get(name)
            for node in elements
            if (held := node.attributes)
            for name in ("id", "name")
        }
        led = [node for node in elements if node.mem_id not in judged]
        for node in led:
            if node.mem_id in scripts and all(map(menu.may_run, scripts[node.mem_id])):
                self._keep(node)
        self.gone += [
            node
            for node in led
            if node.mem_id not in self.kept
            and node.tag not in _WHOLE
            and (node.mem_id in scripts or self._is_led(node))
            and not any(above.mem_id in opened for above in ancestors(node))
        ]
        self.gone += self._without_lead()

    def _keep(self, node: LexborNode) -> None:
        self.kept.add(node.mem_id)
        self.kept.update(above.mem_id for above in ancestors(node))

    def _is_led(self, node: LexborNode) -> bool:
        """Tell whether a script of the page may lead an element on to what is not known."""
        held, tag = node.attributes, node.tag
        for name, value in held.items():
            if value and (name == "xlink:href" or name.startswith("data-")):
                rooted = _ROOTED.match(value) or (is_address(value) and ":" not in value)
                if (rooted or _LEADING.fullmatch(name)) and not self._menu.may_open(value.strip()):
                    return True
        if tag in {"a", "area"}:
            shown = own_text(node).strip() or node.css_first("img, svg") is not None
            return bool(shown) and not self._is_on_page((held.get("href") or "").strip())
        above = [each for each in ancestors(node) if each.tag in {"form", "select"}]
        if tag == "button":
            submits = (held.get("type") or "submit").strip().lower() == "submit"
            return not (submits and any(each.tag == "form" for each in above))
        if tag == "option":
            return bool(held.get("value")) and any(each.mem_id in self._scripts for each in above)
        return (held.get("role") or "").strip().lower() in _OPENED

    def _is_on_page(self, address: str) -> bool:
        return address == "#top" or (address[:1] == "#" and address[1:] in self._ids)

    def _without_lead(self) -> list[LexborNode]:
        """Give items that lead nowhere of lists in which something does."""
        leads = {above.mem_id for node in self.gone for above in (node, *ancestors(node))}
        return [
            item
            for item in self._page.find("li")
            if item.parent is not None
            and item.parent.tag in _LISTS
            and item.parent.mem_id in leads | self.kept
            and item.mem_id not in leads | self.kept
        ]


def _scripts(page: Page) -> Iterator[tuple[int, list[str]]]:
    """Give what elements run when somebody uses them, by their ids, before it is left out."""
    for node in page.elements():
        held = node.attributes
        scripts = [
            value or ""
            for name, value in held.items()
            if (name.startswith("on") and name not in _UNASKED)
            or (name in _ADDRESSES and value and _RUNS.match(value))
        ]
        # Where a form goes is said by its action, and what is typed into a field leads nowhere.
        typed = node.tag == "input" and held.get("type") not in _PRESSED
        if scripts and node.tag not in {"form", "textarea"} and not typed:
            yield node.mem_id, scripts


def _links(page: Page, menu: Menu) -> Iterator[tuple[LexborNode, str]]:
    for tag, name in (*_LINKS, *_MORE_LINKS):
        for node in page.find(f"{tag}[{name}]"):
            address = (node.attributes.get(name) or "").strip()
            if address and not address.startswith("#"):
                yield node, address
    for node in page.find(_CHOICES):
        value = node.attributes.get("value") or ""
        if is_address(value):
            yield node, value.strip()
    for name, before in menu.opens.items():
        for node in page.elements():
            for written in (name.lower(), f"data-{name.lower().replace('_', '-')}"):
                if told := node.attributes.get(written):
                    yield node, f"{before}{told}"


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
