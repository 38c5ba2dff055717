"""`gateway vetting lapses`, `calendar` and `remind`: what ends when, and telling people of it."""

from __future__ import annotations

import fcntl
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli.opening import (
    config_option,
    current_instant,
    json_option,
    open_existing_store,
    open_settings,
)
from gateway.cli.terminal import table, to_csv
from gateway.errors import CommandError

if TYPE_CHECKING:
    from datetime import datetime
    from email.message import EmailMessage

    from sqlalchemy import Engine

    from gateway.settings import Settings
    from vetting.lapses import DueReminder, Lapse
    from vetting.register import Register

_WITHIN = re.compile(r"([0-9]{1,4})d?")
HEADS = ("ENDS", "DAYS", "PERSON", "GRANT", "LEVEL", "SPONSOR", "BY")


@click.command()
@config_option
@click.option("--within", default="90d", show_default=True, help="How far to look, such as 90d.")
@click.option("--organisation", help="Only people of this organisation.")
@click.option("--csv", "as_csv", is_flag=True, help="Write CSV.")
@json_option
def lapses(
    config: Path, within: str, organisation: str | None, *, as_csv: bool, as_json: bool
) -> None:
    """List which grants end when, the soonest first."""
    at = current_instant()
    with _opened(open_settings(config)) as (store, register):
        found = _found(store, register, at, _days(within), organisation)
    rows = [
        (
            each.ends_on.isoformat(),
            each.days_left(at=at),
            str(each.person),
            each.grant_id,
            each.title,
            each.sponsor,
            "review" if each.by_review else "end date",
        )
        for each in found
    ]
    if as_json:
        keys = [head.lower() for head in HEADS]
        click.echo(json.dumps([dict(zip(keys, row, strict=True)) for row in rows], indent=2))
    elif as_csv:
        click.echo(to_csv([head.lower() for head in HEADS], rows), nl=False)
    else:
        click.echo(table(HEADS, rows) if rows else "nothing lapses")


@click.command()
@config_option
@click.option("--within", default="365d", show_default=True, help="How far to look, such as 90d.")
@click.option("--organisation", help="Only people of this organisation.")
def calendar(config: Path, within: str, organisation: str | None) -> None:
    """Write what lapses as a calendar file (.ics) on standard output."""
    from gateway.lapse_notice import calendar_of

    settings, at = open_settings(config), current_instant()
    with _opened(settings) as (store, register):
        found = _found(store, register, at, _days(within), organisation)
    click.echo(calendar_of(found, origin=settings.gateway.origin, at=at), nl=False)


@click.command()
@config_option
@click.option("--dry-run", is_flag=True, help="Say what would be sent, send nothing.")
def remind(config: Path, *, dry_run: bool) -> None:
    """Tell people and their sponsors by mail what lapses soon, each once; for a daily timer."""
    from gateway.store.engine import reading
    from vetting.lapses import due_reminders

    settings, at = open_settings(config), current_instant()
    marks = settings.vetting.remind_days
    with _opened(settings) as (store, register), _alone(settings):
        found = _found(store, register, at, max(marks), None)
        with reading(store) as connection:
            due = due_reminders(connection, found, marks, at=at)
        letters, unreached = _letters(settings, store, due, at)
        taken = letters if dry_run else _send(settings, store, letters, at)
    sent = sum(len(told) for _, told in taken)
    click.echo(f"{'due' if dry_run else 'sent'}: {sent} reminder(s) in {len(taken)} mail(s)")
    if len(taken) < len(letters):
        refused = len(letters) - len(taken)
        raise CommandError(f"remind: the mail server refused the address of {refused} mail(s)")
    if unreached:
        click.echo(
            f"{unreached} reminder(s) have no address; see `gateway vetting lapses`", err=True
        )


def _letters(
    settings: Settings, store: Engine, due: tuple[DueReminder, ...], at: datetime
) -> tuple[list[tuple[EmailMessage, list[DueReminder]]], int]:
    """Write the mails that are due, each with the reminders in it; and count who has no address."""
    from gateway.identity.staff import mail_of
    from gateway.lapse_notice import to_person, to_sponsor
    from gateway.store.engine import reading

    origin = settings.gateway.origin
    sender = settings.mail.sender if settings.mail else ""
    sponsors = {each.id: each.vetting_mail for each in settings.organisations}
    letters: list[tuple[EmailMessage, list[DueReminder]]] = []
    by_sponsor: dict[str, list[DueReminder]] = {}
    unreached = 0
    with reading(store) as connection:
        for each in due:
            to_whom = (
                mail_of(connection, str(each.lapse.person))
                if each.told == "person"
                else sponsors.get(each.lapse.sponsor, "")
            )
            if not to_whom:
                unreached += 1
            elif each.told == "sponsor":
                by_sponsor.setdefault(to_whom, []).append(each)
            else:
                letter = to_person(each.lapse, sender=sender, address=to_whom, origin=origin, at=at)
                letters.append((letter, [each]))
    for address, told in by_sponsor.items():
        about = [each.lapse for each in told]
        letter = to_sponsor(about, sender=sender, address=address, origin=origin, at=at)
        letters.append((letter, told))
    return letters, unreached


def _send(
    settings: Settings,
    store: Engine,
    letters: list[tuple[EmailMessage, list[DueReminder]]],
    at: datetime,
) -> list[tuple[EmailMessage, list[DueReminder]]]:
    """Send mails and note each that was taken; gives those."""
    from gateway.mail import send
    from gateway.store.engine import writing
    from vetting.lapses import note_reminders

    if letters and settings.mail is None:
        raise CommandError("remind: the settings have no `[mail]`; nothing was sent")
    if not letters or settings.mail is None:
        return []
    sent = []
    # Noted one by one as the server takes them: after a failure only the rest is sent again.
    answers = send(settings.mail, (message for message, _ in letters))
    for letter, taken in zip(letters, answers, strict=True):
        if taken:
            with writing(store) as connection:
                note_reminders(connection, letter[1], at=at)
            sent.append(letter)
    return sent


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """Refuse to run twice at once, or a reminder would be sent twice."""
    path = settings.gateway.state_directory / "remind.lock"
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise CommandError("remind: another run is under way") from error
        yield


@contextmanager
def _opened(settings: Settings) -> Iterator[tuple[Engine, Register]]:
    from policies.policy_set import load_policy_set
    from vetting.register import Register

    policy_set = load_policy_set(settings.policy.directory)
    store = open_existing_store(settings)
    try:
        yield store, Register(policy_set.levels, accepted=policy_set.accepted_bodies)
    finally:
        store.dispose()


def _found(
    store: Engine, register: Register, at: datetime, days: int, organisation: str | None
) -> tuple[Lapse, ...]:
    from gateway.store.engine import reading
    from vetting.lapses import lapses_within

    with reading(store) as connection:
        return lapses_within(connection, register, at=at, days=days, organisation=organisation)


def _days(within: str) -> int:
    read = _WITHIN.fullmatch(within)
    if read is None:
        raise click.BadParameter(f"`{within[:20]}` is no number of days; write 90d")
    return int(read[1])
