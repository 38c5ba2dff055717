"""The policy set in force, to be read: functions, rules as sentences, agreements, dates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import Response, request

from gateway.pages import local_time
from gateway.pages.page import PageKit, PageRequest, Route
from gateway.pages.portal import folded
from policies.agreements import EVERY_FUNCTION
from policies.decision import Effect

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    from policies.agreements import Agreement
    from policies.function import Function
    from policies.policy_set import PolicySet
    from policies.rules import Rule

FUNCTION = "gate.policy"
POLICY = "/-/policy"
# Each is an address of its own (`view=`); the first is shown without.
VIEWS = ("functions", "rules", "agreements")
_LONGEST_QUERY = 80


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
class RuleRow:
    """One rule as a sentence.

    Attributes:
        id: its name.
        denies: whether it takes away.
        sentence: in words.
        functions: title and id of those it speaks of.
        reason: why there is such a rule.
        owner: who answers for it.
        search: what the search box looks through.
    """

    id: str
    denies: bool
    sentence: str
    functions: tuple[tuple[str, str], ...]
    reason: str
    owner: str
    search: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementRow:
    """One agreement with its dates in words."""

    id: str
    title: str
    parties: str
    basis: str
    starts: date
    ends: date | None
    review_due: date | None
    review_overdue: bool
    data_sharing: str
    assessment: str
    functions: int
    live: bool
    standing: str


class PolicyPage:
    """The policy set, read only."""

    def __init__(self, kit: PageKit) -> None:
        self._kit = kit

    def routes(self) -> tuple[Route, ...]:
        """List the addresses."""
        return (Route(rule=POLICY, endpoint="policy", view=self.show, guarded_by=FUNCTION),)

    def show(self) -> Response:
        """Show the whole set, or what speaks of one function (`function=`)."""
        page = self._kit.open_request()
        policy_set = self._kit.services.engine().policy_set
        functions = policy_set.catalogue.functions
        chosen = functions.get(request.args.get("function", ""))
        if chosen is not None:
            return page.respond(
                "policy_function.html",
                function=function_row(chosen),
                matchers=chosen.matchers,
                note=chosen.note,
                rules=[
                    rule_row(rule, functions)
                    for rule in policy_set.rules
                    if chosen.id in rule.functions
                ],
                agreements=[
                    agreement_row(agreement, policy_set, at=page.at)
                    for agreement in policy_set.agreements
                    if _offers(agreement, chosen)
                ],
            )
        return self._overview(page, policy_set)

    def _overview(self, page: PageRequest, policy_set: PolicySet) -> Response:
        catalogued = policy_set.catalogue.functions
        view = request.args.get("view", "")
        view = view if view in VIEWS else VIEWS[0]
        query = request.args.get("q", "")[:_LONGEST_QUERY].strip()
        words = folded(query).split()
        functions = [function_row(function) for function in catalogued.values()]
        rules = [rule_row(rule, catalogued) for rule in policy_set.rules]
        totals = dict(
            zip(VIEWS, (len(functions), len(rules), len(policy_set.agreements)), strict=True)
        )
        functions = [row for row in functions if all(word in row.search for word in words)]
        rules = [row for row in rules if all(word in row.search for word in words)]
        return page.respond(
            "policy.html",
            policy_set=policy_set,
            view=view,
            views=[(name, name.capitalize(), totals[name]) for name in VIEWS],
            query=query,
            total=totals[view],
            shown=len(rules if view == "rules" else functions),
            functions=functions,
            rules=rules,
            agreements=[
                agreement_row(agreement, policy_set, at=page.at)
                for agreement in policy_set.agreements
            ],
        )


def function_row(function: Function) -> FunctionRow:
    """Say a function in words."""
    return FunctionRow(
        id=function.id,
        title=function.title,
        area=function.area,
        classification=function.classification.value,
        regime="Law enforcement" if function.regime.value == "LE" else "General",
        floor=function.floor.text,
        other_floors=tuple(
            f"{owner}: {floor.text}" for owner, floor in sorted(function.floor_by_owner.items())
        ),
        scope=function.scope.value.replace("-", " "),
        system=function.system,
        obligations=", ".join(function.obligations),
        search=folded(
            f"{function.id} {function.title} {function.area} {function.classification.value} "
            f"{function.floor.text} {function.system}"
        ),
    )


def rule_row(rule: Rule, functions: Mapping[str, Function]) -> RuleRow:
    """Say a rule in words, with its functions apart, as there may be dozens."""
    may = "may" if rule.effect is Effect.PERMIT else "may not"
    actions = " and ".join(_ACTIONS[action.value] for action in sorted(rule.actions))
    criteria = ", ".join(criterion.sentence() for criterion in rule.criteria)
    comma = "," if len(rule.criteria) > 1 else ""
    sentence = f"Staff {criteria}{comma} {may} {actions}:"
    named = tuple(
        (functions[name].title if name in functions else name, name)
        for name in sorted(rule.functions)
    )
    return RuleRow(
        id=rule.id,
        denies=rule.effect is Effect.DENY,
        sentence=sentence,
        functions=named,
        reason=f"{rule.reason[:1].upper()}{rule.reason[1:]}",
        owner=rule.owner,
        search=folded(f"{rule.id} {sentence} {rule.reason} {named} {rule.owner}"),
    )


def agreement_row(agreement: Agreement, policy_set: PolicySet, *, at: datetime) -> AgreementRow:
    """Say an agreement in words, with whether it holds at an instant."""
    names = {organisation.id: organisation.name for organisation in policy_set.organisations}
    every = EVERY_FUNCTION in agreement.functions
    offered = len(policy_set.catalogue.functions) if every else len(agreement.functions)
    expires = agreement.dsa_expires
    live = agreement.live(at=at)
    return AgreementRow(
        id=agreement.id,
        title=agreement.title,
        parties=", ".join(sorted(names.get(party, party) for party in agreement.parties)),
        basis=_BASES.get(agreement.legal_basis.value, agreement.legal_basis.value),
        starts=agreement.start,
        ends=agreement.end,
        review_due=agreement.review_due,
        review_overdue=agreement.review_overdue(at=at),
        data_sharing=f"{agreement.dsa_ref}, to {local_time.day(expires)}"
        if expires
        else agreement.dsa_ref,
        assessment=agreement.dpia_ref,
        functions=offered,
        live=live,
        standing="In force" if live else _not_live(agreement, at),
    )


def _not_live(agreement: Agreement, at: datetime) -> str:
    if agreement.status.value != "in-force":
        return agreement.status.value.replace("-", " ").capitalize()
    return "Not begun" if at < agreement.starts_at else "Ended"


def _offers(agreement: Agreement, function: Function) -> bool:
    return function.id in agreement.functions or EVERY_FUNCTION in agreement.functions


_ACTIONS = {"read": "read", "write": "change"}

_BASES = {
    "s22A": "Police Act 1996, section 22A",
    "PCA2017": "Policing and Crime Act 2017",
    "LAGSA1970": "Local Authorities (Goods and Services) Act 1970",
    "LGA1972": "Local Government Act 1972",
    "contract": "Contract",
    "own-staff": "The host's own staff",
}
