"""The sections about the vetting register: who must agree, where feeds come from, and mail.

Each is a frozen model, as in `gateway.settings_sections`; the description of a field is what a
person is told to do when the value does not fit.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, Strict

from gateway.settings_sections import FilePath, Section, Title

FEED_ID = r"^[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?$"
BODY = r"^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$"
MAIL_ADDRESS = r"^[A-Za-z0-9._%+'-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$"

Body = Annotated[str, Field(pattern=BODY)]
MailAddress = Annotated[str, Field(pattern=MAIL_ADDRESS, max_length=254)]
Days = Annotated[int, Field(ge=1, le=365)]


class FeedSection(Section):
    """A vetting unit whose exports are imported with `gateway vetting import`."""

    id: str = Field(pattern=FEED_ID)
    """Write a short name in lower-case letters, digits and hyphens, such as `vetting-unit`."""
    title: Title
    """Write whose export it is, as officers know it."""
    granting_bodies: Annotated[tuple[Body, ...], Strict(strict=False), Field(min_length=1)]
    """Write in whose name the feed may grant; a row of another body is refused."""
    public_key_file: FilePath | None = None
    """The unit's public Ed25519 key (PEM); without it every import needs a second officer."""
    drop_percent: float = Field(default=5.0, ge=0, le=100)
    """An export that lacks more of its earlier grants than this needs `--confirm-drop`."""


class VettingSection(Section):
    """The host's vetting register: changes to it, feeds, and reminders."""

    two_officers: Literal["accounts", "names"] = "accounts"
    """`accounts`: two login accounts must agree to what loosens; `names`: two names, for trials."""
    remind_days: Annotated[tuple[Days, ...], Strict(strict=False), Field(min_length=1)] = (
        90,
        30,
        7,
    )
    """How many days before a grant lapses the person and their sponsor are told."""
    feeds: Annotated[tuple[FeedSection, ...], Strict(strict=False), Field(alias="feed")] = ()
    """The vetting units whose exports are imported, each as `[[vetting.feed]]`."""


class MailSection(Section):
    """The server that takes the gateway's mail; without this section none is sent."""

    host: str = Field(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9.-]+$")
    """Write the name of the mail server, such as `smtp.example.police.uk`."""
    port: int = Field(default=587, ge=1, le=65_535)
    """The port it listens on: 587 for STARTTLS, 465 for TLS from the start."""
    security: Literal["starttls", "tls"] = "starttls"
    """`starttls` or `tls`; mail is never sent in the clear."""
    ca_file: FilePath | None = None
    """The authority (PEM) of its certificate; without it, the authorities of the system."""
    sender: MailAddress
    """Write the address that mail comes from, such as `no-reply@gate.example.police.uk`."""
    username: str | None = Field(default=None, min_length=1, max_length=200)
    """The name to sign in with at the mail server; without it nobody signs in."""
    password_file: FilePath | None = None
    """The file that holds its password, readable by its owner alone."""
    seconds: float = Field(default=10.0, ge=1, le=120)
    """How long the mail server may take for each step."""
