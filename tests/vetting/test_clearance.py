"""What one person is cleared to."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vetting.clearance import Clearance
from vetting.errors import GrantError, RequirementError
from vetting.grants import ClearanceGrant, GrantStatus, Standing
from vetting.levels import LevelId, LevelOrder
from vetting.membership import Membership
from vetting.person import PersonKey
from vetting.requirement import Requirement

ORDER = LevelOrder.shipped()
AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
FIRE = "cheshire-fire"
POLICE = "cheshire-police"


def grant(level: str, **changes: Any) -> ClearanceGrant:
    value = ClearanceGrant(
        id=f"g-{level}",
        level=LevelId(level),
        granting_body=FIRE if level in {"DBSB", "DBSS", "DBSE", "BPSS"} else POLICE,
        sponsor=FIRE,
        granted_on=date(2025, 1, 1),
        expires_on=date(2027, 12, 31),
        review_due_on=None,
        status=GrantStatus.GRANTED,
    )
    return replace(value, **changes)


def clearance(*grants: ClearanceGrant, organisation: str = FIRE) -> Clearance:
    return Clearance(
        grants=grants, organisation=organisation, order=ORDER, accepted=frozenset({POLICE})
    )


DBS = grant("DBSB", expires_on=None)
NPPV = grant("N2F", granting_body=POLICE)


def test_someone_who_holds_nothing_reaches_nothing() -> None:
    nobody = Clearance.none(FIRE, ORDER)

    assert nobody.reach(at=AT) == 0
    assert not nobody.satisfies("BASE", at=AT)
    assert nobody.satisfies("ANY", at=AT)
    assert nobody.stable_until(at=AT) is None
    assert nobody.held(at=AT) == nobody.ended(at=AT) == ()
    assert nobody.described(at=AT) == ()


def test_grants_are_joined() -> None:
    held = clearance(grant("N3"), grant("SC"))

    assert held.satisfies("N3 and SC", at=AT)
    assert not clearance(grant("N3")).satisfies("N3 and SC", at=AT)
    assert not clearance(grant("SC")).satisfies("N3 and SC", at=AT)


def test_a_requirement_may_be_given_as_text_or_compiled() -> None:
    compiled = Requirement.parse("N2F", LevelOrder.shipped())

    assert clearance(NPPV).satisfies(compiled, at=AT)
    assert clearance(NPPV).satisfies("N2F", at=AT)
    with pytest.raises(RequirementError):
        clearance(NPPV).satisfies("N2X", at=AT)


def test_a_requirement_over_another_order_is_refused() -> None:
    """The bits of another order mean other levels: an answer would be nonsense, and may be yes."""
    other = LevelOrder(levels=ORDER.levels[::-1], covers=ORDER.covers, base=ORDER.base)

    with pytest.raises(GrantError, match="another order"):
        clearance(DBS).satisfies(Requirement.parse("MV", other), at=AT)


def test_n2a_alone_is_not_base() -> None:
    assert not clearance(grant("N2A")).satisfies("BASE", at=AT)
    assert clearance(grant("N2A"), DBS).satisfies("BASE", at=AT)


def test_base_comes_from_the_employer_only() -> None:
    assert clearance(DBS).satisfies("BASE", at=AT)
    assert not clearance(replace(DBS, granting_body=POLICE)).satisfies("BASE", at=AT)


def test_a_change_of_employer_ends_everything() -> None:
    moved = clearance(DBS, NPPV, organisation=POLICE)

    assert moved.reach(at=AT) == 0
    assert moved.held(at=AT) == ()
    assert set(moved.ended(at=AT)) == {DBS, NPPV}


def test_a_restricted_grant_counts_only_when_its_function_is_asked_for() -> None:
    held = clearance(
        DBS, replace(NPPV, status=GrantStatus.RESTRICTED, functions=frozenset({"hr.search"}))
    )

    assert held.satisfies("N2F", at=AT, function="hr.search")
    assert not held.satisfies("N2F", at=AT, function="hr.other")
    assert not held.satisfies("N2F", at=AT)
    assert held.satisfies("BASE", at=AT, function="hr.other")
    assert len(held.held(at=AT)) == 2


def test_an_unknown_level_adds_nothing_and_takes_nothing() -> None:
    held = clearance(DBS, grant("TOP"))

    assert held.reach(at=AT) == ORDER.reach("DBSB")
    assert held.held(at=AT) == (DBS,)
    assert held.ended(at=AT) == ()
    assert held.described(at=AT)[1].words == "not a level that is known here"


def test_the_reach_is_right_when_time_goes_back_and_forth() -> None:
    ends = datetime(2026, 7, 1, 23, tzinfo=UTC)
    before, moment = ends - timedelta(microseconds=1), timedelta(days=400)
    held = clearance(DBS, replace(NPPV, expires_on=date(2026, 7, 1)))

    for at, reached in [
        (before, True),
        (ends, False),
        (before, True),
        (ends + moment, False),
        (AT, True),
        (ends - 4 * moment, False),  # before either was granted
        (before, True),
    ]:
        assert held.satisfies("N2F", at=at) is reached


def test_it_says_until_when_the_reach_is_stable() -> None:
    ends = datetime(2026, 7, 1, 23, tzinfo=UTC)
    held = clearance(DBS, replace(NPPV, expires_on=date(2026, 7, 1)))

    assert held.stable_until(at=AT) == ends
    assert held.stable_until(at=ends) is None
    assert held.stable_until(at=datetime(2020, 1, 1, tzinfo=UTC)) == datetime(
        2025, 1, 1, tzinfo=UTC
    )


def test_an_instant_without_a_zone_is_refused_even_where_dates_do_not_matter() -> None:
    naive = AT.replace(tzinfo=None)
    for held in (clearance(DBS, NPPV), clearance()):
        with pytest.raises(GrantError, match="no time zone"):
            held.reach(at=naive)
        with pytest.raises(GrantError, match="no time zone"):
            held.stable_until(at=naive)


DAYS = st.dates(date(2026, 1, 1), date(2026, 12, 31))


@st.composite
def any_grant(draw: st.DrawFn) -> ClearanceGrant:
    granted_on, *ends = sorted(draw(st.tuples(DAYS, DAYS, DAYS)))
    functions = draw(st.frozensets(st.sampled_from(["a", "b"])))
    statuses = set(GrantStatus) - (set() if functions else {GrantStatus.RESTRICTED})
    return grant(
        draw(st.sampled_from(ORDER.ids)),
        granting_body=draw(st.sampled_from([FIRE, POLICE])),
        sponsor=draw(st.sampled_from([FIRE, POLICE])),
        granted_on=granted_on,
        expires_on=draw(st.sampled_from([None, *ends])),
        review_due_on=draw(st.sampled_from([None, *ends])),
        status=draw(st.sampled_from(sorted(statuses))),
        functions=functions,
        contract=draw(st.sampled_from(["", "", "C-1"])),
    )


@given(
    st.lists(any_grant(), max_size=4),
    st.datetimes(datetime(2025, 12, 1), datetime(2027, 1, 31), timezones=st.just(UTC)),  # noqa: DTZ001 - the strategy wants bare bounds
    st.sampled_from([None, "a", "b", "c"]),
)
@settings(deadline=None)
def test_the_reach_is_that_of_the_grants_usable_at_the_instant(
    grants: list[ClearanceGrant], at: datetime, function: str | None
) -> None:
    held, expected = clearance(*grants), 0
    for value in grants:
        level = ORDER.level(value.level)
        accepted = level.screening or value.granting_body == POLICE
        usable = value.usable(
            at=at, organisation=FIRE, screening=level.screening, function=function
        )
        if usable and accepted and level.systems and not value.contract:
            expected |= ORDER.reach(value.level)

    assert held.reach(at=at, function=function) == expected
    until = held.stable_until(at=at)
    if until is not None:
        assert until > at
        assert held.reach(at=until - timedelta(microseconds=1), function=function) == expected


@given(st.lists(any_grant(), max_size=4), st.integers(0, 3))
@settings(deadline=None)
def test_a_grant_less_never_reaches_more(grants: list[ClearanceGrant], position: int) -> None:
    fewer = clearance(*(value for n, value in enumerate(grants) if n != position))
    at = datetime(2026, 6, 15, tzinfo=UTC)

    assert fewer.reach(at=at) & ~clearance(*grants).reach(at=at) == 0


def test_what_ended_is_told_unless_something_else_covers_it() -> None:
    lapsed = replace(NPPV, id="old", expires_on=date(2026, 5, 31))
    older = replace(NPPV, id="older", expires_on=date(2025, 5, 31))

    assert clearance(DBS, older, lapsed).ended(at=AT) == (lapsed,)
    assert clearance(DBS, lapsed, older).ended(at=AT) == (lapsed,)
    assert clearance(DBS, lapsed, NPPV).ended(at=AT) == ()
    assert clearance(DBS, lapsed, grant("RV")).ended(at=AT) == ()
    assert clearance(DBS, replace(NPPV, status=GrantStatus.REFUSED)).ended(at=AT) == ()
    assert clearance(DBS, replace(NPPV, status=GrantStatus.REQUESTED)).ended(at=AT) == ()


@pytest.mark.parametrize(
    ("changes", "standing", "words"),
    [
        ({}, Standing.USABLE, "until 31 December 2027"),
        ({"review_due_on": date(2026, 9, 1)}, Standing.USABLE, "until 1 September 2026"),
        ({"expires_on": None}, Standing.USABLE, "without an end date"),
        (
            {"status": GrantStatus.RESTRICTED, "functions": frozenset("a")},
            Standing.RESTRICTED,
            "until 31 December 2027, for named functions only",
        ),
        ({"expires_on": date(2026, 5, 31)}, Standing.EXPIRED, "ended on 31 May 2026"),
        (
            {"review_due_on": date(2026, 5, 31)},
            Standing.REVIEW_OVERDUE,
            "review was due by 31 May 2026",
        ),
        ({"granted_on": date(2026, 6, 2)}, Standing.NOT_BEGUN, "begins on 2 June 2026"),
        ({"sponsor": POLICE}, Standing.OTHER_EMPLOYER, "held with another employer"),
        ({"status": GrantStatus.SUSPENDED}, Standing.SUSPENDED, "suspended"),
        ({"status": GrantStatus.EXPIRED, "expires_on": None}, Standing.EXPIRED, "ended"),
    ],
)
def test_each_grant_is_described_in_words(
    changes: dict[str, Any], standing: Standing, words: str
) -> None:
    value = replace(NPPV, **changes)

    (told,) = clearance(value).described(at=AT)

    assert (told.title, told.standing, told.words) == ("NPPV2 full", standing, words)
    assert told.usable is standing.counts
    assert (told.ends_on, told.status) == (value.ends_on, value.status)


@pytest.mark.parametrize("status", GrantStatus)
def test_every_status_has_words(status: GrantStatus) -> None:
    value = replace(NPPV, status=status, functions=frozenset("a"))

    assert clearance(value).described(at=AT)[0].words


def test_a_review_matters_only_while_what_is_reviewed_counts() -> None:
    """Until its last day, with this employer; another grant beside it changes nothing."""
    reviewed = replace(NPPV, status=GrantStatus.UNDER_REVIEW)

    assert clearance(reviewed, DBS).under_review(at=AT)
    assert not clearance(NPPV, DBS).under_review(at=AT)
    assert not clearance(reviewed).under_review(at=datetime(2028, 1, 1, tzinfo=UTC))
    assert not clearance(reviewed, organisation="nwas").under_review(at=AT)


def test_what_counts_is_described_first() -> None:
    told = clearance(replace(NPPV, status=GrantStatus.REFUSED), DBS).described(at=AT)

    assert [level.usable for level in told] == [True, False]


@pytest.mark.parametrize("level", ["N1", "N2A"])
def test_a_level_without_systems_opens_nothing_by_itself(level: str) -> None:
    """NPPV2 abbreviated reads police material; it opens no system unless the data say so."""
    held = clearance(grant(level))

    assert held.reach(at=AT) == 0
    assert not held.satisfies(level, at=AT)
    assert held.described(at=AT)[0].standing is Standing.NO_SYSTEMS
    assert clearance(grant("N3")).satisfies(level, at=AT)


def test_the_data_say_whether_a_level_opens_systems() -> None:
    levels = tuple(replace(level, systems=True) for level in ORDER.levels)
    order = replace(ORDER, levels=levels)
    held = Clearance(
        grants=(grant("N2A"),), organisation=FIRE, order=order, accepted=frozenset({POLICE})
    )

    assert held.satisfies("N2A", at=AT)


NORTH = "north-police"


def test_vetting_by_another_force_counts_only_where_it_is_accepted() -> None:
    foreign = grant("RV", granting_body=NORTH)
    host_only = clearance(DBS, foreign)
    both = replace(host_only, accepted=frozenset({POLICE, NORTH}))

    assert not host_only.satisfies("RV", at=AT)
    assert host_only.described(at=AT)[-1].standing is Standing.NOT_ACCEPTED
    assert both.satisfies("RV", at=AT)
    assert replace(host_only, accepted=frozenset()).reach(at=AT) == ORDER.reach("DBSB")


def test_an_agreement_may_accept_what_the_host_does_not_in_general() -> None:
    foreign = grant("RV", granting_body=NORTH)
    bound = grant("N3", granting_body="south-police", functions=frozenset({"a"}))
    held = clearance(DBS, foreign, bound)
    own = ORDER.reach("DBSB")

    north = {(NORTH, LevelId("RV")): ORDER.reach("RV")}
    south = {("south-police", LevelId("N3")): ORDER.reach("N2F")}
    other_level = {(NORTH, LevelId("MV")): ORDER.reach("MV")}

    assert held.reach(at=AT, accepting=north) == own | ORDER.reach("RV")
    assert held.reach(at=AT, accepting=other_level) == own
    assert held.reach(at=AT, accepting=south) == own
    assert held.reach(at=AT, function="a", accepting=south) == own | ORDER.reach("N2F")
    assert held.reach(at=AT) == own


def test_screening_needs_nobodys_acceptance_but_the_employers_own() -> None:
    held = replace(clearance(DBS), accepted=frozenset())

    assert held.satisfies("BASE", at=AT)


def member(starts_on: date, ends_on: date | None = None, contract: str = "") -> Membership:
    key = PersonKey(organisation=FIRE, employee_number="40011")
    return Membership(person="p1", key=key, starts_on=starts_on, ends_on=ends_on, contract=contract)


def test_grants_count_only_while_a_membership_is_in_force() -> None:
    held = replace(clearance(DBS, NPPV), memberships=(member(date(2026, 1, 1), date(2026, 6, 1)),))
    over = datetime(2026, 6, 1, 23, tzinfo=UTC)

    assert held.satisfies("N2F", at=over - timedelta(microseconds=1))
    assert held.reach(at=over) == 0
    assert held.reach(at=datetime(2025, 12, 31, 23, 59, tzinfo=UTC)) == 0
    assert held.stable_until(at=AT) == over
    assert {one.standing for one in held.described(at=over)} == {Standing.NOT_EMPLOYED}


def test_a_grant_for_a_contract_counts_only_while_the_person_works_under_it() -> None:
    bound = replace(NPPV, contract="C-1")
    ends = datetime(2026, 7, 1, 23, tzinfo=UTC)
    first, second = member(date(2026, 1, 1), date(2026, 7, 1), "C-1"), member(date(2026, 7, 2))

    held = replace(clearance(bound, DBS), memberships=(first, second))
    assert held.satisfies("N2F", at=AT)
    assert held.satisfies("BASE", at=ends)
    assert not held.satisfies("N2F", at=ends)
    assert held.standing(bound, at=ends) is Standing.OTHER_CONTRACT
    assert held.ended(at=ends) == (bound,)
    assert clearance(bound).reach(at=AT) == 0  # nothing says that they work under it


@given(
    st.lists(any_grant(), max_size=3),
    st.lists(st.tuples(DAYS, DAYS, st.sampled_from(["", "C-1"])), min_size=1, max_size=3),
    st.datetimes(datetime(2025, 12, 1), datetime(2027, 1, 31), timezones=st.just(UTC)),  # noqa: DTZ001
    st.sampled_from([None, "a"]),
)
@settings(deadline=None)
def test_what_is_reached_is_what_the_standings_say(
    grants: list[ClearanceGrant],
    days: list[tuple[date, date, str]],
    at: datetime,
    function: str | None,
) -> None:
    """The windows worked out at the start and the look at one instant are two ways to one thing."""
    memberships = tuple(member(min(a, b), max(a, b), contract) for a, b, contract in days)
    held = replace(clearance(*grants), memberships=memberships)
    expected = 0
    for value in grants:
        standing = held.standing(value, at=at)
        named = standing is Standing.RESTRICTED and function in value.functions
        if standing is Standing.USABLE or named:
            expected |= ORDER.reach(value.level)

    assert held.reach(at=at, function=function) == expected
    assert expected == 0 or any(each.holds(at=at) for each in memberships)


def test_people_of_equal_reaches_are_cleared_alike_for_every_function() -> None:
    """Who decides for many at once asks one of those whose `reaches` are equal."""
    random = Random(8)
    functions = (None, "pay.slip", "hr.search")
    kept: dict[object, list[int]] = {}
    for _ in range(300):
        grants = tuple(
            grant(
                random.choice(("RV", "N3", "DBSB")),
                id=str(number),
                granting_body=random.choice((POLICE, "another-force")),
                functions=frozenset(random.sample(("pay.slip", "hr.search"), random.randrange(3))),
                expires_on=random.choice((date(2026, 5, 31), date(2027, 12, 31))),
            )
            for number in range(random.randrange(3))
        )
        clearance = Clearance(
            grants=grants, organisation=FIRE, order=ORDER, accepted=frozenset({POLICE, FIRE})
        )
        reached = [
            clearance.reach(at=AT, function=function, accepting=accepting)
            for function in functions
            for accepting in (
                None,
                {("another-force", LevelId("RV")): ORDER.reach("RV")},
                {("another-force", LevelId("N3")): ORDER.reach("N2F")},
            )
        ]
        assert kept.setdefault(clearance.reaches(at=AT), reached) == reached
    assert 10 < len(kept) < 200
    with pytest.raises(GrantError, match="no time zone"):
        Clearance.none(FIRE, ORDER).reaches(at=AT.replace(tzinfo=None))
