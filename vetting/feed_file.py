"""The export of a vetting unit: reading it, CSV or JSON, whole or with every fault and its line.

CSV (RFC 4180, UTF-8), after one line that says what it is:

    # feed=vetting-unit exported_at=2026-11-22T06:00:00+00:00 rows=2
    id,organisation,employee_number,level,status,granting_body,sponsor,contract,granted_on,...

JSON: an object of `feed`, `exported_at` and `grants`, each grant an object of the same columns.

A row says all that the register keeps of a grant, and there is no column for reasons or findings.
`rows` guards against a file that was cut short. `functions` are divided by blanks in CSV.
"""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from vetting.errors import VettingError, quoted
from vetting.grants import ClearanceGrant, GrantStatus
from vetting.levels import LevelId
from vetting.membership import is_contract
from vetting.person import PersonKey
from vetting.references import checked_reference
from vetting.register_tables import check_against_levels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from vetting.levels import LevelOrder
    from vetting.references import ReferenceSeal

COLUMNS = (
    *("id", "organisation", "employee_number", "level", "status", "granting_body", "sponsor"),
    *("contract", "granted_on", "expires_on", "review_due_on", "functions", "reference"),
)
OPTIONAL = {"contract", "expires_on", "review_due_on", "functions", "reference"}
_FIRST_LINE = re.compile(
    r"# feed=(?P<feed>[a-z0-9-]{1,20}) exported_at=(?P<at>[0-9T:.Z+-]{1,40})"
    r" rows=(?P<rows>[0-9]{1,9})"
)
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_GRANTS = re.compile(r'"grants"\s*:\s*\[')
_BETWEEN = re.compile(r"[\s,]*")
PROGRESS_ROWS = 1_000


class FeedFault(NamedTuple):
    """What is wrong, and on which line of the file."""

    line: int
    message: str


class FeedError(VettingError):
    """An export with faults; nothing of it was taken over.

    Attributes:
        faults: every one of them, in the order of the file.
    """

    def __init__(self, faults: tuple[FeedFault, ...]) -> None:
        super().__init__("\n".join(f"line {each.line}: {each.message}" for each in faults))
        self.faults = faults


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedTerms:
    """What an export may say.

    Attributes:
        feed: the id of the feed; grants of it have ids that begin with it and a slash.
        granting_bodies: in whose name it may grant.
        organisations: whose staff there are.
        order: the levels.
        seal: seals references.
    """

    feed: str
    granting_bodies: frozenset[str]
    organisations: frozenset[str]
    order: LevelOrder
    seal: ReferenceSeal


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedFile:
    """An export without faults.

    Attributes:
        exported_at: when the unit wrote it.
        rows: whose grant, and the grant, its reference sealed.
    """

    exported_at: datetime
    rows: tuple[tuple[PersonKey, ClearanceGrant], ...]


@dataclass(slots=True)
class _Reading:
    """An export while it is read."""

    terms: FeedTerms
    faults: list[FeedFault] = field(default_factory=list)
    seen: dict[str, int] = field(default_factory=dict)  # id to line

    def fault(self, line: int, message: str) -> None:
        self.faults.append(FeedFault(line, message))


def read_feed(
    text: str,
    terms: FeedTerms,
    *,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> FeedFile:
    """Read an export.

    Args:
        text: the file; what begins with `{` is JSON.
        terms: what it may say.
        progress: is told how many rows were read, of how many.

    Raises:
        FeedError: with every fault of the file.
    """
    reading = _Reading(terms)
    try:
        is_json = text.lstrip()[:1] == "{"
        exported_at, rows = (_open_json if is_json else _open_csv)(text, reading)
        total = len(rows)
        found = []
        for number, (line, row) in enumerate(rows, 1):
            value = _row(row, line, reading)
            if value is not None:
                found.append(value)
            if number % PROGRESS_ROWS == 0:
                progress(number, total)
    except _UnreadableError as error:
        reading.fault(error.line, str(error))
        exported_at, found = None, []
    if reading.faults or exported_at is None:
        raise FeedError(tuple(sorted(reading.faults)))
    return FeedFile(exported_at=exported_at, rows=tuple(found))


class _UnreadableError(Exception):
    """The file as a whole cannot be read."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


_Rows = list[tuple[int, dict[str, Any]]]


def _open_csv(text: str, reading: _Reading) -> tuple[datetime | None, _Rows]:
    first, _, rest = text.partition("\n")
    said = _FIRST_LINE.fullmatch(first.rstrip("\r"))
    if said is None:
        raise _UnreadableError(
            1, "the first line must be `# feed=ID exported_at=INSTANT rows=NUMBER`"
        )
    lines = csv.reader(io.StringIO(rest, newline=""), strict=True)
    try:
        heads = next(lines, [])
        _check_columns(heads, 2, reading)
        if reading.faults:
            return None, []
        rows: _Rows = []
        for cells in lines:
            line = lines.line_num + 1
            if len(cells) != len(heads):
                reading.fault(line, f"{len(cells)} columns instead of {len(heads)}")
            else:
                rows.append((line, dict(zip(heads, cells, strict=True))))
    except csv.Error as error:
        raise _UnreadableError(lines.line_num + 1, f"this is no CSV: {error}") from error
    if lines.line_num and len(rows) + len(reading.faults) != int(said["rows"]):
        message = f"{len(rows)} rows, but the first line says {said['rows']}; is it whole?"
        reading.fault(1, message)
    return _exported(said["feed"], said["at"], reading), rows


def _open_json(text: str, reading: _Reading) -> tuple[datetime | None, _Rows]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", 1)
        raise _UnreadableError(line, f"this is no JSON: {error}") from error
    grants = data.get("grants")
    if set(data) != {"feed", "exported_at", "grants"} or not isinstance(grants, list):
        raise _UnreadableError(1, "write an object of `feed`, `exported_at` and `grants` only")
    exported_at = _exported(data["feed"], data["exported_at"], reading)
    rows: _Rows = []
    for line, grant in zip(_lines_of(text), grants, strict=False):
        if not isinstance(grant, dict):
            reading.fault(line, "this grant is no object")
            continue
        before = len(reading.faults)
        _check_columns(grant, line, reading)
        if len(reading.faults) == before:
            rows.append((line, grant))
    return exported_at, rows


def _lines_of(text: str) -> Iterator[int]:
    """Tell the line on which each grant of a well-formed JSON export begins."""
    start = _GRANTS.search(text)
    decoder = json.JSONDecoder()
    at, line, counted = (start.end() if start else len(text)), 1, 0
    while True:
        gap = _BETWEEN.match(text, at)
        at = gap.end() if gap else at
        if at >= len(text) or text[at] == "]":
            return
        line += text.count("\n", counted, at)
        counted = at
        yield line
        _, at = decoder.raw_decode(text, at)


def _check_columns(names: Iterable[str], line: int, reading: _Reading) -> None:
    given = list(names)
    for name in sorted(set(given) - set(COLUMNS)):
        reading.fault(line, f"{quoted(name)} is no column; nothing else is kept")
    for name in sorted(set(COLUMNS) - OPTIONAL - set(given)):
        reading.fault(line, f"the column `{name}` is missing")
    if len(set(given)) != len(given):
        reading.fault(line, "a column comes twice")


def _exported(feed: object, text: object, reading: _Reading) -> datetime | None:
    if feed != reading.terms.feed:
        reading.fault(1, f"this is the export of {quoted(feed)}, not of `{reading.terms.feed}`")
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        reading.fault(1, f"exported_at {quoted(text)} is no instant with a time zone")
        return None
    return at


def _row(
    row: dict[str, Any], line: int, reading: _Reading
) -> tuple[PersonKey, ClearanceGrant] | None:
    try:
        person = _person(row, reading.terms)
        return person, _grant(row, _grant_id(row, line, reading), reading.terms)
    except (VettingError, _WrongError) as error:
        reading.fault(line, str(error).removeprefix("read "))
        return None


def _person(row: dict[str, Any], terms: FeedTerms) -> PersonKey:
    for name in ("organisation", "employee_number", "level", "granting_body", "sponsor"):
        if not isinstance(row[name], str):
            raise _WrongError(f"{name} is no text")
    person = PersonKey(organisation=row["organisation"], employee_number=row["employee_number"])
    if person.organisation not in terms.organisations:
        raise _WrongError(f"{quoted(person.organisation)} is no organisation here")
    if row["granting_body"] not in terms.granting_bodies:
        body = quoted(row["granting_body"])
        raise _WrongError(f"this feed may not grant in the name of {body}")
    return person


def _grant(row: dict[str, Any], grant_id: str, terms: FeedTerms) -> ClearanceGrant:
    contract = row.get("contract") or ""
    if not isinstance(contract, str) or not is_contract(contract):
        raise _WrongError(f"{quoted(contract)} is no contract")
    grant = ClearanceGrant(
        id=grant_id,
        level=LevelId(row["level"]),
        granting_body=row["granting_body"],
        sponsor=row["sponsor"],
        granted_on=_day(row, "granted_on"),
        expires_on=_day_or_none(row, "expires_on"),
        review_due_on=_day_or_none(row, "review_due_on"),
        status=_status(row["status"]),
        functions=_functions(row.get("functions")),
        reference=terms.seal.seal(_reference(row), grant_id=grant_id),
        contract=contract,
    )
    check_against_levels(grant, terms.order)
    return grant


class _WrongError(Exception):
    """A value of a row is wrong."""


def _grant_id(row: dict[str, Any], line: int, reading: _Reading) -> str:
    own = row["id"]
    if not isinstance(own, str) or not _ID.fullmatch(own):
        raise _WrongError(f"id {quoted(own)} is none; letters, digits and . _ -, at most 40")
    first = reading.seen.setdefault(own, line)
    if first != line:
        raise _WrongError(f"id {quoted(own)} is that of line {first}")
    return f"{reading.terms.feed}/{own}"


def _status(text: object) -> GrantStatus:
    try:
        return GrantStatus(str(text))
    except ValueError:
        known = ", ".join(GrantStatus)
        raise _WrongError(f"status {quoted(text)} is none of {known}") from None


def _day(row: dict[str, Any], name: str) -> date:
    text = row.get(name)
    if isinstance(text, str) and _DAY.fullmatch(text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            pass
    raise _WrongError(f"{name} {quoted(text)} is no date; write it as 2026-11-22")


def _day_or_none(row: dict[str, Any], name: str) -> date | None:
    value = row.get(name)
    return None if value is None or value == "" else _day(row, name)


def _functions(value: object) -> frozenset[str]:
    names = value.split() if isinstance(value, str) else value or []
    if not isinstance(names, list) or not all(isinstance(one, str) and one for one in names):
        raise _WrongError(f"functions {quoted(value)} are no list of ids")
    return frozenset(names)


def _reference(row: dict[str, Any]) -> str:
    text = row.get("reference") or ""
    if not isinstance(text, str):
        raise _WrongError("the reference is no text")
    return checked_reference(text)
