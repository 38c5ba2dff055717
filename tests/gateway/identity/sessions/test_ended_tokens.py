"""What belongs to nobody is remembered for a moment, and never too much of it."""

from __future__ import annotations

from gateway.identity.sessions.ended_tokens import KEPT_SECONDS, MOST_KEPT, EndedTokens

SECOND_US = 1_000_000


def test_a_token_is_remembered_for_some_seconds_with_why_it_ended() -> None:
    ended = EndedTokens()
    ended.add("token", "ended-by-officer", 0)

    assert ended.holds("token", KEPT_SECONDS * SECOND_US - 1)
    assert not ended.holds("token", KEPT_SECONDS * SECOND_US)
    assert not ended.holds("another", 0)
    assert (ended.why("token"), ended.why("another")) == ("ended-by-officer", "")


def test_a_change_makes_it_forget() -> None:
    ended = EndedTokens()
    ended.add("token", "ended-by-officer", 0)
    ended.forget()

    assert not ended.holds("token", 1)
    assert ended.why("token") == ""


def test_those_of_the_past_leave_and_the_others_stay() -> None:
    ended = EndedTokens()
    ended.add("earlier", "signed-out", 0)
    ended.add("later", "signed-out", SECOND_US)
    ended.forget_past(KEPT_SECONDS * SECOND_US)

    assert (ended.why("earlier"), ended.why("later")) == ("", "signed-out")


def test_what_is_remembered_is_bounded() -> None:
    ended = EndedTokens()
    for number in range(MOST_KEPT + 5):
        ended.add(str(number), "", 0)

    assert sum(ended.holds(str(number), 1) for number in range(MOST_KEPT + 5)) <= MOST_KEPT
    assert ended.holds(str(MOST_KEPT + 4), 1)
