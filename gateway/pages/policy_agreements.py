"""The agreements, to be read: where each stands today, what ends next, who gets in under it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import Response, request

from gateway.conditions import HONOURED
from gateway.pages import local_time
from gateway.pages.page import PageKit, Route
from gateway.pages.policy import FUNCTION, respond, unknown
from gateway.pages.policy_words import (
    POLICY,
    CellWords,
    agreement_row,
    cell_words,
)
from policies.agreements import AgreementStatus
from policies.effective_access import effective_access

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime

    from policies.acceptance import Acceptance
    from policies.agreements import Agreement
    from policies.engine import Engine
    from policies.policy_set import PolicySet

AHEAD_DAYS = 365


@dataclass(frozen=True, slots=True, kw_only=True)
class Coming:
    """One day that an officer has to act before.

    Attributes:
        on: the day.
        days: from today until then; 0 today, below 0 when it has passed.
        agreement: id and title.
        what: what happens then.
    """

    on: date
    days: int
    agreement: tuple[str, str]
    what: str


class AgreementPages:
    """The agreements, read only."""

    def __init__(self, kit: PageKit) -> None:
        self._kit = kit

    def routes(self) -> tuple[Route, ...]:
        """List the addresses."""
        return (
            Route(
                rule=f"{POLICY}/agreements",
                endpoint="policy_agreements",
                view=self.listed,
                guarded_by=FUNCTION,
            ),
            Route(
                rule=f"{POLICY}/agreement",
                endpoint="policy_agreement",
                view=self.one,
                guarded_by=FUNCTION,
            ),
        )

    def listed(self) -> Response:
        """List all of them, those that let somebody in first, and what ends next."""
        page = self._kit.open_request()
        policy_set = self._kit.services.engine().policy_set
        rows = [agreement_row(each, policy_set, at=page.at) for each in policy_set.agreements]
        return respond(
            page,
            policy_set,
            self._kit.services.policy_versions(),
            "policy_agreements.html",
            tab="agreements",
            agreements=sorted(rows, key=lambda row: not row.live),
            coming=coming(policy_set.agreements, at=page.at),
        )

    def one(self) -> Response:
        """Show one: its terms, where it stands, and who gets into what under it today."""
        page = self._kit.open_request()
        engine = self._kit.services.engine()
        policy_set = engine.policy_set
        known = {each.id: each for each in policy_set.agreements}
        agreement = known.get(request.args.get("id", ""))
        if agreement is None:
            return unknown(page, "agreement")
        functions = policy_set.catalogue.functions
        after = [each for each in policy_set.agreements if each.supersedes == agreement.id]
        return page.respond(
            "policy_agreement.html",
            agreement=agreement_row(agreement, policy_set, at=page.at),
            suspended=agreement.status is AgreementStatus.SUSPENDED,
            purposes=agreement.purposes,
            discloses=agreement.discloses,
            accepts=[_accepted(each, policy_set) for each in agreement.accepts],
            data_classes=agreement.data_classes,
            before=known.get(agreement.supersedes),
            after=after,
            offered=[
                (function.id, function.title)
                for function in functions.values()
                if function.id in agreement.functions
            ],
            coming=coming([agreement], at=page.at),
            access=access_under(engine, agreement, at=page.at),
        )


def coming(agreements: Iterable[Agreement], *, at: datetime) -> list[Coming]:
    """List what ends or falls due within a year, and reviews that are overdue; the first first."""
    today = local_time.today(at)
    found: list[Coming] = []
    for agreement in agreements:
        if agreement.status is AgreementStatus.ENDED:
            continue
        dated = (
            (agreement.end, "It ends"),
            (agreement.dsa_expires, "Its data sharing ends, and with it all access"),
            (agreement.review_due, "Its review is due"),
        )
        for day, what in dated:
            if day is None:
                continue
            left = (day - today).days
            overdue = left < 0 and day == agreement.review_due and agreement.live(at=at)
            if overdue or 0 <= left <= AHEAD_DAYS:
                found.append(
                    Coming(on=day, days=left, agreement=(agreement.id, agreement.title), what=what)
                )
    return sorted(found, key=lambda each: (each.on, each.agreement))


def _accepted(acceptance: Acceptance, policy_set: PolicySet) -> str:
    """Say whose vetting counts, and as what."""
    order = policy_set.levels
    names = {each.id: each.name for each in policy_set.organisations}
    body = names.get(acceptance.body, acceptance.body)
    words = f"{order.level(acceptance.level).title} granted by {body}"
    if acceptance.counts_as == acceptance.level:
        return words
    return f"{words}, as {order.level(acceptance.counts_as).title}"


def access_under(
    engine: Engine, agreement: Agreement, *, at: datetime
) -> dict[str, list[tuple[str, list[tuple[str, CellWords]]]]]:
    """Say for each organisation and function who of its staff gets in under an agreement.

    Functions that another agreement offers at the instant are that one's, and left out.
    """
    functions = [
        each
        for each in engine.policy_set.catalogue.functions.values()
        if each.id in agreement.functions
    ]
    found: dict[str, list[tuple[str, list[tuple[str, CellWords]]]]] = {}
    for organisation in engine.policy_set.organisations:
        mine = [
            each
            for each in functions
            if engine.offered(organisation.id, each.id, at) == agreement.id
        ]
        if not mine:
            continue
        grid = effective_access(
            engine, at=at, organisations=[organisation.id], functions=mine, honours=HONOURED
        )
        rows = []
        for function in mine:
            granted = [
                (audience.title, cell_words(cell, audience, function))
                for audience, cell in zip(grid.audiences, grid.cells[function.id], strict=True)
                if cell.access.granted
            ]
            rows.append((function.title, _least(granted)))
        found[organisation.name] = rows
    return found


def _least(granted: list[tuple[str, CellWords]]) -> list[tuple[str, CellWords]]:
    """Leave out whoever holds more and gets the same."""
    told: dict[tuple[str, str], tuple[str, CellWords]] = {}
    for title, words in granted:
        told.setdefault((words.text, words.more), (title, words))
    return list(told.values())
