"""Names of fields in a JSON answer whose value was not found where values are: what else may be it.

A name that stands as a value (`"Sort code"` in a list, a label in an object of its own) and with
which nothing was masked takes the smallest object or list around it that holds what may be its
value: the same place of lists as long as its own; what follows it in a list, or goes before it;
all that looks like a value and has no name of its own (`value`, `c7`, an element of a list).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from gateway.backoffice.treatment.field_mask import bare
from gateway.backoffice.treatment.json_names import is_name_of_rows, is_naming, looks_told, scalars
from gateway.backoffice.treatment.unfit import UnfitAnswerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.backoffice.treatment.field_mask import MaskedField
    from gateway.backoffice.treatment.found import Found
    from gateway.backoffice.treatment.json_text import Json

_ANONYMOUS: Final = re.compile(
    r"(?:[a-z]{0,3}|(?:col|field|attr|attribute|item|cell|column|arg|param|q|answer)s?)\d*"
    r"|.*(?:value|values|val|string|text|content|contents|detail|details|message|msg|data)\d*"
    r"|(?:value|formatted|display|answer|result|raw|new|old|current|previous|prev|entered).*"
    r"|key|payload|reply|response|answers|results|items?|cells?|rows?|body|list|records?|points?|series"
    r"|insert|heard|said|input|output|default|from|to|entry|entries|children|parts?|reading|state"
)
_NO_VALUE: Final = frozenset(
    {"id", "type", "kind", "href", "url", "uri", "src", "self", "rel", "uuid", "guid"}
    | {"system", "class", "style", "icon", "version", "etag"}
)
_ADDRESS: Final = re.compile(r"(?:https?:|/|#|urn:)", re.IGNORECASE)
_SEPARATED: Final = re.compile("[,;|\t]")
_WEAK: Final = frozenset({"type", "text", "id", "kind", "code", "key"})
_MOST_OUT: Final = 6
_MOST_BESIDE: Final = 16
_MOST_STEPS: Final = 4_000_000
_PAIR: Final = 2
_CELL: Final = 3


_Node: TypeAlias = "dict[str, Json] | list[Json]"


class Shown(str):
    """What stands in the place of something that was masked.

    Attributes:
        field: which.
        valued: whether that looked like a value.
        named: whether it was the name of the field.
        empty: whether it was an object or a list of nothing.
    """

    __slots__ = ("empty", "field", "named", "valued")

    empty: bool
    field: MaskedField
    named: bool
    valued: bool

    @classmethod
    def of(cls, field: MaskedField, value: Json, *, named: bool = False) -> Shown:
        """Give what is shown for a value."""
        shown = cls(field.shown_as)
        shown.field, shown.named = field, named
        shown.empty = isinstance(value, dict | list) and not value
        shown.valued = not named and (
            any(looks_told(each) for each in scalars(value))
            if isinstance(value, dict | list)
            else looks_told(value)
        )
        return shown


class _Sign(NamedTuple):
    """A name for which no value was found yet.

    Attributes:
        field: which.
        loose: whether a text only has it in it.
        place: in a list of names; -1 for none.
        width: of that list.
        out: how many objects and lists around it were looked at.
    """

    field: MaskedField
    loose: bool
    place: int = -1
    width: int = 0
    out: int = 0


class Unplaced:
    """Looks for what else may be the value of a name, and masks it in place."""

    def __init__(
        self,
        said: Callable[[str], MaskedField | None],
        mentioned: Callable[[str], MaskedField | None],
        found: Found,
    ) -> None:
        """Set out.

        Args:
            said: gives the field that a text names.
            mentioned: gives one whose name is in a text.
            found: where what is masked is noted.
        """
        self._said, self._mentioned, self._found = said, mentioned, found
        self._left = _MOST_STEPS

    def settle(self, value: Json) -> None:
        """Mask what may be the value of a name that has none; its parts are changed in place.

        Raises:
            UnfitAnswerError: there are too many such names to look for all.
        """
        if isinstance(value, dict | list):
            self._settle(value)

    # ---- inside ---------------------------------------------------------------------------

    def _settle(self, node: _Node) -> tuple[list[_Sign], set[str]]:
        """Settle what is in something; gives what names are left, and what fields were shown."""
        shown: set[str] = set()
        within: list[tuple[str | int, _Sign]] = []
        for key, member in _members(node):
            if isinstance(member, dict | list):
                left, inside = self._settle(member)
                shown |= inside
                within += ((key, sign) for sign in left)
            elif isinstance(member, Shown) and member.valued:
                shown.add(member.field.words)
        signs = self._own_of_object(node, shown) if isinstance(node, dict) else []
        for key, sign in within:
            words = sign.field.words
            if not sign.width and words in shown:
                continue
            if self._place(node, key, sign) or words in shown:
                shown.add(words)
            else:
                signs.append(sign._replace(out=sign.out + 1))
        if isinstance(node, list):
            signs += self._own_of_list(node, shown)
        # Each kind once, and none forever.
        kept = (sign for sign in signs if sign.out < (1 if sign.loose else _MOST_OUT))
        return [*dict.fromkeys(kept)], shown

    def _sign(self, member: Json) -> _Sign | None:
        if isinstance(member, Shown):
            return _Sign(member.field, loose=False) if member.named else None
        if not isinstance(member, str):
            return None
        field = None if member[:1] == "/" else self._said(member)
        if field is not None:
            return _Sign(field, loose=False)
        field = self._mentioned(member)
        return None if field is None else _Sign(field, loose=True)

    def _own_of_object(self, node: dict[str, Json], shown: set[str]) -> list[_Sign]:
        own = [sign for each in node.values() if (sign := self._sign(each)) is not None]
        left = []
        for sign in own if own and not _is_answered(node) else ():
            if self._take_members(node, sign, anonymous=sign.loose):
                shown.add(sign.field.words)
            else:
                left.append(sign)
        return left

    def _own_of_list(self, node: list[Json], shown: set[str]) -> list[_Sign]:
        left = []
        for place, member in enumerate(node):
            own = self._sign(member) if not isinstance(member, dict | list) else None
            if own is None or own.loose:
                continue
            if self._take_next(node, place, own.field, text=member):
                shown.add(own.field.words)
            else:
                left.append(own._replace(place=place, width=len(node)))
        return left

    def _place(self, node: _Node, key: str | int, sign: _Sign) -> bool:
        """Look for the value of a name that stands in a member of something."""
        if sign.width >= _PAIR:
            others = [member for other, member in _members(node) if other != key]
            if self._take_columns(others, sign):
                return True
        if isinstance(node, dict):
            anonymous = sign.loose or sign.out > 0 or sign.width > 0
            return self._take_members(node, sign, but=str(key), anonymous=anonymous)
        return not sign.loose and self._take_next(node, int(key), sign.field)

    def _take_members(
        self, node: dict[str, Json], sign: _Sign, *, but: str = "", anonymous: bool
    ) -> bool:
        self._spend(len(node))
        taken = False
        for name, member in node.items():
            if name == but:
                continue
            if isinstance(member, dict | list):
                if not is_name_of_rows(name) or not sign.loose:
                    taken = self._take_within(member, sign.field, name) or taken
            elif self._is_value(name, member, anonymous=anonymous):
                node[name] = self._take(sign.field, member)
                taken = True
        return taken

    def _is_value(self, name: str, member: Json, *, anonymous: bool) -> bool:
        if isinstance(member, Shown) or not looks_told(member):
            return False
        written = bare(name)
        if written in _NO_VALUE or (isinstance(member, str) and _ADDRESS.match(member)):
            return False
        if isinstance(member, str) and (self._said(member) or self._mentioned(member)):
            return False
        return not anonymous or _ANONYMOUS.fullmatch(written) is not None

    def _take_within(self, node: _Node, field: MaskedField, name: str) -> bool:
        """Mask what may be a value and has no name of its own, wherever it stands in something."""
        self._spend(len(node))
        taken = False
        own: Any = node
        for key, member in _members(node):
            called = key if isinstance(key, str) else name
            if isinstance(member, dict | list):
                taken = self._take_within(member, field, called) or taken
            elif self._is_value(called, member, anonymous=True):
                own[key] = self._take(field, member)
                taken = True
        return taken

    def _take_columns(self, node: list[Json], sign: _Sign) -> bool:
        """Mask the same place of all lists as long as that of the names."""
        taken = False
        waiting: list[Json] = [node]
        while waiting:
            each = waiting.pop()
            self._spend(len(each))
            held = each.values() if isinstance(each, dict) else each
            waiting += [member for member in held if isinstance(member, dict | list)]
            if each is node or not isinstance(each, list) or len(each) != sign.width:
                continue
            if all(map(_is_cell, each)):
                member = each[sign.place]
                shown = member if isinstance(member, Shown) else self._take(sign.field, member)
                each[sign.place] = shown
                taken = taken or shown.valued
        return taken

    def _take_next(self, node: list[Json], place: int, field: MaskedField, text: str = "") -> bool:
        """Mask what follows a name in a list; and what goes before it, where that may be it."""
        separated = isinstance(text, Shown) or _SEPARATED.search(text) is not None
        after = before = False
        for at in range(place + 1, len(node)):
            if not separated and (_ends_run(node[at]) if after else at - place > _MOST_BESIDE):
                break
            after = self._take_element(node, at, field) or after
        if place and (not after or place % 2):
            before = self._take_element(node, place - 1, field)
        return after or before

    def _take_element(self, node: list[Json], at: int, field: MaskedField) -> bool:
        member = node[at]
        if isinstance(member, Shown):
            return member.valued
        if isinstance(member, dict):
            if any(_is_label(name, each) for name, each in member.items()):
                return False
            taken = False
            for name, each in list(member.items()):
                if isinstance(each, dict | list):
                    taken = self._take_within(each, field, name) or taken
                elif self._is_value(name, each, anonymous=False):
                    member[name] = self._take(field, each)
                    taken = True
                elif isinstance(each, Shown):
                    taken = taken or each.valued
            return taken
        if isinstance(member, list):
            return self._take_within(member, field, "value")
        if self._is_value("value", member, anonymous=True):
            node[at] = self._take(field, member)
            return True
        return False

    def _spend(self, steps: int) -> None:
        self._left -= steps
        if self._left < 0:
            raise UnfitAnswerError("answer-json")

    def _take(self, field: MaskedField, value: Json) -> Shown:
        self._found.take(field, scalars(value))
        return Shown.of(field, value)


def _is_cell(value: Json) -> bool:
    return not isinstance(value, list) and (not isinstance(value, dict) or len(value) <= _CELL)


def _ends_run(value: Json) -> bool:
    """Tell whether something is no more of the values that follow one another."""
    return not (value.valued if isinstance(value, Shown) else looks_told(value))


def _members(node: _Node) -> list[tuple[Any, Json]]:
    return list(node.items() if isinstance(node, dict) else enumerate(node))


def _is_answered(node: dict[str, Json]) -> bool:
    """Tell whether the value of a name in an object was masked, or that there is none."""
    shown = {
        name: each for name, each in node.items() if isinstance(each, Shown) and not each.named
    }
    if any(each.valued for each in shown.values()):
        return True
    return any(map(is_naming, node)) and any(
        not each.empty or _ANONYMOUS.fullmatch(bare(name)) is not None
        for name, each in shown.items()
    )


def _is_label(name: str, member: Json) -> bool:
    """Tell whether a member is the name of what is beside it in its own object."""
    return (
        is_naming(name)
        and bare(name) not in _WEAK
        and isinstance(member, str)
        and not isinstance(member, Shown)
        and not looks_told(member)
    )
