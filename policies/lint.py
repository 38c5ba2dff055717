"""Looks at a policy set for what is allowed but probably not meant, and grades what it finds.

A policy set that loads is well formed; whether it says what its officers mean is another matter.
Each finding has a code that stays, where it is, why it matters and what to do:

    L101  warning           a permit that no agreement lets anybody use
    L102  warning           a rule whose last day has passed
    L103  security-warning  sensitive records of others for whoever works there
    L104  warning           a permit that a deny takes away from everybody it concerns
    L105  suggestion        a permit that another permit contains
    L106  warning           a function of the back office that no rule permits
    L107  warning           a function that an agreement offers and no rule permits to that partner
    L108  warning           an agreement whose review, end or data-sharing agreement is due
    L109  suggestion        a post or unit that is spelt almost like another
    L110  suggestion        a rule about no organisation of the set
    L111  warning           two permits that ask for purposes and have none in common
    L112  warning           a permit to change that is bound to change nothing
    L113  suggestion        a purpose or a set of fields that no rule names
    L114  security-warning  an agreement that takes vetting for more than was granted
    L115  suggestion        an agreement that accepts what the host accepts from anybody
    L116  warning           a permit under what is done to answers, of a function over WebSocket

Which organisations a rule is about is worked out exactly; what people hold is not looked at.
"""

from __future__ import annotations

import difflib
from dataclasses import replace
from typing import TYPE_CHECKING

from policies.criteria import OfOrganisation, Result
from policies.criteria.agreement import UnderAgreements
from policies.criteria.criterion import WordsCriterion
from policies.criteria.organisation import OfOrganisations
from policies.criteria.organisation_kind import OfKinds
from policies.criteria.post import InPosts
from policies.criteria.unit import InUnits
from policies.decision import Effect
from policies.function import GATEWAY_SYSTEM, WEBSOCKET, Action
from policies.lint_agreements import due_agreements, odd_acceptances
from policies.lint_finding import Finding, Grade
from policies.obligations import MASK_BIT, WATERMARK_BIT, Obligations

__all__ = ["Finding", "Grade", "lint"]

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from policies.criteria import Criterion
    from policies.function import Function
    from policies.organisations import PolicyOrganisation
    from policies.policy_set import PolicySet
    from policies.rules import Rule

ALIKE = 0.85
"""How alike two words are, from 0 to 1, when one of them is probably misspelt."""


def lint(policy_set: PolicySet, *, at: datetime) -> tuple[Finding, ...]:
    """Find what is probably not meant, the gravest first.

    Args:
        policy_set: what to look at.
        at: now; some findings are about days that have passed or are near.
    """
    look = _Look(policy_set, at)
    found = [
        *look.rules(),
        *look.functions(),
        *due_agreements(policy_set, at),
        *odd_acceptances(policy_set),
        *look.words(),
    ]
    order = list(Grade)
    return tuple(sorted(found, key=lambda each: (order.index(each.grade), each.code, each.where)))


class _Look:
    """One look at one policy set."""

    def __init__(self, policy_set: PolicySet, at: datetime) -> None:
        self._set = policy_set
        self._at = at
        self._permits = [rule for rule in policy_set.rules if rule.effect is Effect.PERMIT]
        self._denies = [rule for rule in policy_set.rules if rule.effect is Effect.DENY]
        self._about = {
            rule.id: frozenset(
                each.id for each in policy_set.organisations if _concerns(rule, each)
            )
            for rule in policy_set.rules
        }

    # ---- rules ----------------------------------------------------------------------------

    def rules(self) -> Iterator[Finding]:
        for rule in self._set.rules:
            if rule.ends is not None and rule.ends < self._at.date():
                yield Finding(
                    code="L102",
                    grade=Grade.WARNING,
                    where=f"rule `{rule.id}`",
                    why=f"its last day was {rule.ends.isoformat()}",
                    remedy="remove it, or give it another last day",
                )
            if not self._about[rule.id]:
                yield Finding(
                    code="L110",
                    grade=Grade.SUGGESTION,
                    where=f"rule `{rule.id}`",
                    why="no organisation of this policy set is one it is about",
                    remedy="remove it, unless it stands in a file that other sets are based on",
                )
        for rule in self._permits:
            if not self._about[rule.id]:
                continue
            yield from self._unusable(rule)
            yield from self._too_wide(rule)
            yield from self._taken_away(rule)
            yield from self._contained(rule)
            yield from self._bound(rule)

    def _unusable(self, rule: Rule) -> Iterator[Finding]:
        functions = self._set.catalogue.functions
        asked = [name for name in rule.functions if functions[name].system != GATEWAY_SYSTEM]
        useless = [
            name
            for name in sorted(asked)
            if not any(self._offered(name, each) for each in self._about[rule.id])
        ]
        if useless:
            yield Finding(
                code="L101",
                grade=Grade.WARNING,
                where=f"rule `{rule.id}`",
                why=f"no agreement offers {_listed(useless)} to anybody it is about",
                remedy="take the functions out, or add them to an agreement",
            )

    def _too_wide(self, rule: Rule) -> Iterator[Finding]:
        if any(not isinstance(each, OfOrganisations | OfKinds) for each in rule.when):
            return
        functions = self._set.catalogue.functions
        sensitive = [
            name
            for name in sorted(rule.functions)
            if functions[name].shows_sensitive_records_of_others
            and functions[name].system != GATEWAY_SYSTEM
        ]
        if sensitive:
            yield Finding(
                code="L103",
                grade=Grade.SECURITY_WARNING,
                where=f"rule `{rule.id}`",
                why=f"whoever works there and meets the floor reaches {_listed(sensitive)}",
                remedy="name posts, units, or whose records they may see",
            )

    def _taken_away(self, rule: Rule) -> Iterator[Finding]:
        for deny in self._denies:
            others = [each for each in deny.when if not isinstance(each, OfOrganisations | OfKinds)]
            if (
                rule.functions <= deny.functions
                and rule.actions <= deny.actions
                and self._about[rule.id] <= self._about[deny.id]
                and deny.starts is None
                and deny.ends is None
                and all(_implied(each, rule.when) for each in others)
            ):
                yield Finding(
                    code="L104",
                    grade=Grade.WARNING,
                    where=f"rule `{rule.id}`",
                    why=f"rule `{deny.id}` denies all of it",
                    remedy="remove one of the two, or narrow the deny",
                )

    def _bound(self, rule: Rule) -> Iterator[Finding]:
        owed = rule.obligations
        if owed.read_only and rule.actions == {Action.WRITE}:
            yield Finding(
                code="L112",
                grade=Grade.WARNING,
                where=f"rule `{rule.id}`",
                why="it permits to change and binds whoever does to change nothing",
                remedy="add the action read, or take `read_only` out",
            )
        if owed.bits & (MASK_BIT | WATERMARK_BIT):
            functions = self._set.catalogue.functions
            over = [name for name in sorted(rule.functions) if _is_over_websocket(functions[name])]
            if over:
                yield Finding(
                    code="L116",
                    grade=Grade.WARNING,
                    where=f"rule `{rule.id}`",
                    why=f"over WebSocket ({_listed(over)}) nothing is masked or marked, so nobody "
                    "whom it permits opens one",
                    remedy="make the WebSocket a function of its own, or leave it to be refused",
                )
        later = self._permits[self._permits.index(rule) + 1 :] if owed.purpose else ()
        for other in later:
            joined = owed.joined(other.obligations).purpose
            if (
                other.obligations.purpose is not None
                and joined is not None
                and not joined.codes
                and not rule.functions.isdisjoint(other.functions)
                and not rule.actions.isdisjoint(other.actions)
                and not self._about[rule.id].isdisjoint(self._about[other.id])
            ):
                yield Finding(
                    code="L111",
                    grade=Grade.WARNING,
                    where=f"rule `{rule.id}`",
                    why=f"it and rule `{other.id}` have no purpose in common, so that whoever is "
                    "permitted by both is refused",
                    remedy="give both a purpose in common, or let only one of them apply",
                )

    def _contained(self, rule: Rule) -> Iterator[Finding]:
        if rule.obligations.bits:
            return  # it counts beside the wider one
        for other in self._permits:
            if (
                other is not rule
                and rule.functions <= other.functions
                and rule.actions <= other.actions
                and (other.starts, other.ends) in {(None, None), (rule.starts, rule.ends)}
                and self._about[rule.id] <= self._about[other.id]
                and all(
                    _implied(each, rule.when)
                    for each in other.when
                    if not isinstance(each, OfOrganisations | OfKinds)
                )
            ):
                yield Finding(
                    code="L105",
                    grade=Grade.SUGGESTION,
                    where=f"rule `{rule.id}`",
                    why=f"rule `{other.id}` permits all of it already",
                    remedy="remove the narrower one",
                )

    # ---- functions, agreements, words -----------------------------------------------------

    def functions(self) -> Iterator[Finding]:
        for name, function in self._set.catalogue.functions.items():
            permitted = frozenset[str]().union(
                *(self._about[rule.id] for rule in self._permits if name in rule.functions)
            )
            if not permitted:
                yield Finding(
                    code="L106",
                    grade=Grade.WARNING,
                    where=f"function `{name}`",
                    why="no rule permits it to anybody",
                    remedy="write a rule, or take it out of the catalogue",
                )
                continue
            if function.system == GATEWAY_SYSTEM:
                continue
            partners = [each.id for each in self._set.organisations if not each.host]
            shut = [
                each for each in partners if self._offered(name, each) and each not in permitted
            ]
            if shut:
                yield Finding(
                    code="L107",
                    grade=Grade.WARNING,
                    where=f"function `{name}`",
                    why=f"an agreement offers it to {_listed(shut)}, and no rule permits it there",
                    remedy="write a rule, or take it out of the agreement",
                )

    def words(self) -> Iterator[Finding]:
        owed = Obligations.of_all(replace(each.obligations, purpose=None) for each in self._permits)
        asked = (each.obligations.purpose for each in self._permits)
        codes = frozenset[str]().union(*(each.codes for each in asked if each is not None))
        catalogue = self._set.catalogue
        unused = [f"purpose `{code}`" for code in catalogue.purposes if code not in codes]
        unused += [f"field set `{name}`" for name in catalogue.field_sets if name not in owed.mask]
        for where in unused:
            yield Finding(
                code="L113",
                grade=Grade.SUGGESTION,
                where=where,
                why="no rule names it",
                remedy="remove it, unless it stands in a file that other sets are based on",
            )
        for kind in (InPosts, InUnits):
            used: dict[str, list[str]] = {}
            for rule in self._set.rules:
                for criterion in rule.when:
                    if isinstance(criterion, kind):
                        for word in criterion.words:
                            used.setdefault(word, []).append(rule.id)
            for word, rules in sorted(used.items()):
                likely = [other for other in used if len(used[other]) > len(rules)]
                near = difflib.get_close_matches(word, likely, n=1, cutoff=ALIKE)
                if near:
                    yield Finding(
                        code="L109",
                        grade=Grade.SUGGESTION,
                        where=f"rule `{rules[0]}`",
                        why=f"{kind.name} `{word}` is almost `{near[0]}`, which other rules name",
                        remedy="spell both as the directories do",
                    )

    def _offered(self, function: str, organisation: str) -> bool:
        return any(
            organisation in agreement.serves
            and function in agreement.functions
            and (agreement.ends_at is None or agreement.ends_at > self._at)
            for agreement in self._set.agreements
        )


def _concerns(rule: Rule, organisation: PolicyOrganisation) -> bool:
    """Tell whether staff of an organisation can meet the rule's organisation criteria."""
    for criterion in rule.when:
        form = criterion.form()
        if (
            isinstance(form, OfOrganisation)
            and form.ask(organisation.id, organisation.kind) is not Result.MET
        ):
            return False
    return True


def _is_over_websocket(function: Function) -> bool:
    return any(WEBSOCKET in matcher.methods for matcher in function.matchers)


def _implied(criterion: Criterion, by: Iterable[Criterion]) -> bool:
    """Tell whether whoever meets `by` meets the criterion."""
    return any(
        criterion == other
        or (
            isinstance(criterion, WordsCriterion)
            and not isinstance(criterion, UnderAgreements)
            and type(other) is type(criterion)
            and other.words <= criterion.words
        )
        for other in by
    )


def _listed(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
