"""The settings of sessions: how long they last, how many there may be, when they are checked."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, Strict, model_validator

from gateway.settings_sections import Section
from vetting.errors import RequirementError
from vetting.levels import LevelOrder
from vetting.requirement import Requirement


def _readable(text: str) -> str:
    try:
        Requirement.parse(text, LevelOrder.shipped())
    except RequirementError as error:
        message = f"{error}; write levels joined by `and` and `or`, such as `SC or N3`"
        raise ValueError(message) from error
    return text


class TighterSection(Section):
    """Shorter limits for the sessions of some people, as `[[sessions.tighter]]`."""

    appointed: bool = False
    """Whether this is for everyone with an appointment in the gateway."""
    holds: Annotated[str, AfterValidator(_readable)] | None = None
    """Write the levels whose holders this is for, such as `SC or N3`."""
    idle_minutes: int = Field(ge=5, le=240)
    """Write after how many minutes unused their session ends."""
    absolute_hours: int = Field(ge=1, le=24)
    """Write after how many hours their session ends however much it is used."""

    @model_validator(mode="after")
    def _for_somebody(self) -> Self:
        if not self.appointed and self.holds is None:
            message = "is for nobody; write `appointed = true`, or `holds`"
            raise ValueError(message)
        return self


class PresenceSection(Section):
    """When a class of functions asks for a new sign-in, as `[[sessions.presence]]`."""

    classification: Literal["OFFICIAL", "OFFICIAL-SENSITIVE"] | None = None
    """Write `OFFICIAL-SENSITIVE` where only functions so marked are meant."""
    regime: Literal["GP", "LE"] | None = None
    """Write `LE` where only functions of law enforcement are meant."""
    pause_minutes: int | None = Field(default=None, ge=2, le=240)
    """Write how many minutes a session may have been unused since the person's last proof."""
    absolute_hours: int | None = Field(default=None, ge=1, le=24)
    """Write after how many hours they ask for a new sign-in however much the session is used."""

    @model_validator(mode="after")
    def _of_something(self) -> Self:
        if self.pause_minutes is None and self.absolute_hours is None:
            message = "limits nothing; write `pause_minutes`, `absolute_hours` or both"
            raise ValueError(message)
        return self


class SessionsSection(Section):
    """How many sessions a person may have, and when sessions are looked at again."""

    at_most: int = Field(default=5, ge=1, le=50)
    """The most sessions of one person at a time; one more ends the oldest."""
    recheck_seconds: int = Field(default=60, ge=5, le=3_600)
    """How often a directory is asked whether the people signed in are still there."""
    recheck_grace_minutes: int = Field(default=15, ge=1, le=720)
    """How long sessions live on while their directory does not answer; then they are refused."""
    tighter: Annotated[tuple[TighterSection, ...], Strict(strict=False)] = Field(
        default_factory=lambda: (TighterSection(appointed=True, idle_minutes=15, absolute_hours=8),)
    )
    """Shorter limits for those who could do more harm."""
    presence: Annotated[tuple[PresenceSection, ...], Strict(strict=False)] = Field(
        default_factory=lambda: (
            PresenceSection(classification="OFFICIAL-SENSITIVE", pause_minutes=15),
            PresenceSection(regime="LE", pause_minutes=10, absolute_hours=4),
        )
    )
    """Which functions ask for a new sign-in after a shorter pause, or after fewer hours."""
