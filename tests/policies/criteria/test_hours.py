"""Criterion `hours`."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.criteria import CriterionError, Result
from policies.criteria.hours import DAYS, InHours
from policies.engine import Engine
from policies.errors import PolicyFileError
from tests.policies.people import asked, cheshire, rule_text, subject, with_rules
from vetting.days import LONDON

if TYPE_CHECKING:
    from pathlib import Path

TICK = timedelta(microseconds=1)
WORKING = 'hours = { days = ["mon", "tue", "wed", "thu", "fri"], from = "08:00", until = "18:00" }'
EVERY_DAY = frozenset(DAYS)


def result(hours: InHours, at: datetime) -> Result:
    return hours.result(asked(subject("DBSB"), at=at))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("begins", "ends", "at", "expected"),
    [
        # winter and summer: the same time on the clock, another in UTC
        ("08:00", "18:00", "2026-01-05T08:00", Result.MET),
        ("08:00", "18:00", "2026-01-05T07:59:59.999999", Result.NOT_MET),
        ("08:00", "18:00", "2026-07-06T07:00", Result.MET),
        ("08:00", "18:00", "2026-07-06T06:59:59.999999", Result.NOT_MET),
        # `until` is over
        ("08:00", "18:00", "2026-07-06T16:59:59.999999", Result.MET),
        ("08:00", "18:00", "2026-07-06T17:00", Result.NOT_MET),
        ("00:00", "24:00", "2026-07-06T22:59:59.999999", Result.MET),
        # forward, 29 March 2026 at 01:00 UTC: 01:30 never is, so hours begin and end at 02:00
        ("01:30", "03:00", "2026-03-29T00:59:59.999999", Result.NOT_MET),
        ("01:30", "03:00", "2026-03-29T01:00", Result.MET),
        ("00:30", "01:30", "2026-03-29T00:59:59.999999", Result.MET),
        ("00:30", "01:30", "2026-03-29T01:00", Result.NOT_MET),
        ("01:10", "01:50", "2026-03-29T01:00", Result.NOT_MET),
        # back, 25 October 2026 at 01:00 UTC: 01:00 to 02:00 is there twice
        ("01:30", "02:00", "2026-10-25T00:29:59.999999", Result.NOT_MET),
        ("01:30", "02:00", "2026-10-25T00:30", Result.MET),
        ("01:30", "02:00", "2026-10-25T01:00", Result.NOT_MET),
        ("01:30", "02:00", "2026-10-25T01:30", Result.MET),
        ("01:30", "02:00", "2026-10-25T02:00", Result.NOT_MET),
        # no clock is known so long ago, or so far away
        ("00:00", "24:00", "1971-12-31T23:59", Result.UNKNOWN),
        ("00:00", "24:00", "9001-01-01T00:00", Result.UNKNOWN),
        ("00:00", "24:00", "0001-01-01T00:00", Result.UNKNOWN),
        ("00:00", "24:00", "9999-12-31T23:59:59.999999", Result.UNKNOWN),
    ],
)
def test_the_clock_in_london_decides(begins: str, ends: str, at: str, expected: Result) -> None:
    hours = InHours(EVERY_DAY, begins, ends)

    assert result(hours, utc(at)) is expected
    assert hours.around(utc(at)).result is expected


def test_a_day_is_one_of_london() -> None:
    monday = InHours(frozenset({"mon"}), "00:00", "24:00")

    assert result(monday, utc("2026-07-05T23:00")) is Result.MET  # Sunday in UTC
    assert result(monday, utc("2026-07-06T23:00")) is Result.NOT_MET  # Monday in UTC
    assert result(monday, utc("2028-02-28T12:00")) is Result.MET
    assert result(monday, utc("2028-02-29T00:00")) is Result.NOT_MET


@settings(deadline=None, max_examples=200)
@given(
    # most of them on the days on which the clocks change
    first=st.sampled_from(["1972-01-02", "2026-03-28", "2026-10-24", "2026-07-01", "8999-01-01"]),
    minutes=st.integers(0, 3 * 24 * 60),
    days=st.sets(st.sampled_from(DAYS), min_size=1),
    times=st.lists(st.integers(0, 96), min_size=2, max_size=2, unique=True).map(sorted),
)
def test_nothing_changes_inside_a_span(
    first: str, minutes: int, days: set[str], times: list[int]
) -> None:
    """What the engine remembers for a span must hold in all of it, at its very ends too."""
    begins, ends = (f"{each // 4:02}:{each % 4 * 15:02}" for each in times)
    hours = InHours(frozenset(days), begins, ends)
    at = utc(first) + timedelta(minutes=minutes)
    span = hours.around(at)

    assert span.since <= at < span.until
    assert span.until - span.since <= timedelta(hours=25)
    step = (span.until - span.since) / 50
    for instant in (*(span.since + step * n for n in range(50)), span.until - TICK):
        assert result(hours, instant) is span.result


@pytest.mark.parametrize("midnight", ["2026-03-29T00:00", "2026-10-24T23:00"])
def test_nothing_changes_inside_a_span_while_the_clocks_change(midnight: str) -> None:
    """Every quarter of an hour as a boundary, inside the skipped hour and the doubled one."""
    quarters = [f"{each // 4:02}:{each % 4 * 15:02}" for each in range(13)]
    for begins, ends in combinations(quarters, 2):
        hours = InHours(EVERY_DAY, begins, ends)
        at = start = utc(midnight)
        while at < start + timedelta(hours=4):
            span = hours.around(at)
            while at < span.until and at < start + timedelta(hours=4):
                assert result(hours, at) is span.result
                at += timedelta(minutes=15)


@pytest.mark.parametrize("effect", ["permit", "deny"])
def test_no_packed_answer_outlives_a_boundary(tmp_path: Path, effect: str) -> None:
    """Asked at the last microsecond before and the first after, the engine changes its mind."""
    text = rule_text(WORKING, effect=effect)
    if effect == "deny":
        text += rule_text("own_record = true", id="another")
    engine = Engine.compile(with_rules(tmp_path, text))
    question = asked(subject("DBSB"))
    for day in (2, 6, 7, 8):  # Monday, Friday, Saturday, Sunday
        for hour in (8, 18):
            edge = datetime(2026, 11, day, hour, tzinfo=LONDON).astimezone(UTC)
            for at in (edge - TICK, edge, edge - TICK):
                inside = day < 7 and ((hour == 8) is (at == edge))

                permitted = engine.decide(replace(question, at=at)).permitted
                assert permitted is (inside is (effect == "permit"))


@pytest.mark.parametrize(
    "at", ["0001-01-01T00:00", "1960-06-01T12:00", "9999-12-31T23:59:59.999999"]
)
def test_without_a_known_clock_nothing_is_permitted_and_every_deny_bites(
    tmp_path: Path, at: str
) -> None:
    always = WORKING.replace('"08:00"', '"00:00"').replace('"18:00"', '"24:00"')
    for effect in ("permit", "deny"):
        text = rule_text(always, effect=effect, functions='["gate.portal"]')
        more = rule_text("own_record = true", id="another", functions='["gate.portal"]')
        engine = Engine.compile(with_rules(tmp_path, text + (more if effect == "deny" else "")))
        who = subject("DBSB")
        results = engine.decide(asked(who, "gate.portal", at=utc(at))).results

        assert results.unknown
        assert not engine.decide(asked(who, "gate.portal", at=utc(at))).permitted


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"days": ["mon"], "from": "22:00", "until": "06:00"}, "a night as two rules"),
        ({"days": ["mon"], "from": "08:00", "until": "08:00"}, "not after"),
        ({"days": ["mon"], "from": "8:00", "until": "18:00"}, "`from` is not a time"),
        ({"days": ["mon"], "from": "08:00", "until": "24:01"}, "`until` is not a time"),
        ({"days": ["mon"], "from": "08:00"}, "`until` is not a time"),
        ({"days": ["mom"], "from": "08:00", "until": "18:00"}, "did you mean `mon`"),
        ({"days": ["mon", "mon"], "from": "08:00", "until": "18:00"}, "twice"),
        ({"days": [], "from": "08:00", "until": "18:00"}, "not a list of days"),
        ({"days": [1], "from": "08:00", "until": "18:00"}, "is not a day"),
        ({"days": ["mon"], "from": "08:00", "until": "18:00", "zone": "x"}, "`zone`"),
    ],
)
def test_hours_that_are_not_clear_are_refused(value: object, said: str) -> None:
    with pytest.raises(CriterionError, match=said):
        InHours.from_value(value, cheshire().terms)


def test_a_file_is_told_the_line_of_wrong_hours(tmp_path: Path) -> None:
    with pytest.raises(PolicyFileError, match=r"rules.toml:7: .*night as two rules"):
        with_rules(tmp_path, rule_text(WORKING.replace("08:00", "19:00")))


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (("mon", "tue", "wed", "thu", "fri"), "on Monday to Friday from 08:00 until 18:00"),
        (("sat", "sun"), "on Saturday or Sunday from 08:00 until 18:00"),
        (("mon", "wed", "fri"), "on Monday or Wednesday or Friday from 08:00 until 18:00"),
    ],
)
def test_it_says_its_days_and_times(days: tuple[str, ...], said: str) -> None:
    assert InHours(frozenset(days), "08:00", "18:00").sentence() == said


def test_it_shows_what_the_clock_showed() -> None:
    hours = InHours(EVERY_DAY, "08:00", "18:00")

    assert hours.shown(asked(subject(), at=utc("2026-07-06T07:00"))) == "Monday 08:00 in London"
