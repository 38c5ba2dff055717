"""`gateway account reset-factors`: for people who have lost what they prove themselves with.

One operator proposes, another approves; a security officer may also approve what was proposed here,
on `/-/factors`, and the other way round.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from gateway.cli.opening import (
    config_option,
    current_instant,
    operator_option,
)
from gateway.errors import CommandError


@click.command("reset-factors")
@config_option
@operator_option
@click.option("--person", help="Propose to reset this person's: ORGANISATION/NUMBER.")
@click.option("--approve", "proposal", help="Approve the proposal with this id.")
def reset_factors(config: Path, operator: str, person: str | None, proposal: str | None) -> None:
    """Propose to remove somebody's second factors, or approve another's proposal."""
    from gateway.audit.entry import Kind
    from gateway.cli.workplace import Workplace
    from gateway.identity.factors.factor_reset import FactorResets, Officer, demand_another
    from gateway.identity.sessions.session_ending import Whose, end_sessions
    from gateway.identity.staff import staff_by_person
    from gateway.store.engine import reading

    if (person is None) == (proposal is None):
        raise click.UsageError("say either --person or --approve")
    at, by = current_instant(), Officer.operator(operator)
    with Workplace.open(config) as place:
        resets, bulletin = FactorResets(place.store), place.bulletin
        act: dict[str, Any] = {"operator": operator, "at": at}
        if person is not None:
            with reading(place.store) as connection:
                staff = staff_by_person(connection, person)
            if staff is None:
                raise CommandError(f"reset factors: `{person[:80]}` has never signed in")
            with place.act(Kind.SIGNIN, "factor-reset-proposed", subject=person, **act):
                made = resets.propose(staff.staff_id, by=by, at=at)
            click.echo(f"proposed; somebody else approves with --approve {made.id}")
            return
        waiting = resets.find(str(proposal), at=at)
        demand_another(waiting, by)
        with place.act(Kind.SIGNIN, "factor-reset-approved", subject=waiting.person, **act):
            _, removed = resets.approve(
                waiting.id,
                by=by,
                at=at,
                end=lambda connection, staff_id: end_sessions(
                    connection, bulletin, Whose(staff_id=staff_id), at=at, reason="factors-reset"
                ),
            )
            bulletin.ring()
        click.echo(f"removed {removed} second factor(s) of {waiting.person}; signed them out")
