"""`gateway vetting`: show and change the host's register.

What tightens (suspend, withdraw, end an appointment) takes effect at once. What loosens (grant,
restore, appoint) is proposed, and takes effect when somebody else approves it. The one exception is
an empty register: the very first entries have nobody yet who could approve them.

Every change is on the record before it is made, with the operator's name, and is announced, so that
it holds at the next request.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli.opening import (
    config_option,
    current_instant,
    instant,
    json_option,
    open_existing_store,
    open_settings,
    operator_option,
)
from gateway.cli.terminal import table

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.cli.register_change import RegisterChange

DATE = click.DateTime(formats=["%Y-%m-%d"])
ROLES = ("security-officer", "vetting-officer", "auditor", "organisation-administrator")


@click.group()
def vetting() -> None:
    """Show and change who is cleared to what."""


@vetting.command()
@config_option
@json_option
def levels(config: Path, *, as_json: bool) -> None:
    """List the levels and what each satisfies."""
    from policies.policy_set import load_policy_set

    order = load_policy_set(open_settings(config).policy.directory).levels
    rows = [
        {
            "id": str(level),
            "scheme": str(order.level(level).scheme),
            "title": order.level(level).title,
            "satisfies": [str(other) for other in order.ids if order.dominates(level, other)],
        }
        for level in order.ids
    ]
    if as_json:
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    heads = ("LEVEL", "SCHEME", "TITLE", "SATISFIES")
    cells = ((row["id"], row["scheme"], row["title"], " ".join(row["satisfies"])) for row in rows)
    click.echo(table(heads, cells))


@vetting.command()
@config_option
@click.argument("person")
@click.option("--at", help="As of when, such as 2026-11-20T09:00 (London); now by default.")
@json_option
def show(config: Path, person: str, at: str | None, *, as_json: bool) -> None:
    """Show what PERSON (ORGANISATION/NUMBER) holds, and every change to it."""
    from gateway.store.engine import reading
    from policies.policy_set import load_policy_set
    from vetting.register import PersonKey, Register

    moment = instant(at)
    key = PersonKey.from_text(person)
    settings = open_settings(config)
    store = open_existing_store(settings)
    policy_set = load_policy_set(settings.policy.directory)
    register = Register(policy_set.levels, accepted=policy_set.accepted_bodies)
    try:
        with reading(store) as connection:
            clearance = register.clearance_of(connection, key)
            appointed = sorted(register.appointments_of(connection, key, at=moment))
            history = register.history(connection, key)
    finally:
        store.dispose()
    grants = [
        {
            "grant": held.grant_id,
            "level": str(held.level),
            "title": held.title,
            "status": str(held.status),
            "counts": held.usable,
            "words": held.words,
        }
        for held in clearance.described(at=moment)
    ]
    changes = [
        {
            "at": change.at.isoformat(timespec="seconds"),
            "by": change.by,
            "kind": str(change.kind),
            "item": change.item,
            "changed": [list(each) for each in change.changed],
        }
        for change in history
    ]
    if as_json:
        shown = {
            "person": str(key),
            "at": moment.isoformat(),
            "grants": grants,
            "appointments": appointed,
            "history": changes,
        }
        click.echo(json.dumps(shown, indent=2, ensure_ascii=False))
        return
    click.echo(f"{key}" + (f", {', '.join(appointed)}" if appointed else ""))
    heads = ("GRANT", "LEVEL", "COUNTS", "STATUS", "UNTIL")
    keys = ("grant", "title", "counts", "status", "words")
    rows = [["yes" if row[k] is True else row[k] or "no" for k in keys] for row in grants]
    click.echo(table(heads, rows) if rows else "no grants of clearance")
    if changes:
        words = ("CHANGED", "BY", "WHAT", "ITEM")
        click.echo(
            table(words, ([row[k] for k in ("at", "by", "kind", "item")] for row in changes))
        )


@vetting.command()
@config_option
@operator_option
@click.argument("person")
@click.argument("level")
@click.option("--granting-body", required=True, help="Who granted it, such as cheshire-police.")
@click.option("--sponsor", help="The organisation it was granted for; the person's by default.")
@click.option("--granted-on", type=DATE, required=True, help="First day, YYYY-MM-DD.")
@click.option("--expires-on", type=DATE, help="Last valid day, YYYY-MM-DD.")
@click.option("--review-due-on", type=DATE, help="Day by which it must be reviewed.")
@click.option("--reference", default="", help="The vetting unit's reference.")
def grant(
    config: Path,
    operator: str,
    person: str,
    level: str,
    granting_body: str,
    sponsor: str | None,
    granted_on: datetime,
    expires_on: datetime | None,
    review_due_on: datetime | None,
    reference: str,
) -> None:
    """Propose a grant of LEVEL to PERSON (ORGANISATION/NUMBER)."""
    from gateway.cli.register_change import RegisterChange
    from vetting.person import PersonKey

    key = PersonKey.from_text(person)
    change = RegisterChange(
        act="grant",
        person=str(key),
        values={
            "level": level,
            "granting_body": granting_body,
            "sponsor": sponsor or key.organisation,
            "granted_on": granted_on.date().isoformat(),
            "expires_on": expires_on.date().isoformat() if expires_on else None,
            "review_due_on": review_due_on.date().isoformat() if review_due_on else None,
            "reference": reference,
        },
    )
    _loosen(config, change, operator)


@vetting.command()
@config_option
@operator_option
@click.argument("grant_id")
def restore(config: Path, operator: str, grant_id: str) -> None:
    """Propose that the grant GRANT_ID counts again after a suspension."""
    from gateway.cli.register_change import RegisterChange

    change = RegisterChange(act="restore", person="", values={"grant": grant_id})
    _loosen(config, change, operator)


@vetting.command()
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

    first = starts_on.date() if starts_on else day_of(current_instant())
    change = RegisterChange(
        act="appoint",
        person=str(PersonKey.from_text(person)),
        values={
            "role": role,
            "starts_on": first.isoformat(),
            "ends_on": ends_on.date().isoformat() if ends_on else None,
        },
    )
    _loosen(config, change, operator)


@vetting.command()
@config_option
@operator_option
@click.argument("grant_id")
def suspend(config: Path, operator: str, grant_id: str) -> None:
    """Suspend the grant GRANT_ID at once."""
    _tighten(config, operator, "suspend", "", {"grant": grant_id})


@vetting.command()
@config_option
@operator_option
@click.argument("grant_id")
def withdraw(config: Path, operator: str, grant_id: str) -> None:
    """Withdraw the grant GRANT_ID at once."""
    _tighten(config, operator, "withdraw", "", {"grant": grant_id})


@vetting.command("end-appointment")
@config_option
@operator_option
@click.argument("person")
@click.argument("role", type=click.Choice(ROLES))
def end_appointment(config: Path, operator: str, person: str, role: str) -> None:
    """End the appointment of PERSON (ORGANISATION/NUMBER) to a role at once."""
    _tighten(config, operator, "end-appointment", person, {"role": role})


@vetting.command()
@config_option
@json_option
def proposals(config: Path, *, as_json: bool) -> None:
    """List the proposals that wait for somebody's approval."""
    from gateway.cli.vetting_proposals import Proposals

    waiting = Proposals(open_settings(config).gateway.state_directory).waiting()
    if as_json:
        click.echo(json.dumps([each.to_json() for each in waiting], indent=2, ensure_ascii=False))
        return
    heads = ("PROPOSAL", "BY", "AT", "WHAT")
    rows = ((each.id, each.by, each.at, each.change.words()) for each in waiting)
    click.echo(table(heads, rows) if waiting else "nothing waits for approval")


@vetting.command()
@config_option
@operator_option
@click.argument("proposal_id")
def approve(config: Path, operator: str, proposal_id: str) -> None:
    """Approve the proposal PROPOSAL_ID of somebody else, and make the change."""
    from gateway.cli.register_change import RegisterDesk
    from gateway.cli.vetting_proposals import Proposals

    settings = open_settings(config)
    with RegisterDesk.open(settings) as desk:
        waiting = Proposals(settings.gateway.state_directory)
        proposal = waiting.claim(proposal_id, approver=operator)
        try:
            reference = desk.make(proposal.change, by=f"{proposal.by}, approved by {operator}")
        except BaseException:
            waiting.put_back(proposal)
            raise
        waiting.done(proposal)
    click.echo(f"done: {proposal.change.words()}; reference {reference}")


@vetting.command()
@config_option
@operator_option
@click.argument("proposal_id")
def reject(config: Path, operator: str, proposal_id: str) -> None:
    """Drop the proposal PROPOSAL_ID; who proposed it may do so too."""
    from gateway.cli.register_change import RegisterDesk
    from gateway.cli.vetting_proposals import Proposals

    settings = open_settings(config)
    with RegisterDesk.open(settings) as desk:
        waiting = Proposals(settings.gateway.state_directory)
        proposal = waiting.claim(proposal_id, approver=None)
        try:
            reference = desk.note("vetting-proposal-rejected", proposal.change, by=operator)
        except BaseException:
            waiting.put_back(proposal)
            raise
        waiting.done(proposal)
    click.echo(f"dropped: {proposal.change.words()}; reference {reference}")


def _tighten(
    config: Path, operator: str, act: str, person: str, values: dict[str, str | None]
) -> None:
    from gateway.cli.register_change import RegisterChange, RegisterDesk

    change = RegisterChange(act=act, person=person, values=values)
    with RegisterDesk.open(open_settings(config)) as desk:
        reference = desk.make(change, by=operator)
    click.echo(f"done: {change.words()}; reference {reference}")


def _loosen(config: Path, change: RegisterChange, operator: str) -> None:
    """Propose, or make the first entries of an empty register."""
    from gateway.cli.register_change import RegisterDesk
    from gateway.cli.vetting_proposals import Proposals

    settings = open_settings(config)
    with RegisterDesk.open(settings) as desk:
        desk.rehearse(change)
        if desk.register_is_empty():
            reference = desk.make(change, by=f"{operator}, first entry of an empty register")
            click.echo(f"done: {change.words()}; reference {reference}")
            return
        reference = desk.note("vetting-proposed", change, by=operator)
        waiting = Proposals(settings.gateway.state_directory)
        proposal = waiting.add(change, by=operator, at=current_instant())
    click.echo(f"proposed: {change.words()}; reference {reference}")
    click.echo(f"it takes effect when somebody else runs: gateway vetting approve {proposal.id}")
