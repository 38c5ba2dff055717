"""Whom to ask, as the bundle of the pages tells it."""

from __future__ import annotations

import pytest

from policies.reasons import Reason
from tests.gateway.pages.people import FIRE, POLICE
from tests.gateway.pages.world import World


@pytest.mark.parametrize("reason", list(Reason))
def test_every_contact_that_a_reason_names_is_known(world: World, reason: Reason) -> None:
    """A reason that sends a person to nobody helps nobody."""
    assert reason.telling.whom in {"", *world.services.contacts("cheshire-fire")}


def test_contact_is_that_of_the_persons_own_organisation(world: World) -> None:
    """The host knows nothing of a partner's posts and directory."""
    contacts = world.services.contacts("cheshire-fire")

    assert contacts["own-organisation"] == FIRE.help_contact
    assert contacts["host-help"] == POLICE.help_contact


@pytest.mark.parametrize("organisation", [None, "atlantis"])
def test_host_is_asked_when_the_organisation_is_not_known(
    world: World, organisation: str | None
) -> None:
    """Somebody must be there to ask."""
    assert world.services.contacts(organisation)["own-organisation"] == POLICE.help_contact
