"""Names of fields that stand on a page as labels do: what holds each, and what it has found."""

from __future__ import annotations

import re
from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, Final, NamedTuple

from gateway.backoffice.treatment.field_mask import BORDER
from gateway.backoffice.treatment.html_labels import SEEN_TO, around_both, is_alone
from gateway.backoffice.treatment.html_tables import looks_filled, made_as

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.backoffice.treatment.field_mask import FieldMask, MaskedField
    from gateway.backoffice.treatment.html_labels import Labels
    from gateway.backoffice.treatment.html_outline import Part

OUTER: Final = frozenset({"", "body", "html", "main", "form", "nav", "menu", "head"})
"""What holds more than what belongs together."""

_WORD: Final = re.compile(r"[^\W_]+")
_SHORT: Final = 200
_MOST_BESIDE: Final = 4  # words beside a name in what may be a label


class Sign(NamedTuple):
    """A name that stands on a page as a label does.

    Attributes:
        part: what holds it.
        field: which.
        found: how sure its value was found beside it; 0 where nothing was.
        text: in which it ends.
    """

    part: Part
    field: MaskedField
    found: int
    text: Part


def signs(labels: Labels, mask: FieldMask) -> Iterator[Sign]:
    """Give the names that stand as labels do, each once."""
    seen_to: set[int] = set()
    for line in labels.lines:
        text = BORDER.join([part.says() for part in line])
        stops = list(accumulate(len(part.says()) + 1 for part in line))
        words = -1
        for begin, end, field in mask.names_in(text):
            loose = end - begin == len(text)
            if not loose:
                words = _words(text) if words < 0 else words
                loose = _is_label(text, words - _words(text[begin:end]))
            first, last = bisect_right(stops, begin), bisect_right(stops, end - 1)
            part = _holder(line[first], line[last], mask, loose=loose)
            if part is not None and id(part) not in seen_to:
                seen_to.add(id(part))
                known = max(labels.found.get(id(each), 0) for each in (part, *part.within()))
                yield Sign(part, field, known, line[last])


def _words(text: str) -> int:
    return len(_WORD.findall(text)) if len(text) <= _SHORT else _SHORT


def _is_label(text: str, beside: int) -> bool:
    """Tell whether a line names a field, though it says more words beside its name."""
    last = text.rstrip()[-1:]
    return len(text) <= _SHORT if last == ":" else last != "." and beside <= _MOST_BESIDE


def _holder(first: Part, name: Part, mask: FieldMask, *, loose: bool) -> Part | None:
    """Give what holds a name as a label; None where it stands in running text.

    Args:
        first: the text in which it begins.
        name: the text in which it ends.
        mask: the fields.
        loose: whether it is one even though something else is said beside it.
    """
    whole = name if first is name else around_both(first, name)
    if whole is None or mask.named(whole.says()) is None:
        if not loose:
            return None
        whole = name
    for above in (whole, *whole.around()):
        if (made_as(above) or above.tag) in SEEN_TO and len(above.says()) <= _SHORT:
            if looks_filled(above):
                break  # its value may be in there with it
            return above
        if above.block is above:
            break
    while whole.above is not None and whole.above.tag not in OUTER and is_alone(whole):
        whole = whole.above
    return whole
