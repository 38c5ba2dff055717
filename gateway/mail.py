"""Sending mail: over TLS or not at all."""

from __future__ import annotations

import smtplib
import ssl
from typing import TYPE_CHECKING

from gateway.errors import MailError
from gateway.key_files import read_private

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from email.message import EmailMessage

    from gateway.settings_vetting import MailSection


def send(section: MailSection, messages: Iterable[EmailMessage]) -> Iterator[bool]:
    """Send messages over one connection; tells of each in turn whether the server took it.

    An address that the server refuses holds up nobody else's mail.

    Raises:
        MailError: the server cannot be reached, does not prove itself, or goes away; what was told
            as taken has been sent.
    """
    try:
        with _connected(section) as server:
            for message in messages:
                yield _taken(server, message)
    except (OSError, smtplib.SMTPException) as error:
        reason = type(error).__name__
        raise MailError(f"mail: `{section.host}:{section.port}` took no mail: {reason}") from error


def _taken(server: smtplib.SMTP, message: EmailMessage) -> bool:
    try:
        server.send_message(message)
    except (smtplib.SMTPRecipientsRefused, smtplib.SMTPNotSupportedError):
        return False
    return True


def _connected(section: MailSection) -> smtplib.SMTP:
    trust = ssl.create_default_context(cafile=str(section.ca_file) if section.ca_file else None)
    if section.security == "tls":
        server: smtplib.SMTP = smtplib.SMTP_SSL(
            section.host, section.port, timeout=section.seconds, context=trust
        )
    else:
        server = smtplib.SMTP(section.host, section.port, timeout=section.seconds)
    try:
        if section.security == "starttls":
            # Raises where the server offers none: mail is never sent in the clear.
            server.starttls(context=trust)
        if section.username and section.password_file:
            server.login(section.username, read_private(section.password_file).decode().strip())
    except BaseException:
        server.close()
        raise
    return server
