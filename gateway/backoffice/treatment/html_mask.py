"""Masks the fields of a page.

A field is found as an element whose `name`, `id`, `class`, `data-field`, `itemprop` or label is its
name, as an attribute of its name, as one that a selector of the catalogue means, as what stands
beside its name (`html_labels`), and as `Sort code: ...` in a text or an attribute. What was masked
is then not shown elsewhere on the page either.

What a page runs by itself (scripts in it, event handlers, templates) is left out where something is
masked: whether it holds the field cannot be read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, unquote_plus, urlsplit

from gateway.backoffice.treatment.field_mask import Found
from gateway.backoffice.treatment.html_labels import beside_names
from gateway.backoffice.treatment.html_page import Page, ancestors, drop, outermost, own_text
from gateway.backoffice.treatment.unfit import UnfitAnswerError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selectolax.lexbor import LexborNode

    from gateway.backoffice.treatment.field_mask import FieldMask, MaskedField

_NAMES: Final = ("name", "id", "data-field", "data-name", "itemprop", "headers")
# What says to readers what an element holds, unless it holds nothing but that name.
_LABELS: Final = ("aria-label", "title", "placeholder", "data-label", "data-th", "data-title")
# What an element may keep that holds a field: how it looks and where it stands.
_KEPT: Final = frozenset(
    {"class", "id", "name", "type", "for", "role", "colspan", "rowspan", "scope", "headers", "lang"}
)
_CONTROLS: Final = frozenset({"input", "meta", "img", "link", "data", "meter", "progress", "param"})
_SENT: Final = frozenset({"input", "select", "textarea", "button"})
# Left empty where others are left out: without them what is beside would move, or there is no page.
_STAY: Final = frozenset({"td", "th", "dd", "html", "body"})
_ADDRESSES: Final = frozenset({"href", "src", "action", "formaction", "cite", "poster", "srcset"})
_MARKUP: Final = re.compile(r"<[a-zA-Z!/]")


def mask_page(page: Page, mask: FieldMask, found: Found) -> None:
    """Take the masked fields out of a page; what was masked is noted.

    Raises:
        UnfitAnswerError: it cannot be told what a field is.
    """
    page.drop_unreadable()
    listed = {node.mem_id: (node, field) for node, field in _fields(page, mask)}
    outer = outermost(node for node, _ in listed.values())
    for node, field in listed.values():
        found.take(field, _held(node))
    for node in outer:
        _blank(node, listed[node.mem_id][1])
    for node, name, field, values in _telling(page, mask):
        found.take(field, values)
        del node.attrs[name]
    _mask_texts(page, mask, found)
    _sweep(page, mask, found)


def shows_field(text: str, mask: FieldMask) -> MaskedField | None:
    """Give a masked field that a piece of a page shows, if any; it is not changed."""
    if not _MARKUP.search(text):
        return None
    try:
        page = Page(text)
        # A browser takes rows for rows only inside a table.
        for each in (page, Page(f"<table>{text}</table>")):
            for _, field in _fields(each, mask):
                return field
            for _, _, field, _ in _telling(each, mask):
                return field
    except UnfitAnswerError:
        return next(iter(mask.by_name.values()))
    told = (mask.told_in(node.text_content or "") for node in page.texts())
    return next((each.field for each in told if each is not None), None)


def _fields(page: Page, mask: FieldMask) -> Iterator[tuple[LexborNode, MaskedField]]:
    for selector, field in mask.elements:
        yield from ((node, field) for node in page.find(selector))
    for node in page.elements():
        named = _named(node, mask)
        if named is not None:
            yield node, named
    yield from beside_names(page, mask)


def _named(node: LexborNode, mask: FieldMask) -> MaskedField | None:
    held = node.attributes
    if "-" in (node.tag or ""):  # an element of the page's own
        field = mask.named(node.tag or "")
        if field is not None:
            return field
    if not held:
        return None
    names = [value for name in _NAMES if (value := held.get(name))]
    names += (held.get("class") or "").split()
    for name in names:
        field = mask.identified(name)
        if field is not None:
            return field
    for name in _LABELS:
        field = mask.named(held.get(name) or "")
        if field is not None and mask.named(own_text(node)) is None:
            return field
    return None


def _telling(
    page: Page, mask: FieldMask
) -> Iterator[tuple[LexborNode, str, MaskedField, list[str]]]:
    """Give attributes that are a field, or tell one, with what they tell of it."""
    for node in page.elements():
        for name, value in list(node.attributes.items()):
            if not value or name in _KEPT or name in _NAMES:
                continue
            field = mask.named(name.removeprefix("data-"))
            if field is not None:
                yield node, name, field, [value]
                continue
            for text in (value, unquote_plus(value)):
                told = mask.told_in(text)
                if told is not None and told.values:
                    yield node, name, told.field, told.values[-1:]
                    break


def _held(node: LexborNode) -> Iterator[str]:
    """Give what an element or a text holds that could be the field's value."""
    if node.is_text_node:
        yield node.text_content or ""
        return
    whole = []
    for each in node.traverse(include_text=True):
        if each.is_text_node:
            whole.append(each.text_content or "")
        elif each.is_element_node:
            yield from (
                value for name, value in each.attributes.items() if value and name not in _KEPT
            )
    yield from whole
    yield "".join(whole)


def _blank(node: LexborNode, field: MaskedField) -> None:
    if node.is_text_node:
        node.replace_with(field.shown_as)
        return
    if not field.shown_as and node.tag not in _STAY:
        node.decompose()
        return
    if node.tag == "html":
        raise UnfitAnswerError("answer-masked-whole")
    for name in [each for each in node.attributes if each not in _KEPT]:
        del node.attrs[name]
    if node.tag in _SENT:
        node.attrs["disabled"] = ""  # what is shown instead must not be sent back and stored
    if node.tag in _CONTROLS:
        if node.tag == "input":
            node.attrs["value"] = field.shown_as if node.attributes.get("type") != "hidden" else ""
        return
    node.inner_html = ""
    if field.shown_as and node.tag not in {"select", "table", "tbody", "tr", "ul", "ol", "dl"}:
        node.insert_child(field.shown_as)


def _mask_texts(page: Page, mask: FieldMask, found: Found) -> None:
    """Take out what follows a name in running text, in elements that follow it as well."""
    beside: dict[int, tuple[LexborNode, MaskedField]] = {}
    for node in page.texts():
        text = node.text_content or ""
        told = mask.told_in(text)
        if told is None:
            continue
        field = told.field
        if told.values:
            found.take(field, told.values)
            node.replace_with(text[: told.end] + field.shown_as)
        following = node.next
        while following is not None and following.tag not in {"br", "hr"}:
            if not following.is_text_node or (following.text_content or "").strip():
                beside[following.mem_id] = (following, field)
            following = following.next
    for node, field in beside.values():
        found.take(field, _held(node))
    for node in outermost(node for node, _ in beside.values()):
        _blank(node, beside[node.mem_id][1])


def _sweep(page: Page, mask: FieldMask, found: Found) -> None:
    """Take out what was masked wherever else it stands."""
    for node in page.elements():
        for name, value in list(node.attributes.items()):
            if value and (
                found.holds(value)
                or found.holds(unquote_plus(value))
                or (name in _ADDRESSES and _names_field(value, mask))
            ):
                del node.attrs[name]
    told = [node for node in page.texts() if found.holds(node.text_content or "")]
    styles = [above for node in told for above in ancestors(node) if above.tag == "style"]
    gone = {node.mem_id for node in outermost(styles)}
    for node in told:
        if not any(above.mem_id in gone for above in ancestors(node)):
            node.replace_with("")
    drop(styles)


def _names_field(address: str, mask: FieldMask) -> bool:
    try:
        query = urlsplit(address).query
    except ValueError:
        return True
    return any(mask.named(name) is not None for name, _ in parse_qsl(query))


def names_field(address: str, mask: FieldMask) -> bool:
    """Tell whether an address has a parameter that is a masked field."""
    return _names_field(address, mask)
