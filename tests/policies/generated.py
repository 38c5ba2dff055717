"""Generated rules and questions, from a seed: every criterion, every answer, every kind of gap."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from policies.acceptance import Acceptance
from policies.criteria import VOCABULARY
from policies.criteria.hours import DAYS as DAYS_OF_WEEK
from policies.decision import Effect
from policies.function import Action
from policies.obligations import Obligation, Obligations, PurposeAsked, Rate
from policies.question import Question, Subject
from policies.rules import Rule
from tests.policies.people import FIELD_SETS, PURPOSES
from vetting.clearance import Clearance
from vetting.grants import ClearanceGrant, GrantStatus
from vetting.levels import LevelId

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from random import Random

    from policies.policy_set import PolicySet

POSTS = ("constable", "detective", "firefighter", "hr", "manager", "paramedic", "planner")
UNITS = ("Blue Watch", "custody", "Human Resources", "protective-services")
ZONES = ("station-network", "vpn", "internet")
COURSES = ("data-protection", "driving")
RARE = ("hours", "zone", "factor_age_minutes", "training")
"""Criteria that few rule sets have; the benchmark measures without them."""
MINUTE = 60_000_000
BODIES = ("host", "host", "host", "north-police")
ACCEPTED = tuple(
    Acceptance(body="north-police", level=LevelId(level), counts_as=LevelId(counts_as))
    for level, counts_as in (("RV", "RV"), ("MV", "N3"), ("N3", "N2F"), ("SC", "SC"))
)
NUMBERS = ("1001", "1002", "1003", "40011")
REQUIREMENTS = ("BASE", "N2F", "RV or N3", "N3 and SC", "MV", "DBSS or BPSS")
FIRST_DAY = date(2018, 1, 1)
DAYS = 3600
STATUSES = (
    *[GrantStatus.GRANTED] * 8,
    *(GrantStatus.SUSPENDED, GrantStatus.UNDER_REVIEW, GrantStatus.EXPIRED),
)
_KINDS = {kind.name: kind for kind in VOCABULARY}


def some(random: Random, words: tuple[str, ...], most: int = 3) -> list[str]:
    """At least one word."""
    return sorted(random.sample(words, random.randint(1, min(most, len(words)))))


def generated_rules(
    policy_set: PolicySet, count: int, random: Random, without: Collection[str] = ()
) -> tuple[Rule, ...]:
    """Rules over the functions of a policy set; one in eight denies, one in six has days.

    Args:
        policy_set: Whose functions.
        count: How many.
        random: Where they come from.
        without: Names of criteria that none has.
    """
    organisations = tuple(each.id for each in policy_set.organisations)
    kinds = tuple(sorted({each.kind.value for each in policy_set.organisations}))
    values: dict[str, Callable[[], object]] = {
        "organisation": lambda: some(random, organisations, 2),
        "organisation_kind": lambda: some(random, kinds, 2),
        "post": lambda: some(random, POSTS),
        "unit": lambda: some(random, UNITS),
        "appointment": lambda: some(random, ("auditor", "security-officer")),
        "clearance": lambda: random.choice(REQUIREMENTS),
        "own_record": lambda: True,
        "own_team": lambda: True,
        "own_organisation": lambda: True,
        "factor": lambda: some(random, ("password", "second-factor")),
        "agreement": lambda: some(random, tuple(each.id for each in policy_set.agreements), 2),
        "hours": lambda: _hours(random),
        "zone": lambda: some(random, ZONES, 2),
        "factor_age_minutes": lambda: random.choice((1, 15, 480)),
        "training": lambda: some(random, COURSES),
    }
    assert set(values) == set(_KINDS), "every criterion has to be generated"
    values = {name: value for name, value in values.items() if name not in without}
    functions = sorted(policy_set.catalogue.functions)
    rules = []
    for number in range(count):
        named = set(random.sample(list(values), random.randint(1, 3)))
        if random.random() < 0.8:
            named.add(random.choice(("organisation", "organisation_kind")))
        written = tuple(random.sample(functions, random.randint(1, 3)))
        starts = ends = None
        if random.random() < 1 / 6:
            starts = FIRST_DAY + timedelta(days=random.randrange(DAYS))
            ends = starts + timedelta(days=random.randrange(DAYS))
        rules.append(
            Rule(
                id=f"generated.{number}",
                effect=Effect.DENY if random.random() < 1 / 8 else Effect.PERMIT,
                functions=frozenset(written),
                written_functions=written,
                actions=frozenset(random.sample(list(Action), random.randint(1, 2))),
                when=tuple(
                    kind.from_value(values[kind.name](), policy_set.terms)
                    for kind in VOCABULARY
                    if kind.name in named
                ),
                reason="generated",
                owner="tests",
                starts=starts,
                ends=ends,
            )
        )
    return tuple(rules)


def bound(rules: tuple[Rule, ...], random: Random) -> tuple[Rule, ...]:
    """The rules, of the permits half bound to obligations of every kind."""
    return tuple(
        replace(rule, obligations=_obligations(random))
        if rule.effect is Effect.PERMIT and random.random() < 0.5
        else rule
        for rule in rules
    )


def _obligations(random: Random) -> Obligations:
    codes = frozenset(some(random, PURPOSES, 2))
    rates = (Rate(random.choice((1, 20)), random.choice((10, 60))),)
    return Obligations(
        step_up=random.random() < 0.2,
        purpose=PurposeAsked(codes=codes, text=random.random() < 0.5)
        if random.random() < 0.3
        else None,
        read_only=random.random() < 0.2,
        mask=frozenset(some(random, FIELD_SETS) if random.random() < 0.2 else ()),
        watermark=random.random() < 0.2,
        rates=rates if random.random() < 0.2 else (),
    )


def _hours(random: Random) -> dict[str, object]:
    first, second = sorted(random.sample(range(49), 2))  # half hours of a day
    times = [f"{half // 2:02}:{half % 2 * 30:02}" for half in (first, second)]
    return {"days": random.sample(DAYS_OF_WEEK, 5), "from": times[0], "until": times[1]}


def generous(policy_set: PolicySet) -> PolicySet:
    """The policy set with agreements that offer everything to everybody, some of them dated.

    Fewer questions then end at the agreement, and more reach the rules.
    """
    host = policy_set.host.id
    functions = frozenset(
        each.id for each in policy_set.catalogue.functions.values() if each.system != "gateway"
    )
    agreements = [
        replace(
            policy_set.agreements[0],
            id=f"with-{organisation.id}-{number}",
            parties=frozenset({host, organisation.id}),
            functions=functions,
            start=FIRST_DAY + timedelta(days=1200 * number),
            end=FIRST_DAY + timedelta(days=1200 * number + 1190),
            accepts=ACCEPTED[: 2 * number],
        )
        for organisation in policy_set.organisations
        for number in range(3)
    ]
    return replace(policy_set, agreements=tuple(agreements))


def generated_subject(policy_set: PolicySet, random: Random) -> Subject:
    """A member of staff, with gaps: no post, no unit, no number, grants of every status."""
    organisation = random.choice(policy_set.organisations)
    known = random.random() < 0.95
    name = organisation.id if known else random.choice(("", "elsewhere"))
    return Subject(
        staff_id=f"{name}/{random.randrange(1000)}",
        organisation=name,
        organisation_kind=organisation.kind.value if random.random() < 0.95 else "",
        employee_number=random.choice((*NUMBERS, "")),
        name="generated",
        posts=frozenset(some(random, POSTS) if random.random() < 0.9 else ()),
        unit=random.choice((*UNITS, "")),
        team=frozenset(some(random, NUMBERS) if random.random() < 0.4 else ()),
        appointments=frozenset(
            some(random, ("auditor", "security-officer")) if random.random() < 0.3 else ()
        ),
        clearance=Clearance(
            grants=tuple(
                _grant(policy_set, name or "elsewhere", random) for _ in range(random.randint(0, 3))
            ),
            organisation=name,
            order=policy_set.levels,
            accepted=frozenset({"host", "cheshire-police"}),
        ),
        trainings=frozenset(some(random, COURSES) if random.random() < 0.5 else ()),
    )


def _grant(policy_set: PolicySet, organisation: str, random: Random) -> ClearanceGrant:
    # Half of the grants open something, so that the gates behind the floor are reached too.
    strong = tuple(policy_set.levels.level(level) for level in ("RV", "N3", "MV"))
    level = random.choice((*policy_set.levels.levels, *strong * 5))
    granted_on = FIRST_DAY + timedelta(days=random.randrange(DAYS // 2))
    days = random.randrange(DAYS)
    restricted = random.random() < 0.1
    return ClearanceGrant(
        id=str(random.randrange(10**6)),
        level=level.id,
        granting_body=organisation if level.screening else random.choice(BODIES),
        sponsor=organisation if random.random() < 0.95 else "another",
        granted_on=granted_on if random.random() < 0.3 else FIRST_DAY,
        expires_on=granted_on + timedelta(days=days) if random.random() < 0.3 else None,
        review_due_on=None,
        status=random.choice(STATUSES),
        functions=frozenset(
            random.sample(sorted(policy_set.catalogue.functions), 5) if restricted else ()
        ),
    )


def generated_question(policy_set: PolicySet, who: Subject, random: Random) -> Question:
    """A question of a subject: any function, instants on and beside midnight, any record."""
    owners = (*(each.id for each in policy_set.organisations), None)
    midnight = datetime.combine(
        FIRST_DAY + timedelta(days=random.randrange(DAYS)), datetime.min.time(), tzinfo=UTC
    )
    offset = random.choice((0, -1, 1, -3_600_000_000, 43_200_000_000))
    return Question(
        subject=who,
        function=random.choice(tuple(policy_set.catalogue.functions.values())),
        action=random.choice(("read", "write")),
        at=midnight + timedelta(microseconds=offset),
        record_person=random.choice((*NUMBERS, None, None, None)),
        record_organisation=random.choice(owners),
        factors=frozenset(random.choice(((), ("password",), ("password", "second-factor")))),
        zone=random.choice((*ZONES, None)),
        second_factor_age_us=random.choice(
            (None, -1, 0, MINUTE - 1, MINUTE, 15 * MINUTE - 1, 15 * MINUTE, 480 * MINUTE)
        ),
        purpose=random.choice((*PURPOSES, None, "no-such-purpose")),
        honours=frozenset(random.sample(list(Obligation), random.choice((0, 3, 6)))),
    )
