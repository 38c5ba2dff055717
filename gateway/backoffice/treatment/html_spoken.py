"""Names of fields that a page says otherwise than in one text, made as if they stood there.

1. By an attribute of what is there to name something: `<th title="Sort code">SC</th>`, a link in it
   that sorts by it, the picture of a telephone before a number, `<span id="lblSortCode">SC</span>`.
2. By a head over heads: `Account` over `Number`, a legend, a caption, a heading, a term.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from gateway.backoffice.treatment.field_mask import bare
from gateway.backoffice.treatment.html_outline import Part
from gateway.backoffice.treatment.html_tables import looks_filled, made_as
from gateway.backoffice.treatment.letters import bare_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.backoffice.treatment.field_mask import FieldMask, MaskedField
    from gateway.backoffice.treatment.html_outline import Outline

_NAMING: Final = frozenset(
    {"th", "columnheader", "rowheader", "dt", "term", "label", "legend", "caption", "summary"}
    | {"figcaption", "abbr"}
)
_TITLES: Final = frozenset(
    {"th", "dt", "legend", "caption", "summary", "h1", "h2", "h3", "h4", "h5", "h6"}
)
_HEADINGS: Final = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_PICTURES: Final = frozenset({"i", "svg", "img", "use"})
_EMPTY: Final = _PICTURES | {"span", "em", "b", "abbr", "small", "a"}
_IS_LABEL: Final = re.compile(r"lbl|label|prompt|caption|header|heading", re.IGNORECASE)
_IS_ICON: Final = re.compile(r"\bicon|-icon\b|\bfa-|glyph", re.IGNORECASE)
_CALLED: Final = frozenset({"class", "id", "name"})
_MOST_UP: Final = 4
_SHORT: Final = 60


def say_names(
    outline: Outline, told: Iterator[tuple[Part, str, MaskedField]], mask: FieldMask
) -> list[list[Part]]:
    """Have parts say the names that they stand for; gives the lines in which they do.

    Args:
        outline: the page.
        told: elements that have an attribute which names a field, and which attribute.
        mask: the fields.
    """
    spoken: list[Part] = []
    lines: dict[int, list[Part]] = {}
    for part, attribute, field in told:
        naming = _naming(part, attribute)
        if naming is None or looks_filled(naming):
            continue
        text = next((each for each in naming.within() if not each.tag and each.text.strip()), None)
        if text is None:
            text = Part(part.node, "", "", part, {}, [])
            _enter(text, lines, outline)
        elif mask.hinted.search(bare(text.text)) is not None:
            continue  # says it already
        text.speak(field.words.partition(".")[2])
        spoken.append(text)
    spoken += _halves(outline, mask)
    wanted = {id(part) for part in spoken}
    return [line for line in outline.lines if wanted and any(id(part) in wanted for part in line)]


def _naming(part: Part, attribute: str) -> Part | None:
    """Give what is there to name something: the element, or what it stands in."""
    for step, each in enumerate((part, *part.around())):
        if (made_as(each) or each.tag) in _NAMING:
            return each
        if step == _MOST_UP or each.tag in {"td", "table", "body"}:
            break
    held = part.attributes
    called = f"{held.get('id') or ''} {held.get('class') or ''}"
    if any(not each.tag and each.text.strip() for each in part.within()):
        return part if part.block is not part and _IS_LABEL.search(called) else None
    if attribute in _CALLED:
        return part if part.tag in _PICTURES or _IS_ICON.search(called) else None
    return part if part.tag in _EMPTY else None


def _enter(text: Part, lines: dict[int, list[Part]], outline: Outline) -> None:
    """Have a text stand in the line in which what it stands for is."""
    above = text.above
    beside = above.above.inside if above is not None and above.above is not None else []
    place = above.place if above is not None else 0
    if not lines:
        lines.update((id(each), line) for line in outline.lines for each in line)
    for part in beside[place + 1 : place + 3]:
        after = next((each for each in part.within() if not each.tag), None)
        if after is not None and after.block is text.block and id(after) in lines:
            line = lines[id(after)]
            line.insert(next(at for at, each in enumerate(line) if each is after), text)
            return
    outline.lines.append([text])


def _halves(outline: Outline, mask: FieldMask) -> Iterator[Part]:
    """Give texts that are the end of a name whose beginning is their title."""
    halves = mask.halves
    short = [text for line in outline.lines if len(text := line[0].text) <= _SHORT]
    said_bare = bare_lines([text.replace("\n", " ") for text in short])
    if any(half.search(said_bare) is None for half in mask.hinted_halves):
        return
    titles: dict[str, Part] = {}  # by what they say: the last one
    heading: Part | None = None
    before: tuple[str, Part] | None = None
    for line in outline.lines:
        first = line[0]
        text = first.text if len(line) == 1 else "".join([part.text for part in line])
        if len(text) > _SHORT:
            continue
        head, colon, rest = text.partition(":")
        said = bare(head)
        if not said:
            continue
        for begin, field in halves.get(said, ()):
            title = titles.get(begin)
            beside = before is not None and before[0] == begin and _in_one(before[1], first)
            if beside or (title is not None and _is_over(title, first, heading)):
                after = f":{rest}" if colon and len(line) == 1 else colon
                first.speak(field.words.partition(".")[2] + after)
                yield first
                break
        holder = next((each for each in first.around() if each.tag in _TITLES), None)
        if holder is not None:
            titles[said] = holder
            heading = holder if holder.tag in _HEADINGS else heading
        before = said, first


def _in_one(first: Part, second: Part) -> bool:
    """Tell whether two lines stand in one that names something."""
    around = {id(part) for part in first.around() if (made_as(part) or part.tag) in _NAMING}
    return any(id(part) in around for part in second.around())


def _is_over(title: Part, part: Part, heading: Part | None) -> bool:
    """Tell whether a title is one of what a part is in."""
    if title.tag in _HEADINGS:
        return title is heading
    around = list(part.around())
    if title in around:
        return False
    if title.tag == "th":
        table = next((each for each in title.around() if each.tag == "table"), None)
        wide = {"colspan", "rowspan"} & title.attributes.keys()
        return bool(wide) and table in around
    if title.tag == "dt":
        return any(each.tag == "dd" and each.above is title.above for each in around)
    return title.above in around
