"""What people are told of a lapse: a mail to the person, one to the sponsor, and calendar files.

A mail says the level and the day, and nothing more about anybody.
"""

from __future__ import annotations

from datetime import timedelta
from email.message import EmailMessage
from typing import TYPE_CHECKING

from vetting.days import day_in_words

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from vetting.lapses import Lapse

_LINE_OCTETS = 73


def to_person(
    lapse: Lapse, *, sender: str, address: str, origin: str, at: datetime
) -> EmailMessage:
    """Write the mail to the person, with the day as a calendar file."""
    message = _message(sender, address, f"Your {lapse.title} ends on {day_in_words(lapse.ends_on)}")
    why = "must be reviewed by" if lapse.by_review else "ends on"
    message.set_content(
        f"Your {lapse.title} {why} {day_in_words(lapse.ends_on)}.\n\n"
        "Services that need it close to you the day after. Ask your organisation to have it"
        f" renewed; that takes weeks.\n\nWhat you hold: {origin}/-/portal\n"
    )
    calendar = calendar_of([lapse], origin=origin, at=at)
    message.add_attachment(calendar.encode(), "text", "calendar", filename="vetting.ics")
    return message


def to_sponsor(
    lapses: Sequence[Lapse], *, sender: str, address: str, origin: str, at: datetime
) -> EmailMessage:
    """Write one mail to a sponsor about all that lapses among the people they sponsor."""
    message = _message(sender, address, f"Vetting that ends soon: {len(lapses)}")
    lines = (
        f"{each.ends_on.isoformat()}  {each.person}  {each.title}"
        f"{' (review)' if each.by_review else ''}"
        for each in lapses
    )
    message.set_content(
        "These grants of clearance end soon. Whoever still needs theirs must have it renewed.\n\n"
        + "\n".join(lines)
        + "\n"
    )
    calendar = calendar_of(lapses, origin=origin, at=at)
    message.add_attachment(calendar.encode(), "text", "calendar", filename="vetting.ics")
    return message


def calendar_of(lapses: Sequence[Lapse], *, origin: str, at: datetime) -> str:
    """Write lapses as a calendar file (RFC 5545): a whole day each, an alarm a month before."""
    host = origin.partition("://")[2] or "gateway"
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//access gateway//vetting//EN"]
    for each in lapses:
        after = each.ends_on + timedelta(days=1)
        lines += [
            "BEGIN:VEVENT",
            f"UID:{_escaped(each.grant_id)}-{each.ends_on:%Y%m%d}@{host}",
            f"DTSTAMP:{at:%Y%m%dT%H%M%SZ}",
            f"DTSTART;VALUE=DATE:{each.ends_on:%Y%m%d}",
            f"DTEND;VALUE=DATE:{after:%Y%m%d}",
            f"SUMMARY:{_escaped(f'{each.title} of {each.person} ends')}",
            "TRANSP:TRANSPARENT",
            *("BEGIN:VALARM", "ACTION:DISPLAY", "TRIGGER:-P30D", "DESCRIPTION:Renew vetting"),
            "END:VALARM",
            "END:VEVENT",
        ]
    return "".join(f"{_folded(line)}\r\n" for line in (*lines, "END:VCALENDAR"))


def _message(sender: str, address: str, subject: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, address, subject
    message["Auto-Submitted"] = "auto-generated"
    return message


def _escaped(text: str) -> str:
    for char in "\\;,":
        text = text.replace(char, f"\\{char}")
    return text.replace("\n", " ")


def _folded(line: str) -> str:
    parts = [line[at : at + _LINE_OCTETS] for at in range(0, len(line), _LINE_OCTETS)]
    return "\r\n ".join(parts)
