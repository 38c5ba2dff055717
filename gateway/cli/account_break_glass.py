"""`gateway account create|seal|list|disable|review`: break-glass accounts.

Two officers make an account: one proposes it, another seals it and is told, once, what goes into
the envelope. Disabling takes one, at once. A use is signed off by somebody who did not use it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli.opening import (
    config_option,
    current_instant,
    json_option,
    open_existing_store,
    open_settings,
    operator_option,
)
from gateway.cli.terminal import table
from gateway.errors import CommandError

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from gateway.settings import Settings

LONGEST_DAYS = 366
_FINDING_CHARACTERS = 500


@click.command()
@config_option
@operator_option
@click.argument("name")
@click.option("--number", required=True, help="Its own employee number in the host's register.")
@click.option(
    "--uses",
    type=click.IntRange(1, 10),
    default=1,
    show_default=True,
    help="How often one envelope can be used.",
)
def create(config: Path, operator: str, name: str, number: str, uses: int) -> None:
    """Propose a break-glass account.

    NAME may be a new one, or one whose envelope is used up; nothing changes until another officer
    seals it. What the account may do are the grants and appointments of its number: make them with
    `gateway vetting grant` and `appoint`.
    """
    from gateway.audit.entry import Kind
    from gateway.cli.workplace import Workplace
    from gateway.identity.signing_in.break_glass_accounts import propose
    from gateway.store.engine import writing

    at = current_instant()
    with Workplace.open(config) as place:
        host = place.settings.gateway.host_organisation
        with (
            place.act(
                Kind.SYSTEM,
                "break-glass-proposed",
                operator=operator,
                at=at,
                subject=f"{host}/{number}",
                detail={"account": name, "number": number, "uses": uses},
            ) as entry,
            writing(place.store) as connection,
        ):
            propose(
                connection,
                host=host,
                name=name,
                employee_number=number,
                uses=uses,
                by=operator,
                at=at,
            )
    click.echo(f"proposed; reference {entry.reference}")
    click.echo(f"somebody else now runs: gateway account seal {name}", err=True)


@click.command()
@config_option
@operator_option
@click.argument("name")
@click.option(
    "--days",
    type=click.IntRange(1, LONGEST_DAYS),
    default=180,
    show_default=True,
    help="How long the envelope can be used.",
)
def seal(config: Path, operator: str, name: str, days: int) -> None:
    """Make the envelope of a proposed account.

    Its password and its authenticator are told once and kept nowhere: print them, seal them in
    two envelopes, and keep them apart. What an older envelope holds is worth nothing from then on.
    """
    from gateway.audit.entry import Kind
    from gateway.cli.operator_act import operator_act
    from gateway.identity.factors.factor_seal import FactorSeal
    from gateway.identity.factors.second_factor import provisioning_uri, spaced
    from gateway.identity.signing_in import break_glass_accounts
    from gateway.keys import KeyRing
    from gateway.store.engine import writing

    at = current_instant()
    until = at + timedelta(days=days)
    with _opened(config) as (settings, store):
        ring = KeyRing.open(settings.keys.directory)
        with (
            operator_act(
                settings,
                ring,
                kind=Kind.SYSTEM,
                code="break-glass-sealed",
                operator=operator,
                at=at,
                detail={"account": name, "until": until.isoformat(timespec="seconds")},
            ) as entry,
            writing(store) as connection,
        ):
            envelope = break_glass_accounts.seal(
                connection,
                host=settings.gateway.host_organisation,
                name=name,
                by=operator,
                until=until,
                at=at,
                factor_seal=FactorSeal(ring.second_factor_keys),
            )
        service = settings.gateway.service_name
        address = f"{settings.gateway.origin}/-/break-glass"
    uri = provisioning_uri(envelope.authenticator, account=name, service=service)
    click.echo(f"Account        {name}")
    click.echo(f"Where          {address}")
    click.echo(f"Until          {until:%d %B %Y}")
    click.echo(f"Password       {envelope.password}")
    click.echo(f"Authenticator  {spaced(envelope.authenticator)}")
    click.echo(f"               {uri}")
    click.echo(f"sealed; reference {entry.reference}", err=True)


@click.command("list")
@config_option
@json_option
def list_accounts(config: Path, *, as_json: bool) -> None:
    """List break-glass accounts."""
    from gateway.identity.signing_in.break_glass_accounts import accounts
    from gateway.store.engine import reading

    at = current_instant()
    with _opened(config) as (settings, store):
        host = settings.gateway.host_organisation
        with reading(store) as connection:
            rows = [
                {
                    "account": each.name,
                    "person": f"{host}/{each.employee_number}",
                    "state": each.state(at),
                    "uses_left": each.uses_left,
                    "until": each.expires_at.isoformat(timespec="minutes")
                    if each.expires_at
                    else "",
                    "sealed_by": each.sealed_by,
                    "proposed_by": each.proposed_by,
                    "open_reviews": each.open_reviews,
                }
                for each in accounts(connection)
            ]
    if as_json:
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    heads = ("ACCOUNT", "PERSON", "STATE", "USES", "UNTIL", "TO REVIEW", "SEALED BY", "PROPOSED BY")
    keys = ("account", "person", "state", "uses_left", "until", "open_reviews", "sealed_by")
    click.echo(table(heads, ([row[key] for key in (*keys, "proposed_by")] for row in rows)))
    click.echo(f"{len(rows)} account(s)", err=True)


@click.command()
@config_option
@operator_option
@click.argument("name")
def disable(config: Path, operator: str, name: str) -> None:
    """Take a break-glass account out of use.

    Its secrets are destroyed and its sessions end, at the next request in every worker.
    """
    from gateway.audit.entry import Kind
    from gateway.cli.workplace import Workplace
    from gateway.identity.sessions.session_ending import Whose
    from gateway.identity.sessions.sessions import Sessions
    from gateway.identity.signing_in import break_glass_accounts
    from gateway.store.engine import writing

    at = current_instant()
    code, told = "break-glass-disabled", {"account": name}
    with (
        Workplace.open(config) as place,
        place.act(Kind.SYSTEM, code, operator=operator, at=at, detail=told) as entry,
    ):
        with writing(place.store) as connection:
            account = break_glass_accounts.disable(connection, name)
        host = place.settings.gateway.host_organisation
        ended = Sessions(place.store, place.bulletin).end_all(
            Whose(person=f"{host}/{account.employee_number}"), at=at, reason=code
        )
    click.echo(f"disabled, {ended} session(s) ended; reference {entry.reference}")


@click.command()
@config_option
@operator_option
@click.argument("number", type=int, required=False)
@click.option("--finding", help="What you found, in a sentence; with NUMBER.")
def review(config: Path, operator: str, number: int | None, finding: str | None) -> None:
    """Show or sign off uses of break-glass accounts.

    Without NUMBER it lists the uses that wait. Whoever used the account cannot sign it off.
    """
    from gateway.audit.entry import Kind
    from gateway.cli.operator_act import operator_act
    from gateway.identity.signing_in import break_glass_accounts
    from gateway.keys import KeyRing
    from gateway.store.engine import writing

    with _opened(config) as (settings, store):
        if number is None:
            _list_waiting(store)
            return
        if not finding or not finding.strip() or len(finding) > _FINDING_CHARACTERS:
            raise CommandError("review: say what you found with --finding, in 500 characters")
        at = current_instant()
        with (
            operator_act(
                settings,
                KeyRing.open(settings.keys.directory),
                kind=Kind.SYSTEM,
                code="break-glass-reviewed",
                operator=operator,
                at=at,
                detail={"use": number, "finding": finding},
            ) as entry,
            writing(store) as connection,
        ):
            use = break_glass_accounts.review(
                connection, number, by=operator, finding=finding.strip(), at=at
            )
    click.echo(f"signed off the use of `{use.account}`; reference {entry.reference}")


def _list_waiting(store: Engine) -> None:
    from gateway.identity.signing_in.break_glass_accounts import uses
    from gateway.store.engine import reading

    with reading(store) as connection:
        waiting = [use for use in uses(connection) if not use.reviewed_by]
    heads = ("USE", "AT", "ACCOUNT", "REFERENCE", "FROM", "USED BY", "REASON")
    cells = (
        (
            use.number,
            use.at.isoformat(timespec="seconds"),
            use.account,
            use.reference,
            use.source,
            use.used_by,
            use.reason,
        )
        for use in waiting
    )
    click.echo(table(heads, cells))
    click.echo(f"{len(waiting)} use(s) to review", err=True)


@contextmanager
def _opened(config: Path) -> Iterator[tuple[Settings, Engine]]:
    settings = open_settings(config)
    store = open_existing_store(settings)
    try:
        yield settings, store
    finally:
        store.dispose()
