"""Whose staff may sign in."""

from __future__ import annotations

import pytest

from gateway.errors import IdentityError
from gateway.identity.organisations import Organisation, Organisations

FIRE = Organisation(id="cheshire-fire", name="Cheshire Fire", kind="fire", help_contact="desk")
NWAS = Organisation(id="nwas", name="North West Ambulance", kind="ambulance")


def test_an_organisation_is_found_by_its_id_as_it_is_spelt() -> None:
    organisations = Organisations([FIRE, NWAS])

    assert organisations.get("cheshire-fire") is FIRE
    for other in ("", "Cheshire-Fire", "cheshire-fire ", "cheshire", "cheshire-fire\0"):
        assert organisations.get(other) is None


def test_they_keep_their_order_and_kinds() -> None:
    organisations = Organisations([NWAS, FIRE])

    assert [each.id for each in organisations] == ["nwas", "cheshire-fire"]
    assert len(organisations) == 2
    assert dict(organisations.kinds()) == {"nwas": "ambulance", "cheshire-fire": "fire"}


def test_none_at_all_is_refused() -> None:
    with pytest.raises(IdentityError, match="none"):
        Organisations([])


def test_one_that_comes_twice_is_refused() -> None:
    with pytest.raises(IdentityError, match="twice"):
        Organisations([FIRE, FIRE])


@pytest.mark.parametrize("organisation_id", ["", "a/b", "A", "a b", "-a", "a-", "a" * 41, "a\n"])
def test_an_id_that_could_be_part_of_another_name_is_refused(organisation_id: str) -> None:
    with pytest.raises(IdentityError, match="not an id"):
        Organisation(id=organisation_id, name="x", kind="fire")


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(IdentityError, match="kind"):
        Organisation(id="a", name="x", kind="navy")
