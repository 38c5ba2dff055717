"""Questions for comparing the engine with Casbin, spread over everything a policy set names."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from policies.criteria.factor_age import FactorShownWithin
from policies.criteria.hours import InHours
from policies.obligations import LEFT_TO_ASKER, Obligation
from policies.question import Question, Subject
from vetting.clearance import Clearance
from vetting.days import day_of
from vetting.grants import ClearanceGrant, GrantStatus

if TYPE_CHECKING:
    from collections.abc import Iterable

    from policies.criteria import Criterion
    from policies.function import Function
    from policies.organisations import PolicyOrganisation
    from policies.policy_set import PolicySet
    from vetting.levels import LevelId

OWN, COLLEAGUE, STRANGER = (
    "1001",
    "1002",
    "9009",
)  # employee numbers: one's own, of one's team, else
# A stride without a factor in common with the number of combinations walks through all of them in
# an order that looks like chance, without a random generator: the sample is always the same one.
STRIDES = (7_919, 104_729, 1_299_709, 15_485_863)


TICK = timedelta(microseconds=1)


class _Picked(NamedTuple):
    function: Function
    organisation: PolicyOrganisation
    level: LevelId | None
    post: str
    unit: str
    record: str | None
    owner: PolicyOrganisation | None
    action: str
    factors: frozenset[str]
    appointment: str
    zone: str
    age_us: int | None
    training: str
    at: datetime
    purpose: str | None
    honours: frozenset[Obligation]


def questions(policy_set: PolicySet, count: int, at: datetime) -> Iterator[Question]:
    """Give questions, the same ones for the same policy set.

    Args:
        policy_set: whose functions, organisations, posts, units and levels are asked about.
        count: how many; fewer if there are not so many different ones.
        at: the instant asked about.
    """
    dimensions = (
        tuple(policy_set.catalogue.functions.values()),
        policy_set.organisations,
        (*policy_set.levels.ids, None),
        ("", *_words(policy_set, "post")),
        ("", *_words(policy_set, "unit")),
        (None, OWN, COLLEAGUE, STRANGER),
        (*policy_set.organisations, None),
        ("read", "write"),
        (frozenset({"password"}), frozenset({"password", "second-factor"})),
        ("", *_words(policy_set, "appointment")),
        ("", *_words(policy_set, "zone")),
        _ages(policy_set),
        ("", *_words(policy_set, "training")),
        _instants(policy_set, at),
        _purposes(policy_set),
        _honoured(policy_set),
    )
    total = 1
    for dimension in dimensions:
        total *= len(dimension)
    stride = next((each for each in STRIDES if total % each), 1)
    for number in range(min(count, total)):
        rest = number * stride % total
        picked: list[Any] = []
        for dimension in dimensions:
            rest, position = divmod(rest, len(dimension))
            picked.append(dimension[position])
        yield _question(policy_set, _Picked(*picked))


def _question(policy_set: PolicySet, picked: _Picked) -> Question:
    organisation, at = picked.organisation, picked.at
    subject = Subject(
        staff_id=f"{organisation.id}/sample",
        organisation=organisation.id,
        organisation_kind=str(organisation.kind),
        employee_number=OWN,
        name="",
        posts=frozenset({picked.post} - {""}),
        unit=picked.unit,
        team=frozenset({COLLEAGUE}),
        appointments=frozenset({picked.appointment} - {""}),
        clearance=Clearance(
            grants=_grants(picked.level, organisation.id, at),
            organisation=organisation.id,
            order=policy_set.levels,
            accepted=frozenset({organisation.id}),
        ),
        trainings=frozenset({picked.training} - {""}),
    )
    return Question(
        subject=subject,
        function=picked.function,
        action=picked.action,
        at=at,
        record_person=picked.record,
        record_organisation=picked.owner.id if picked.owner and picked.record else None,
        factors=picked.factors,
        zone=picked.zone or None,
        second_factor_age_us=picked.age_us,
        purpose=picked.purpose,
        honours=picked.honours,
    )


def _grants(level: LevelId | None, organisation: str, at: datetime) -> tuple[ClearanceGrant, ...]:
    if level is None:
        return ()
    today = day_of(at)
    grant = ClearanceGrant(
        id="sample",
        level=level,
        granting_body=organisation,
        sponsor=organisation,
        granted_on=today - timedelta(days=30),
        expires_on=today + timedelta(days=300),
        review_due_on=None,
        status=GrantStatus.GRANTED,
    )
    return (grant,)


def _words(policy_set: PolicySet, criterion: str) -> tuple[str, ...]:
    """Collect the words that rules use in one kind of criterion."""
    found: set[str] = set()
    for each in _criteria(policy_set):
        if each.name == criterion:
            found.update(getattr(each, "words", ()))
    return tuple(sorted(found))


def _ages(policy_set: PolicySet) -> tuple[int | None, ...]:
    """Give ages of a second factor: none, and both sides of every limit that rules set."""
    limits = {
        each.limit_us for each in _criteria(policy_set) if isinstance(each, FactorShownWithin)
    }
    return (None, *sorted({limit - less for limit in limits for less in (0, 1)}))


def _purposes(policy_set: PolicySet) -> tuple[str | None, ...]:
    """Give the purposes that rules ask for, and none."""
    asked = (rule.obligations.purpose for rule in policy_set.rules)
    codes = frozenset[str]().union(*(each.codes for each in asked if each is not None))
    return (None, *sorted(codes))


def _honoured(policy_set: PolicySet) -> tuple[frozenset[Obligation], ...]:
    """Give what whoever asks may undertake: nothing, all that rules leave to them, all but one."""
    owed = frozenset[Obligation]().union(*(rule.obligations.kinds for rule in policy_set.rules))
    left = owed & LEFT_TO_ASKER
    return (left, *(left - {each} for each in sorted(left)))


def _instants(policy_set: PolicySet, at: datetime) -> tuple[datetime, ...]:
    """Give the instant asked about, and both sides of the next change of the hours rules set."""
    ends = {each.around(at).until for each in _criteria(policy_set) if isinstance(each, InHours)}
    return (at, *sorted({end - less for end in ends for less in (timedelta(), TICK)}))


def _criteria(policy_set: PolicySet) -> Iterable[Criterion]:
    return (each for rule in policy_set.rules for each in rule.when)
