"""`gateway policy`: show the policy set in force and check another before it is put in force."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli.opening import config_option, current_instant, json_option, open_settings
from gateway.cli.terminal import table

if TYPE_CHECKING:
    from policies.policy_set import PolicySet


@click.group()
def policy() -> None:
    """Show and check policy sets."""


@policy.command()
@config_option
@json_option
def show(config: Path, *, as_json: bool) -> None:
    """Show digest, counts and agreements of the policy set in force."""
    from policies.policy_set import load_policy_set

    policy_set = load_policy_set(open_settings(config).policy.directory)
    at = current_instant()
    agreements = [
        {
            "id": agreement.id,
            "title": agreement.title,
            "parties": sorted(agreement.parties),
            "starts": agreement.start.isoformat(),
            "ends": agreement.end.isoformat() if agreement.end else None,
            "status": str(agreement.status),
            "in_force": any(
                agreement.covers(party, function, at=at)
                for party in agreement.parties
                for function in policy_set.catalogue.functions
            ),
        }
        for agreement in policy_set.agreements
    ]
    counts = _counts(policy_set)
    if as_json:
        shown = {"digest": policy_set.digest, **counts, "agreements": agreements}
        click.echo(json.dumps(shown, indent=2, ensure_ascii=False))
        return
    click.echo(f"policy set {policy_set.digest}")
    for name, count in counts.items():
        click.echo(f"  {count:>5} {name}")
    heads = ("AGREEMENT", "IN FORCE", "FROM", "TO", "TITLE")
    click.echo(
        table(
            heads,
            (
                (
                    each["id"],
                    "yes" if each["in_force"] else "no",
                    each["starts"],
                    each["ends"] or "open",
                    each["title"],
                )
                for each in agreements
            ),
        )
    )


@policy.command()
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
def check(directory: Path) -> None:
    """Check the policy set of a folder: every fault with file, line and remedy."""
    from policies.policy_set import load_policy_set

    policy_set = load_policy_set(directory)
    counts = ", ".join(f"{count} {name}" for name, count in _counts(policy_set).items())
    click.echo(f"no faults: {counts}; digest {policy_set.digest}")


@policy.command()
@config_option
@click.option("--area", help="Only functions of this area.")
@json_option
def functions(config: Path, area: str | None, *, as_json: bool) -> None:
    """List the functions of the catalogue with their floors."""
    from policies.policy_set import load_policy_set

    catalogue = load_policy_set(open_settings(config).policy.directory).catalogue
    rows = [
        {
            "id": function.id,
            "area": function.area,
            "floor": function.floor.text,
            "scope": str(function.scope),
            "classification": str(function.classification),
            "system": function.system,
            "title": function.title,
        }
        for function in catalogue.functions.values()
        if area is None or function.area.lower() == area.lower()
    ]
    if as_json:
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    heads = ("FUNCTION", "FLOOR", "SCOPE", "CLASSIFICATION", "TITLE")
    keys = ("id", "floor", "scope", "classification", "title")
    click.echo(table(heads, ([row[key] for key in keys] for row in rows)))


def _counts(policy_set: PolicySet) -> dict[str, int]:
    return {
        "organisations": len(policy_set.organisations),
        "functions": len(policy_set.catalogue.functions),
        "agreements": len(policy_set.agreements),
        "rules": len(policy_set.rules),
    }
