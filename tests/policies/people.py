"""Staff, grants and questions for the tests of `policies`, and the policy set that is shipped."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from typing_extensions import override

import policies
from policies.catalogue import Catalogue
from policies.criteria.criterion import Result, TrueCriterion
from policies.function import Action
from policies.obligations import FieldSet, Purpose
from policies.policy_set import load_policy_set
from policies.question import Question, Subject
from policies.reasons import Reason
from policies.rules import Rule, load_rules
from vetting.clearance import Clearance
from vetting.grants import ClearanceGrant, GrantStatus
from vetting.levels import LevelId, LevelOrder
from vetting.requirement import Requirement

if TYPE_CHECKING:
    from collections.abc import Iterable

    from policies.criteria import Criterion
    from policies.decision import Effect
    from policies.obligations import Obligation
    from policies.policy_set import PolicySet

PROJECT = Path(policies.__file__).parents[1]
SHARED = PROJECT / "policies" / "library" / "shared-services"
LIBRARY = PROJECT / "deploy" / "scenarios" / "cheshire-blue-light" / "policy"
AT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
YESTERDAY = date(2026, 11, 20)
PASSWORD = frozenset({"password"})
BOTH_FACTORS = frozenset({"password", "second-factor"})
HOST, FIRE, AMBULANCE = "cheshire-police", "cheshire-fire", "nwas"
KINDS = {HOST: "police", FIRE: "fire", AMBULANCE: "ambulance"}
PURPOSES, FIELD_SETS = ("audit", "complaint", "pay-query"), ("bank-details", "health")
SCREENING = {"DBSB", "DBSS", "DBSE", "BPSS"}


def copied_set(directory: Path) -> Path:
    """Copy the shipped policy set, and what it is based on, into a folder; gives the set's own."""
    for folder in (SHARED, LIBRARY):
        shutil.copytree(folder, directory / folder.relative_to(PROJECT))
    return directory / LIBRARY.relative_to(PROJECT)


@cache
def cheshire() -> PolicySet:
    """The policy set that is shipped."""
    return load_policy_set(LIBRARY)


def with_rules(directory: Path, text: str) -> PolicySet:
    """The shipped policy set with other rules."""
    path = directory / "rules.toml"
    path.write_text(text, encoding="utf-8")
    shipped = with_words(cheshire())
    rules = load_rules(path, functions=shipped.catalogue.functions, terms=shipped.terms)
    return replace(shipped, rules=rules)


def rule_text(
    when: str,
    *,
    id: str = "tested",  # noqa: A002 - as the file has it
    effect: str = "permit",
    functions: str = '["pay.slip"]',
    actions: str = '["read"]',
    more: str = "",
) -> str:
    """One rule as a file has it."""
    return f"""
[[rule]]
id = "{id}"
effect = "{effect}"
functions = {functions}
actions = {actions}
when = {{ {when} }}
reason = "a test"
owner = "tests"
{more}
"""


def grant(
    level: str,
    organisation: str = FIRE,
    *,
    expires_on: date | None = None,
    status: GrantStatus = GrantStatus.GRANTED,
    functions: Iterable[str] = (),
) -> ClearanceGrant:
    """A grant of clearance that counts for staff of the organisation."""
    return ClearanceGrant(
        id=f"grant-{level}",
        level=LevelId(level),
        granting_body=organisation if level in SCREENING else HOST,
        sponsor=organisation,
        granted_on=date(2016, 1, 1),
        expires_on=expires_on,
        review_due_on=None,
        status=status,
        functions=frozenset(functions),
    )


def clearance(
    *levels: str,
    organisation: str = FIRE,
    order: LevelOrder | None = None,
    ended: Iterable[str] = (),
) -> Clearance:
    """The clearance of someone who holds these levels; those in `ended` expired yesterday."""
    grants = [grant(level, organisation) for level in levels]
    grants += [grant(level, organisation, expires_on=YESTERDAY) for level in ended]
    order = order or cheshire().levels
    return Clearance(
        grants=tuple(grants), organisation=organisation, order=order, accepted=frozenset({HOST})
    )


def subject(
    *levels: str,
    organisation: str = FIRE,
    posts: Iterable[str] = ("firefighter",),
    unit: str = "Blue Watch",
    team: Iterable[str] = (),
    appointments: Iterable[str] = (),
    number: str = "40011",
    ended: Iterable[str] = (),
    trainings: Iterable[str] = (),
) -> Subject:
    """A member of staff."""
    return Subject(
        staff_id=f"{organisation}/7d3c",
        organisation=organisation,
        organisation_kind=KINDS.get(organisation, "supplier"),
        employee_number=number,
        name="A. Person",
        posts=frozenset(posts),
        unit=unit,
        team=frozenset(team),
        appointments=frozenset(appointments),
        clearance=clearance(*levels, organisation=organisation, ended=ended),
        trainings=frozenset(trainings),
    )


def asked(
    who: Subject,
    function_id: str = "pay.slip",
    action: str = "read",
    *,
    at: datetime = AT,
    person: str | None = None,
    owner: str | None = None,
    factors: frozenset[str] = PASSWORD,
    zone: str | None = None,
    age_us: int | None = None,
    purpose: str | None = None,
    honours: Iterable[Obligation] = (),
) -> Question:
    """A question about a function of the shipped catalogue."""
    return Question(
        subject=who,
        function=cheshire().catalogue.functions[function_id],
        action=action,
        at=at,
        record_person=person,
        record_organisation=owner,
        factors=factors,
        zone=zone,
        second_factor_age_us=age_us,
        purpose=purpose,
        honours=frozenset(honours),
    )


def with_function(policy_set: PolicySet, function_id: str, **changes: object) -> PolicySet:
    """The policy set with one function changed."""
    functions = [
        replace(each, **changes) if each.id == function_id else each  # type: ignore[arg-type] # any field
        for each in policy_set.catalogue.functions.values()
    ]
    catalogue = policy_set.catalogue
    return replace(
        policy_set,
        catalogue=Catalogue(
            functions, purposes=catalogue.purposes, field_sets=catalogue.field_sets
        ),
    )


def with_words(policy_set: PolicySet) -> PolicySet:
    """The policy set with purposes and sets of fields that rules may name."""
    catalogue = Catalogue(
        policy_set.catalogue.functions.values(),
        purposes={code: Purpose(code=code, title=code.title()) for code in PURPOSES},
        field_sets={
            name: FieldSet(id=name, title=name.title(), fields=frozenset({name}))
            for name in FIELD_SETS
        },
    )
    return replace(policy_set, catalogue=catalogue)


def requirement(text: str) -> Requirement:
    """A requirement over the shipped levels."""
    return Requirement.parse(text, cheshire().levels)


@dataclass(frozen=True, slots=True)
class Broken(TrueCriterion):
    """A criterion that fails when it is asked, as a criterion with a fault in it would."""

    name: ClassVar[str] = "broken"
    reasons: ClassVar[tuple[Reason, Reason]] = (Reason.UNDER_AGREEMENT, Reason.NOT_UNDER_AGREEMENT)

    @override
    def result(self, question: Question) -> Result:
        """Fail."""
        raise ZeroDivisionError("a fault in a criterion")

    @override
    def sentence(self) -> str:
        """Say it."""
        return "for whom a criterion is broken"

    @override
    def shown(self, question: Question) -> str:
        """Fail."""
        raise ZeroDivisionError("a fault in a criterion")


def with_broken_rule(policy_set: PolicySet, effect: Effect, *more: Criterion) -> PolicySet:
    """The policy set with one more rule on the payslip, whose criterion fails."""
    rule = Rule(
        id="broken",
        effect=effect,
        functions=frozenset({"pay.slip"}),
        written_functions=("pay.slip",),
        actions=frozenset({Action.READ}),
        when=(*more, Broken()),
        reason="a test",
        owner="tests",
    )
    return replace(policy_set, rules=(*policy_set.rules, rule))
