"""Criterion `period`."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from policies.criteria import Between, Result
from policies.criteria.period import InPeriod
from tests.policies.people import asked, subject

TICK = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("starts", "ends", "at", "expected"),
    [
        # summer time: the day begins at 23:00 UTC of the day before
        (date(2026, 7, 1), None, datetime(2026, 6, 30, 23, tzinfo=UTC), Result.MET),
        (date(2026, 7, 1), None, datetime(2026, 6, 30, 23, tzinfo=UTC) - TICK, Result.NOT_MET),
        # winter: the last day is over at midnight UTC
        (None, date(2026, 1, 31), datetime(2026, 2, 1, tzinfo=UTC) - TICK, Result.MET),
        (None, date(2026, 1, 31), datetime(2026, 2, 1, tzinfo=UTC), Result.NOT_MET),
        # the leap day is a day like others
        (date(2028, 2, 29), date(2028, 2, 29), datetime(2028, 2, 29, 12, tzinfo=UTC), Result.MET),
        (date(2028, 2, 29), date(2028, 2, 29), datetime(2028, 3, 1, tzinfo=UTC), Result.NOT_MET),
        # the same instant in another zone
        (date(2026, 7, 1), None, datetime.fromisoformat("2026-07-01T00:00:00+01:00"), Result.MET),
    ],
)
def test_it_holds_from_the_first_moment_to_the_last_in_london(
    starts: date | None, ends: date | None, at: datetime, expected: Result
) -> None:
    criterion = InPeriod(starts, ends)
    form = criterion.form()
    question = asked(subject("DBSB"), at=at)

    assert criterion.result(question) is expected
    assert isinstance(form, Between)
    assert (form.starts_at <= at < form.ends_at) is (expected is Result.MET)


def test_it_says_its_days() -> None:
    assert InPeriod(date(2026, 7, 1), None).sentence() == "from 1 July 2026"
    assert InPeriod(None, date(2026, 7, 1)).sentence() == "until 1 July 2026"
