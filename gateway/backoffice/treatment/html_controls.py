"""Controls of a page that are the value of a field besides the one that its label names.

1. What follows a masked control and has no name of its own: three inputs under one label.
2. What follows a control that itself says the name: `<input value="Sort code"><input value="...">`,
   a list in which it is chosen.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from gateway.backoffice.treatment.html_labels import HEADINGS, is_value

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from gateway.backoffice.treatment.field_mask import MaskedField
    from gateway.backoffice.treatment.html_labels import Labels
    from gateway.backoffice.treatment.html_outline import Outline, Part
    from gateway.backoffice.treatment.html_tables import Beside

_LETTERS: Final = re.compile(r"[^\W\d_]{2}")
_MOST: Final = 24  # parts after a control in which another may be of the same field
_ENDS: Final = HEADINGS | {"label", "legend", "th", "dt", "form", "button", "hr"}
# What every form has of its own, and needs to be sent.
_OF_FORM: Final = re.compile(
    "token|csrf|xsrf|nonce|viewstate|eventtarget|eventargument|eventvalidation", re.IGNORECASE
)


def more_controls(
    outline: Outline, labels: Labels, masked: Collection[Beside], said: Iterable[Beside]
) -> Iterator[Beside]:
    """Give what else is the value of a field.

    Args:
        outline: the page.
        labels: its names.
        masked: what is masked already.
        said: controls whose value is a name.
    """
    begin = {id(part): field for part, field in masked if is_value(part)}
    names = {id(_select_of(part) or part): field for part, field in said}
    for line in labels.lines:
        option = line[0].block
        if option.tag == "option" and ("selected" in option.attributes or option.place == 0):
            field, select = labels.names(option), _select_of(option)
            if field is not None and select is not None:
                names[id(select)] = field
    if begin:
        yield from _referring(outline, labels, masked)
    if begin or names:
        yield from _following(outline, labels, begin, names)


def _referring(outline: Outline, labels: Labels, masked: Collection[Beside]) -> Iterator[Beside]:
    """Give the lists that masked controls are chosen from, and what is worked out from them."""
    fields: dict[str, MaskedField] = {}
    for part, field in masked:
        choices = part.attributes.get("list") if part.tag == "input" else None
        yield from ((each, field) for each in (labels.by_id(choices) if choices else ()))
        if part.attributes and (own := part.attributes.get("id")):
            fields[own] = field
    for part in outline.parts:
        for wanted in (part.attributes.get("for") or "").split() if part.tag == "output" else ():
            if wanted in fields:
                yield part, fields[wanted]


def _following(
    outline: Outline,
    labels: Labels,
    begin: Mapping[int, MaskedField],
    names: Mapping[int, MaskedField],
) -> Iterator[Beside]:
    """Give controls that follow others and have no name of their own."""
    field: MaskedField | None = None
    left = 0
    hidden: list[Part] = []  # that stand right before
    for part in outline.parts:
        own = begin.get(id(part)) or names.get(id(part))
        if own is not None:
            yield from ((each, own) for each in hidden if id(part) in begin)
            field, left, hidden = own, _MOST, []
            continue
        if _is_hidden(part):
            hidden = [*hidden[-3:], part]
        elif part.tag or not part.is_blank:
            hidden = []
        if left and field is not None:
            left -= 1
            if _ends(part, labels):
                left = 0
            elif _may_follow(part):
                yield part, field
                left = _MOST


def _ends(part: Part, labels: Labels) -> bool:
    """Tell whether what follows is something else's."""
    if not part.tag:
        return _LETTERS.search(part.text) is not None and not _is_in(part)
    if part.tag in _ENDS:
        return True
    return is_value(part) and not _is_hidden(part) and labels.is_labelled(part)


def _may_follow(part: Part) -> bool:
    if not (is_value(part) or (part.tag == "meta" and "itemprop" in part.attributes)):
        return False
    return not _OF_FORM.search(part.attributes.get("name") or "")


def _select_of(part: Part) -> Part | None:
    return next((each for each in part.around() if each.tag == "select"), None)


def _is_in(text: Part) -> bool:
    """Tell whether a text is what a control holds."""
    return any(each.tag in {"select", "textarea", "datalist"} for each in text.around())


def _is_hidden(part: Part) -> bool:
    return part.tag == "input" and (part.attributes.get("type") or "").lower() == "hidden"
