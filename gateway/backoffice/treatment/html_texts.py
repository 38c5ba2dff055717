"""Cuts values out of the texts of a page that stand before the name of their field, or below it."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from gateway.backoffice.treatment.field_mask import BORDER, values_in
from gateway.backoffice.treatment.html_labels import MAYBE
from gateway.backoffice.treatment.text_places import around_names, below_names

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.backoffice.treatment.field_mask import FieldMask
    from gateway.backoffice.treatment.found import Found
    from gateway.backoffice.treatment.html_labels import Labels
    from gateway.backoffice.treatment.html_outline import Outline, Part
    from gateway.backoffice.treatment.text_places import Place

_PLAIN: Final = frozenset({"pre", "textarea", "listing"})
_NOT_READ: Final = frozenset({"option", "title", "style", "script"})


def cut_texts(outline: Outline, labels: Labels, mask: FieldMask, found: Found) -> None:
    """Cut values out of lines, and out of columns of plain text; what was cut is noted."""
    blocks: dict[int, list[list[Part]]] = {}
    for line in labels.lines:
        if line[0].block.tag not in _NOT_READ:
            blocks[id(line[0].block)] = []
            _cut([line], BORDER, around_names(_read([line], BORDER), mask), labels, found)
    for line in outline.lines if blocks else ():
        if (known := blocks.get(id(line[0].block))) is not None:
            known.append(line)
    for lines in blocks.values():
        text = _read(lines, "")
        if "\n" in text:
            plain = any(each.tag in _PLAIN for each in lines[0][0].around())
            _cut(lines, "", below_names(text, mask, plain=plain), labels, found)


def _read(lines: list[list[Part]], between: str) -> str:
    return "\n".join([between.join([part.says() for part in line]) for line in lines])


def _cut(
    lines: list[list[Part]],
    between: str,
    places: Iterable[Place],
    labels: Labels,
    found: Found,
) -> None:
    listed = sorted(set(places), reverse=True)
    if not listed:
        return
    text = _read(lines, between)
    parts = [part for line in lines for part in line]
    gaps = [len(between)] * len(parts)
    ends = accumulate(len(line) for line in lines)
    for end in ends:
        gaps[end - 1] = 1
    starts = list(
        accumulate(
            (len(part.says()) + gap for part, gap in zip(parts, gaps, strict=True)), initial=0
        )
    )
    written = [part.says() for part in parts]
    changed: set[int] = set()
    for begin, end, field in listed:
        found.take(field, values_in(text[begin:end]))
        first = bisect_right(starts, begin) - 1
        for at in range(bisect_right(starts, end - 1) - 1, first - 1, -1):
            own, stop = max(begin - starts[at], 0), min(end - starts[at], len(written[at]))
            if own < stop:
                shown = field.shown_as if at == first else ""
                written[at] = written[at][:own] + shown + written[at][stop:]
                changed.add(at)
    for at in changed:
        parts[at].rewrite(written[at])
    for line in lines:
        for part in line:
            labels.note(part, MAYBE)
