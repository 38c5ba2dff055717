"""The vetting register, to be read: people, what they hold, and every change made for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from flask import Response, request

from gateway.pages.page import PageKit, Route

if TYPE_CHECKING:
    from datetime import date, datetime

    from gateway.pages.register_services import RegisterPerson
    from vetting.register_history import RegisterChange

FUNCTION = "gate.vetting"
VETTING = "/-/vetting"

# As many as fit on a few screens; the register has thousands.
PAGE_SIZE = 25
_LONGEST_QUERY = 80
# Beyond this many people nobody leafs; they search.
_LAST_PAGE = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRow:
    """One person in the list.

    Attributes:
        url: of their page.
        title: their name, or their number where they have never signed in.
        named: whether the title is a name.
        number: employee number.
        organisation: name of the employer.
        holds: the levels that count now, in words.
        ended: how many grants count no more.
        appointments: roles in the gate.
    """

    url: str
    title: str
    named: bool
    number: str
    organisation: str
    holds: tuple[str, ...]
    ended: int
    appointments: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantRow:
    """One grant on a person's page."""

    title: str
    level: str
    counts: bool
    words: str
    granted_on: date
    granting_body: str
    sponsor: str
    review_due_on: date | None
    functions: tuple[str, ...]
    contract: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRow:
    """One line of a person's history."""

    at: datetime
    by: str
    what: str
    details: tuple[str, ...]


class VettingPages:
    """The register, read only."""

    def __init__(self, kit: PageKit) -> None:
        self._kit = kit

    def routes(self) -> tuple[Route, ...]:
        """List the addresses."""
        return (
            Route(rule=VETTING, endpoint="vetting", view=self.people, guarded_by=FUNCTION),
            Route(
                rule=f"{VETTING}/<organisation>/<number>",
                endpoint="vetting_person",
                view=self.person,
                guarded_by=FUNCTION,
            ),
        )

    def people(self) -> Response:
        """List people, all of them or those that match `q` and `organisation`."""
        page = self._kit.open_request()
        services = self._kit.services
        query = request.args.get("q", "")[:_LONGEST_QUERY].strip()
        chosen = services.organisation(request.args.get("organisation"))
        number = _page_number(request.args.get("page", ""))
        found, total = services.register.people(
            text=query,
            organisation=chosen.id if chosen else "",
            offset=(number - 1) * PAGE_SIZE,
            limit=PAGE_SIZE,
            at=page.at,
        )
        search = {"q": query, "organisation": chosen.id if chosen else ""}
        return page.respond(
            "vetting.html",
            people=[self._row(person, page.at) for person in found],
            total=total,
            first=(number - 1) * PAGE_SIZE + 1,
            last=(number - 1) * PAGE_SIZE + len(found),
            previous_url=_page_url(search, number - 1) if number > 1 else "",
            next_url=_page_url(search, number + 1) if number * PAGE_SIZE < total else "",
            query=query,
            organisation=chosen.id if chosen else "",
            organisations=services.organisations,
        )

    def person(self, organisation: str, number: str) -> Response:
        """Show one person: what they hold, what has ended, and what was changed by whom."""
        page = self._kit.open_request()
        register = self._kit.services.register
        found = register.person(organisation=organisation, employee_number=number, at=page.at)
        if found is None:
            return page.respond("vetting_unknown.html", status=404)
        history = register.history(organisation=organisation, employee_number=number)
        return page.respond(
            "vetting_person.html",
            person=self._row(found, page.at),
            grants=_grants(found, page.at),
            memberships=[(each, each.holds(at=page.at)) for each in found.clearance.memberships],
            history=[change_row(change) for change in reversed(history)],
        )

    def _row(self, person: RegisterPerson, at: datetime) -> PersonRow:
        organisation = self._kit.services.organisation(person.organisation)
        told = person.clearance.described(at=at)
        path = f"{quote(person.organisation, safe='')}/{quote(person.employee_number, safe='')}"
        return PersonRow(
            url=f"{VETTING}/{path}",
            title=person.name or f"Employee {person.employee_number}",
            named=person.name is not None,
            number=person.employee_number,
            organisation=organisation.name if organisation else person.organisation,
            holds=tuple(f"{level.title}, {level.words}" for level in told if level.usable),
            ended=sum(1 for level in told if not level.usable),
            appointments=tuple(sorted(person.appointments)),
        )


def _grants(person: RegisterPerson, at: datetime) -> tuple[GrantRow, ...]:
    clearance = person.clearance
    rows = [
        (
            clearance.describe(grant, at=at),
            grant,
        )
        for grant in clearance.grants
    ]
    return tuple(
        GrantRow(
            title=level.title,
            level=level.level,
            counts=level.usable,
            words=level.words[:1].upper() + level.words[1:],
            granted_on=grant.granted_on,
            granting_body=grant.granting_body,
            sponsor=grant.sponsor,
            review_due_on=grant.review_due_on,
            functions=tuple(sorted(grant.functions)),
            contract=grant.contract,
        )
        for level, grant in sorted(rows, key=lambda row: not row[0].usable)
    )


def change_row(change: RegisterChange) -> ChangeRow:
    """Say a change of the register in words."""
    return ChangeRow(
        at=change.at,
        by=change.by,
        what=_CHANGES[change.kind.value].format(item=change.item, level=change.level),
        details=tuple(
            f"{name.replace('_', ' ')}: {before or 'nothing'} → {after or 'nothing'}"
            for name, before, after in change.changed
            # A new row differs in every column; only what was changed later is news. A sealed
            # reference says nothing to anybody.
            if change.kind.value in {"grant-changed", "membership-ended"} and name != "reference"
        ),
    )


def _page_number(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or len(text) > len(str(_LAST_PAGE)):
        return 1
    return min(max(int(text), 1), _LAST_PAGE)


def _page_url(search: dict[str, str], number: int) -> str:
    given = {key: value for key, value in search.items() if value}
    return f"{VETTING}?{urlencode(given | {'page': str(number)})}"


_CHANGES = {
    "grant-added": "{level} entered",
    "grant-changed": "{level} changed",
    "grant-removed": "{level} removed",
    "appointed": "Appointed as {item}",
    "appointment-withdrawn": "Appointment as {item} withdrawn",
    "appointment-removed": "Appointment as {item} removed",
    "membership-added": "Employment entered",
    "membership-ended": "Employment given an end",
    "training-added": "Training {item} entered",
    "training-ended": "Training {item} ended",
}
