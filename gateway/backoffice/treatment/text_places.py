"""Where in a text values of masked fields stand that do not follow their name.

1. Before it: `12-34-56 (sort code)`, `12-34-56 is her sort code`; and after it, past what is no
   sentence: `sort code [UK] → 12-34-56`, `sort_code in ('12-34-56')`.
2. Below it, in columns of plain text: under a head of blanks, tabs, bars, commas or semicolons.
   Cells that reach into a column are of it, as where a column ends nothing tells.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.backoffice.treatment.field_mask import FieldMask, MaskedField

_REACH: Final = 120  # characters before a name in which its value is looked for
_LEAST: Final = 4
_WORDS: Final = r"(?:[^\W\d_]+\W+){0,4}"
_LED_TO: Final = re.compile(
    r"(?:(?<=\s)|^)([^\s]*[\d@][^\s]*?(?:\s+[^\s]*\d[^\s]*?){0,5})"
    rf"(?:\s*[^\w\s.!?@][^\w]*{_WORDS}|\s+(?:[^\W\d_]+\s+){{0,3}}[^\W\d_]*\s*[:=(]\W*{_WORDS}"
    rf"|\s+(?:is|was|as|are|for|being|be|been|became|becomes|replaces|replaced)\W+{_WORDS}|[\s\"')]+)$"
)
_SENTENCE: Final = re.compile(r"(?:^|\w)[.!?]\s|\n")
_FOLLOWS: Final = re.compile(
    r"(?:e?s)?(?![^\W_])\W*(?:[^\W\d_]+\W+){0,3}?(?=[^\s\d]{0,8}\d)(?=\S{4}|\d[\d\s./-]{3})"
)
_CELL: Final = re.compile(r"\S+(?:[^\S\n]\S+)*")
_RULED: Final = re.compile(r"[\s|+=:_.,;*~-]*")
_SEPARATORS: Final = "\t|;,"
_LABEL_CHARACTERS: Final = 80
_MOST_COLUMNS: Final = 12
_OUTSIDE: Final = 4  # words beside a name in what may be the head of a column
_WORD: Final = re.compile(r"[^\W_]+")
_VALUE: Final = re.compile(r"[\d@]")


class Place(NamedTuple):
    """Where the value of a field stands."""

    begin: int
    end: int
    field: MaskedField


class _Line(NamedTuple):
    start: int
    text: str


def around_names(text: str, mask: FieldMask) -> Iterator[Place]:
    """Give the values that stand before the name of their field, or after it as none does else.

    Where a value follows the name as well, what is before it is one only at the beginning.
    """
    names = list(mask.names_in(text))
    if not names or names[0][1] - names[0][0] == len(text):
        return
    told = _told_in(text, mask)
    for begin, end, field in names:
        follows = None
        after = _is_told(told, begin, end)
        if not after:
            follows = _FOLLOWS.match(text, end)
            if follows is not None and _SENTENCE.search(follows[0]) is not None:
                follows = None
        start = max(0, begin - _REACH)
        found = _LED_TO.search(text[start:begin])
        if found is not None and len(found[1]) >= _LEAST:
            at = start + found.start(1)
            if not (after or follows) or not _WORD.search(text[:at]):
                yield Place(at, start + found.end(1), field)
        if follows is not None:
            yield Place(follows.end(), len(text), field)
            return  # nothing is left of it


def below_names(text: str, mask: FieldMask, *, plain: bool) -> Iterator[Place]:
    """Give the cells of plain text that stand below the name of a field.

    Args:
        text: with its line feeds.
        mask: the fields.
        plain: whether it is shown as it is written, so that a head of one column is one.
    """
    if "\n" not in text.strip():
        return
    told = _told_in(text, mask)
    lines, start = [], 0
    for line in text.split("\n"):
        lines.append(_Line(start, line))
        start += len(line) + 1
    at = 0
    done: set[_Column] = set()
    for begin, end, field in mask.names_in(text):
        while at + 1 < len(lines) and lines[at + 1].start < end:
            at += 1
        head = lines[at]
        if _is_told(told, begin, end):
            continue
        indent = len(head.text) - len(head.text.lstrip())  # where a name goes over two lines
        own_begin, own_end = max(begin - head.start, indent), end - head.start
        column = _column(head.text, own_begin, own_end)
        if column is None or column in done:
            continue  # all below is seen to
        if len(done) == _MOST_COLUMNS:
            yield Place(head.start, len(text), field)
            return
        done.add(column)
        for first, last in _below(lines[at + 1 :], column, plain=plain):
            if mask.named(text[first:last]) is None:  # the head once more, or a name by itself
                yield Place(first, last, field)


def _told_in(text: str, mask: FieldMask) -> list[int]:
    """Give where names end whose value follows them."""
    return [each.name_end for each in mask.all_told(text) if each.values]


def _is_told(told: list[int], begin: int, end: int) -> bool:
    at = bisect_right(told, begin)
    return at < len(told) and told[at] <= end


class _Column(NamedTuple):
    """A column of plain text: by its place among cells, or by where it reaches."""

    separator: str
    place: int
    cells: int
    start: int
    stop: int
    before: int = -1  # where the head before it begins
    head: int = 0  # where its own does


def _column(head: str, begin: int, end: int) -> _Column | None:
    separator = next((each for each in _SEPARATORS if each in head), "")
    if separator:
        cells = _split(head, separator)
        place = next((at for at, (_, stop) in enumerate(cells) if end <= stop), len(cells) - 1)
        said = head[slice(*cells[place])]
        if separator in "|\t" or len(_WORD.findall(said)) <= _OUTSIDE:
            return _Column(separator, place, len(cells), 0, 0)
        return None
    cells = [found.span() for found in _CELL.finditer(head)]
    place = next((at for at, (_, stop) in enumerate(cells) if begin < stop), 0)
    said = head[slice(*cells[place])]
    if len(said) > _LABEL_CHARACTERS:
        return None
    outside = len(_WORD.findall(said)) - len(_WORD.findall(head[begin:end]))
    if outside > _OUTSIDE:
        return None
    start = cells[place - 1][1] if place else 0
    stop = cells[place + 1][0] if place + 1 < len(cells) else 1 << 30
    before = cells[place - 1][0] if place else -1
    return _Column("", place, len(cells), start, stop, before, cells[place][0])


def _below(lines: list[_Line], column: _Column, *, plain: bool) -> Iterator[tuple[int, int]]:
    if not column.separator and column.cells == 1 and not plain:
        return
    for line in lines:
        if _RULED.fullmatch(line.text):
            continue
        if column.separator:
            cells = _split(line.text, column.separator)
            if len(cells) == 1 and not plain:
                return  # the table has ended
            whole = [(0, len(line.text))]
            own = cells[column.place : column.place + 1] if len(cells) == column.cells else whole
        else:
            found = [each.span() for each in _CELL.finditer(line.text)]
            own = [each for each in found if _is_under(each, column)]
            if column.cells == 1:
                own = [each for each in own if _VALUE.search(line.text, *each)]
        for first, last in own:
            if line.text[first:last].strip():
                yield line.start + first, line.start + last


def _is_under(cell: tuple[int, int], column: _Column) -> bool:
    """Tell whether a cell reaches into a column, and is not the one before's alone."""
    start, stop = cell
    if start <= column.before and stop <= column.head:
        return False
    return start < column.stop and stop > column.start


def _split(line: str, separator: str) -> list[tuple[int, int]]:
    cells, start = [], 0
    for piece in line.split(separator):
        cells.append((start, start + len(piece)))
        start += len(piece) + 1
    return cells
