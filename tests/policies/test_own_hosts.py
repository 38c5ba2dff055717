"""Systems with a host of their own: a path means what its host says, and nothing elsewhere."""

from pathlib import Path

import pytest

from policies.catalogue import Catalogue
from policies.catalogue_file import load_catalogue
from policies.errors import PolicyFileError
from vetting.levels import LevelOrder

FUNCTION = """
[[function]]
id = "{id}"
title = "{id}"
area = "things"
classification = "OFFICIAL"
regime = "GP"
floor = "BASE"
scope = "own"
system = "{system}"
entry = "/home"
match = [{{ methods = ["GET"], path = "/home"{query} }}]
"""
EBS = FUNCTION.format(id="ebs.home", system="ebs", query="")
FLEET = FUNCTION.format(id="fleet.home", system="fleet", query="")
OTHER = FUNCTION.format(id="portal.home", system="intranet", query="")


def catalogue(folder: Path, text: str) -> Catalogue:
    path = folder / "catalogue.toml"
    path.write_text(text)
    return load_catalogue(path, LevelOrder.shipped())


def meant(of: Catalogue) -> str | None:
    match = of.match("GET", "/home", [])
    return None if match is None else match.function.id


def test_a_path_means_what_its_host_says(tmp_path: Path) -> None:
    whole = catalogue(tmp_path, f'own_host = ["ebs", "fleet"]\n{EBS}{FLEET}{OTHER}')

    assert meant(whole) == "portal.home"
    assert meant(whole.at("ebs")) == "ebs.home"
    assert meant(whole.at("fleet")) == "fleet.home"
    assert meant(whole.at("intranet")) == "portal.home"
    assert meant(whole.without(frozenset({"ebs", "fleet"}))) == "portal.home"
    assert meant(whole.without(frozenset({"intranet"}))) is None


def test_what_is_reached_nowhere_else_is_still_known(tmp_path: Path) -> None:
    whole = catalogue(tmp_path, f'own_host = ["ebs"]\n{EBS}')

    assert meant(whole) is None
    assert whole.functions["ebs.home"].system == "ebs"


def test_two_systems_without_hosts_do_not_share_a_path(tmp_path: Path) -> None:
    with pytest.raises(PolicyFileError) as refused:
        catalogue(tmp_path, f'own_host = ["ebs"]\n{EBS}{FLEET}{OTHER}')

    assert "the same request already means `fleet.home`; let one" in str(refused.value)


def test_within_a_system_a_request_still_means_one_function(tmp_path: Path) -> None:
    again = EBS.replace('id = "ebs.home"', 'id = "ebs.start"')
    with pytest.raises(PolicyFileError) as refused:
        catalogue(tmp_path, f'own_host = ["ebs"]\n{EBS}{again}')

    assert "the same request already means `ebs.home`" in str(refused.value)


def test_what_names_a_person_anywhere_is_watched_at_every_host(tmp_path: Path) -> None:
    named = FUNCTION.format(id="ebs.who", system="ebs", query="").replace("/home", "/who")
    named = named.replace(
        'entry = "/who"\n', 'record = { name = "person_id", where = ["query"] }\n'
    )
    whole = catalogue(tmp_path, f'own_host = ["ebs", "fleet"]\n{named}{FLEET}')

    assert whole.at("ebs").match("GET", "/who", [("person_id", "4")]) is not None
    assert whole.at("fleet").match("GET", "/home", [("person_id", "4")]) is None


def test_a_parameter_that_carries_functions_elsewhere_is_an_ordinary_one_here(
    tmp_path: Path,
) -> None:
    carried = FUNCTION.format(id="ebs.home", system="ebs", query=', query = { page = "x" }')
    whole = catalogue(
        tmp_path,
        f'own_host = ["ebs", "fleet"]\n{carried.replace("/home", "/home?page=x", 1)}{FLEET}',
    )

    assert whole.at("ebs").declared_parameters == {"page"}
    assert whole.at("fleet").declared_parameters == frozenset()


@pytest.mark.parametrize(
    ("system", "said"),
    [
        ("gateway", "own_host[1]: the gateway's own pages have the gateway's host; remove it"),
        ("flet", "own_host[1]: no function is of `flet`; did you mean `fleet`?"),
    ],
)
def test_only_systems_that_there_are_have_hosts(tmp_path: Path, system: str, said: str) -> None:
    with pytest.raises(PolicyFileError) as refused:
        catalogue(tmp_path, f'own_host = ["{system}"]\n{FLEET}')

    assert said in str(refused.value)
