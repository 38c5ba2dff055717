"""Organisations are read from a scenario; their kind of directory says the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from deploy.demo.organisations import SCHEMAS, DemoOrganisation, Holding, read_organisation
from deploy.demo.scenario import load_scenario

TABLE: dict[str, Any] = {
    "id": "north-fire",
    "name": "North Fire",
    "kind": "fire",
    "help_contact": "help desk",
    "directory": "openldap",
    "domain": "north.example",
    "suffix": "dc=north,dc=example",
    "staff": 10,
    "first_number": 1000,
    "towns": ["Northby"],
    "holds": [[1, "N3+SC"], [2, "RV expired"], [3, ""]],
}


def read(folder: Path, **changes: Any) -> DemoOrganisation:
    return read_organisation({**TABLE, **changes}, folder)


def test_the_kind_of_directory_says_how_everything_is_spelt(tmp_path: Path) -> None:
    plain = read(tmp_path)
    domain = read(tmp_path, directory="active-directory")

    assert (plain.attributes["username"], plain.schema_file) == ("uid", None)
    assert (domain.attributes["username"], domain.directory_kind) == (
        "sAMAccountName",
        "active-directory",
    )
    assert domain.schema_file == SCHEMAS / "active-directory.schema"
    assert plain.base == "ou=people,dc=north,dc=example"


def test_what_an_organisation_spells_its_own_way_is_its_scenarios(tmp_path: Path) -> None:
    (tmp_path / "directories").mkdir()
    schema = tmp_path / "directories" / "own.schema"
    schema.touch()
    own = read(tmp_path, ldap={"rdn": "number", "schema": "own.schema"})

    assert (own.rdn, own.schema_file) == ("number", schema)
    assert own.attributes == read(tmp_path).attributes


def test_shares_of_the_staff_hold_levels_in_some_standing(tmp_path: Path) -> None:
    holds = read(tmp_path).holds

    assert holds == (
        Holding(share=1, levels=("N3", "SC")),
        Holding(share=2, levels=("RV",), standing="expired"),
        Holding(share=3, levels=()),
    )
    assert [each.words for each in holds] == ["N3+SC", "RV expired", ""]


def test_who_signs_in_at_a_provider_names_it(tmp_path: Path) -> None:
    assert read(tmp_path, directory="oidc", provider="North sign-in").provider == "North sign-in"
    with pytest.raises(KeyError, match="provider"):
        read(tmp_path, directory="oidc")
    with pytest.raises(TypeError, match="oidc"):
        read(tmp_path, provider="North sign-in")


@pytest.mark.parametrize(
    ("changes", "error"),
    [({"directory": "notes"}, KeyError), ({"colour": "red"}, TypeError)],
)
def test_what_nobody_knows_is_refused(
    tmp_path: Path, changes: dict[str, str], error: type[Exception]
) -> None:
    with pytest.raises(error):
        read(tmp_path, **changes)


def test_each_kind_of_directory_of_the_founding_documents_is_played() -> None:
    """Police a domain, suppliers and the council a provider, Cheshire's fire plain LDAP."""
    kinds = {
        (name, one.id): "oidc" if one.provider else one.directory_kind
        for name in ("mfss", "cleveland-steria", "hampshire", "cheshire-blue-light")
        for one in load_scenario(name).organisations
    }

    assert kinds["mfss", "northamptonshire-police"] == "active-directory"
    assert kinds["mfss", "capgemini"] == kinds["cleveland-steria", "steria"] == "oidc"
    assert kinds["hampshire", "hampshire-council"] == "oidc"
    assert kinds["cheshire-blue-light", "cheshire-fire"] == "ldap"
