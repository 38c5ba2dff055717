"""`gateway vetting training`: the courses people have completed, which rules may ask for.

Entering one may open something, so it is proposed, and takes effect when somebody else approves it
(`gateway vetting approve`). Ending one takes effect at once, by one officer.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import click

from gateway.cli.opening import (
    config_option,
    instant,
    json_option,
    open_existing_store,
    open_settings,
    operator_option,
)
from gateway.cli.terminal import table
from gateway.cli.vetting_changes import DATE, loosen, tighten


@click.group()
def training() -> None:
    """Show and change which courses people have completed."""


@training.command()
@config_option
@operator_option
@click.argument("person")
@click.argument("course")
@click.option("--completed-on", type=DATE, required=True, help="First day it counts, YYYY-MM-DD.")
@click.option("--expires-on", type=DATE, help="Last day it counts; without, it does not lapse.")
@click.option("--awarding-body", required=True, help="Who says so, such as `College of Policing`.")
def add(
    config: Path,
    operator: str,
    person: str,
    course: str,
    completed_on: datetime,
    expires_on: datetime | None,
    awarding_body: str,
) -> None:
    """Propose that PERSON (ORGANISATION/NUMBER) has completed COURSE, a code that rules name."""
    from gateway.cli.register_change import RegisterChange
    from vetting.person import PersonKey

    values = {
        "course": course,
        "completed_on": completed_on.date().isoformat(),
        "expires_on": expires_on.date().isoformat() if expires_on else None,
        "awarding_body": awarding_body,
    }
    change = RegisterChange(act="train", person=str(PersonKey.from_text(person)), values=values)
    loosen(config, change, operator)


@training.command()
@config_option
@operator_option
@click.argument("person")
@click.argument("course")
def end(config: Path, operator: str, person: str, course: str) -> None:
    """End every training of COURSE that PERSON (ORGANISATION/NUMBER) has, at once."""
    tighten(config, operator, "end-training", person, {"course": course})


@training.command("list")
@config_option
@click.argument("person")
@click.option("--at", help="As of when, such as 2026-05-03T09:00 (London); now by default.")
@json_option
def list_trainings(config: Path, person: str, at: str | None, *, as_json: bool) -> None:
    """List the trainings of PERSON (ORGANISATION/NUMBER) as the register had them at a moment."""
    from gateway.store.engine import reading
    from policies.policy_set import load_policy_set
    from vetting.person import PersonKey
    from vetting.register import Register

    moment = instant(at)
    settings = open_settings(config)
    policy_set = load_policy_set(settings.policy.directory)
    register = Register(policy_set.levels, accepted=policy_set.accepted_bodies)
    store = open_existing_store(settings)
    try:
        with reading(store) as connection:
            held = register.as_of(connection, PersonKey.from_text(person), at=moment).trainings
    finally:
        store.dispose()
    rows = [
        {
            "course": each.course,
            "counts": each.holds(at=moment),
            "completed_on": each.completed_on.isoformat(),
            "expires_on": each.expires_on.isoformat() if each.expires_on else None,
            "awarding_body": each.awarding_body,
        }
        for each in held
    ]
    if as_json:
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    heads = ("COURSE", "COUNTS", "COMPLETED", "UNTIL", "AWARDED BY")
    cells = [
        (
            row["course"],
            "yes" if row["counts"] else "no",
            row["completed_on"],
            row["expires_on"] or "no end",
            row["awarding_body"],
        )
        for row in rows
    ]
    click.echo(table(heads, cells) if cells else "no trainings")
