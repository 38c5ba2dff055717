"""What a policy set says, in words that officers use: rules as sentences, agreements, dates.

Ids stand in files and commands; here organisations, levels, functions and agreements have names.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from gateway.pages import local_time
from gateway.pages.portal import folded
from policies.agreements import AgreementStatus
from policies.decision import Effect
from policies.effective_access import Access
from policies.obligations import Obligation, Obligations

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date, datetime

    from policies.agreements import Agreement
    from policies.audiences import Audience
    from policies.criteria import Criterion
    from policies.effective_access import Cell
    from policies.function import Function
    from policies.policy_set import PolicySet
    from policies.rules import Rule

POLICY = "/-/policy"

_WORD = re.compile(r"[A-Za-z0-9]+")
_SHOWN_PATH_PARTS = 2
_WHO = frozenset({"organisation", "organisation_kind"})
_ACTIONS = {"read": "read", "write": "change"}
_BASES = {
    "s22A": "Police Act 1996, section 22A",
    "PCA2017": "Policing and Crime Act 2017",
    "LAGSA1970": "Local Authorities (Goods and Services) Act 1970",
    "LGA1972": "Local Government Act 1972",
    "contract": "Contract",
    "own-staff": "The host's own staff",
}
_OBLIGATIONS = {
    Obligation.STEP_UP: "a second factor",
    Obligation.PURPOSE: "a purpose",
    Obligation.MASK: "parts masked",
    Obligation.WATERMARK: "their name on it",
    Obligation.RATE: "a limit",
}
_CELLS = {
    # what is said in a cell, the shape beside it, the look
    Access.OPEN: ("Yes", "●", "open"),
    Access.WITH_STEP: ("Yes, with", "◆", "step"),
    Access.CONDITIONAL: ("If", "◐", "some"),
    Access.NEEDS_VETTING: ("Too low", "▽", "vetting"),
    Access.UNFULFILLED: ("Cannot be met", "✕", "no"),
    Access.NO_AGREEMENT: ("Not offered", "○", "no"),
    Access.NO_RULE: ("No rule", "✕", "no"),
}
KEY = (
    ("open", "●", "Yes", "all of them may"),
    ("step", "◆", "Yes, with …", "all of them may, after a step such as a second factor"),
    ("some", "◐", "Some posts, or If …", "some of them may, or at some times; open it to see who"),
    ("vetting", "▽", "Too low", "their vetting is too low; more would do"),
    ("no", "✕", "No rule", "no rule permits it, whatever vetting they hold"),
    ("no", "✕", "Cannot be met", "a rule permits it, bound to what cannot be done for it"),
    ("no", "○", "Not offered", "no agreement in force offers it to their organisation"),
)
"""What the cells of the grid say: the look, the shape, the words, what they mean."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CellWords:
    """One cell of the grid as it is shown.

    Attributes:
        text: the answer.
        shape: a sign that goes with it; never the only thing that tells.
        look: which colours.
        more: who, or what is missing; shown where there is room.
        url: where it is explained.
    """

    text: str
    shape: str
    look: str
    more: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleRow:
    """One rule in words.

    Attributes:
        id: its name.
        denies: whether it takes away.
        sentence: all of it but the functions.
        who: whose staff.
        when: what else has to be so, one line each.
        actions: read, change.
        functions: title and id of those it speaks of.
        obligations: what it binds them to, to follow "they must".
        of_functions: what some of these functions ask for besides, shortly.
        reason: why there is such a rule.
        owner: who answers for it.
        place: file and line.
        search: what the search box looks through.
    """

    id: str
    denies: bool
    sentence: str
    who: str
    when: tuple[str, ...]
    actions: str
    functions: tuple[tuple[str, str], ...]
    obligations: str
    of_functions: str
    reason: str
    owner: str
    place: str
    search: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementRow:
    """One agreement with its dates in words."""

    id: str
    title: str
    parties: str
    serves: str
    basis: str
    starts: date
    ends: date | None
    review_due: date | None
    review_overdue: bool
    data_sharing: str
    data_sharing_ends: date | None
    assessment: str
    functions: int
    live: bool
    standing: str
    today: str


def named(words: str, policy_set: PolicySet) -> str:
    """Write the levels of a requirement by their titles: `RV or (N3 and SC)`."""
    titles = {str(level.id): level.title for level in policy_set.levels.levels}
    titles["BASE"] = f"{policy_set.levels.level(policy_set.levels.base).title} or above"
    titles["ANY"] = "no vetting"
    return _WORD.sub(lambda found: titles.get(found[0], found[0]), words)


def obligation_words(obligations: Obligations) -> str:
    """Say shortly what has to be fulfilled besides; that nothing may be changed is said apart."""
    return " and ".join(words for kind, words in _OBLIGATIONS.items() if kind in obligations.kinds)


def obligation_sentences(obligations: Obligations, policy_set: PolicySet) -> tuple[str, ...]:
    """Say each obligation in full, to follow "they must", with names for ids."""
    titles = {}
    for name in obligations.mask:
        fields = policy_set.catalogue.field_sets[name]
        unless = (
            f" unless cleared to {named(fields.needs.text, policy_set)}," if fields.needs else ""
        )
        titles[name] = f"“{fields.title}”{unless}"
    return obligations.sentences(titles)


def answer_words(function: Function, policy_set: PolicySet) -> tuple[str, ...]:
    """Say what is done with the answers of a function, whoever asks."""
    told = []
    if function.menu is not None:
        told.append("It lists functions; each person is shown those that they may open.")
    rule = policy_set.catalogue.markings.get(function.system)
    if rule is not None:
        needs = [
            f"{each.word} needs {named(each.needs.text, policy_set) if each.needs else 'more than'}"
            + ("" if each.needs else " anybody has")
            for each in rule.markings
        ]
        told.append(
            f"An answer that is marked above {function.classification} is refused, and an alarm, "
            f"unless the person has the vetting: {'; '.join(needs)}."
        )
    return tuple(told)


def cell_words(cell: Cell, audience: Audience, function: Function) -> CellWords:
    """Say what an audience may do with a function, and where that is explained."""
    text, shape, look = _CELLS[cell.access]
    more = "; ".join(cell.conditions)
    order = audience.clearance.order
    if cell.access is Access.WITH_STEP:
        besides = obligation_words(cell.obligations)
        text = f"{text} {besides}" if besides else "Yes"
    elif cell.access is Access.CONDITIONAL:
        text = "Some posts" if cell.by_post else "If …"
        if besides := obligation_words(cell.obligations):
            more = f"{more}; with {besides}"
    elif cell.access is Access.NEEDS_VETTING:
        more = f"needs {' and '.join(order.level(each).title for each in cell.needs)}"
    elif cell.access is Access.UNFULFILLED:
        more = f"needs {obligation_words(cell.obligations) or 'that nothing is changed'}"
    if cell.reading_only:
        text = f"{text}, reading only"
    return CellWords(
        text=text,
        shape=shape,
        look=look,
        more=more,
        url=why_url(function.id, audience.organisation.id, audience.levels),
    )


def why_url(function: str, organisation: str, levels: tuple[str, ...], **more: str) -> str:
    """Give the address where an answer is explained."""
    asked = {"function": function, "organisation": organisation, "holds": ",".join(levels)}
    return f"{POLICY}/why?{urlencode(asked | more)}"


def rule_row(rule: Rule, policy_set: PolicySet) -> RuleRow:
    """Say a rule in words, with its functions apart, as there may be dozens."""
    functions = policy_set.catalogue.functions
    may = "may" if rule.effect is Effect.PERMIT else "may not"
    actions = " and ".join(_ACTIONS[action.value] for action in sorted(rule.actions))
    whose = [_criterion(each, policy_set) for each in rule.criteria if each.name in _WHO]
    when = tuple(_criterion(each, policy_set) for each in rule.criteria if each.name not in _WHO)
    asked = [*whose, *when]
    comma = "," if len(asked) > 1 else ""
    sentence = f"Staff {', '.join(asked)}{comma} {may} {actions}:"
    titles = tuple(
        (functions[name].title if name in functions else name, name)
        for name in sorted(rule.functions)
    )
    of_functions = Obligations.of_all(
        Obligations.of_function(functions[name].obligations)
        for name in rule.functions
        if name in functions
    )
    return RuleRow(
        id=rule.id,
        denies=rule.effect is Effect.DENY,
        sentence=sentence,
        who=", ".join(whose).removeprefix("of ") or "every organisation",
        when=tuple(f"{each[:1].upper()}{each[1:]}" for each in when),
        actions=actions,
        functions=titles,
        obligations=" and ".join(obligation_sentences(rule.obligations, policy_set)),
        of_functions=obligation_words(of_functions),
        reason=f"{rule.reason[:1].upper()}{rule.reason[1:]}",
        owner=rule.owner,
        place="/".join(rule.written_at.split("/")[-_SHOWN_PATH_PARTS:]),
        search=folded(f"{rule.id} {sentence} {rule.reason} {titles} {rule.owner}"),
    )


def _criterion(criterion: Criterion, policy_set: PolicySet) -> str:
    """Say a criterion with names for ids."""
    match criterion.name:
        case "organisation":
            names = _organisations(policy_set)
            return f"of {_either(names.get(each, each) for each in _words_of(criterion))}"
        case "agreement":
            titles = {each.id: each.title for each in policy_set.agreements}
            return (
                f"while “{_either(titles.get(each, each) for each in _words_of(criterion))}” holds"
            )
        case "clearance":
            return f"cleared to {named(str(criterion.to_value()), policy_set)}"
        case _:
            return criterion.sentence()


def _words_of(criterion: Criterion) -> list[str]:
    value = criterion.to_value()
    return [str(each) for each in value] if isinstance(value, list | tuple) else [str(value)]


def _either(words: Iterable[str]) -> str:
    listed = list(words)
    return " or ".join([", ".join(listed[:-1]), listed[-1]] if len(listed) > 1 else listed)


def _organisations(policy_set: PolicySet) -> Mapping[str, str]:
    return {each.id: each.name for each in policy_set.organisations}


def agreement_row(agreement: Agreement, policy_set: PolicySet, *, at: datetime) -> AgreementRow:
    """Say an agreement in words, with whether it holds at an instant."""
    names = _organisations(policy_set)
    live = agreement.live(at=at)
    return AgreementRow(
        id=agreement.id,
        title=agreement.title,
        parties=", ".join(sorted(names.get(party, party) for party in agreement.parties)),
        serves=", ".join(sorted(names.get(party, party) for party in agreement.serves)),
        basis=_BASES.get(agreement.legal_basis.value, agreement.legal_basis.value),
        starts=agreement.start,
        ends=agreement.end,
        review_due=agreement.review_due,
        review_overdue=agreement.review_overdue(at=at),
        data_sharing=agreement.dsa_ref,
        data_sharing_ends=agreement.dsa_expires,
        assessment=agreement.dpia_ref,
        functions=len(agreement.functions),
        live=live,
        standing="In force" if live else _not_live(agreement, at),
        today=_today(agreement, at, live=live),
    )


def _not_live(agreement: Agreement, at: datetime) -> str:
    if agreement.status is not AgreementStatus.IN_FORCE:
        return agreement.status.value.replace("-", " ").capitalize()
    return "Not begun" if at < agreement.starts_at else "Ended"


def _today(agreement: Agreement, at: datetime, *, live: bool) -> str:
    """Say what it does on the day."""
    if live:
        ends = ends_of(agreement)
        if ends is None:
            return "It lets staff in today, and no end is agreed."
        return f"It lets staff in today, until {local_time.day(ends)}."
    match agreement.status:
        case AgreementStatus.SUSPENDED:
            return "It is suspended: it lets nobody in until it is put back in force."
        case AgreementStatus.ENDED:
            return "It was ended: it lets nobody in."
        case AgreementStatus.IN_FORCE:
            if at < agreement.starts_at:
                return f"It lets nobody in before {local_time.day(agreement.start)}."
            dsa = agreement.dsa_expires
            if dsa is not None and (agreement.end is None or dsa < agreement.end):
                return f"It lets nobody in: its data sharing ended on {local_time.day(dsa)}."
            return "It lets nobody in: its last day is over."


def ends_of(agreement: Agreement) -> date | None:
    """Give the last day on which it lets anybody in."""
    days = [day for day in (agreement.end, agreement.dsa_expires) if day is not None]
    return min(days, default=None)
