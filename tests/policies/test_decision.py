"""Decisions: what they carry, and the short text that the log keeps."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.decision import Results, ResultsTextError
from policies.engine import Engine
from tests.policies.people import asked, cheshire, subject

WORDS = st.text(max_size=30)
BITS = st.integers(min_value=0, max_value=1 << 300)
RESULTS = st.builds(
    Results, WORDS, WORDS, WORDS, WORDS, st.integers(0, 2), BITS, BITS, BITS, BITS, BITS
)


@settings(deadline=None)  # other tests may hold the machine
@given(RESULTS)
def test_results_survive_the_text_that_the_log_keeps(results: Results) -> None:
    """Reasons are expanded from this text years later."""
    text = results.to_text()

    assert text.isascii()
    assert Results.from_text(text) == results


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1:read:a:b::0:1:0:0:0",  # a field too few
        "2:read:a:b::0:1:0:0:0:0",  # another version
        "1:read:a:b::0:x:0:0:0:0",
        "1:read:a:b::0:01:0:0:0:0",  # a second way to write 1
        "1:read:a:b::0:-1:0:0:0:0",
        "1:read:a:b::0:0x1:0:0:0:0",
        "1:re%61d:a:b::0:1:0:0:0:0",
        "1:read:a:b::0:1:0:0:0:0\n",
        "1:read:a:b::0:" + "f" * 30_000 + ":0:0:0:0",
    ],
)
def test_a_text_in_any_other_form_is_refused(text: str) -> None:
    with pytest.raises(ResultsTextError):
        Results.from_text(text)


def test_the_text_of_a_shipped_decision_is_short_and_names_no_person() -> None:
    """It stands in clear in every entry."""
    who = subject("DBSB", posts=["hr"])
    decision = Engine.compile(cheshire()).decide(asked(who, "hr.search", person="40012"))

    text = decision.results.to_text()

    assert len(text) < 100
    assert "4001" not in text
    assert who.name not in text


def test_a_decision_is_neither_true_nor_false() -> None:
    """`if decision:` would let every refusal in."""
    decision = Engine.compile(cheshire()).decide(asked(subject("DBSB")))

    with pytest.raises(TypeError, match="permitted"):
        bool(decision)
    assert decision.permitted is True
