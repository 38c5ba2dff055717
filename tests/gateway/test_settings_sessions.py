"""Settings of sessions that would do nothing, or too much, are refused with what to do."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from gateway.settings_sessions import PresenceSection, SessionsSection, TighterSection


def test_without_a_word_of_it_sessions_of_officers_and_sensitive_functions_are_tighter() -> None:
    section = SessionsSection()

    assert (section.at_most, section.recheck_seconds, section.recheck_grace_minutes) == (5, 60, 15)
    assert [each.appointed for each in section.tighter] == [True]
    assert {each.pause_minutes for each in section.presence} == {10, 15}
    assert {each.absolute_hours for each in section.presence} == {None, 4}


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"idle_minutes": 5, "absolute_hours": 1}, "for nobody"),
        ({"holds": "N9", "idle_minutes": 5, "absolute_hours": 1}, "write levels"),
        ({"appointed": True, "idle_minutes": 1, "absolute_hours": 1}, "idle_minutes"),
    ],
)
def test_limits_that_cannot_be_meant_are_refused(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        TighterSection(**wrong)


def test_a_class_of_functions_without_any_limit_is_refused() -> None:
    with pytest.raises(ValidationError, match="limits nothing"):
        PresenceSection(regime="LE")


def test_a_pause_of_an_unknown_class_is_refused() -> None:
    with pytest.raises(ValidationError, match="classification"):
        PresenceSection(classification="SECRET", pause_minutes=5)  # type: ignore[arg-type]
