"""Believable people and organisations to show pages to."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime

from gateway.pages.page_services import OrganisationChoice, ProviderChoice
from policies.question import Subject
from vetting.clearance import Clearance
from vetting.grants import ClearanceGrant, GrantStatus
from vetting.levels import LevelId, LevelOrder

AT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)

POLICE = OrganisationChoice(
    id="cheshire-police",
    name="Cheshire Constabulary",
    help_contact="ICT service desk, 01606 362000",
    takes_ticket=True,
)
FIRE = OrganisationChoice(
    id="cheshire-fire",
    name="Cheshire Fire and Rescue Service",
    help_contact="Fire ICT help desk, 01606 868700",
    email_domains=frozenset({"cheshirefire.example", "fire.example"}),
)
AMBULANCE = OrganisationChoice(
    id="nwas",
    name="North West Ambulance Service NHS Trust",
    help_contact="NWAS ICT service desk, 01204 498400",
    takes_password=False,
    providers=(ProviderChoice(id="nwas", name="NWAS sign-in"),),
    email_domains=frozenset({"nwas.example"}),
)


def grant_of(
    level: str,
    organisation: str,
    *,
    body: str = "",
    expires_on: date | None = None,
    status: GrantStatus = GrantStatus.GRANTED,
    reference: str = "",
) -> ClearanceGrant:
    """Make a grant of clearance, by the employer unless a body is named."""
    return ClearanceGrant(
        id=f"{organisation}-{level}",
        level=LevelId(level),
        granting_body=body or organisation,
        sponsor=organisation,
        granted_on=date(2024, 4, 2),
        expires_on=expires_on,
        review_due_on=None,
        status=status,
        reference=reference,
    )


def subject(
    username: str,
    organisation: str,
    number: str,
    name: str,
    grants: Iterable[ClearanceGrant],
    *,
    order: LevelOrder,
    posts: Iterable[str] = (),
    team: Iterable[str] = (),
    appointments: Iterable[str] = (),
) -> Subject:
    """Make a member of staff as the sessions hold them."""
    kinds = {"cheshire-police": "police", "cheshire-fire": "fire", "nwas": "ambulance"}
    return Subject(
        staff_id=f"{organisation}/{username}",
        organisation=organisation,
        organisation_kind=kinds[organisation],
        employee_number=number,
        name=name,
        posts=frozenset(posts),
        unit="",
        team=frozenset(team),
        appointments=frozenset(appointments),
        clearance=Clearance(
            grants=tuple(grants),
            organisation=organisation,
            order=order,
            accepted=frozenset({"cheshire-police", "Cheshire Constabulary", "x"}),
        ),
    )


def demo_staff(order: LevelOrder) -> dict[str, Subject]:
    """Make the people of the demonstration, by username."""
    fire, police, nwas = "cheshire-fire", "cheshire-police", "nwas"
    lapsed = date(2026, 11, 20)
    vetted = date(2034, 3, 31)

    def officer(username: str, number: str, name: str, *roles: str) -> Subject:
        grants = [
            grant_of("RV", police, body="Cheshire Constabulary", expires_on=vetted),
        ]
        return subject(username, police, number, name, grants, order=order, appointments=roles)

    people = (
        subject(
            "firefighter",
            fire,
            "40011",
            "Sam Okafor",
            [grant_of("DBSB", fire)],
            order=order,
            posts=["firefighter"],
        ),
        subject(
            "watch-manager",
            fire,
            "40007",
            "Bethan Rhys",
            [grant_of("DBSS", fire, expires_on=date(2027, 1, 15))],
            order=order,
            posts=["watch-manager"],
            team=["40011", "40012"],
        ),
        subject(
            "fire-lapsed",
            fire,
            "40230",
            "Priya Shah",
            [
                grant_of("DBSB", fire),
                grant_of("N2F", fire, body="Cheshire Constabulary", expires_on=lapsed),
            ],
            order=order,
            posts=["hr"],
        ),
        subject("fire-new", fire, "40900", "Alex Fenn", [], order=order, posts=["firefighter"]),
        subject("paramedic", nwas, "70150", "Jo Hartley", [grant_of("DBSE", nwas)], order=order),
        officer("constable", "10482", "Daniel Reid"),
        officer("auditor", "10031", "Margaret Ellis", "auditor"),
        officer("security-officer", "10044", "Imran Qureshi", "security-officer"),
        officer("vetting-officer", "10052", "Helen Marsh", "vetting-officer"),
    )
    return {person.staff_id.partition("/")[2]: person for person in people}
