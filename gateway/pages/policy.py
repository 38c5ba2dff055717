"""The policy set in force, to be read: who may do what, as a grid, a table and in sentences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from flask import Response, request

from gateway.conditions import HONOURED
from gateway.pages.count_services import Counting, Tally
from gateway.pages.page import PageKit, PageRequest, Route
from gateway.pages.policy_words import (
    KEY,
    POLICY,
    CellWords,
    RuleRow,
    agreement_row,
    answer_words,
    cell_words,
    named,
    obligation_words,
    rule_row,
)
from gateway.pages.portal import folded
from gateway.policy_versions import State
from policies.effective_access import effective_access
from policies.obligations import Obligations

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.policy_versions import PolicyVersion
    from policies.effective_access import Grid
    from policies.function import Function
    from policies.policy_set import PolicySet

FUNCTION = "gate.policy"
_LONGEST_QUERY = 80
MOST_COLUMNS = 10
"""Columns that can be read side by side on an ordinary screen; more are shown by organisation."""
MOST_RULES = 2000
"""Rules of which all organisations are worked out in a moment; with more, it is one at a time."""

TABS = (
    ("", "Who may do what"),
    ("sentences", "Rules in sentences"),
    ("table", "Rules as a table"),
    ("functions", "Functions"),
    ("agreements", "Agreements"),
    ("versions", "Versions"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionRow:
    """One function as the table shows it."""

    id: str
    title: str
    area: str
    classification: str
    regime: str
    floor: str
    other_floors: tuple[str, ...]
    scope: str
    system: str
    obligations: str
    search: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GridColumn:
    """One audience at the head of the grid."""

    organisation: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GridRow:
    """One function with its cells."""

    id: str
    title: str
    cells: tuple[CellWords, ...]


_Row = TypeVar("_Row", FunctionRow, RuleRow)


class PolicyPages:
    """The policy set, read only."""

    def __init__(self, kit: PageKit) -> None:
        self._kit = kit

    def routes(self) -> tuple[Route, ...]:
        """List the addresses."""
        views = {
            "": self.grid,
            "sentences": self.sentences,
            "table": self.table,
            "functions": self.functions,
            "function": self.function,
            "versions": self.versions,
        }
        return tuple(
            Route(
                rule=f"{POLICY}/{name}" if name else POLICY,
                endpoint=f"policy_{name or 'grid'}",
                view=view,
                guarded_by=FUNCTION,
            )
            for name, view in views.items()
        )

    def grid(self) -> Response:
        """Show what every audience may do with every function, by the gates together."""
        page = self._kit.open_request()
        engine = self._kit.services.engine()
        policy_set = engine.policy_set
        every = {each.id: each.name for each in policy_set.organisations}
        areas = list(dict.fromkeys(each.area for each in policy_set.catalogue.functions.values()))
        chosen = _known(request.args.get("organisation", ""), every)
        area = _known(request.args.get("area", ""), areas)
        query = request.args.get("q", "")[:_LONGEST_QUERY].strip()
        large = not chosen and len(policy_set.rules) > MOST_RULES
        chosen = policy_set.host.id if large else chosen
        grid = effective_access(
            engine,
            at=page.at,
            organisations=[chosen] if chosen else every,
            functions=policy_set.catalogue.functions.values(),
            honours=HONOURED,
        )
        narrowed = large or (not chosen and len(grid.audiences) > MOST_COLUMNS)
        shown = policy_set.host.id if narrowed else chosen
        columns, groups = _grid_of(grid, policy_set, shown, area=area, query=query)
        return respond(
            page,
            policy_set,
            self._kit.services.policy_versions(),
            "policy_grid.html",
            tab="",
            key=KEY,
            columns=columns,
            heads=_heads(columns),
            groups=groups,
            count=sum(len(rows) for _, rows in groups),
            total=len(policy_set.catalogue.functions),
            organisations=every,
            organisation=shown,
            narrowed=narrowed,
            areas=areas,
            area=area,
            query=query,
        )

    def sentences(self) -> Response:
        """Show every rule in a sentence."""
        return self._rules("policy_sentences.html", tab="sentences")

    def table(self) -> Response:
        """Show every rule in a row: whose staff, what, when, where it is written."""
        return self._rules("policy_table.html", tab="table")

    def functions(self) -> Response:
        """List the functions with what they ask for."""
        page = self._kit.open_request()
        policy_set = self._kit.services.engine().policy_set
        rows = [function_row(each, policy_set) for each in policy_set.catalogue.functions.values()]
        query, found = _searched(rows)
        return respond(
            page,
            policy_set,
            self._kit.services.policy_versions(),
            "policy_functions.html",
            tab="functions",
            functions=found,
            query=query,
            shown=len(found),
            total=len(rows),
        )

    def function(self) -> Response:
        """Show one function: who may open it, what it asks for, all that speaks of it."""
        page = self._kit.open_request()
        engine = self._kit.services.engine()
        policy_set = engine.policy_set
        chosen = policy_set.catalogue.functions.get(request.args.get("id", ""))
        if chosen is None:
            return unknown(page, "function")
        grid = effective_access(
            engine,
            at=page.at,
            organisations=[each.id for each in policy_set.organisations],
            functions=[chosen],
            honours=HONOURED,
        )
        counting = self._kit.services.staff_counts.counted(page.at)
        who: dict[str, list[tuple[str, CellWords]]] = {}
        for audience, cell in zip(grid.audiences, grid.cells[chosen.id], strict=True):
            told = cell_words(cell, audience, chosen)
            who.setdefault(audience.organisation.name, []).append((audience.title, told))
        return page.respond(
            "policy_function.html",
            function=function_row(chosen, policy_set),
            who=who,
            counting=counting,
            counts=_counts(counting, chosen, policy_set),
            matchers=chosen.matchers,
            note=chosen.note,
            answers=answer_words(chosen, policy_set),
            rules=[
                rule_row(rule, policy_set)
                for rule in policy_set.rules
                if chosen.id in rule.functions
            ],
            agreements=[
                agreement_row(agreement, policy_set, at=page.at)
                for agreement in policy_set.agreements
                if chosen.id in agreement.functions
            ],
        )

    def versions(self) -> Response:
        """List every policy set there was, who proposed it and who put it in force."""
        page = self._kit.open_request()
        policy_set = self._kit.services.engine().policy_set
        versions = self._kit.services.policy_versions()
        return respond(
            page, policy_set, versions, "policy_versions.html", tab="versions", listed=versions
        )

    def _rules(self, template: str, *, tab: str) -> Response:
        page = self._kit.open_request()
        policy_set = self._kit.services.engine().policy_set
        rows = [rule_row(rule, policy_set) for rule in policy_set.rules]
        query, found = _searched(rows)
        return respond(
            page,
            policy_set,
            self._kit.services.policy_versions(),
            template,
            tab=tab,
            rules=found,
            query=query,
            shown=len(found),
            total=len(rows),
        )


def respond(
    page: PageRequest,
    policy_set: PolicySet,
    versions: Iterable[PolicyVersion],
    template: str,
    *,
    tab: str,
    **values: Any,
) -> Response:
    """Fill a page that stands under the tabs, with which version is in force above them."""
    in_force = next(
        (
            each
            for each in versions
            if each.state is State.IN_FORCE and each.digest == policy_set.digest
        ),
        None,
    )
    return page.respond(
        template, digest=policy_set.digest, in_force=in_force, tabs=TABS, tab=tab, **values
    )


def unknown(page: PageRequest, what: str) -> Response:
    """Say that the policy set in force has no such function, organisation or agreement."""
    return page.respond("policy_unknown.html", status=404, what=what)


def function_row(function: Function, policy_set: PolicySet) -> FunctionRow:
    """Say a function in words."""
    names = {each.id: each.name for each in policy_set.organisations}
    floor = named(function.floor.text, policy_set)
    return FunctionRow(
        id=function.id,
        title=function.title,
        area=function.area,
        classification=function.classification.value,
        regime="Law enforcement" if function.regime.value == "LE" else "General",
        floor=floor,
        other_floors=tuple(
            f"{named(each.text, policy_set)} for records of {names.get(owner, owner)}"
            for owner, each in sorted(function.floor_by_owner.items())
        ),
        scope=function.scope.value.replace("-", " "),
        system=function.system,
        obligations=obligation_words(Obligations.of_function(function.obligations)),
        search=folded(
            f"{function.id} {function.title} {function.area} {function.classification.value} "
            f"{function.floor.text} {floor} {function.system}"
        ),
    )


def _counts(
    counting: Counting, function: Function, policy_set: PolicySet
) -> list[tuple[str, Tally, int]]:
    """Give for each organisation how many may, and of how many; nothing until all were counted."""
    if counting.staff is None:
        return []
    nobody = Tally(may=0, after=0)
    return [
        (
            each.name,
            counting.tallies.get((function.id, each.id), nobody),
            counting.staff.get(each.id, 0),
        )
        for each in policy_set.organisations
    ]


def _searched(rows: Iterable[_Row]) -> tuple[str, list[_Row]]:
    query = request.args.get("q", "")[:_LONGEST_QUERY].strip()
    words = folded(query).split()
    return query, [row for row in rows if all(word in row.search for word in words)]


def _known(word: str, words: Iterable[str]) -> str:
    return word if word in set(words) else ""


def _grid_of(
    grid: Grid, policy_set: PolicySet, organisation: str, *, area: str, query: str
) -> tuple[list[GridColumn], list[tuple[str, list[GridRow]]]]:
    """Give the columns and the rows by area that somebody asked to see."""
    words = folded(query).split()
    places = [
        place
        for place, audience in enumerate(grid.audiences)
        if not organisation or audience.organisation.id == organisation
    ]
    groups: dict[str, list[GridRow]] = {}
    for function in policy_set.catalogue.functions.values():
        text = folded(f"{function.id} {function.title} {function.area}")
        if (area and function.area != area) or not all(word in text for word in words):
            continue
        cells = grid.cells[function.id]
        groups.setdefault(function.area, []).append(
            GridRow(
                id=function.id,
                title=function.title,
                cells=tuple(
                    cell_words(cells[place], grid.audiences[place], function) for place in places
                ),
            )
        )
    columns = [
        GridColumn(organisation=each.organisation.name, title=each.title)
        for each in (grid.audiences[place] for place in places)
    ]
    return columns, list(groups.items())


def _heads(columns: Iterable[GridColumn]) -> list[tuple[str, int]]:
    """Give each organisation with the number of its columns."""
    heads: dict[str, int] = {}
    for column in columns:
        heads[column.organisation] = heads.get(column.organisation, 0) + 1
    return list(heads.items())
