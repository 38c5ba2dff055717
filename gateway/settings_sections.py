"""The sections of the settings file, each a frozen model with its limits and defaults.

Organisations and their directories are in `gateway.settings_directories`.
What is here is true of one section alone. What holds between sections, and what needs a look at the
disk, is in `gateway.settings`. The description of a field is what a person is told to do when the
value does not fit, and what an editor shows from the published schema.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, Strict, ValidationInfo

IDENTIFIER = r"^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$"
HEADER_NAME = r"^[A-Za-z0-9]([A-Za-z0-9-]{0,62}[A-Za-z0-9])?$"
TOLD_NAME = r"^[A-Za-z0-9]([A-Za-z0-9_-]{0,62}[A-Za-z0-9])?$"
URL_PATH = r"^/[A-Za-z0-9._~!$&'()*+,;=:@/-]*$"
ORIGIN = r"^https?://[a-z0-9.-]+(:[0-9]{1,5})?$"
LISTEN = r"^(\[[0-9a-f:]+\]|[A-Za-z0-9.-]+):[0-9]{1,5}$"


def _anchored(value: object, info: ValidationInfo) -> object:
    """Read a relative path from the folder of the settings file."""
    if not isinstance(value, str):
        return value
    if not value or "\0" in value:
        message = "is not a path; write the path of a file or folder"
        raise ValueError(message)
    folder = (info.context or {}).get("folder")
    return Path(folder) / value if folder else Path(value)


# A relative path starts at the folder of the settings file.
FilePath = Annotated[Path, BeforeValidator(_anchored)]
# TOML has arrays only; the settings hold them as tuples, which nobody can change.
Words = Annotated[tuple[str, ...], Strict(strict=False)]
Identifier = Annotated[str, Field(pattern=IDENTIFIER)]
HeaderName = Annotated[str, Field(pattern=HEADER_NAME)]
# What only we write may be spelt as systems expect it: an AccessGate reads `USER_NAME`.
ToldName = Annotated[str, Field(pattern=TOLD_NAME)]
UrlPath = Annotated[str, Field(pattern=URL_PATH, max_length=512)]
Title = Annotated[str, Field(min_length=1, max_length=120)]

Claim = Literal[
    "staff_id",
    "organisation",
    "employee_number",
    "username",
    "name",
    "unit",
    "account",
    "account_guid",
    "client_address",
]
LogLevel = Literal["debug", "info", "warning", "error"]


class Section(BaseModel):
    """One table of the file: nothing unknown, nothing converted, nothing changed later."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True
    )


class GatewaySection(Section):
    """The service itself: where it listens, under which address staff know it, and its limits."""

    listen: str = Field(default="127.0.0.1:8080", pattern=LISTEN)
    """Write the address and port to listen on, such as `127.0.0.1:8080`."""
    origin: str = Field(pattern=ORIGIN)
    """Write how staff reach the gateway, such as `https://gate.example`, without a path."""
    hsts_days: int = Field(default=730, ge=0, le=3_650)
    """For how many days browsers that came over https come no other way; 0 takes that back."""
    hsts_subdomains: bool = False
    """Whether that holds for names below the origin's too, whoever's they are."""
    hsts_preload: bool = False
    """Whether browsers may be shipped knowing it; hard to take back."""
    workers: int = Field(default=2, ge=1, le=64)
    """How many worker processes serve; one for each processor core is a good start."""
    state_directory: FilePath
    """Write the folder for the database of sessions and the register; it is made if missing."""
    host_organisation: Identifier
    """Write the id of the organisation whose back office this is."""
    service_name: Title = "Shared services gateway"
    """The name of the service on every page."""
    header_bytes: int = Field(default=65_536, ge=4_096, le=1_048_576)
    """The most bytes of a request before its body; more is refused with 431."""
    header_count: int = Field(default=100, ge=16, le=1_000)
    """The most header fields of a request; more is refused with 431."""
    header_seconds: float = Field(default=3.0, ge=0.5, le=60)
    """How long a client may take to send the head of a request."""
    idle_seconds: float = Field(default=15.0, ge=1, le=300)
    """How long an unused connection, or a body that has stopped coming, is kept."""
    body_mib: int = Field(default=1_024, ge=1, le=1_048_576)
    """The largest request body that is passed on, in MiB; more is refused with 413."""
    connections: int = Field(default=4_096, ge=16, le=65_536)
    """The most client connections of one worker at a time."""
    source_connections: int = Field(default=2_048, ge=8, le=65_536)
    """The most of them from one address (of IPv6, one /64); more are closed at once."""
    source_requests_per_second: int = Field(default=100, ge=1, le=100_000)
    """How fast requests without a session may come from one address, ten seconds' worth at once."""
    person_requests_per_second: int = Field(default=100, ge=1, le=100_000)
    """How fast requests of one person may come, ten seconds' worth at once; more meet 429."""
    page_threads: int = Field(default=8, ge=2, le=64)
    """How many of the gateway's own pages one worker may work on at a time, sign-ins included."""
    drain_seconds: float = Field(default=20.0, ge=0, le=600)
    """How long a stopping worker lets the requests it has accepted run on."""
    session_idle_minutes: int = Field(default=30, ge=5, le=240)
    """A session ends when unused for so long."""
    session_absolute_hours: int = Field(default=10, ge=1, le=24)
    """A session ends after so long however much it is used."""


class PolicySection(Section):
    """Where the policy set in force is kept."""

    directory: FilePath
    """Write the folder that holds the policy set: catalogue.toml, agreements.toml and so on."""
    oracle_one_in: int = Field(default=1_000, ge=0, le=1_000_000)
    """Write of how many decisions one is decided again by Casbin, or 0 for none."""


class KeysSection(Section):
    """Where the keys are kept."""

    directory: FilePath
    """Write the folder for the keys; `gateway keys init` makes it, readable by its owner alone."""


class RecordSection(Section):
    """The record of every decision: where it is kept and how much it may take."""

    directory: FilePath
    """Write the folder for the journal and the log; it should be on a disk of its own."""
    origin: str = Field(pattern=r"^[a-z0-9][a-z0-9./-]{0,99}$")
    """Write the name of this log as verifiers will see it, such as `gate.example.police.uk/log`."""
    reserve_mib: int = Field(default=8, ge=1, le=65_536)
    """Disk kept back so that refusals can still be recorded when the disk is full, in MiB."""
    segment_mib: int = Field(default=8, ge=1, le=1_024)
    """The size at which a worker begins a new journal file, in MiB."""
    heartbeat_minutes: int = Field(default=15, ge=1, le=1_440)
    """How often an entry is written when nothing happens, so that silence is visible."""
    max_backlog: int = Field(default=20_000, ge=100, le=1_000_000)
    """The most entries one worker lets wait for the disk; after that requests are refused."""


class OperationalLogSection(Section):
    """The log for operators, apart from the record; it holds no personal data."""

    level: LogLevel = "info"
    """How much is written: debug, info, warning or error."""
    file: FilePath | None = None
    """The file to write to; without it, the standard error stream."""
