"""Names of fields on a page whose value was not found where values are: what else may be it.

A name whose value nobody could place takes the smallest thing around it that holds what may be a
value, and all in there that may be one is masked: before it or after it, near or further off. What
has another name of its own (a term, a label, a head of its row, `Town: ...`) is none.

Where something was found, it need not be the value:

1. What stands before the first name of a row of names and values is one: the values come first.
2. Where names and values are made alike, nothing tells which is which: all that look like a value
   after the name are. Where they are not, all that is made like the first value is.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final

from gateway.backoffice.treatment.html_labels import (
    BREAKS,
    CHOICES,
    FOUND,
    HEADINGS,
    MAYBE,
    SURE,
    TOLD,
    is_alone,
    is_value,
)
from gateway.backoffice.treatment.html_signs import OUTER, signs
from gateway.backoffice.treatment.html_tables import CELLS, CONTROLS, looks_filled, made_as

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from gateway.backoffice.treatment.field_mask import FieldMask
    from gateway.backoffice.treatment.html_labels import Labels
    from gateway.backoffice.treatment.html_outline import Part
    from gateway.backoffice.treatment.html_signs import Sign
    from gateway.backoffice.treatment.html_tables import Beside

_LED: Final = frozenset({"nav", "menu", "title", "style", "option", "datalist", "head"})
_TABULAR: Final = frozenset({"table", "tbody", "thead", "tfoot", "tr", "pre", "dl", "ul", "ol"})
_ABOVE: Final = HEADINGS | {"th", "caption", "legend", "summary"}
_MOST: Final = 60  # values in what is masked as a whole, if it is no table or list
_MOST_OUT: Final = 16  # steps out from a name
_MOST_BESIDE: Final = 4
_SENTENCE: Final = frozenset(".:?!")
_SHORT: Final = 200
_VALUE: Final = re.compile(r"[\d@]")
_TELLING: Final = re.compile(r"(?=.*[\d@]).{4}", re.DOTALL)
_NAMED: Final = re.compile(r"\s*[^\W\d_][^\d:=]{0,40}[:=]\s*\S")  # `Town: Winsford 3`
_DATA: Final = frozenset({"content", "value", "datetime", "data-value"})
_REFERRING: Final = frozenset(
    {"aria-controls", "aria-details", "aria-describedby", "aria-owns", "popovertarget", "href"}
    | {"data-target", "data-bs-target"}
)
_WORD: Final = re.compile(r"[^\W_]+")


class Unplaced:
    """Looks for what else may be the value of a name.

    Attributes:
        names: elements that say nothing but a name, once it has looked.
    """

    def __init__(self, labels: Labels, mask: FieldMask, listed: Container[int]) -> None:
        """Take over what was found.

        Args:
            labels: the names, and which of them have found something.
            mask: the fields.
            listed: ids of what is masked already.
        """
        self._labels, self._mask, self._listed = labels, mask, listed
        self.names: list[Beside] = []
        self._said: dict[int, list[Part]] = {}
        self._held: dict[int, list[Part] | None] = {}
        self._filled = cache(looks_filled)

    def beside(self) -> Iterator[Beside]:
        """Give what may be the value of a name, and is not masked yet."""
        for sign in signs(self._labels, self._mask):
            name = sign.part
            self.names += ((part, sign.field) for part in _alone(sign.text))
            yield from ((part, sign.field) for part in self._referred(sign))
            if any(above.tag in _LED for above in (name, *name.around())):
                continue
            choice = next((each for each in (name, *name.around()) if each.tag in CHOICES), None)
            if choice is not None:
                found = self._beside_choice(choice)
            elif sign.found == 0:
                found = self._around(name)
            else:
                found = self._more(sign)
            for part in found:
                yield part, sign.field

    # ---- inside ---------------------------------------------------------------------------

    def _referred(self, sign: Sign) -> Iterator[Part]:
        """Give what may be a value in what a name, or the button that says it, refers to."""
        for each in _alone(sign.text) if sign.found < FOUND else ():
            for attribute in _REFERRING & each.attributes.keys():
                for wanted in (each.attributes[attribute] or "").split():
                    is_id = attribute.startswith(("aria-", "popover")) or wanted[:1] == "#"
                    for part in self._labels.by_id(wanted.lstrip("#")) if is_id else ():
                        yield from self._values_in(part, sign.part)

    def _around(self, name: Part) -> Iterator[Part]:
        """Give all that may be a value in the smallest thing that holds any."""
        inner, words = name, None
        for step, around in enumerate(name.around()):
            if around.tag in OUTER or step == _MOST_OUT:
                break
            if id(around) not in self._held:
                self._held[id(around)] = self._values_in(around, name)
            held = self._held[id(around)]
            if held is None:
                return  # another name has taken all
            if len(held) > _MOST and around.tag not in _TABULAR:
                break
            if held:
                self._held[id(around)] = None
                yield from held
                return
            words = words or _words_before(inner)
            inner = around
        found = list(self._next_to(inner, before=name.tag not in _ABOVE))
        yield from found or ([words] if words is not None else [])

    def _next_to(self, inner: Part, *, before: bool) -> Iterator[Part]:
        """Give what may be a value in the nearest thing after and before something."""
        if inner.above is None:
            return
        beside, at = inner.above.inside, inner.place
        after = beside[at + 1 : at + 1 + 4 * _MOST_BESIDE]
        ways = [after, beside[max(0, at - 4) : at][::-1]] if before else [after]
        for way, most in zip(ways, (_MOST_BESIDE, 1), strict=False):
            looked_at = 0
            for part in way:
                if part.is_blank or part.tag in BREAKS:
                    continue
                if part.tag in HEADINGS and way is after:
                    break
                looked_at += 1
                held = self._values_in(part, inner)
                if held and (len(held) <= _MOST or part.tag in _TABULAR):
                    yield from held
                    break
                if held or looked_at == most:
                    break

    def _beside_choice(self, choice: Part) -> Iterator[Part]:
        """Give what may be a value right after a link or button that says a name."""
        inner = choice
        while inner.above is not None and inner.above.tag not in OUTER:
            after = next((part for part in inner.after() if not part.is_blank), None)
            if after is not None:
                if self._filled(after) and not any(each.tag == "a" for each in after.within()):
                    yield from self._values_in(after, choice)
                return
            inner = inner.above

    def _more(self, sign: Sign) -> Iterator[Part]:
        """Give what else may be the value of a name that has found something beside it."""
        name = sign.part
        row = name.above
        if row is None or sign.found == SURE:
            return
        runs = made_as(name) not in CELLS and name.tag not in {*HEADINGS, "dt", "label"}
        if sign.found == FOUND and not runs and not self._tells_before(name):
            return  # as most are
        if id(row) not in self._said:
            self._said[id(row)] = [part for part in row.inside if _says(part)]
        beside = self._said[id(row)]
        at = next((at for at, part in enumerate(beside) if part is name), None)
        if at is None:
            return
        after = beside[at + 1] if at + 1 < len(beside) else None
        if at and name.tag not in _ABOVE and self._is_before(sign, beside, at):
            yield from self._values_in(beside[at - 1], name)
        if after is not None:
            yield from self._after(sign, beside, at + 1, runs=runs)

    def _after(self, sign: Sign, beside: list[Part], at: int, *, runs: bool) -> Iterator[Part]:
        """Give what goes on after what stands at a place after a name."""
        name, after = sign.part, beside[at]
        inline = name.block is not name or made_as(name) in CELLS
        if sign.found <= TOLD and inline and id(after) not in self._listed:
            yield from self._values_in(after, name)
        if runs:
            yield from self._run(beside, at, name)
            if sign.found <= TOLD and _made(after) != _made(name):
                yield from self._past(beside, at + 1, name)

    def _tells_before(self, name: Part) -> bool:
        last = next((part for part in _before(name) if _says(part)), None)
        return last is not None and self._tells(last)

    def _is_before(self, sign: Sign, beside: list[Part], at: int) -> bool:
        """Tell whether what stands before a name may be its value."""
        name, before = sign.part, beside[at - 1]
        if sign.found == TOLD or (before.tag in _ABOVE and at + 1 < len(beside)):
            return False
        if sign.found != MAYBE:
            after = beside[at + 1] if at + 1 < len(beside) else None
            first = next((part for part in beside if part.tag not in _ABOVE), name)
            alike = after is None or _made(after) == _made(name)
            if not (at % 2 == 1 if alike else _made(first) != _made(name)):
                return False
        return self._tells(before)

    def _run(self, beside: list[Part], at: int, name: Part) -> Iterator[Part]:
        """Give what goes on after the first that was found."""
        first = beside[at]
        alike = _made(first) == _made(name)
        if not first.tag:
            return
        for part in beside[at + 1 : at + 1 + _MOST]:
            if _made(part) != _made(first) or (alike and _NAMED.match(part.says())):
                return
            if not alike or self._filled(part):
                yield part

    def _past(self, beside: list[Part], at: int, name: Part) -> Iterator[Part]:
        """Give what looks like a value after what does not."""
        for part in beside[at : at + 1]:
            if part.tag not in HEADINGS and self._tells(part):
                yield from self._values_in(part, name)

    def _values_in(self, around: Part, name: Part) -> list[Part]:
        """Give what may be a value there, and has neither been masked nor another name."""
        held = []
        for part in around.within():
            if part.tag and not (is_value(part) or _is_data(part)):
                continue
            if part.tag or _VALUE.search(part.text):
                chain = (part, *part.around())
                if not any(id(each) in self._listed or each is name for each in chain):
                    held.append(part)
                    if len(held) > _MOST and around.tag not in _TABULAR:
                        break
        return [part for part in held if not self._is_named(part, name)]

    def _is_named(self, part: Part, name: Part) -> bool:
        """Tell whether something has another name of its own."""
        if part.tag in CONTROLS and self._labels.is_labelled(part):
            return True
        if not part.tag and _NAMED.match(part.text) and self._mask.mentioned(part.text) is None:
            return True
        around = (part, *part.around())
        if any(each.tag in {"option", "button", "a", "label", "legend"} for each in around):
            return any(each.tag in {"label", "legend", "button"} for each in around)
        own = {id(each) for each in name.around()}
        for each in around:
            if id(each) in own or each.above is None:
                return False
            before = next((one for one in _before(each) if _says(one)), None)
            kind = made_as(each) or each.tag
            if kind == "dd" and before is not None:
                return before.tag == "dt" and self._mask.mentioned(before.says()) is None
            if before is not None and before is not name and _is_label(before, each, name):
                return self._mask.mentioned(before.says()) is None
        return False

    def _tells(self, part: Part) -> bool:
        return self._filled(part) and (
            _TELLING.match(part.says()) is not None
            or any(each.tag in CONTROLS for each in part.within())
        )


def _is_label(before: Part, part: Part, name: Part) -> bool:
    """Tell whether what stands before something is a label made as the name is, or a row's head."""
    if made_as(before) in {"th", "rowheader"} and made_as(part) in CELLS:
        return name.tag != "th"
    if not before.tag or _made(before) == _made(part) or looks_filled(before):
        return False
    return before.tag in {"label", "b", "strong", "dt"} or (
        _made(before) == _made(name) and len(before.says()) <= _SHORT
    )


def _words_before(name: Part) -> Part | None:
    """Give the few words that stand alone before a name, with nothing after it: it names them."""
    beside = [part for part in name.above.inside[:_MOST] if _says(part)] if name.above else []
    if len(beside) != 2 or beside[1] is not name or not beside[0].tag:  # noqa: PLR2004
        return None
    words = beside[0]
    said = words.says().rstrip()
    if words.tag in _ABOVE | CHOICES | {"label", "nav"} or len(_WORD.findall(said)) > _MOST_BESIDE:
        return None
    if said[-1:] in _SENTENCE or any(part.tag in CHOICES for part in words.within()):
        return None
    return None if name.tag in _ABOVE else words


def _is_data(part: Part) -> bool:
    """Tell whether an element has its value in an attribute."""
    return any(
        _VALUE.search(part.attributes[name] or "") for name in _DATA & part.attributes.keys()
    ) and part.tag not in {"li", "option", "button", "input"}


def _alone(name: Part) -> Iterator[Part]:
    """Give the elements that hold nothing but a name, from the inside out."""
    while is_alone(name) and name.above is not None and name.above.tag not in OUTER:
        name = name.above
        yield name


def _before(part: Part) -> Iterator[Part]:
    if part.above is not None:
        yield from part.above.inside[max(0, part.place - 4) : part.place][::-1]


def _made(part: Part) -> tuple[str, str]:
    """Say how something is made: parts that readers see alike are."""
    return part.tag, (part.attributes.get("class") or "") if part.attributes else ""


def _says(part: Part) -> bool:
    return (
        not part.is_blank
        and part.tag not in BREAKS
        and (
            not part.tag or any(each.tag in CONTROLS or each.text.strip() for each in part.within())
        )
    )
