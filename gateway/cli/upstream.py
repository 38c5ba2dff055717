"""`gateway upstream`: how the systems of the back office are, and taking an instance out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from gateway.cli.opening import (
    config_option,
    current_instant,
    json_option,
    open_existing_store,
    open_settings,
    operator_option,
)
from gateway.cli.terminal import Progress, table
from gateway.errors import CommandError

if TYPE_CHECKING:
    from gateway.settings import Settings

_LOOK: Final = 2.0  # a look may take so many times as long as connecting


@click.group()
def upstream() -> None:
    """Show the systems of the back office, and drain their instances."""


@upstream.command("list")
@config_option
@json_option
def list_upstreams(config: Path, *, as_json: bool) -> None:
    """List every instance: whether it is drained, and what it answers to us now.

    What each worker has put out of service for a while stands in the operational log.
    """
    import asyncio

    from gateway.backoffice.drained_instances import drained_instances
    from gateway.store.engine import reading
    from gateway.store.schema import instant

    settings = open_settings(config)
    store = open_existing_store(settings)
    try:
        with reading(store) as connection:
            drained = drained_instances(connection)
    finally:
        store.dispose()
    rows = []
    for system, place, found in asyncio.run(_looks(settings)):
        at_us = drained.get(system, {}).get(place)
        rows.append(
            {
                "system": system,
                "instance": place,
                "drained_since": ""
                if at_us is None
                else instant(at_us).isoformat(timespec="seconds"),
                "answers": found or "ok",
            }
        )
    if as_json:
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    heads = ("SYSTEM", "INSTANCE", "DRAINED SINCE", "ANSWERS")
    click.echo(table(heads, (list(row.values()) for row in rows)))


async def _looks(settings: Settings) -> list[tuple[str, str, str]]:
    """Look at every instance, all at once, as a worker does."""
    import asyncio

    from gateway.backoffice.instance_look import look_at
    from gateway.front.upstream_parts import upstream_addresses

    asked = [
        (section, place, address)
        for section in settings.upstreams
        for place, address in upstream_addresses(section)
    ]
    with Progress("asking instances") as progress:
        looks = [
            asyncio.ensure_future(
                look_at(
                    address,
                    (section.host or place.partition("://")[2]).encode("ascii"),
                    section.health_path,
                    seconds=_LOOK * section.connect_seconds,
                )
            )
            for section, place, address in asked
        ]
        for number, look in enumerate(looks):
            progress(number, len(looks))
            await look
    return [
        (section.id, place, look.result())
        for (section, place, _), look in zip(asked, looks, strict=True)
    ]


@upstream.command()
@config_option
@operator_option
@click.argument("system")
@click.argument("instance")
@click.option("--even-last", is_flag=True, help="Even if nobody can use the system then.")
def drain(config: Path, operator: str, system: str, instance: str, *, even_last: bool) -> None:
    """Give INSTANCE of SYSTEM no more requests; what runs there goes on to its end.

    It stays so through restarts, until `gateway upstream return`. Each worker writes `instance
    empty` to the operational log when nothing of its own runs there any more.
    """
    _change(config, operator, system, instance, drained=True, even_last=even_last)


@upstream.command("return")
@config_option
@operator_option
@click.argument("system")
@click.argument("instance")
def give_back(config: Path, operator: str, system: str, instance: str) -> None:
    """Give INSTANCE of SYSTEM requests again."""
    _change(config, operator, system, instance, drained=False, even_last=False)


def _change(
    config: Path, operator: str, system: str, instance: str, *, drained: bool, even_last: bool
) -> None:
    from gateway.audit.entry import Kind
    from gateway.backoffice.drained_instances import drained_instances, set_drained
    from gateway.cli.workplace import Workplace
    from gateway.store.engine import reading, writing

    code = "upstream-drained" if drained else "upstream-returned"
    at = current_instant()
    with Workplace.open(config) as place:
        places = _places(place.settings, system)
        with reading(place.store) as connection:
            out = set(drained_instances(connection).get(system, ()))
        if instance not in places and (drained or instance not in out):
            raise CommandError(
                f"upstream: `{instance[:80]}` is no instance of `{system}`; "
                f"known here: {', '.join(places)}"
            )
        if (instance in out) is drained:
            state = "is drained already" if drained else "is not drained"
            raise CommandError(f"upstream: `{instance[:80]}` {state}; see `gateway upstream list`")
        if drained and not even_last and not set(places) - out - {instance}:
            raise CommandError(
                f"upstream: nobody could use `{system}` without `{instance}`; "
                "give another instance back first, or give --even-last"
            )
        with place.act(
            Kind.SYSTEM,
            code,
            operator=operator,
            at=at,
            detail={"system": system, "instance": instance},
        ) as entry:
            with writing(place.store) as connection:
                set_drained(connection, place.bulletin, system, instance, drained=drained, at=at)
            place.bulletin.ring()
    word = "drained" if drained else "returned"
    click.echo(f"{word}; reference {entry.reference}")


def _places(settings: Settings, system: str) -> tuple[str, ...]:
    for section in settings.upstreams:
        if section.id == system:
            return section.places
    known = ", ".join(section.id for section in settings.upstreams)
    raise CommandError(f"upstream: `{system[:40]}` is no system here; known here: {known}")
