"""What differs between two policy sets, and whether any of it could let somebody in.

A change tightens when nobody can be permitted anything by it that was not permitted before, whoever
they are. That is judged from what a change is, not from who works there now:

1. rules: a permit that is gone, or a new deny, tightens, unless with the permit a zone is named
   no more (while any rule names one that is not known, no request's zone is), or what it was bound
   to goes with it, as that had counted beside other permits. So does a permit that is bound to more
   and otherwise the same;
2. agreements: one that is gone, suspended or ended, ends earlier, offers fewer functions to the
   same partners or accepts less vetting, tightens, unless a deny or a rule with obligations rests
   on it or on the vetting it accepts, or it came before another in the file, whose vetting counts
   now;
3. functions: one with more obligations tightens. One that is gone may loosen: its requests may mean
   another function now.

4. words: a purpose, a set of fields or the marking of a system's answers that is new tightens, and
   a set that has more fields.

Everything else may loosen, and is said to. A reworded title counts as loosening too: it is safe to
ask a second person for too much.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from policies.agreements import AgreementStatus
from policies.criteria.agreement import UnderAgreements
from policies.criteria.clearance import ClearedTo
from policies.criteria.zone import FromZones
from policies.decision import Effect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import TypeVar

    from policies.agreements import Agreement
    from policies.function import Function
    from policies.obligations import FieldSet
    from policies.policy_set import PolicySet
    from policies.rules import Rule

    _Part = TypeVar("_Part")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One difference.

    Attributes:
        what: `organisation`, `function`, `agreement`, `rule`, `purpose`, `field set`, `marking`.
        id: which one.
        how: `new`, `gone` or `changed`.
        words: what it is about, for people.
        loosens: whether somebody might be permitted by it what was not permitted before.
    """

    what: str
    id: str
    how: str
    words: str
    loosens: bool

    def __str__(self) -> str:
        """Say it on one line."""
        effect = "may loosen" if self.loosens else "tightens"
        return f"{self.how} {self.what} `{self.id}` ({effect}): {self.words}"


def changes(before: PolicySet, after: PolicySet) -> tuple[Change, ...]:
    """Compare two policy sets, part by part; empty where they mean the same."""

    def rests_on(*agreements: Agreement | None) -> bool:
        names = {each.id for each in agreements if each is not None}
        return any(
            isinstance(criterion, UnderAgreements) and criterion.words & names
            for rule in (*before.rules, *after.rules)
            if rule.effect is Effect.DENY or rule.obligations.bits
            for criterion in rule.when
        )

    def comes_after(agreement: Agreement | None) -> bool:
        """Tell whether the vetting that another accepts may count in its place."""
        return agreement is not None and any(
            each.accepts and each.serves & agreement.serves and each.functions & agreement.functions
            for each in after.agreements
            if each.id != agreement.id
        )

    on_clearance = any(
        isinstance(criterion, ClearedTo)
        for rule in (*before.rules, *after.rules)
        if rule.effect is Effect.DENY or rule.obligations.bits
        for criterion in rule.when
    )
    unnamed = before.zones - after.zones

    def names(rule: Rule | None) -> bool:
        when = () if rule is None else rule.when
        return any(isinstance(each, FromZones) and each.words & unnamed for each in when)

    return (
        *_compared(
            "organisation",
            {each.id: each for each in before.organisations},
            {each.id: each for each in after.organisations},
            words=lambda each: each.name,
            tightens=lambda _before, _after: False,
        ),
        *_compared(
            "function",
            before.catalogue.functions,
            after.catalogue.functions,
            words=lambda each: each.title,
            tightens=_function_tightens,
        ),
        *_compared(
            "agreement",
            {each.id: each for each in before.agreements},
            {each.id: each for each in after.agreements},
            words=lambda each: each.title,
            tightens=lambda was, now: (
                _agreement_tightens(was, now)
                and not rests_on(was, now)
                and not comes_after(was)
                and not (was is not None and was.accepts and on_clearance)
            ),
        ),
        *_compared(
            "rule",
            {each.id: each for each in before.rules},
            {each.id: each for each in after.rules},
            words=lambda each: each.sentence(),
            tightens=lambda was, now: _rule_tightens(was, now) and not names(was),
        ),
        *_compared(
            "purpose",
            before.catalogue.purposes,
            after.catalogue.purposes,
            words=lambda each: each.title,
            tightens=lambda was, _now: was is None,
        ),
        *_compared(
            "field set",
            before.catalogue.field_sets,
            after.catalogue.field_sets,
            words=lambda each: each.title,
            tightens=_fields_tighten,
        ),
        *_compared(
            "marking",
            before.catalogue.markings,
            after.catalogue.markings,
            words=lambda each: f"how answers of {each.system} are marked",
            tightens=lambda was, _now: was is None,
        ),
        *_of_whole_catalogue(before, after),
    )


def _compared(
    what: str,
    before: Mapping[str, _Part],
    after: Mapping[str, _Part],
    *,
    words: Callable[[_Part], str],
    tightens: Callable[[_Part | None, _Part | None], bool],
) -> Iterator[Change]:
    for name in {**before, **after}:
        was, now = before.get(name), after.get(name)
        if was == now:
            continue
        known = now if now is not None else was
        yield Change(
            what=what,
            id=name,
            how="gone" if now is None else "new" if was is None else "changed",
            words=words(known) if known is not None else "",
            loosens=not tightens(was, now),
        )


def _of_whole_catalogue(before: PolicySet, after: PolicySet) -> Iterator[Change]:
    """What no function has by itself: which parameters carry functions, which forms are read."""
    was, now = before.catalogue, after.catalogue
    if (was.carriers, was.form_paths) != (now.carriers, now.form_paths):
        yield Change(
            what="catalogue",
            id="path",
            how="changed",
            words="the parameters that carry functions",
            loosens=True,
        )
    if was.own_host != now.own_host:
        yield Change(
            what="catalogue",
            id="own_host",
            how="changed",
            words="the systems that have a host of their own",
            loosens=True,
        )
    if before.levels != after.levels:
        yield Change(
            what="levels", id="order", how="changed", words="the order of levels", loosens=True
        )


def _function_tightens(before: Function | None, after: Function | None) -> bool:
    if before is None or after is None:
        return False
    same = replace(after, obligations=before.obligations)
    return same == before and set(before.obligations) <= set(after.obligations)


def _agreement_tightens(before: Agreement | None, after: Agreement | None) -> bool:
    if before is None or after is None:
        return after is None
    same = replace(
        after,
        status=before.status,
        functions=before.functions,
        end=before.end,
        dsa_expires=before.dsa_expires,
        accepts=before.accepts,
    )
    earlier = before.ends_at is None or (
        after.ends_at is not None and after.ends_at <= before.ends_at
    )
    stays_shut = after.status in {before.status, AgreementStatus.SUSPENDED, AgreementStatus.ENDED}
    fewer = after.functions <= before.functions and set(after.accepts) <= set(before.accepts)
    return same == before and earlier and stays_shut and fewer


def _fields_tighten(before: FieldSet | None, after: FieldSet | None) -> bool:
    if before is None or after is None:
        return before is None
    same = replace(
        after,
        fields=before.fields,
        other_fields=before.other_fields,
        required=before.required,
    )
    more = before.fields <= after.fields and before.required <= after.required
    return same == before and more and after.other_fields <= before.other_fields


def _rule_tightens(before: Rule | None, after: Rule | None) -> bool:
    if before is None:
        return after is not None and after.effect is Effect.DENY
    if after is None:
        return before.effect is Effect.PERMIT and not before.obligations.bits
    stricter = before.obligations.joined(after.obligations)
    return replace(before, obligations=stricter) == after
