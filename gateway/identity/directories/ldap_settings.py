"""What is set for an LDAP directory, checked before the first sign-in.

INVARIANT: nothing set here can bring in what somebody is cleared to. Both the gateway's word and
the directory's name of an attribute are refused when they speak of vetting: that comes from the
host's register, whatever a partner's directory says.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from gateway.errors import DirectoryMisconfigured
from gateway.identity.directories.active_directory import ActiveDirectory
from gateway.identity.directories.directory_channel import Server
from gateway.identity.directories.ldap_dialect import Dialect, Groups
from gateway.identity.directories.ldap_text import dn_key
from gateway.identity.directories.standard_ldap import PLACE, StandardLdap

ATTRIBUTE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")
ABOUT_VETTING = re.compile(r"vett|clear(ance|ed)|nppv|screen|security.?level", re.IGNORECASE)
KNOWN = frozenset(
    {"directory_id", "employee_number", "username", "name", "post", "unit", "mail", "manager"}
)
NEEDED = frozenset({"directory_id", "employee_number", "username", "name"})
OTHERS = stat.S_IRWXG | stat.S_IRWXO
PASSWORD_FILE_BYTES = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """What is set for a domain of Active Directory.

    Attributes:
        name: its DNS name.
        netbios: the short name that staff may write before a backslash, or empty.
        upn_suffixes: what staff may write after the @, beside the domain's name.
    """

    name: str
    netbios: str = ""
    upn_suffixes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LdapSettings:
    """One organisation's LDAP directory.

    Attributes:
        uris: servers in the order to try them; `ldaps://`, or `ldap://` which means StartTLS.
        ca_file: PEM file of the one authority that signs their certificates.
        base: DN under which the staff are.
        attributes: the gateway's word to the directory's name of the attribute; `KNOWN` words.
        bind_dn: account to search with; None searches anonymously.
        bind_password_file: holds its password; for its owner's eyes alone.
        name_filter: finds a person by the name typed, which replaces `{name}` (escaped).
        crl_file: PEM file of the certificates that authority has revoked.
        direct_bind: the DN of a person by the name typed; without it they are searched for first.
        domain: of Active Directory; None for other directories.
        groups: which groups give a post; None if groups are not read.
    """

    uris: tuple[str, ...]
    ca_file: Path
    base: str
    attributes: Mapping[str, str]
    bind_dn: str | None = None
    bind_password_file: Path | None = None
    name_filter: str = "(uid={name})"
    crl_file: Path | None = None
    direct_bind: str = ""
    domain: Domain | None = None
    groups: Groups | None = None

    @property
    def dialect(self) -> Dialect:
        """Give what is particular to this kind of directory."""
        if self.domain is None:
            return StandardLdap(
                filter_pattern=self.name_filter,
                dn_pattern=self.direct_bind,
                group_settings=self.groups,
            )
        return ActiveDirectory(
            domain=self.domain.name,
            base=self.base,
            netbios=self.domain.netbios,
            upn_suffixes=self.domain.upn_suffixes,
            group_settings=self.groups,
        )

    @property
    def binds_directly(self) -> bool:
        """Whether people bind without being searched for first."""
        return bool(self.direct_bind) or (self.domain is not None and self.bind_dn is None)

    def __post_init__(self) -> None:
        """Refuse settings that cannot work, or would let vetting in.

        Raises:
            DirectoryMisconfigured: naming the first fault.
        """
        if not self.uris:
            _refuse("no server is named")
        for uri in self.uris:
            Server.from_uri(uri)
        if not self.base.strip():
            # The empty base is the root of the server: other organisations may be below it.
            _refuse("the base is empty")
        if PLACE not in self.name_filter or not self.name_filter.startswith("("):
            _refuse(f"the name filter needs brackets and `{PLACE}`, such as (uid={PLACE})")
        _check_account(self.bind_dn, self.bind_password_file)
        if self.direct_bind and (f"={PLACE}," not in self.direct_bind or self.domain):
            _refuse(f"the DN to bind as needs `={PLACE},` inside, and belongs to no domain")
        _check_groups(self.groups, domain=self.domain is not None)
        for word, name in self.attributes.items():
            _check_attribute(word, name)
        missing = NEEDED - self.attributes.keys()
        if missing:
            _refuse(f"the attributes lack `{min(missing)}`")


def read_password(file: Path) -> str:
    """Read the password of the account to search with.

    Raises:
        DirectoryMisconfigured: if the file is missing, empty or open to others.
    """
    try:
        with file.open("rb") as opened:
            status = file.stat()
            content = opened.read(PASSWORD_FILE_BYTES)
    except OSError as error:
        _refuse(f"`{file}` cannot be read: {error.strerror}")
    if not stat.S_ISREG(status.st_mode) or status.st_mode & OTHERS:
        _refuse(f"`{file}` is open to others, run chmod 600 on it")
    try:
        password = content.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        _refuse(f"`{file}` is not UTF-8")
    if not password or "\0" in password:
        _refuse(f"`{file}` holds no password")
    return password


def _check_account(dn: str | None, password_file: Path | None) -> None:
    if (dn is None) != (password_file is None):
        _refuse("the account to search with needs both its DN and its password file")
    if dn is not None and not dn.strip():
        # An empty DN with a password is an anonymous bind that looks like a real one.
        _refuse("the DN of the account to search with is empty")
    if password_file is not None:
        read_password(password_file)


def _check_groups(groups: Groups | None, *, domain: bool) -> None:
    if groups is None:
        return
    for dn in groups.posts:
        if dn_key(dn) is None:
            _refuse(f"group `{dn[:80]}` is not a DN")
    if not domain and not groups.base.strip():
        _refuse("the base of the groups is empty")
    if not ATTRIBUTE_NAME.fullmatch(groups.member):
        _refuse(f"`{groups.member[:40]}` is not the name of an attribute")


def _check_attribute(word: str, name: str) -> None:
    if ABOUT_VETTING.search(word) or ABOUT_VETTING.search(name):
        _refuse(
            f"attribute `{word[:40]}` = `{name[:40]}` speaks of vetting, which comes from the"
            " host's register only"
        )
    if word not in KNOWN:
        _refuse(f"attribute `{word[:40]}` is unknown, write one of {', '.join(sorted(KNOWN))}")
    if not ATTRIBUTE_NAME.fullmatch(name):
        _refuse(f"attribute `{word}`: `{name[:40]}` is not the name of an attribute")


def _refuse(fault: str) -> NoReturn:
    message = f"directory settings: {fault}"
    raise DirectoryMisconfigured(message)
