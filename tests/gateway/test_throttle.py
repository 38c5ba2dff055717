"""A stranger cannot fill the disk, and nothing they did is lost from the count."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.audit.entry import EntryDraft, Kind, Outcome
from gateway.throttle import MANY, MINUTE_US, OTHER, RefusalThrottle

AT = 1_795_000_000_000_000
SECOND = 1_000_000


def flood(
    throttle: RefusalThrottle, times: int, *, source: str = "192.0.2.1", code: str = "no-session"
) -> int:
    """Refuse so many times and tell how many are recorded by themselves."""
    return sum(throttle.admit(source, code, AT + number) for number in range(times))


def counted(drafts: tuple[EntryDraft, ...]) -> dict[tuple[str, str], int]:
    return {(draft.ip, draft.code): draft.count for draft in drafts}


def test_the_first_of_a_source_are_recorded_and_the_rest_are_counted() -> None:
    throttle = RefusalThrottle(singles_per_minute=5)
    singles = flood(throttle, 100)
    drafts = throttle.flush(AT + MINUTE_US)

    assert singles == 5
    assert counted(drafts) == {("192.0.2.1", "no-session"): 95}


def test_an_entry_says_what_it_stands_for() -> None:
    throttle = RefusalThrottle(singles_per_minute=1)
    for second in (0, 10, 30):
        throttle.admit("192.0.2.1", "no-session", AT + second * SECOND)
    (draft,) = throttle.flush(AT + MINUTE_US)

    assert (draft.kind, draft.outcome) == (Kind.ACCESS, Outcome.DENY)
    assert (draft.at_us, draft.duration_us) == (AT + 10 * SECOND, 20 * SECOND)
    assert len(draft.reference) == 10
    assert draft.target == ""


def test_codes_and_sources_are_counted_apart() -> None:
    throttle = RefusalThrottle(singles_per_minute=0)
    flood(throttle, 3)
    flood(throttle, 2, code="path-ambiguous")
    flood(throttle, 4, source="192.0.2.2")

    assert counted(throttle.flush(AT + MINUTE_US)) == {
        ("192.0.2.1", "no-session"): 3,
        ("192.0.2.1", "path-ambiguous"): 2,
        ("192.0.2.2", "no-session"): 4,
    }


def test_one_sources_flood_leaves_room_for_another() -> None:
    throttle = RefusalThrottle(singles_per_minute=5)
    flood(throttle, 1000)

    assert throttle.admit("192.0.2.2", "no-session", AT)


def test_counts_are_given_out_once_and_not_before_their_minute_is_over() -> None:
    throttle = RefusalThrottle(singles_per_minute=0)
    flood(throttle, 3)

    assert throttle.flush(AT + MINUTE_US - 1) == ()
    assert len(throttle.flush(AT + MINUTE_US)) == 1
    assert throttle.flush(AT + 2 * MINUTE_US) == ()


def test_a_worker_that_stops_gives_everything_out() -> None:
    throttle = RefusalThrottle(singles_per_minute=0, sources=1)
    flood(throttle, 3)
    flood(throttle, 2, source="192.0.2.2")

    assert counted(throttle.flush(AT, everything=True)) == {
        ("192.0.2.1", "no-session"): 3,
        (MANY, "no-session"): 2,
    }


def test_a_new_minute_begins_anew_without_losing_the_old_count() -> None:
    throttle = RefusalThrottle(singles_per_minute=2)
    flood(throttle, 5)

    assert throttle.admit("192.0.2.1", "no-session", AT + MINUTE_US)
    assert counted(throttle.flush(AT + MINUTE_US)) == {("192.0.2.1", "no-session"): 3}


def test_many_sources_together_are_bounded_too() -> None:
    """Addresses are cheap; the disk is one."""
    throttle = RefusalThrottle(singles_per_minute=5, total_per_minute=20)
    singles = sum(throttle.admit(f"192.0.2.{number}", "no-session", AT) for number in range(100))
    drafts = throttle.flush(AT + MINUTE_US)

    assert singles == 20
    assert sum(draft.count for draft in drafts) == 80


def test_a_flood_from_countless_sources_makes_few_entries_and_takes_little_memory() -> None:
    throttle = RefusalThrottle(singles_per_minute=1, total_per_minute=50, sources=100)
    singles = sum(
        throttle.admit(f"10.{a}.{b}.1", "no-session", AT) for a in range(100) for b in range(100)
    )
    held = throttle._sources
    drafts = throttle.flush(AT + MINUTE_US)

    assert len(held) <= 100
    assert sys.getsizeof(held) < 100_000
    assert len(drafts) <= 101
    assert singles + sum(draft.count for draft in drafts) == 10_000
    assert any(draft.ip == MANY for draft in drafts)


def test_a_source_that_owes_nothing_makes_room() -> None:
    throttle = RefusalThrottle(singles_per_minute=1, sources=2)
    for number in range(10):
        assert throttle.admit(f"192.0.2.{number}", "no-session", AT)


def test_codes_without_end_are_counted_together() -> None:
    throttle = RefusalThrottle(singles_per_minute=0)
    for number in range(50):
        throttle.admit("192.0.2.1", f"code-{number}", AT)
    counts = counted(throttle.flush(AT + MINUTE_US))

    assert len(counts) == 17
    assert counts["192.0.2.1", OTHER] == 34


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("nonsense:" * 20, "nonsense:" * 21, True),
    ],
)
def test_a_subscribers_addresses_are_one_source(one: str, other: str, *, same: bool) -> None:
    throttle = RefusalThrottle(singles_per_minute=1)
    throttle.admit(one, "no-session", AT)

    assert throttle.admit(other, "no-session", AT) is not same


def test_a_clock_that_goes_back_stops_nothing() -> None:
    throttle = RefusalThrottle(singles_per_minute=1)
    flood(throttle, 3)

    assert throttle.admit("192.0.2.1", "no-session", AT - 3600 * SECOND)
    assert sum(draft.count for draft in throttle.flush(AT - 3600 * SECOND)) == 2


@given(
    st.lists(
        st.tuples(
            st.integers(0, 9), st.sampled_from(["a", "b"]), st.integers(-90, 200), st.booleans()
        ),
        max_size=200,
    )
)
@settings(max_examples=60)
def test_nothing_is_lost_from_the_count(events: list[tuple[int, str, int, bool]]) -> None:
    throttle = RefusalThrottle(singles_per_minute=2, total_per_minute=7, sources=3)
    singles, drafts = 0, list[EntryDraft]()
    for source, code, second, flush in events:
        singles += throttle.admit(f"192.0.2.{source}", code, AT + second * SECOND)
        if flush:
            drafts += throttle.flush(AT + second * SECOND)
    drafts += throttle.flush(AT, everything=True)

    assert singles + sum(draft.count for draft in drafts) == len(events)
