"""The three organisations of the demo, and how each one's directory spells what it knows.

The spellings differ on purpose, as they do in the world: the police keep an Active Directory with
its own attribute names, the fire service the usual inetOrgPerson, the ambulance service a schema of
its own. The ambulance service's staff sign in at an OpenID provider; its directory is started only
where a benchmark wants three of a kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SCHEMAS = Path(__file__).with_name("directories")


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOrganisation:
    """An organisation and its directory.

    Attributes:
        staff: how many people its directory holds, the role accounts included.
        first_number: the first employee number that the generator gives.
        people: the branch under the suffix that holds the staff.
        rdn: the attribute that names an entry.
        object_classes: of each entry.
        attributes: what the directory calls what the gateway asks for (names of the settings).
        further: attributes beyond those, by what is put into them: `given`, `family`, `display`,
            `login_mail`, `claim`, `category` or `control`.
        provider: what its own sign-in is called, if its staff sign in at an OpenID provider.
        directory_kind: what its directory is to the gateway, `ldap` or `active-directory`.
    """

    id: str
    name: str
    kind: str
    help_contact: str
    staff: int
    first_number: int
    domain: str
    suffix: str
    suffix_classes: tuple[str, ...]
    people: str
    rdn: str
    object_classes: tuple[str, ...]
    attributes: Mapping[str, str]
    further: Mapping[str, str]
    schema: str
    provider: str = ""
    directory_kind: str = "ldap"

    @property
    def base(self) -> str:
        """Give the DN under which the staff are found."""
        return f"{self.people},{self.suffix}"

    @property
    def bind_dn(self) -> str:
        """Give the DN of the account with which the gateway looks people up."""
        return f"cn=gateway,ou=services,{self.suffix}"

    @property
    def schema_file(self) -> Path:
        """Give the file with the schema of this directory alone."""
        return SCHEMAS / self.schema


POLICE = DemoOrganisation(
    id="cheshire-police",
    name="Cheshire Constabulary",
    kind="police",
    help_contact="Force IT service desk, 01606 000 101",
    staff=4215,
    first_number=21000,
    domain="cheshire.police.example",
    suffix="dc=cheshire,dc=pnn,dc=police,dc=uk",
    suffix_classes=("dcObject", "organization"),
    people="ou=people",
    rdn="cn",
    object_classes=("user",),
    attributes={
        "directory_id": "objectGUID",
        "employee_number": "employeeID",
        "username": "sAMAccountName",
        "name": "displayName",
        "post": "title",
        "unit": "department",
        "mail": "mail",
        "manager": "manager",
    },
    further={
        "givenName": "given",
        "sn": "family",
        "userPrincipalName": "login_mail",
        "objectCategory": "category",
        "userAccountControl": "control",
    },
    schema="cheshire-police.schema",
    directory_kind="active-directory",
)
FIRE = DemoOrganisation(
    id="cheshire-fire",
    name="Cheshire Fire and Rescue Service",
    kind="fire",
    help_contact="Fire service help desk, 01606 000 202",
    staff=989,
    first_number=41000,
    domain="cheshirefire.example",
    suffix="dc=cheshirefire,dc=gov,dc=uk",
    suffix_classes=("dcObject", "organization"),
    people="ou=people",
    rdn="uid",
    object_classes=("inetOrgPerson", "cfrsPerson"),
    attributes={
        "directory_id": "entryUUID",
        "employee_number": "employeeNumber",
        "username": "uid",
        "name": "cn",
        "post": "title",
        "unit": "ou",
        "mail": "mail",
        "manager": "manager",
    },
    # The claim is what the gateway must not believe: vetting is the host's to say.
    further={"givenName": "given", "sn": "family", "cfrsVettingLevel": "claim"},
    schema="cheshire-fire.schema",
)
AMBULANCE = DemoOrganisation(
    id="nwas",
    name="North West Ambulance Service",
    kind="ambulance",
    help_contact="Trust digital service desk, 01204 000 303",
    staff=300,
    first_number=701000,
    domain="nwas.example",
    suffix="o=nwas,dc=nhs,dc=uk",
    suffix_classes=("organization",),
    people="ou=staff",
    rdn="nwasStaffNumber",
    object_classes=("nwasStaffMember",),
    attributes={
        "directory_id": "entryUUID",
        "employee_number": "nwasStaffNumber",
        "username": "nwasLogin",
        "name": "cn",
        "post": "nwasJobRole",
        "unit": "nwasStation",
        "mail": "mail",
        "manager": "nwasLineManager",
    },
    further={"givenName": "given", "sn": "family"},
    schema="nwas.schema",
    provider="NWAS sign-in",
)
ORGANISATIONS = (POLICE, FIRE, AMBULANCE)
