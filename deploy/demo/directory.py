"""One organisation's OpenLDAP server: its configuration, its content, its command line.

Everything lies in one folder of the demo (no server of the system is touched, no right of root is
needed): `slapd.conf`, `tls/`, `data/`, `bind-password`. The content is loaded in bulk before the
server starts.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import MappingProxyType

from deploy.demo.certificates import ensure_certificates, write_private
from deploy.demo.organisations import DemoOrganisation
from deploy.demo.staff import StaffMember

SYSTEM_SCHEMAS = Path("/etc/ldap/schema")
SLAPD_PLACES = (
    Path("/usr/sbin/slapd"),
    Path("/usr/libexec/slapd"),
    Path("/usr/local/libexec/slapd"),
)
# Where a profile is shipped (Ubuntu), it confines the program at its path to the system's folders.
APPARMOR_PROFILE = Path("/etc/apparmor.d/usr.sbin.slapd")
APPARMOR_ENABLED = Path("/sys/module/apparmor/parameters/enabled")
MAP_BYTES = 256 * 1024 * 1024  # the most one directory may hold; 4,215 people take 12 MB
ORDINARY_ACCOUNT = "512"  # userAccountControl of an account that may be used
MAX_RESULTS = 500  # a look-up finds one person, a team some dozens

CONFIGURATION = """\
# Written by the demo at each start; edit deploy/demo/directory.py instead.
include {schemas}/core.schema
include {schemas}/cosine.schema
include {schemas}/inetorgperson.schema
{own_schema}
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {folder}/slapd.pid
argsfile {folder}/slapd.args
loglevel none
threads 4
idletimeout 60
disallow bind_anon
require authc
TLSCertificateFile {folder}/tls/server.pem
TLSCertificateKeyFile {folder}/tls/server.key
TLSProtocolMin 3.3
database mdb
maxsize {map_bytes}
suffix "{suffix}"
directory {folder}/data
sizelimit {max_results}
index objectClass,entryUUID eq
index {indexed} eq
# A password is only ever compared. The gateway's account reads; nobody writes.
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{bind_dn}" read by self read by anonymous auth by * none
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """A directory server of the demo.

    Attributes:
        organisation: whose directory it is.
        folder: everything that belongs to it; absolute.
        port: where it listens on the loopback, TLS only.
    """

    organisation: DemoOrganisation
    folder: Path
    port: int

    @property
    def uri(self) -> str:
        """Give the address of the server.

        By number: libldap looks `localhost` up and then expects the certificate of the name found.
        """
        return f"ldaps://127.0.0.1:{self.port}"

    @property
    def ca_file(self) -> Path:
        """Give the file with the authority that signed the server's certificate."""
        return self.folder / "tls" / "ca.pem"

    @property
    def bind_password_file(self) -> Path:
        """Give the file with the password of the gateway's account."""
        return self.folder / "bind-password"

    def command(self, program: Path) -> list[str]:
        """Give the command line of the server, which stays in the foreground."""
        configuration = str(self.folder / "slapd.conf")
        return [str(program), "-d", "0", "-f", configuration, "-h", f"{self.uri}/"]

    def prepare(self, at: datetime) -> None:
        """Write configuration and certificates; the content is kept."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        ensure_certificates(self.folder / "tls", self.organisation.name, at)
        text = CONFIGURATION.format(
            schemas=SYSTEM_SCHEMAS,
            own_schema=f"include {schema}" if (schema := self.organisation.schema_file) else "",
            folder=self.folder,
            map_bytes=MAP_BYTES,
            suffix=self.organisation.suffix,
            max_results=MAX_RESULTS,
            indexed=",".join(
                self.organisation.attributes[name]
                for name in ("username", "employee_number", "manager", "directory_id")
                if self.organisation.attributes[name] != "entryUUID"
            ),
            bind_dn=self.organisation.bind_dn,
        )
        (self.folder / "slapd.conf").write_text(text, "utf-8")

    def load(self, program: Path, staff: tuple[StaffMember, ...], password: str) -> None:
        """Fill the directory afresh, in bulk; the server must not be running.

        Raises:
            RuntimeError: if slapd does not take the content; the message holds what it said.
        """
        data = self.folder / "data"
        shutil.rmtree(data, ignore_errors=True)
        data.mkdir(mode=0o700)
        bind_password = secrets.token_urlsafe(24)
        write_private(self.bind_password_file, bind_password.encode())
        entries = "".join(ldif(self.organisation, staff, password, bind_password))
        configuration = str(self.folder / "slapd.conf")
        loaded = subprocess.run(
            [str(program), "-T", "add", "-q", "-f", configuration],
            input=entries,
            capture_output=True,
            text=True,
            check=False,
        )
        if loaded.returncode != 0:
            message = f"directory `{self.organisation.id}`: not loaded: {loaded.stderr.strip()}"
            raise RuntimeError(message)


def find_slapd(folder: Path) -> Path:
    """Find the program of the directory server.

    Where an AppArmor profile confines the installed program to the system's own folders, a copy of
    it is made in `folder`: the profile is tied to the path.

    Raises:
        FileNotFoundError: if there is none.
    """
    installed = next((place for place in SLAPD_PLACES if place.exists()), None)
    if installed is None:
        message = "slapd is not installed; run `make setup`"
        raise FileNotFoundError(message)
    enforced = APPARMOR_ENABLED.exists() and APPARMOR_ENABLED.read_text("ascii").strip() == "Y"
    if not (enforced and APPARMOR_PROFILE.exists()):
        return installed
    folder.mkdir(parents=True, exist_ok=True)
    copy = folder / "slapd"
    if not copy.exists() or copy.stat().st_size != installed.stat().st_size:
        shutil.copy2(installed, copy)
    return copy


def ldif(
    organisation: DemoOrganisation,
    staff: tuple[StaffMember, ...],
    password: str,
    bind_password: str,
) -> Iterator[str]:
    """Write the content of a directory, entry by entry, in LDIF (RFC 2849)."""
    for dn, classes in (
        (organisation.suffix, organisation.suffix_classes),
        (organisation.base, ("organizationalUnit",)),
        (f"ou=services,{organisation.suffix}", ("organizationalUnit",)),
    ):
        naming, value = dn.split(",", 1)[0].split("=", 1)
        values = {naming: [value]}
        if "organization" in classes:
            values.setdefault("o", [organisation.name])
        yield _entry(dn, classes, values)
    yield _entry(
        organisation.bind_dn,
        ("applicationProcess", "simpleSecurityObject"),
        {"cn": ["gateway"], "userPassword": [ssha(bind_password, b"gateway")]},
    )
    dns = {member.employee_number: dn_of(organisation, member) for member in staff}
    for member in staff:
        yield _person(organisation, member, dns, ssha(password, member.directory_id.bytes[:8]))


def dn_of(organisation: DemoOrganisation, member: StaffMember) -> str:
    """Give the DN of somebody's entry."""
    return f"{organisation.rdn}={_rdn_value(organisation, member)},{organisation.base}"


def ssha(password: str, salt: bytes) -> str:
    """Hash a password as slapd itself compares it (RFC 2307, with a salt): enough for a demo."""
    digest = hashlib.sha1(password.encode() + salt, usedforsecurity=False).digest()
    return "{SSHA}" + base64.b64encode(digest + salt).decode("ascii")


def _rdn_value(organisation: DemoOrganisation, member: StaffMember) -> str:
    match organisation.rdn:
        case "uid":
            return member.username
        case "cn":  # as Active Directory does for two people of one name
            return f"{member.name} ({member.employee_number})"
        case _:
            return member.employee_number


def _person(
    organisation: DemoOrganisation,
    member: StaffMember,
    dns: dict[str, str],
    hashed: str,
) -> str:
    names = organisation.attributes
    mail = f"{member.username}@{organisation.domain}"
    values: dict[str, list[str]] = {organisation.rdn: [_rdn_value(organisation, member)]}
    values.setdefault("cn", [member.name])
    for asked, value in (
        ("employee_number", member.employee_number),
        ("username", member.username),
        ("name", member.name),
        ("unit", member.unit),
        ("mail", mail),
    ):
        values[names[asked]] = [value]
    values[names["post"]] = list(member.posts)
    if member.manager is not None:
        values[names["manager"]] = [dns[member.manager]]
    account = member.account
    sources = {
        "given": member.given_name,
        "family": member.family_name,
        "login_mail": mail,
        "claim": account.vetting_claim if account else None,
        "category": "person",
        "control": ORDINARY_ACCOUNT,
    }
    for attribute, source in organisation.further.items():
        if (value_or_none := sources[source]) is not None:
            values[attribute] = [value_or_none]
    values["userPassword"] = [hashed]
    values["entryUUID"] = [str(member.directory_id)]
    octets = {}
    if names["directory_id"] == "objectGUID":  # in the order in which a domain keeps a GUID
        octets["objectGUID"] = member.directory_id.bytes_le
    return _entry(dn_of(organisation, member), organisation.object_classes, values, octets)


def _entry(
    dn: str,
    classes: tuple[str, ...],
    values: dict[str, list[str]],
    octets: Mapping[str, bytes] = MappingProxyType({}),
) -> str:
    """Write one entry; its texts are plain ASCII that needs no encoding."""
    lines = [f"dn: {dn}", *(f"objectClass: {name}" for name in classes)]
    lines += [f"{name}: {value}" for name, listed in values.items() for value in listed]
    lines += [
        f"{name}:: {base64.b64encode(value).decode('ascii')}" for name, value in octets.items()
    ]
    return "\n".join(lines) + "\n\n"
