"""The organisations of a policy set and their file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from policies.errors import PolicyFileError
from policies.organisations import OrganisationKind, PolicyOrganisation, load_organisations

if TYPE_CHECKING:
    from pathlib import Path

POLICE = '[[organisation]]\nid = "a-police"\nname = "A"\nkind = "police"\nhost = true\n'
FIRE = '[[organisation]]\nid = "a-fire"\nname = "B"\nkind = "fire"\n'


def test_organisations_are_read_in_the_order_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "organisations.toml"
    path.write_text(POLICE + FIRE)

    assert load_organisations(path) == (
        PolicyOrganisation(id="a-police", name="A", kind=OrganisationKind.POLICE, host=True),
        PolicyOrganisation(id="a-fire", name="B", kind=OrganisationKind.FIRE, host=False),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (FIRE, "0 organisations are the host"),
        (POLICE + POLICE.replace("a-police", "b"), "2 organisations are the host"),
        (POLICE + FIRE + FIRE, "`a-fire` is declared twice"),
        (POLICE + FIRE.replace("a-fire", "A Fire"), "`A Fire` is not of the right form"),
        (POLICE + FIRE.replace('"fire"', '"fier"'), "unknown value `fier`"),
        (POLICE + FIRE + "hosts = true\n", "unknown key `hosts`"),
        (POLICE + FIRE + "[x]\n", "unknown key `x`"),
        ("", "`organisation` is missing"),
    ],
)
def test_a_file_with_a_fault_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "organisations.toml"
    path.write_text(text)

    with pytest.raises(PolicyFileError) as refusal:
        load_organisations(path)

    assert any(message in fault.message for fault in refusal.value.faults)
