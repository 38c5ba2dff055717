"""Signing in with a desktop's ticket for the pages: put together, and durable in the record."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import structlog

from gateway.errors import DirectoryMisconfigured, GatewayError
from gateway.front.sign_in_desk import our_visit
from gateway.identity.desktops.kerberos_sign_in import KerberosSignIn, TicketDoor
from gateway.identity.desktops.tickets import KerberosSettings, TicketRefused
from gateway.settings_directories import ActiveDirectorySection

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gateway.front.sign_in_desk import RecordedSignIn
    from gateway.identity.desktops.tickets import Accepts
    from gateway.identity.directories.door import Door
    from gateway.identity.signing_in.sign_in import SignIn
    from gateway.pages.page_services import OpenVisit
    from gateway.settings import Settings
    from gateway.settings_directories import KerberosSection

REPLAY_FOLDER = "kerberos"

_log = structlog.get_logger("kerberos")


class RecordedTickets:
    """Signs people in by their tickets. Blocks; safe to use from several threads."""

    def __init__(self, *, tickets: KerberosSignIn, desk: RecordedSignIn) -> None:
        """Hold what is needed.

        Args:
            tickets: the steps.
            desk: records sign-ins of every kind, a stranger's failures within limits.
        """
        self._tickets = tickets
        self._desk = desk

    def sign_in(
        self, organisation: str, authorization: str, *, visit: OpenVisit, replaces: str | None
    ) -> tuple[str, str]:
        """Sign somebody in; see `gateway.pages.provider_services.TicketDesk`."""
        ours = our_visit(visit)
        try:
            arrival = self._desk.recorded(
                ours,
                organisation,
                "",
                lambda record: self._tickets.sign_in(
                    organisation,
                    authorization,
                    source=ours.ip,
                    agent=ours.agent,
                    at=ours.at,
                    replaces=replaces,
                    record=record,
                ),
            )
        except GatewayError as error:
            # What did not hold, for operators; it quotes nothing of the token.
            if isinstance(error.__cause__, TicketRefused):
                _log.warning(
                    "ticket refused",
                    organisation=organisation,
                    detail=str(error.__cause__),
                    reference=ours.reference,
                )
            raise
        return arrival.signed_in.token, base64.b64encode(arrival.answer).decode("ascii")


def ticket_doors(settings: Settings, doors: Mapping[str, Door]) -> dict[str, TicketDoor]:
    """Open the way for tickets, by the organisation's id.

    Args:
        settings: of the gateway.
        doors: the directories at which passwords are typed, by the organisation's id.

    Raises:
        DirectoryMisconfigured: a keytab cannot be used, or the extra is not installed.
    """
    opened = {}
    for organisation in settings.organisations:
        directory = organisation.password_directory
        if directory is None or directory.kerberos is None:
            continue
        accepted = kerberos_settings(directory.kerberos, settings)
        _make_private(accepted.replay_folder)
        opened[organisation.id] = TicketDoor(
            door=doors[organisation.id],
            acceptor=ticket_acceptor(accepted),
            realms=accepted.realms,
            qualified=isinstance(directory, ActiveDirectorySection),
        )
    return opened


def kerberos_settings(section: KerberosSection, settings: Settings) -> KerberosSettings:
    """Give what is set for tickets to the part that judges them."""
    return KerberosSettings(
        keytab_file=section.keytab_file,
        service=section.service,
        realms=section.realms,
        replay_folder=settings.gateway.state_directory / REPLAY_FOLDER,
    )


def ticket_acceptor(settings: KerberosSettings) -> Accepts:
    """Make what judges tickets.

    Raises:
        DirectoryMisconfigured: the keytab cannot be used, or the extra is not installed.
    """
    try:
        # Only where it is used: without the extra there is none.
        from gateway.identity.desktops.kerberos import TicketAcceptor  # noqa: PLC0415
    except ImportError as error:
        message = (
            f"kerberos: the library cannot be loaded ({error}); install the extra with "
            "`pip install 'vetted-gateway[kerberos]'` and the system's Kerberos library"
        )
        raise DirectoryMisconfigured(message) from error
    return TicketAcceptor(settings)


def ticket_desk(
    settings: Settings, doors: Mapping[str, Door], sign_in: SignIn, desk: RecordedSignIn
) -> RecordedTickets:
    """Put the desk together.

    Raises:
        DirectoryMisconfigured: as `ticket_doors`.
    """
    tickets = KerberosSignIn(doors=ticket_doors(settings, doors), sign_in=sign_in)
    return RecordedTickets(tickets=tickets, desk=desk)


def _make_private(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
