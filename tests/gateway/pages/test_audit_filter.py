"""Reading the address of the record's page."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.entry import Kind
from gateway.pages.audit_filter import AuditSearch


@pytest.mark.parametrize(
    ("text", "since"),
    [
        ("2026-11-20", datetime(2026, 11, 20, tzinfo=UTC)),
        ("2026-07-20", datetime(2026, 7, 19, 23, tzinfo=UTC)),
        ("2026-07-20 14:05", datetime(2026, 7, 20, 13, 5, tzinfo=UTC)),
        ("2026-07-20T14:05:06Z", datetime(2026, 7, 20, 14, 5, 6, tzinfo=UTC)),
        ("2026-07-20T14:05+02:00", datetime(2026, 7, 20, 12, 5, tzinfo=UTC)),
    ],
)
def test_time_without_a_zone_is_on_the_clock_of_london(text: str, since: datetime) -> None:
    """In summer that is another hour than UTC."""
    assert AuditSearch.from_query({"since": text}).to_filter().since == since


def test_last_day_counts_to_its_end() -> None:
    """Until the 20th means with the 20th, on the night the clocks change as well."""
    search = AuditSearch.from_query({"until": "2026-10-25"})

    assert search.to_filter().until == datetime(2026, 10, 26, tzinfo=UTC)


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("since", "yesterday"),
        ("since", "2026-13-01"),
        ("until", "9999-12-31T23:59-12:00"),
        ("until", "9999-12-31"),
        ("reference", "7H3K9"),
        ("reference", "7H3K9QZ2MU"),
        ("outcome", "maybe"),
        ("kind", "alarm"),
    ],
)
def test_what_is_not_understood_is_an_error_at_its_field(field: str, text: str) -> None:
    """And there is no filter to be had: a search without it would answer another question."""
    search = AuditSearch.from_query({field: text})

    assert set(search.errors) == {field}
    with pytest.raises(ValueError, match="errors"):
        search.to_filter()


def test_end_before_the_beginning_is_an_error() -> None:
    """It would find nothing and look like an answer."""
    search = AuditSearch.from_query({"since": "2026-11-20", "until": "2026-11-19"})

    assert set(search.errors) == {"until"}


@pytest.mark.parametrize("text", ["", "x", "-1", "1" * 40, "१"])
def test_position_that_is_none_is_none(text: str) -> None:
    """It comes from a link, so a broken one simply starts at the top."""
    assert AuditSearch.from_query({"before": text}).before is None


@given(st.dictionaries(st.sampled_from(("since", "until", "reference", "before")), st.text()))
def test_any_text_is_read_without_failing(query: dict[str, str]) -> None:
    """Whatever stands in the address, the page answers."""
    search = AuditSearch.from_query(query)

    assert set(search.errors) <= set(query)


def test_address_of_a_search_keeps_what_was_searched() -> None:
    """The address is the search: it can be kept and sent."""
    search = AuditSearch.from_query({"person": "a b", "outcome": "deny", "before": "9"})

    assert search.url(before="7") == "/-/audit?person=a+b&outcome=deny&before=7"


def test_alarms_are_found_by_their_kind() -> None:
    search = AuditSearch.from_query({"kind": "leak"})

    assert search.to_filter().kind is Kind.LEAK
    assert search.url() == "/-/audit?kind=leak"
