"""`gateway account reset-factors`: two different operators, on the record."""

from __future__ import annotations

from gateway.identity.directories.directory import DirectoryPerson
from gateway.identity.factors.factor_rows import factor_rows
from gateway.identity.factors.factor_seal import FactorSeal
from gateway.identity.factors.factors import SecondFactors
from gateway.identity.factors.second_factor import totp_code, totp_step
from gateway.identity.factors.security_key import RelyingParty
from gateway.identity.staff import remember
from gateway.store.engine import open_store, reading, writing
from tests.gateway.cli.place import AT, Place
from tests.gateway.identity.factor_bench import anyone


def test_two_operators_remove_them_and_one_cannot(place: Place) -> None:
    person = DirectoryPerson(
        directory_id="id-sam", username="sam", name="Sam", employee_number="40011"
    )
    store = open_store(place.settings.store_url)
    with writing(store) as connection:
        staff = remember(connection, "cheshire-fire", person, AT)
    factors = SecondFactors(
        store, FactorSeal([bytes(32)]), RelyingParty(origin="http://localhost", name="x")
    )
    secret = factors.begin_app("b" * 64, at=AT)
    code = totp_code(secret, totp_step(AT))
    factors.add_app("b" * 64, staff.staff_id, name="", code=code, at=AT, allow=anyone)
    command = ("account", "reset-factors")
    proposed = place.run(*command, "--person", "cheshire-fire/40011", "--operator", "Ann Lee")
    proposal = proposed.out.split()[-1]
    alone = place.run(*command, "--approve", proposal, "--operator", " ann lee")

    assert proposed.code == 0
    assert alone.code == 1
    assert "cannot approve" in alone.err
    with reading(store) as connection:
        assert len(factor_rows(connection, staff.staff_id)) == 1
    done = place.run(*command, "--approve", proposal, "--operator", "Bob Ray")
    assert "removed 1 second factor(s) of cheshire-fire/40011" in done.out
    with reading(store) as connection:
        assert factor_rows(connection, staff.staff_id) == []
    assert place.run(*command, "--operator", "x").code == 2
    store.dispose()
