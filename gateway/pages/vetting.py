"""The vetting register, to be read: people, what they hold and held, what ends soon."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from flask import Response, request

from gateway.pages import local_time
from gateway.pages.page import PageKit, PageRequest, Route
from gateway.pages.register_services import HistoryBrokenError
from gateway.pages.vetting_words import (
    change_row,
    employment_rows,
    grant_rows,
    training_rows,
)
from gateway.policy_versions import State

if TYPE_CHECKING:
    from datetime import date, datetime

    from gateway.pages.page_services import OrganisationChoice
    from gateway.pages.register_services import NamedLapse, RegisterPerson
    from gateway.policy_versions import PolicyVersion

FUNCTION = "gate.vetting"
VETTING = "/-/vetting"

# As many as fit on a few screens; the register has thousands.
PAGE_SIZE = 25
_LONGEST_QUERY = 80
# Beyond this many people nobody leafs; they search.
_LAST_PAGE = 10_000
SPANS = (90, 30, 7, 365)
"""Days ahead that can be asked for; the first unless another is chosen."""
_LONGEST_DAY = len("2026-05-03")
_MICROSECOND = timedelta(microseconds=1)
_BROKEN = (
    "The history of this person does not hold together, so nobody can say what held then. "
    "Ask the operator to look at the register"
)


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
class LapseRow:
    """One thing that ends soon."""

    url: str
    who: str
    number: str
    organisation: str
    title: str
    sponsor: str
    ends_on: date
    days: int
    by_review: bool


class VettingPages:
    """The register, read only.

    Officers of the host see everybody, those of a partner their own organisation's people only,
    whatever is asked for.
    """

    def __init__(self, kit: PageKit) -> None:
        self._kit = kit

    def routes(self) -> tuple[Route, ...]:
        """List the addresses."""
        return (
            Route(rule=VETTING, endpoint="vetting", view=self.people, guarded_by=FUNCTION),
            Route(
                rule=f"{VETTING}/ending",
                endpoint="vetting_ending",
                view=self.ending,
                guarded_by=FUNCTION,
            ),
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
        query = request.args.get("q", "")[:_LONGEST_QUERY].strip()
        choices, chosen = self._organisations(page)
        number = _page_number(request.args.get("page", ""))
        found, total = self._kit.services.register.people(
            text=query,
            organisation=chosen,
            offset=(number - 1) * PAGE_SIZE,
            limit=PAGE_SIZE,
            at=page.at,
        )
        search = {"q": query, "organisation": chosen if len(choices) > 1 else ""}
        return page.respond(
            "vetting.html",
            tab="",
            people=[self._row(person, page.at) for person in found],
            total=total,
            first=(number - 1) * PAGE_SIZE + 1,
            last=(number - 1) * PAGE_SIZE + len(found),
            previous_url=_page_url(search, number - 1) if number > 1 else "",
            next_url=_page_url(search, number + 1) if number * PAGE_SIZE < total else "",
            query=query,
            organisation=chosen,
            organisations=choices,
        )

    def ending(self) -> Response:
        """List what ends within some days, in an organisation or all of them."""
        page = self._kit.open_request()
        choices, chosen = self._organisations(page)
        days = next((each for each in SPANS if str(each) == request.args.get("days")), SPANS[0])
        found, total = self._kit.services.register.lapses(
            organisation=chosen, days=days, at=page.at
        )
        return page.respond(
            "vetting_ending.html",
            tab="ending",
            rows=[self._lapse(each, page.at) for each in found],
            total=total,
            days=days,
            spans=SPANS,
            organisation=chosen,
            organisations=choices,
        )

    def person(self, organisation: str, number: str) -> Response:
        """Show one person as they are, or as the register had them at the moment `at`."""
        page = self._kit.open_request()
        services = self._kit.services
        register = services.register
        only = self._only(page)
        found = None
        if only in {"", organisation}:
            found = register.person(organisation=organisation, employee_number=number, at=page.at)
        if found is None:
            return page.respond("vetting_unknown.html", status=404)
        typed = request.args.get("at", "")[:_LONGEST_QUERY].strip()
        then, error = _moment_of(typed, page.at)
        shown: RegisterPerson | None = found
        if then is not None:
            try:
                shown = register.as_of(organisation=organisation, employee_number=number, at=then)
            except HistoryBrokenError:
                shown, error = None, _BROKEN
        at = then or page.at
        history = register.history(organisation=organisation, employee_number=number)
        policy_set = services.engine().policy_set
        names = {each.id: each.name for each in policy_set.organisations}
        levels = {str(each.id): each.title for each in policy_set.levels.levels}
        titles = {each.id: each.title for each in policy_set.catalogue.functions.values()}
        values = {
            "grants": grant_rows(shown, at=at, organisations=names, functions=titles),
            "employment": employment_rows(shown, at=at),
            "trainings": training_rows(shown, at=at),
            "appointments": sorted(shown.appointments),
        } if shown else {}  # fmt: skip
        return page.respond(
            "vetting_person.html",
            status=400 if error else 200,
            person=self._row(found, page.at),
            registered=shown is not None,
            then=then,
            typed=typed,
            version=self._version_at(then) if then else None,
            history=[change_row(each, levels) for each in reversed(history) if each.at <= at],
            errors={"at": error} if error else {},
            error_list=[{"text": error, "href": "#at"}] if error else [],
            **values,
        )

    def _only(self, page: PageRequest) -> str:
        """Give the one organisation that an officer answers for; empty for all of them."""
        own = page.subject.organisation
        return "" if own == self._kit.services.brand.host.id else own

    def _organisations(self, page: PageRequest) -> tuple[tuple[OrganisationChoice, ...], str]:
        """Give the organisations to choose from, and the one that is chosen."""
        services = self._kit.services
        only = self._only(page)
        if only:
            return tuple(each for each in services.organisations if each.id == only), only
        chosen = services.organisation(request.args.get("organisation"))
        return services.organisations, chosen.id if chosen else ""

    def _version_at(self, at: datetime) -> PolicyVersion | None:
        """Give the policy set that was in force at a moment."""
        decided = (
            each
            for each in self._kit.services.policy_versions()
            if each.state in {State.IN_FORCE, State.RETIRED}
            and each.decided_at is not None
            and each.decided_at <= at
        )
        return max(decided, key=lambda each: (each.decided_at, each.number), default=None)

    def _name_of(self, organisation: str) -> str:
        known = self._kit.services.organisation(organisation)
        return known.name if known else organisation

    def _row(self, person: RegisterPerson, at: datetime) -> PersonRow:
        told = person.clearance.described(at=at)
        return PersonRow(
            url=_person_url(person.organisation, person.employee_number),
            title=person.name or f"Employee {person.employee_number}",
            named=person.name is not None,
            number=person.employee_number,
            organisation=self._name_of(person.organisation),
            holds=tuple(f"{level.title}, {level.words}" for level in told if level.usable),
            ended=sum(1 for level in told if not level.usable),
            appointments=tuple(sorted(person.appointments)),
        )

    def _lapse(self, named: NamedLapse, at: datetime) -> LapseRow:
        lapse = named.lapse
        person = lapse.person
        return LapseRow(
            url=_person_url(person.organisation, person.employee_number),
            who=named.name or f"Employee {person.employee_number}",
            number=person.employee_number if named.name else "",
            organisation=self._name_of(person.organisation),
            title=lapse.title,
            sponsor=self._name_of(lapse.sponsor),
            ends_on=lapse.ends_on,
            days=lapse.days_left(at=at),
            by_review=lapse.by_review,
        )


def _person_url(organisation: str, number: str) -> str:
    return f"{VETTING}/{quote(organisation, safe='')}/{quote(number, safe='')}"


def _moment_of(typed: str, now: datetime) -> tuple[datetime | None, str]:
    """Read the moment that somebody asks about; gives it, or what is wrong with it."""
    if not typed:
        return None, ""
    read = local_time.typed_instant(typed, last=True)
    if read is None:
        return (
            None,
            "Enter a date, such as 2026-05-03, or a date and time, such as 2026-05-03 09:00",
        )
    if len(typed) <= _LONGEST_DAY:
        # A day alone means its last moment, and today means now.
        read -= _MICROSECOND
        if local_time.today(read) == local_time.today(now):
            read = min(read, now)
    if read > now:
        return None, "Enter a moment that has passed"
    return read, ""


def _page_number(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or len(text) > len(str(_LAST_PAGE)):
        return 1
    return min(max(int(text), 1), _LAST_PAGE)


def _page_url(search: dict[str, str], number: int) -> str:
    given = {key: value for key, value in search.items() if value}
    return f"{VETTING}?{urlencode(given | {'page': str(number)})}"
