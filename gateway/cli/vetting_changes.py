"""The commands of `gateway vetting` that change the register.

What tightens (suspend, withdraw, restrict, leave ...) takes effect at once, by one officer. What
loosens (grant, renew, restore, appoint, join ...) is proposed, and takes effect when somebody else
approves it. The one exception is an empty register: the very first entries have nobody yet who
could approve them.

Every change is on the record before it is made, with the operator's name and login account, and is
announced, so that it holds at the next request.
"""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli.opening import config_option, current_instant, open_settings, operator_option
from gateway.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    from gateway.cli.register_change import RegisterChange

DATE = click.DateTime(formats=["%Y-%m-%d"])
ROLES = ("security-officer", "vetting-officer", "auditor", "organisation-administrator")


@click.command()
@config_option
@operator_option
@click.argument("person")
@click.argument("level")
@click.option("--granting-body", required=True, help="Who granted it, such as cheshire-police.")
@click.option("--sponsor", help="The organisation it was granted for; the person's by default.")
@click.option("--contract", default="", help="The contract it is bound to, if it is.")
@click.option("--granted-on", type=DATE, required=True, help="First day, YYYY-MM-DD.")
@click.option("--expires-on", type=DATE, help="Last valid day; by the level's length by default.")
@click.option("--review-due-on", type=DATE, help="Day of review; by the level's by default.")
@click.option("--function", "functions", multiple=True, help="Only for this function; repeatable.")
@click.option("--reference", default="", help="The vetting unit's reference; kept sealed.")
def grant(
    config: Path,
    operator: str,
    person: str,
    level: str,
    granting_body: str,
    sponsor: str | None,
    contract: str,
    granted_on: datetime,
    expires_on: datetime | None,
    review_due_on: datetime | None,
    functions: tuple[str, ...],
    reference: str,
) -> None:
    """Propose a grant of LEVEL to PERSON (ORGANISATION/NUMBER)."""
    from gateway.cli.register_change import RegisterChange
    from gateway.keys import KeyRing
    from gateway.reference_seal import RegisterSeal, RingDataKeys
    from vetting.levels import LevelOrder
    from vetting.person import PersonKey

    key = PersonKey.from_text(person)
    level_held = LevelOrder.shipped().level(level)
    ring = KeyRing.open(open_settings(config).keys.directory)
    grant_id = f"cli-{secrets.token_hex(6)}"
    first = granted_on.date()
    change = RegisterChange(
        act="grant",
        person=str(key),
        values={
            "grant": grant_id,
            "level": level,
            "granting_body": granting_body,
            "sponsor": sponsor or key.organisation,
            "contract": contract,
            "granted_on": first.isoformat(),
            "expires_on": _text(_day(expires_on) or level_held.expires_on(first)),
            "review_due_on": _text(_day(review_due_on) or level_held.review_due_on(first)),
            "functions": json.dumps(sorted(functions)),
            "reference": RegisterSeal(RingDataKeys(ring.register_keys)).seal(
                reference, grant_id=grant_id
            ),
        },
    )
    loosen(config, change, operator)


@click.command()
@config_option
@operator_option
@click.argument("grant_id")
@click.option("--expires-on", type=DATE, help="Last valid day, YYYY-MM-DD.")
@click.option("--review-due-on", type=DATE, help="Day by which it must be reviewed next.")
def renew(
    config: Path,
    operator: str,
    grant_id: str,
    expires_on: datetime | None,
    review_due_on: datetime | None,
) -> None:
    """Propose other last days for the grant GRANT_ID, after a renewal or a review."""
    from gateway.cli.register_change import RegisterChange

    values = {
        "grant": grant_id,
        "expires_on": _text(_day(expires_on)),
        "review_due_on": _text(_day(review_due_on)),
    }
    loosen(config, RegisterChange(act="renew", person="", values=values), operator)


@click.command()
@config_option
@operator_option
@click.argument("grant_id")
def restore(config: Path, operator: str, grant_id: str) -> None:
    """Propose that the grant GRANT_ID counts again, for the functions it had."""
    from gateway.cli.register_change import RegisterChange

    change = RegisterChange(act="restore", person="", values={"grant": grant_id})
    loosen(config, change, operator)


@click.command()
@config_option
@operator_option
@click.argument("grant_id")
def lift(config: Path, operator: str, grant_id: str) -> None:
    """Propose that the grant GRANT_ID counts for every function."""
    from gateway.cli.register_change import RegisterChange

    change = RegisterChange(act="lift", person="", values={"grant": grant_id})
    loosen(config, change, operator)


@click.command()
@config_option
@operator_option
@click.argument("person")
@click.argument("role", type=click.Choice(ROLES))
@click.option("--starts-on", type=DATE, help="First day, YYYY-MM-DD; today by default.")
@click.option("--ends-on", type=DATE, help="Last day, YYYY-MM-DD; until withdrawn by default.")
def appoint(
    config: Path,
    operator: str,
    person: str,
    role: str,
    starts_on: datetime | None,
    ends_on: datetime | None,
) -> None:
    """Propose to appoint PERSON (ORGANISATION/NUMBER) to a role in the gate."""
    from gateway.cli.register_change import RegisterChange
    from vetting.days import day_of
    from vetting.person import PersonKey

    first = _day(starts_on) or day_of(current_instant())
    change = RegisterChange(
        act="appoint",
        person=str(PersonKey.from_text(person)),
        values={"role": role, "starts_on": _text(first), "ends_on": _text(_day(ends_on))},
    )
    loosen(config, change, operator)


@click.command()
@config_option
@operator_option
@click.argument("person")
@click.argument("person_id")
@click.option("--starts-on", type=DATE, required=True, help="First day, YYYY-MM-DD.")
@click.option("--ends-on", type=DATE, help="Last day, YYYY-MM-DD; until ended by default.")
@click.option("--contract", default="", help="The contract the person works under.")
def join(
    config: Path,
    operator: str,
    person: str,
    person_id: str,
    starts_on: datetime,
    ends_on: datetime | None,
    contract: str,
) -> None:
    """Propose that PERSON (ORGANISATION/NUMBER) is employed, as the human being PERSON_ID."""
    from gateway.cli.register_change import RegisterChange
    from vetting.person import PersonKey

    change = RegisterChange(
        act="join",
        person=str(PersonKey.from_text(person)),
        values={
            "person_id": person_id,
            "starts_on": _text(starts_on.date()),
            "ends_on": _text(_day(ends_on)),
            "contract": contract,
        },
    )
    loosen(config, change, operator)


@click.command()
@config_option
@operator_option
@click.argument("person")
@click.argument("to")
@click.argument("person_id")
@click.option("--starts-on", type=DATE, required=True, help="First day with the new employer.")
@click.option("--contract", default="", help="The contract the person works under then.")
def move(
    config: Path,
    operator: str,
    person: str,
    to: str,
    person_id: str,
    starts_on: datetime,
    contract: str,
) -> None:
    """Propose that PERSON is TO (both ORGANISATION/NUMBER) from a day on, as after TUPE."""
    from gateway.cli.register_change import RegisterChange
    from vetting.person import PersonKey

    change = RegisterChange(
        act="move",
        person=str(PersonKey.from_text(person)),
        values={
            "to": str(PersonKey.from_text(to)),
            "person_id": person_id,
            "starts_on": _text(starts_on.date()),
            "ends_on": None,
            "contract": contract,
        },
    )
    loosen(config, change, operator)


@click.command()
@config_option
@operator_option
@click.argument("person")
@click.option("--ends-on", type=DATE, help="Last day, YYYY-MM-DD; yesterday by default.")
def leave(config: Path, operator: str, person: str, ends_on: datetime | None) -> None:
    """End the membership of PERSON (ORGANISATION/NUMBER); by default at once."""
    from datetime import timedelta

    from vetting.days import day_of

    last = _day(ends_on) or day_of(current_instant()) - timedelta(days=1)
    tighten(config, operator, "leave", person, {"ends_on": _text(last)})


@click.command()
@config_option
@operator_option
@click.argument("grant_id")
def suspend(config: Path, operator: str, grant_id: str) -> None:
    """Suspend the grant GRANT_ID at once, and sign the person out."""
    tighten(config, operator, "suspend", "", {"grant": grant_id})


@click.command()
@config_option
@operator_option
@click.argument("grant_id")
def withdraw(config: Path, operator: str, grant_id: str) -> None:
    """Withdraw the grant GRANT_ID at once, and sign the person out."""
    tighten(config, operator, "withdraw", "", {"grant": grant_id})


@click.command()
@config_option
@operator_option
@click.argument("grant_id")
def terminate(config: Path, operator: str, grant_id: str) -> None:
    """End the grant GRANT_ID at once: leaver, end of contract, no longer required."""
    tighten(config, operator, "terminate", "", {"grant": grant_id})


@click.command()
@config_option
@operator_option
@click.argument("grant_id")
def transfer(config: Path, operator: str, grant_id: str) -> None:
    """End the grant GRANT_ID at once: the person went to another force or sponsor."""
    tighten(config, operator, "transfer", "", {"grant": grant_id})


@click.command()
@config_option
@operator_option
@click.argument("grant_id")
def review(config: Path, operator: str, grant_id: str) -> None:
    """Put the grant GRANT_ID under review; it counts meanwhile."""
    tighten(config, operator, "review", "", {"grant": grant_id})


@click.command()
@config_option
@operator_option
@click.argument("grant_id")
@click.argument("level")
def downgrade(config: Path, operator: str, grant_id: str, level: str) -> None:
    """Take the level of the grant GRANT_ID away at once and keep the lower LEVEL."""
    new = f"cli-{secrets.token_hex(6)}"
    values = {"grant": grant_id, "level": level, "new": new}
    tighten(config, operator, "downgrade", "", values)


@click.command()
@config_option
@operator_option
@click.argument("grant_id")
@click.argument("functions", nargs=-1, required=True)
def restrict(config: Path, operator: str, grant_id: str, functions: tuple[str, ...]) -> None:
    """Restrict the grant GRANT_ID at once to the FUNCTIONS, such as pay.slip."""
    values = {"grant": grant_id, "functions": json.dumps(sorted(functions))}
    tighten(config, operator, "restrict", "", values)


@click.command("end-appointment")
@config_option
@operator_option
@click.argument("person")
@click.argument("role", type=click.Choice(ROLES))
def end_appointment(config: Path, operator: str, person: str, role: str) -> None:
    """End the appointment of PERSON (ORGANISATION/NUMBER) to a role at once."""
    tighten(config, operator, "end-appointment", person, {"role": role})


CHANGES = (
    *(grant, renew, restore, lift, appoint, join, move),
    *(suspend, withdraw, terminate, transfer, downgrade, restrict, review, leave, end_appointment),
)


def tighten(
    config: Path, operator: str, act: str, person: str, values: Mapping[str, str | None]
) -> None:
    """Make a change that tightens, at once; one that loosens is refused."""
    from gateway.cli.register_change import RegisterChange
    from gateway.cli.register_desk import RegisterDesk

    change = RegisterChange(act=act, person=person, values=values)
    if change.loosens:
        raise CommandError(f"change register: {change.words()} needs a second officer")
    with RegisterDesk.open(open_settings(config)) as desk:
        reference = desk.make(change, by=operator)
    click.echo(f"done: {change.words()}; reference {reference}")


def loosen(config: Path, change: RegisterChange, operator: str) -> None:
    """Propose, or make the first entries of an empty register."""
    from gateway.cli.operator_account import operator_account
    from gateway.cli.register_desk import RegisterDesk
    from gateway.cli.vetting_proposals import Proposals

    settings = open_settings(config)
    with RegisterDesk.open(settings) as desk:
        desk.rehearse(change)
        if desk.register_is_empty():
            reference = desk.make(change, by=f"{operator}, first entry of an empty register")
            click.echo(f"done: {change.words()}; reference {reference}")
            return
        reference = desk.note("vetting-proposed", change, by=operator)
        proposal = Proposals.of(settings).add(
            change, by=operator, account=operator_account(), at=current_instant()
        )
    click.echo(f"proposed: {change.words()}; reference {reference}")
    click.echo(f"it takes effect when somebody else runs: gateway vetting approve {proposal.id}")


def _day(typed: datetime | None) -> date | None:
    return typed.date() if typed else None


def _text(day: date | None) -> str | None:
    return day.isoformat() if day else None
