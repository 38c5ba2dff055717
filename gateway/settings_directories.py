"""The organisations of the settings file, and the directories each one's staff sign in against.

A directory is told apart by its `kind`. An organisation has one or more, but its staff type their
password at one of them at most: a password is never shown to two directories.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, Strict, model_validator

from gateway.settings_sections import (
    FilePath,
    Identifier,
    Section,
    Title,
)

ATTRIBUTE_NAME = r"^[A-Za-z][A-Za-z0-9-]{0,63}$"
LDAP_URI = r"^ldaps?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(:[0-9]{1,5})?/?$"
DNS_NAME = r"^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)+$"
NETBIOS_NAME = r"^[A-Za-z0-9][A-Za-z0-9.!@#$%^&()_-]{0,14}$"
ISSUER = r"^https?://[a-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?$"
HOST_NAME = r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$"
MAIL_DOMAIN = r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$"
REALM = r"^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$"
HTTP_SERVICE = r"^HTTP@[a-z0-9]([a-z0-9.-]*[a-z0-9])?$"
SCOPE = r"^[\x21\x23-\x5B\x5D-\x7E]+$"
CLAIM_NAME = r"^[A-Za-z0-9_.:/-]+$"
BUDGET_SECONDS = 3.0

AttributeName = Annotated[str, Field(pattern=ATTRIBUTE_NAME)]
DistinguishedName = Annotated[str, Field(min_length=3, max_length=500, pattern=r"=")]
ClaimName = Annotated[str, Field(pattern=CLAIM_NAME, max_length=200)]
Algorithm = Literal[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"
]
Post = Annotated[str, Field(min_length=1, max_length=120)]
OrganisationKind = Literal["police", "fire", "ambulance", "council", "supplier"]


class AttributeNames(Section):
    """What the organisation's directory calls what the gateway needs to know.

    INVARIANT: nothing here names vetting. What somebody is cleared to comes from the host's own
    register, whatever a partner's directory says.
    """

    directory_id: AttributeName = "entryUUID"
    """The attribute that never changes and is never used again for another entry."""
    employee_number: AttributeName = "employeeNumber"
    """The attribute that holds the employee number."""
    username: AttributeName = "uid"
    """The attribute that holds the name used at sign-in."""
    name: AttributeName = "cn"
    """The attribute that holds the person's name as shown on pages."""
    post: AttributeName = "title"
    """The attribute that holds the posts a person has; there may be several values."""
    unit: AttributeName = "ou"
    """The attribute that holds the unit a person works in."""
    mail: AttributeName = "mail"
    """The attribute that holds the e-mail address."""
    manager: AttributeName = "manager"
    """The attribute that holds the DN of a person's line manager; it is how a team is found."""


class ActiveDirectoryAttributeNames(AttributeNames):
    """What an Active Directory calls it, where the organisation has not decided otherwise."""

    directory_id: AttributeName = "objectGUID"
    """The attribute that never changes and is never used again for another entry."""
    employee_number: AttributeName = "employeeID"
    """The attribute that holds the employee number."""
    username: AttributeName = "sAMAccountName"
    """The attribute that holds the name used at sign-in."""
    name: AttributeName = "displayName"
    """The attribute that holds the person's name as shown on pages."""
    unit: AttributeName = "department"
    """The attribute that holds the unit a person works in."""


class GroupsSection(Section):
    """Which of the directory's groups give a post; groups within groups count."""

    posts: Annotated[Mapping[DistinguishedName, Post], Field(min_length=1)]
    """Write the DN of each group and the post it gives, such as `"cn=payroll,…" = "Payroll"`."""


class LdapGroupsSection(GroupsSection):
    """The same for an LDAP directory, where groups must be looked for."""

    base: DistinguishedName
    """Write the DN under which the groups are found, such as `ou=groups,dc=fire,dc=example`."""
    member: AttributeName = "member"
    """The attribute of a group that holds the DNs of its members."""


class KerberosSection(Section):
    """Sign-in with the ticket of a computer that is joined to the organisation's domain."""

    keytab_file: FilePath
    """Write the file with the key of the service, as `samba-tool` or `ktpass` made it."""
    service: str = Field(pattern=HTTP_SERVICE, max_length=255)
    """Write `HTTP@` and the gateway's host name, such as `HTTP@gate.example.police.uk`."""
    realms: Annotated[
        tuple[Annotated[str, Field(pattern=REALM, max_length=255)], ...],
        Strict(strict=False),
        Field(min_length=1),
    ]
    """Write the realms whose people may come, such as `AD.CHESHIRE-POLICE.EXAMPLE`."""


class LdapServersSection(Section):
    """What every directory that speaks LDAP has: its servers, and how much they are asked."""

    id: Identifier | Literal[""] = ""
    """A short name of the directory, its own in the whole file; without it, the organisation's."""
    uris: Annotated[
        tuple[Annotated[str, Field(pattern=LDAP_URI)], ...],
        Strict(strict=False),
        Field(min_length=1),
    ]
    """Write the servers in the order to try them, as `ldaps://host:port`; `ldap:` is StartTLS."""
    ca_file: FilePath
    """Write the file with the certificate authority (PEM) of the directory's certificate."""
    crl_file: FilePath | None = None
    """The file with that authority's list of revoked certificates (PEM); it must be kept fresh."""
    base: DistinguishedName
    """Write the DN under which the staff are found, such as `ou=people,dc=fire,dc=example`."""
    bind_password_file: FilePath | None = None
    """The file that holds the password of the account to search with, for its owner alone."""
    budget_seconds: float = Field(default=BUDGET_SECONDS, ge=0.5, le=30)
    """How long a whole sign-in may take at this directory, every server tried included."""
    at_once: int = Field(default=8, ge=1, le=64)
    """The most sign-ins one worker runs at a time here; more are told to try again."""
    lockout_threshold: int = Field(default=5, ge=0, le=1_000)
    """How many wrong passwords lock an account there (2 or more, 0 for never); we stop before."""
    lockout_minutes: int = Field(default=30, ge=1, le=10_080)
    """How long the directory remembers a wrong password when it counts towards that."""
    linked: bool = False
    """Whether it holds the same people, by employee number, as the organisation's others."""
    kerberos: KerberosSection | None = None
    """How its people sign in with the tickets of their computers; without it, they do not."""


class LdapSection(LdapServersSection):
    """An LDAP directory such as OpenLDAP."""

    kind: Literal["ldap"]
    """Write the kind of directory: `ldap`, `active-directory` or `oidc`."""
    bind_dn: DistinguishedName | None = None
    """The DN the gateway binds as to look people up; without it the look-up is anonymous."""
    name_filter: str = Field(default="(uid={name})", pattern=r"^\(.*=\{name\}.*\)$", max_length=500)
    """Write the filter that finds a person by the name typed, such as `(uid={name})`."""
    direct_bind: str | None = Field(
        default=None, pattern=r"^[^{}]+=\{name\},[^{}]+$", max_length=500
    )
    """The DN to bind as without searching first, such as `uid={name},ou=people,dc=fire`."""
    attributes: AttributeNames = AttributeNames()
    """What the directory calls what the gateway needs to know."""
    groups: LdapGroupsSection | None = None
    """Which groups give a post; without it, groups are not read."""


class ActiveDirectorySection(LdapServersSection):
    """A domain of Active Directory, where staff have several spellings of one sign-in name."""

    kind: Literal["active-directory"]
    """Write the kind of directory: `ldap`, `active-directory` or `oidc`."""
    domain: str = Field(pattern=DNS_NAME, max_length=255)
    """Write the DNS name of the domain, such as `ad.cheshire-police.example`."""
    netbios: str | None = Field(default=None, pattern=NETBIOS_NAME)
    """The short name of the domain that staff may write before a backslash."""
    upn_suffixes: Annotated[
        tuple[Annotated[str, Field(pattern=DNS_NAME, max_length=255)], ...], Strict(strict=False)
    ] = ()
    """Further suffixes that staff may write after the @, beside the domain's own name."""
    bind_dn: str | None = Field(default=None, min_length=3, max_length=500, pattern=r"[@=]")
    """The account to look people up with, `name@domain` or its DN; without it, the person's own."""
    attributes: ActiveDirectoryAttributeNames = ActiveDirectoryAttributeNames()
    """What the directory calls what the gateway needs to know."""
    groups: GroupsSection | None = None
    """Which groups give a post; without it, groups are not read."""


class ClaimNames(Section):
    """What the provider calls what the gateway needs to know; an empty name is not read.

    INVARIANT: nothing here names vetting, and who somebody is comes from `sub` alone.
    """

    employee_number: ClaimName = "employee_number"
    """The claim that holds the employee number."""
    username: ClaimName | Literal[""] = "preferred_username"
    """The claim that holds the name people know the account by; without it, the number."""
    name: ClaimName | Literal[""] = "name"
    """The claim that holds the person's name as shown on pages."""
    post: ClaimName | Literal[""] = "posts"
    """The claim that holds the posts a person has, a text or a list of texts."""
    unit: ClaimName | Literal[""] = "unit"
    """The claim that holds the unit a person works in."""
    mail: ClaimName | Literal[""] = "email"
    """The claim that holds the e-mail address."""
    groups: ClaimName | Literal[""] = ""
    """The claim that holds the groups a person is in, a list of texts."""


class OidcSection(Section):
    """An OpenID provider: staff sign in there, and type no password here."""

    kind: Literal["oidc"]
    """Write the kind of directory: `ldap`, `active-directory` or `oidc`."""
    id: Identifier | Literal[""] = ""
    """A short name of the directory, its own in the whole file; without it, the organisation's."""
    name: Title
    """Write what the button that leads there says after "Continue to"."""
    issuer: str = Field(pattern=ISSUER, max_length=255)
    """Write the issuer exactly as the provider spells it, such as `https://login.nwas.example`."""
    client_id: str = Field(min_length=1, max_length=255)
    """Write the id under which the provider knows the gateway."""
    client_secret_file: FilePath | None = None
    """The file that holds the secret the provider gave, readable by its owner alone."""
    client_authentication: Literal["client_secret_basic", "client_secret_post", "none"] = (
        "client_secret_basic"
    )
    """How the secret is shown to the provider; `none` for a client without a secret."""
    ca_file: FilePath | None = None
    """The authority (PEM) of the provider's certificate; without it, those of the system."""
    hosts: Annotated[
        tuple[Annotated[str, Field(pattern=HOST_NAME, max_length=255)], ...], Strict(strict=False)
    ] = ()
    """Other hosts than the issuer's at which the provider may have its endpoints."""
    scopes: Annotated[
        tuple[Annotated[str, Field(pattern=SCOPE, max_length=100)], ...], Strict(strict=False)
    ] = ("openid", "profile", "email")
    """What is asked for; `openid` must be among it."""
    algorithms: Annotated[tuple[Algorithm, ...], Strict(strict=False), Field(min_length=1)] = (
        "RS256",
        "PS256",
        "ES256",
    )
    """The algorithms accepted for the provider's signatures."""
    ask_userinfo: bool = False
    """Whether claims are fetched from the provider's userinfo endpoint too."""
    group_overage: Literal["refuse", "userinfo"] = "refuse"
    """What is done about groups that did not fit into the token: `refuse` or ask `userinfo`."""
    trusted_amr: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=100)], ...], Strict(strict=False)
    ] = ()
    """The provider's words (`amr`) for a second factor that its staff need not show again."""
    trusted_acr: Annotated[
        tuple[Annotated[str, Field(pattern=SCOPE, max_length=200)], ...], Strict(strict=False)
    ] = ()
    """Its levels (`acr`) that include a second factor; they are asked for."""
    max_age_minutes: int | None = Field(default=None, ge=0, le=1_440)
    """How long ago somebody may have signed in there before they must do so again."""
    recheck: Literal["none", "refresh-token"] = "none"
    """`refresh-token`: it is asked every minute whether people are still there."""
    session_minutes: int | None = Field(default=None, ge=10, le=1_440)
    """How long a session lasts at most for people of this provider; short where none is asked."""
    sign_out_method: Literal["get", "post"] = "get"
    """How people are sent to sign out there; `post` keeps the ID token out of the address."""
    budget_seconds: float = Field(default=5.0, ge=0.5, le=30)
    """How long everything asked of the provider during one sign-in may take."""
    at_once: int = Field(default=8, ge=1, le=64)
    """The most sign-ins one worker runs at a time here; more are told to try again."""
    linked: bool = False
    """Whether it holds the same people, by employee number, as the organisation's others."""
    claims: ClaimNames = ClaimNames()
    """What the provider calls what the gateway needs to know."""


PasswordDirectorySection = LdapSection | ActiveDirectorySection
"""The kinds of directory at which staff type their password."""

DirectorySection = Annotated[
    LdapSection | ActiveDirectorySection | OidcSection, Field(discriminator="kind")
]


class OrganisationSection(Section):
    """An organisation whose staff may sign in."""

    id: Identifier
    """Write a short name in lower-case letters, digits and hyphens, such as `cheshire-fire`."""
    name: Title
    """Write the name of the organisation as its staff know it."""
    kind: OrganisationKind
    """Write one of police, fire, ambulance, council, supplier."""
    help_contact: Title
    """Write whom its staff ask for help, such as a desk and its telephone number."""
    membership: Literal["directory", "register"] = "directory"
    """`register`: only who has a membership in the register is staff; `directory`: it suffices."""
    vetting_mail: str = Field(default="", pattern=r"^([^@\s]+@[A-Za-z0-9.-]+)?$", max_length=254)
    """The address of whoever sponsors its staff's vetting, told of what lapses."""
    email_domains: Annotated[
        tuple[Annotated[str, Field(pattern=MAIL_DOMAIN, max_length=255)], ...],
        Strict(strict=False),
    ] = ()
    """The domains of its staff's e-mail addresses; whoever types one is led to its sign-in."""
    second_factor: Literal["on-demand", "at-sign-in"] = "on-demand"
    """`at-sign-in` asks its staff for a second factor before they are signed in at all."""
    directories: Annotated[
        tuple[DirectorySection, ...], Strict(strict=False), Field(alias="directory", min_length=1)
    ]
    """Write where its staff sign in, each as `[[organisation.directory]]`."""

    @model_validator(mode="before")
    @classmethod
    def _name_directories(cls, table: Any) -> Any:
        """Give a directory without an id that of its organisation."""
        listed = table.get("directory") if isinstance(table, dict) else None
        if not isinstance(listed, list):
            return table
        own = {"id": table.get("id", "")}
        named = [{**own, **each} if isinstance(each, dict) else each for each in listed]
        return {**table, "directory": named}

    @property
    def password_directory(self) -> PasswordDirectorySection | None:
        """The one directory that takes a typed password, if there is one."""
        return next((each for each in self.directories if not isinstance(each, OidcSection)), None)

    @property
    def providers(self) -> tuple[OidcSection, ...]:
        """The providers at which its staff sign in without typing a password here."""
        return tuple(each for each in self.directories if isinstance(each, OidcSection))
