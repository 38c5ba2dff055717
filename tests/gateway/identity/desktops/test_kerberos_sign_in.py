"""Signing in with a ticket at a real domain: who comes in, and everybody who does not."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.errors import GatewayError, RecordUnavailable
from gateway.identity.desktops.kerberos import TicketAcceptor
from gateway.identity.desktops.kerberos_sign_in import KerberosSignIn, TicketArrival, TicketDoor
from gateway.identity.desktops.tickets import KerberosSettings
from gateway.identity.directories.bulkhead import Bulkhead
from gateway.identity.directories.door import Door
from gateway.identity.directories.ldap_directory import LdapDirectory
from gateway.identity.signing_in.sign_in import SignedIn
from gateway.identity.signing_in.sign_in_refusal import Refusal, refusal_code
from tests.doubles.desktop import GATE, Desktop
from tests.doubles.samba import BASE, REALM, STAFF
from tests.gateway.identity.conftest import domain_settings
from tests.gateway.identity.desks import Desk, ScriptedDirectory
from tests.gateway.identity.parts import AT, FIRE, Parts

pytestmark = pytest.mark.directory


class Gate:
    """A gateway that takes the tickets of a domain; its other parts are real too."""

    def __init__(self, parts: Parts, desktop: Desktop, folder: Path) -> None:
        self.parts = parts
        self.desktop = desktop
        self.desk = Desk(parts, ScriptedDirectory(), ScriptedDirectory())
        self.acceptor = TicketAcceptor(
            KerberosSettings(
                keytab_file=desktop.keytab_file,
                service=GATE,
                realms=(REALM,),
                replay_folder=folder,
            )
        )
        self.signing = self.signing_at()

    def signing_at(
        self, *, realms: tuple[str, ...] = (REALM,), base: str = STAFF, at_once: int = 2
    ) -> KerberosSignIn:
        door = Door(
            id="police-domain",
            directory=LdapDirectory(domain_settings(self.desktop.domain, base=base)),
            bulkhead=Bulkhead("police-domain", at_once=at_once),
            budget_seconds=3.0,
        )
        ticket_door = TicketDoor(door=door, acceptor=self.acceptor, realms=realms, qualified=True)
        return KerberosSignIn(doors={FIRE: ticket_door}, sign_in=self.desk.sign_in)

    def header(self, cache: str) -> str:
        return "Negotiate " + base64.b64encode(self.desktop.show(cache)[1]).decode()

    def sign_in(
        self, header: str, signing: KerberosSignIn | None = None, **more: object
    ) -> TicketArrival:
        return (signing or self.signing).sign_in(
            FIRE,
            header,
            source="10.0.0.1",
            agent="Edge",
            at=AT,
            **more,  # type: ignore[arg-type]  # passed on
        )

    def refused(self, header: str, signing: KerberosSignIn | None = None) -> str:
        with pytest.raises(GatewayError) as raised:
            self.sign_in(header, signing)
        assert self.desk.count("session") == 0
        if isinstance(raised.value, Refusal):
            assert raised.value.tellable
        return refusal_code(raised.value)


@pytest.fixture
def gate(parts: Parts, desktop: Desktop, tmp_path: Path) -> Iterator[Gate]:
    made = Gate(parts, desktop, tmp_path)
    yield made
    made.desk.sign_in.close()


@pytest.fixture(scope="module")
def ticket(desktop: Desktop) -> str:
    desktop.domain.add_person("quinn", employeeID="7101", department="Crewe")
    return desktop.sign_in("quinn")


def test_somebody_signs_in_with_the_account_of_their_computer(gate: Gate, ticket: str) -> None:
    recorded: list[SignedIn] = []
    older = gate.desk.attempt(organisation="nwas").token
    arrival = gate.sign_in(gate.header(ticket), record=recorded.append, replaces=older)
    session = arrival.signed_in.session

    assert recorded == [arrival.signed_in]
    assert arrival.answer
    assert arrival.signed_in.staff.address == f"quinn@{FIRE}"
    assert arrival.signed_in.staff.employee_number == "7101"
    assert session.factors == {"kerberos"}
    assert session.directory == "police-domain"
    assert (session.source, session.agent) == ("10.0.0.1", "Edge")
    assert gate.parts.sessions.find(older, at=AT) is None


def test_who_cannot_be_recorded_is_not_signed_in(gate: Gate, ticket: str) -> None:
    def record(_: SignedIn) -> None:
        raise RecordUnavailable("record: away")

    with pytest.raises(RecordUnavailable):
        gate.sign_in(gate.header(ticket), record=record)
    assert gate.desk.count("session WHERE ended_at_us IS NULL") == 0


def test_what_does_not_hold_signs_nobody_in(gate: Gate, ticket: str) -> None:
    header = gate.header(ticket)
    broken = header[:-12] + ("A" if header[-12] != "A" else "B") + header[-11:]

    assert gate.refused("Negotiate !") == "ticket-malformed"
    assert gate.refused("Basic eDp5") == "ticket-malformed"
    assert gate.refused("Negotiate " + base64.b64encode(b"NTLMSSP\0").decode()) == "ticket-ntlm"
    assert gate.refused(broken) == "ticket-refused"


def test_a_ticket_shown_again_signs_nobody_in(gate: Gate, ticket: str) -> None:
    header = gate.header(ticket)
    gate.acceptor.accept(base64.b64decode(header.split(" ")[1]))

    assert gate.refused(header) == "ticket-replayed"


def test_a_realm_that_is_not_listed_comes_no_further(gate: Gate, ticket: str) -> None:
    signing = gate.signing_at(realms=("FIRE.EXAMPLE",))

    assert gate.refused(gate.header(ticket), signing) == "ticket-of-elsewhere"


@pytest.mark.parametrize(
    ("control", "code"), [("514", "account-disabled"), ("512", "account-expired")]
)
def test_a_ticket_does_not_outlive_the_account(gate: Gate, control: str, code: str) -> None:
    """A ticket that has been given holds for hours, whatever becomes of the account."""
    name = f"closed{control}"
    dn = gate.desktop.domain.add_person(name, employeeID=f"71{control}")
    header = gate.header(gate.desktop.sign_in(name))
    gate.desktop.domain.modify(
        dn, userAccountControl=control, accountExpires="0" if control == "514" else "1"
    )

    assert gate.refused(header) == code


def test_a_locked_account_is_refused_although_its_ticket_holds(gate: Gate) -> None:
    gate.desktop.domain.add_person("locked", employeeID="7110")
    header = gate.header(gate.desktop.sign_in("locked"))
    gate.desktop.domain.lock("locked")

    assert gate.refused(header) == "account-locked"


def test_who_is_not_staff_is_not_known_and_named_for_the_record(gate: Gate) -> None:
    """An account outside the base, such as an administrator's, is nobody's here."""
    gate.desktop.domain.add_person("outsider", below=f"CN=Users,{BASE}", employeeID="7111")
    cache = gate.desktop.sign_in("outsider")
    with pytest.raises(Refusal) as raised:
        gate.sign_in(gate.header(cache))

    assert (raised.value.code, raised.value.username) == ("unknown-person", "outsider")
    assert gate.sign_in(gate.header(cache), gate.signing_at(base=BASE)).answer


def test_an_entry_without_an_employee_number_opens_no_session(gate: Gate) -> None:
    gate.desktop.domain.add_person("numberless")

    assert gate.refused(gate.header(gate.desktop.sign_in("numberless"))) == "entry-incomplete"


def test_an_organisation_without_tickets_is_told(gate: Gate, ticket: str) -> None:
    with pytest.raises(Refusal, match="unknown-organisation"):
        gate.signing.sign_in("nwas", gate.header(ticket), source="10.0.0.1", agent="", at=AT)


def test_a_full_house_is_told_at_once(gate: Gate, ticket: str) -> None:
    signing = gate.signing_at(at_once=1)
    bulkhead = signing._doors[FIRE].door.bulkhead
    header = gate.header(ticket)

    assert bulkhead.run(lambda: gate.refused(header, signing), timeout_seconds=5) == "busy"
