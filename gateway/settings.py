"""The settings: one TOML file, read whole or refused with every fault at once.

In order:
1. the file is read (`vetting.toml_source`, which knows the line of each value);
2. each section is checked by itself (`gateway.settings_sections`, `gateway.settings_directories`);
3. what holds between sections, and between the file and the disk, is checked here, with whatever
   sections stood step 2, so that one round of corrections is enough.

A relative path starts at the folder of the file. Wrong settings do not start anything.
"""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import Field, PrivateAttr, Strict, ValidationError
from typing_extensions import override

from gateway.errors import SettingsError
from gateway.settings_decisions import DecisionsSection
from gateway.settings_directories import OrganisationSection
from gateway.settings_directory_checks import check_directories
from gateway.settings_entrance import (
    FrontSection,
    TlsSection,
    check_entrance,
    host_and_port,
)
from gateway.settings_faults import FaultList, Place, faults_of, mended, nearest
from gateway.settings_hosts import check_hosts
from gateway.settings_proxies import FrontProxySection, check_proxies
from gateway.settings_sections import (
    GatewaySection,
    KeysSection,
    OperationalLogSection,
    PolicySection,
    RecordSection,
    Section,
)
from gateway.settings_sessions import SessionsSection
from gateway.settings_upstreams import UpstreamSection, check_upstream
from gateway.settings_vetting import MailSection, VettingSection
from gateway.settings_zones import ZoneSection, check_zones
from vetting.errors import quoted
from vetting.toml_source import TomlError, TomlSource

__all__ = [
    "GatewaySection", "KeysSection", "OperationalLogSection", "PolicySection", "RecordSection",
    "Settings", "UpstreamSection", "json_schema", "load_settings",
]  # fmt: skip

OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH
OWN_PATHS = ("/-", "/.well-known")  # the gateway's own pages and public keys

SectionKind = TypeVar("SectionKind", bound=Section)


class Settings(Section):
    """Everything that is set, whole and checked."""

    gateway: GatewaySection
    """The service itself."""
    policy: PolicySection
    """The policy set in force."""
    keys: KeysSection
    """The keys the service signs and encrypts with."""
    record: RecordSection
    """The record of decisions."""
    operational_log: OperationalLogSection = OperationalLogSection()
    """The log for operators."""
    sessions: SessionsSection = SessionsSection()
    """How many sessions a person may have, and when they are looked at again."""
    decisions: DecisionsSection = DecisionsSection()
    """Decisions that other programs ask for."""
    vetting: VettingSection = VettingSection()
    """The host's vetting register."""
    mail: MailSection | None = None
    """The server that takes mail."""
    tls: TlsSection | None = None
    """TLS by the gateway itself."""
    fronts: Annotated[tuple[FrontSection, ...], Strict(strict=False), Field(alias="front")] = ()
    """Fronts that terminate TLS and tell where a client came from, each as `[[front]]`."""
    zones: Annotated[tuple[ZoneSection, ...], Strict(strict=False), Field(alias="zone")] = ()
    """The network zones that rules may name, each as `[[zone]]`."""
    front_proxies: Annotated[
        tuple[FrontProxySection, ...], Strict(strict=False), Field(alias="front_proxy")
    ] = ()
    """Other proxies that ask the gate about their requests, each as `[[front_proxy]]`."""
    organisations: Annotated[
        tuple[OrganisationSection, ...],
        Strict(strict=False),
        Field(alias="organisation", min_length=1),
    ]
    """The organisations whose staff may sign in, each as `[[organisation]]`."""
    upstreams: Annotated[
        tuple[UpstreamSection, ...], Strict(strict=False), Field(alias="upstream", min_length=1)
    ]
    """The systems of the back office, each as `[[upstream]]`."""

    _file: Path | None = PrivateAttr(default=None)

    @property
    def employers(self) -> tuple[dict[str, str], frozenset[str]]:
        """The kinds of the organisations by id, and those whose memberships the register keeps."""
        kinds: dict[str, str] = {each.id: each.kind for each in self.organisations}
        kept = (each.id for each in self.organisations if each.membership == "register")
        return kinds, frozenset(kept)

    @override
    def model_post_init(self, context: Any, /) -> None:
        """Remember which file they were read from."""
        self._file = (context or {}).get("file")

    @property
    def file(self) -> Path | None:
        """The file they were read from."""
        return self._file

    @property
    def store_url(self) -> str:
        """Give the address of the database of sessions, staff and the register."""
        return f"sqlite:///{self.gateway.state_directory / 'gateway.sqlite'}"

    @property
    def listen_address(self) -> tuple[str, int]:
        """Give host and port to listen on."""
        return host_and_port(self.gateway.listen)

    @property
    def secure_origin(self) -> bool:
        """Tell whether staff reach the gateway over TLS, which decides the cookie."""
        return self.gateway.origin.startswith("https://")


def load_settings(path: Path) -> Settings:
    """Read the settings file.

    Args:
        path: the TOML file.

    Returns:
        The settings, with every path absolute.

    Raises:
        SettingsError: with every fault of the file, if there is any.
    """
    path = path.absolute()
    try:
        source = TomlSource.read(path)
    except TomlError as error:
        raise SettingsError(error.faults) from error
    draft = _Draft(faults=FaultList(source=source), folder=path.parent)
    draft.read()
    draft.check()
    if draft.faults.found:
        raise SettingsError(tuple(sorted(draft.faults.found, key=lambda fault: fault.line)))
    return Settings.model_validate(source.data, context={"folder": path.parent, "file": path})


def json_schema() -> str:
    """Write the JSON schema of the settings file, as published for editors."""
    schema = Settings.model_json_schema(by_alias=True)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "Settings of the access gateway"
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


@dataclass(slots=True, kw_only=True)
class _Draft:
    """The sections that stood by themselves, and the faults found so far."""

    faults: FaultList
    folder: Path
    gateway: GatewaySection | None = None
    organisations: list[tuple[int, OrganisationSection]] = field(default_factory=list)
    upstreams: list[tuple[int, UpstreamSection]] = field(default_factory=list)
    tls: TlsSection | None = None
    fronts: list[tuple[int, FrontSection]] = field(default_factory=list)
    zones: list[tuple[int, ZoneSection]] = field(default_factory=list)
    proxies: list[tuple[int, FrontProxySection]] = field(default_factory=list)

    def read(self) -> None:
        """Read every section by itself."""
        known = tuple(entry.alias or name for name, entry in Settings.model_fields.items())
        for key in self.faults.source.data:
            if key not in known:
                self.faults.add((key,), f"unknown section {quoted(key)}", nearest(key, known))
        self.gateway = self._section("gateway", GatewaySection)
        policy = self._section("policy", PolicySection)
        self._section("keys", KeysSection)
        record = self._section("record", RecordSection)
        self._optional("operational_log", OperationalLogSection)
        self._optional("sessions", SessionsSection)
        self._optional("decisions", DecisionsSection)
        self._read_optional()
        if "tls" in self.faults.source.data:
            self.tls = self._section("tls", TlsSection)
        if "front" in self.faults.source.data:
            self.fronts = list(self._sections("front", FrontSection))
        if "zone" in self.faults.source.data:
            self.zones = list(self._sections("zone", ZoneSection))
        if "front_proxy" in self.faults.source.data:
            self.proxies = list(self._sections("front_proxy", FrontProxySection))
        self.organisations = list(self._sections("organisation", OrganisationSection))
        self.upstreams = list(self._sections("upstream", UpstreamSection))
        if policy and not policy.directory.is_dir():
            self.faults.add_absent(
                ("policy", "directory"),
                policy.directory,
                "make it, or `gateway policy` has nothing to read",
            )
        if record and record.directory.exists() and not record.directory.is_dir():
            self.faults.add_absent(("record", "directory"), record.directory, "name a folder")

    def _read_optional(self) -> None:
        present = self.faults.source.data
        if "vetting" in present and (vetting := self._section("vetting", VettingSection)):
            for index, feed in enumerate(vetting.feeds):
                where = ("vetting", "feed", index)
                if feed.public_key_file:
                    self.faults.demand_readable((*where, "public_key_file"), feed.public_key_file)
                if any(other.id == feed.id for other in vetting.feeds[:index]):
                    message = f"{quoted(feed.id)} is the id of another feed"
                    self.faults.add((*where, "id"), message, "give each its own id")
        if "mail" in present and (mail := self._section("mail", MailSection)):
            if mail.ca_file:
                self.faults.demand_readable(("mail", "ca_file"), mail.ca_file)
            if (mail.username is None) != (mail.password_file is None):
                message = "`username` and `password_file` belong together"
                self.faults.add(("mail",), message, "write both, or neither")
            if mail.password_file and self.faults.demand_readable(
                ("mail", "password_file"), mail.password_file
            ):
                self.faults.demand_private(("mail", "password_file"), mail.password_file)

    def _optional(self, key: str, model: type[Section]) -> None:
        if key in self.faults.source.data:
            self._section(key, model)

    def _section(self, key: str, model: type[SectionKind]) -> SectionKind | None:
        if key not in self.faults.source.data:
            self.faults.add((), f"section `[{key}]` is missing", "see deploy/gateway.example.toml")
            return None
        return self._valid(self.faults.source.data[key], model, (key,))

    def _sections(self, key: str, model: type[SectionKind]) -> Iterator[tuple[int, SectionKind]]:
        tables = self.faults.source.data.get(key)
        if not isinstance(tables, list) or not tables:
            self.faults.add(
                (key,) if tables is not None else (),
                f"there is no `[[{key}]]`",
                "write at least one",
            )
            return
        for index, table in enumerate(tables):
            section = self._valid(table, model, (key, index))
            if section is not None:
                yield index, section

    def _valid(self, table: Any, model: type[SectionKind], where: Place) -> SectionKind | None:
        try:
            return model.model_validate(table, context={"folder": self.folder})
        except ValidationError as error:
            self.faults.found.extend(faults_of(error, model, self.faults.source, where))
            with suppress(ValidationError):
                return model.model_validate(
                    mended(table, error, model), context={"folder": self.folder}
                )
            return None

    def check(self) -> None:
        """Check what holds between the sections, and between the file and the disk."""
        if self.gateway:
            self._check_gateway(self.gateway)
        self._check_unique("organisation")
        self._check_unique("upstream")
        self._check_unique("front")
        self._check_unique("zone")
        self._check_unique("front_proxy")
        check_zones(self.zones, self.faults)
        check_proxies(self.proxies, self.faults)
        check_directories(self.organisations, self.faults)
        check_hosts(self.gateway, self.upstreams, self.proxies, self.tls, self.faults)
        for index, upstream in self.upstreams:
            check_upstream(("upstream", index), upstream, self.faults)
        self._check_paths()

    def _check_gateway(self, section: GatewaySection) -> None:
        check_entrance(section, self.tls, self.fronts, self.faults)
        ids = tuple(self._ids("organisation").values())
        if section.host_organisation not in ids:
            self.faults.add(
                ("gateway", "host_organisation"),
                f"{quoted(section.host_organisation)} is not among the organisations",
                nearest(section.host_organisation, ids)
                if ids
                else "add it as an `[[organisation]]`",
            )
        state = section.state_directory
        if state.exists() and not state.is_dir():
            self.faults.add_absent(("gateway", "state_directory"), state, "name a folder")
        elif state.is_dir() and state.stat().st_mode & OTHERS_MAY_WRITE:
            self.faults.add(
                ("gateway", "state_directory"),
                f"others may write to {quoted(str(state))}",
                f"run `chmod go-w {state}`",
            )

    def _ids(self, kind: str) -> dict[int, str]:
        """Give the ids as written, also of those sections that did not stand."""
        tables = self.faults.source.data.get(kind)
        entries = enumerate(tables if isinstance(tables, list) else ())
        return {index: str(table["id"]) for index, table in entries if _has_id(table)}

    def _check_unique(self, kind: str) -> None:
        first: dict[str, int] = {}
        for index, identifier in self._ids(kind).items():
            if identifier in first:
                line = self.faults.source.line(kind, first[identifier], "id")
                self.faults.add(
                    (kind, index, "id"),
                    f"{quoted(identifier)} is the id of another {kind}, line {line}",
                    "give each its own id",
                )
            first.setdefault(identifier, index)

    def _check_paths(self) -> None:
        """Check that every path of a host is one system's only, and none the gateway's own."""
        seen: list[tuple[str, int, int]] = []
        hosts = {index: upstream.public_host for index, upstream in self.upstreams}
        for index, upstream in self.upstreams:
            for number, path in enumerate(upstream.paths):
                where: Place = ("upstream", index, "paths", number)
                if any(_overlap(path, own) and path != "/" for own in OWN_PATHS):
                    self.faults.add(
                        where,
                        f"{quoted(str(path))} is the gateway's own",
                        "choose a path outside `/-` and `/.well-known`",
                    )
                for other, other_index, other_number in seen:
                    shared = other_index != index and hosts[other_index] == hosts[index]
                    if shared and _overlap(path, other):
                        line = self.faults.source.line(
                            "upstream", other_index, "paths", other_number
                        )
                        self.faults.add(
                            where,
                            f"{quoted(str(path))} overlaps {quoted(other)}, line {line}",
                            "give each path to one system",
                        )
                seen.append((path, index, number))
            for number, path in enumerate(upstream.resources):
                if "*" in path.removesuffix("/*"):
                    self.faults.add(
                        ("upstream", index, "resources", number),
                        f"{quoted(str(path))} has a `*` inside",
                        "`*` may only be last, as `/images/*`",
                    )


def _has_id(table: object) -> bool:
    return isinstance(table, dict) and "id" in table


def _overlap(one: str, other: str) -> bool:
    """Tell whether one path prefix lies within the other, by whole segments."""
    first, second = sorted((one.rstrip("/") + "/", other.rstrip("/") + "/"), key=len)
    return second.startswith(first)
