"""`gateway policy who-can|what-can`: who may open a function, and what one person may open.

Asked of the set in force, of people whom a directory has vouched for, as somebody who has signed
in with a password and names nobody else. Each answer is the engine's own.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli.opening import (
    config_option,
    instant,
    json_option,
    open_existing_store,
    open_settings,
    policy_set_in_force,
)
from gateway.cli.terminal import Progress, table
from gateway.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from gateway.settings import Settings
    from policies.decision import Decision
    from policies.policy_set import PolicySet
    from policies.question import Question, Subject

action_option = click.option(
    "--action", type=click.Choice(["read", "write"]), default="read", show_default=True
)
at_option = click.option("--at", help="When, such as 2026-11-20T09:00 (London); now by default.")


@click.command(name="who-can")
@config_option
@click.argument("function")
@action_option
@at_option
@json_option
def who_can(config: Path, function: str, action: str, at: str | None, *, as_json: bool) -> None:
    """List the people who may open a function, and what each still has to see to."""
    from policies.engine import Engine
    from policies.findings import nearest_of

    settings, moment = open_settings(config), instant(at)
    policy_set = policy_set_in_force(settings)
    known = policy_set.catalogue.functions
    if function not in known:
        near = nearest_of(function, known)
        raise CommandError(f"who-can: `{function[:40]}` is no function; {near}")
    decide = Engine.compile(policy_set).decide
    rows, asked = [], 0
    with Progress("asking about everybody") as progress:
        for subject in _staff(settings, policy_set, moment):
            asked += 1
            progress(asked, 0)
            decision = decide(_question(policy_set, subject, function, action, moment))
            if (needs := _needs(decision)) is not None:
                person = f"{subject.organisation}/{subject.employee_number}"
                rows.append({"person": person, "name": subject.name, "needs": needs})
    if as_json:
        click.echo(json.dumps({"asked": asked, "people": rows}, indent=2, ensure_ascii=False))
        return
    click.echo(table(("PERSON", "NAME", "NEEDS"), (tuple(row.values()) for row in rows)))
    click.echo(f"{len(rows)} of {asked} people who have signed in may {action} `{function}`")


@click.command(name="what-can")
@config_option
@click.argument("person")
@action_option
@at_option
@json_option
def what_can(config: Path, person: str, action: str, at: str | None, *, as_json: bool) -> None:
    """List every function, and whether a person may open it or what vetting would let them in."""
    from policies.engine import Engine

    settings, moment = open_settings(config), instant(at)
    policy_set = policy_set_in_force(settings)
    engine = Engine.compile(policy_set)
    found = list(_staff(settings, policy_set, moment, person=person))
    if len(found) != 1:
        raise CommandError(
            f"what-can: {len(found)} people who have signed in and work there now are meant by "
            f"`{person[:60]}`; write ORGANISATION/NUMBER"
        )
    rows = []
    for function in policy_set.catalogue.functions:
        decision = engine.decide(_question(policy_set, found[0], function, action, moment))
        needs = _needs(decision)
        ways = [" and ".join(way) for way in engine.would_let_in(decision)]
        rows.append(
            {
                "function": function,
                "may": needs is not None,
                "needs": needs or "",
                "reason": str(decision.reason),
                "would_let_in": " or ".join(ways),
            }
        )
    if as_json:
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    heads = ("FUNCTION", "MAY", "NEEDS", "REASON", "WOULD LET THEM IN")
    shown = ({**row, "may": "yes" if row["may"] else "no"} for row in rows)
    click.echo(table(heads, (tuple(row.values()) for row in shown)))


def _needs(decision: Decision) -> str | None:
    """Say what the person still has to see to; None where they do not get in."""
    from policies.obligations import LEFT_TO_PERSON

    if decision.permitted:
        return ""
    if decision.obligations.bits and not decision.obligations.bits & ~LEFT_TO_PERSON:
        return ", ".join(decision.obligations.words)
    return None


def _question(
    policy_set: PolicySet, subject: Subject, function: str, action: str, at: datetime
) -> Question:
    from gateway.conditions import HONOURED
    from policies.question import Question

    return Question(
        subject=subject,
        function=policy_set.catalogue.functions[function],
        action=action,
        at=at,
        factors=frozenset({"password"}),
        honours=HONOURED,
    )


def _staff(
    settings: Settings, policy_set: PolicySet, at: datetime, *, person: str = ""
) -> Iterator[Subject]:
    """Give the people whom a directory has vouched for and who work there now.

    Args:
        settings: where they are kept, and who keeps memberships in the register.
        policy_set: the set in force.
        at: now.
        person: one of them, in any way that names a person; everybody if empty.
    """
    from gateway.identity.known_staff import everybody, subjects_of
    from gateway.identity.staff import find_staff
    from gateway.store.engine import reading
    from vetting.register import Register

    kinds = {each.id: str(each.kind) for each in policy_set.organisations}
    _, kept_here = settings.employers
    register = Register(policy_set.levels, accepted=policy_set.accepted_bodies)
    store = open_existing_store(settings)
    try:
        if not person:
            yield from everybody(lambda: reading(store), register, kinds, kept_here, at)
            return
        with reading(store) as connection:
            staff = find_staff(connection, person)
            yield from subjects_of(connection, staff, register, kinds, kept_here, at)
    finally:
        store.dispose()
