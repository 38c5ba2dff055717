"""`gateway vetting`: the host's register, looked at; and who agrees to what was proposed.

The commands that change it are in `gateway.cli.vetting_changes`, imports in `vetting_feed`, what
lapses when in `vetting_lapses`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
from gateway.cli.vetting_changes import CHANGES
from gateway.cli.vetting_feed import feed_schema, import_feed
from gateway.cli.vetting_lapses import calendar, lapses, remind
from gateway.cli.vetting_training import training

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.reference_seal import RegisterSeal
    from vetting.register_history import RegisterChange
    from vetting.register_reading import RegisteredPerson


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
@click.option("--at", help="As of when, such as 2026-05-03T09:00 (London); now by default.")
@json_option
def show(config: Path, person: str, at: str | None, *, as_json: bool) -> None:
    """Show what PERSON (ORGANISATION/NUMBER) held at a moment, and every change up to it.

    It is replayed from the history, so it is what the register said then, whatever it says now.
    """
    from gateway.keys import KeyRing
    from gateway.reference_seal import RegisterSeal, RingDataKeys
    from gateway.store.engine import reading
    from policies.policy_set import load_policy_set
    from vetting.register import PersonKey, Register
    from vetting.register_as_of import follows_from_history

    moment = instant(at)
    key = PersonKey.from_text(person)
    settings = open_settings(config)
    store = open_existing_store(settings)
    policy_set = load_policy_set(settings.policy.directory)
    register = Register(policy_set.levels, accepted=policy_set.accepted_bodies)
    seal = RegisterSeal(RingDataKeys(KeyRing.open(settings.keys.directory).register_keys))
    try:
        with reading(store) as connection:
            held = register.as_of(connection, key, at=moment)
            history = [
                change for change in register.history(connection, key) if change.at <= moment
            ]
            sound = follows_from_history(connection, key, at=instant(None))
    finally:
        store.dispose()
    if not sound:
        message = f"warning: the rows of {key} are not those its history leads to; look into it"
        click.echo(click.style(message, fg="red"), err=True)
    shown = _shown(held, history, seal, moment)
    if as_json:
        click.echo(json.dumps(shown, indent=2, ensure_ascii=False))
        return
    click.echo(_told(shown))


def _shown(
    person: RegisteredPerson,
    history: list[RegisterChange],
    seal: RegisterSeal,
    at: datetime,
) -> dict[str, Any]:
    grants = []
    for grant in person.clearance.grants:
        held = person.clearance.describe(grant, at=at)
        grants.append(
            {
                "grant": grant.id,
                "level": str(grant.level),
                "title": held.title,
                "status": str(grant.status),
                "counts": held.usable,
                "words": held.words,
                "granting_body": grant.granting_body,
                "sponsor": grant.sponsor,
                "contract": grant.contract,
                "functions": sorted(grant.functions),
                "reference": seal.open(grant.reference, grant_id=grant.id) or "",
            }
        )
    return {
        "person": str(person.person),
        "at": at.isoformat(),
        "grants": grants,
        "appointments": sorted(
            {each.role.value for each in person.appointments if each.holds(at=at)}
        ),
        "memberships": [
            {
                "person": each.person,
                "starts_on": each.starts_on.isoformat(),
                "ends_on": each.ends_on.isoformat() if each.ends_on else None,
                "contract": each.contract,
                "in_force": each.holds(at=at),
            }
            for each in person.memberships
        ],
        "history": [
            {
                "at": change.at.isoformat(timespec="seconds"),
                "by": change.by,
                "kind": str(change.kind),
                "item": change.item,
                "changed": [list(each) for each in change.changed],
            }
            for change in history
        ],
    }


def _told(shown: dict[str, Any]) -> str:
    roles = shown["appointments"]
    lines = [shown["person"] + (f", {', '.join(roles)}" if roles else "")]
    for each in shown["memberships"]:
        until = f" to {each['ends_on']}" if each["ends_on"] else ""
        state = "" if each["in_force"] else ", not in force"
        lines.append(f"member {each['person']} from {each['starts_on']}{until}{state}")
    heads = ("GRANT", "LEVEL", "COUNTS", "STATUS", "UNTIL")
    keys = ("grant", "title", "counts", "status", "words")
    rows = [["yes" if row[k] is True else row[k] or "no" for k in keys] for row in shown["grants"]]
    lines.append(table(heads, rows) if rows else "no grants of clearance")
    changes = [[row[k] for k in ("at", "by", "kind", "item")] for row in shown["history"]]
    if changes:
        lines.append(table(("CHANGED", "BY", "WHAT", "ITEM"), changes))
    return "\n".join(lines)


@vetting.command()
@config_option
@json_option
def proposals(config: Path, *, as_json: bool) -> None:
    """List the proposals that wait for somebody's approval."""
    from gateway.cli.vetting_proposals import Proposals

    settings = open_settings(config)
    waiting = Proposals.of(settings).waiting()
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
    from gateway.cli.operator_account import operator_account
    from gateway.cli.register_desk import RegisterDesk
    from gateway.cli.vetting_proposals import Proposals

    settings = open_settings(config)
    with RegisterDesk.open(settings) as desk:
        waiting, account = Proposals.of(settings), operator_account()
        with waiting.decided(proposal_id, approver=operator, account=account) as proposal:
            reference = desk.make(proposal.change, by=f"{proposal.by}, approved by {operator}")
    click.echo(f"done: {proposal.change.words()}; reference {reference}")


@vetting.command()
@config_option
@operator_option
@click.argument("proposal_id")
def reject(config: Path, operator: str, proposal_id: str) -> None:
    """Drop the proposal PROPOSAL_ID; who proposed it may do so too."""
    from gateway.cli.operator_account import operator_account
    from gateway.cli.register_desk import RegisterDesk
    from gateway.cli.vetting_proposals import Proposals

    settings = open_settings(config)
    with RegisterDesk.open(settings) as desk:
        waiting, account = Proposals.of(settings), operator_account()
        with waiting.decided(proposal_id, approver=None, account=account) as proposal:
            reference = desk.note("vetting-proposal-rejected", proposal.change, by=operator)
    click.echo(f"dropped: {proposal.change.words()}; reference {reference}")


for _command in (*CHANGES, import_feed, feed_schema, lapses, remind, calendar, training):
    vetting.add_command(_command)
