"""`gateway policy`: show the policy set in force, and look at another before it is put in force."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli import access_questions, agreement_report, policy_change
from gateway.cli.opening import (
    config_option,
    current_instant,
    json_option,
    open_settings,
    policy_set_in_force,
)
from gateway.cli.terminal import Progress, table

if TYPE_CHECKING:
    from policies.decision_tables import RowResult
    from policies.policy_set import PolicySet


@click.group()
def policy() -> None:
    """Show and check policy sets."""


for _command in (
    policy_change.plan,
    policy_change.apply,
    policy_change.approve,
    policy_change.drop,
    policy_change.list_versions,
    policy_change.export,
    agreement_report.access,
    access_questions.who_can,
    access_questions.what_can,
):
    policy.add_command(_command)


@policy.command()
@config_option
@json_option
def show(config: Path, *, as_json: bool) -> None:
    """Show digest, counts and agreements of the policy set in force."""
    policy_set = policy_set_in_force(open_settings(config))
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
@click.argument("file", type=click.Choice(["organisations", "catalogue", "agreements", "rules"]))
def schema(file: str) -> None:
    """Print the JSON schema of a file of a policy set, for editors; as published in deploy/."""
    from policies.file_schema import schemas

    click.echo(json.dumps(schemas()[file], indent=2))


@policy.command()
@config_option
@click.option("--area", help="Only functions of this area.")
@json_option
def functions(config: Path, area: str | None, *, as_json: bool) -> None:
    """List the functions of the catalogue with their floors."""
    catalogue = policy_set_in_force(open_settings(config)).catalogue
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


@policy.command(name="test")
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--tables",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where the tables are; without it, the folder `decision_tables` of the policy set.",
)
@json_option
def run_tables(directory: Path, folder: Path | None, *, as_json: bool) -> None:
    """Hold a policy set against its decision tables; exit 1 if a row comes out otherwise.

    A table lists questions and what has to come out, so that an officer can read it. Rows that
    come out otherwise are told with file and line, and the rules that decided no row by name.
    """
    from policies.decision_table_file import load_table
    from policies.decision_tables import check_rows, undecided_rules
    from policies.engine import Engine
    from policies.policy_set import load_policy_set

    policy_set = load_policy_set(directory)
    place = folder or directory / "decision_tables"
    files = sorted(place.glob("*.toml"))
    if not files:
        message = f"there is no table in `{place}`; write one, or name its folder with --tables"
        raise click.ClickException(message)
    engine = Engine.compile(policy_set)
    results: list[RowResult] = []
    with Progress("checking decision tables") as progress:
        for done, file in enumerate(files):
            progress(done, len(files))
            results += check_rows(load_table(file, policy_set), engine)
    undecided = undecided_rules(results, policy_set)
    failed = [result for result in results if result.failures]
    if as_json:
        rows = [
            {
                "file": result.row.file,
                "line": result.row.line,
                "why": result.row.why,
                "failures": list(result.failures),
            }
            for result in results
        ]
        click.echo(json.dumps({"rows": rows, "undecided": undecided}, ensure_ascii=False))
    else:
        for result in failed:
            click.echo(f"{result.row.file}:{result.row.line}: {result.row.why}")
            for failure in result.failures:
                click.echo(f"  {failure}")
        decided = len(policy_set.rules) - len(undecided)
        click.echo(f"{len(results) - len(failed)} of {len(results)} rows come out as written")
        click.echo(f"{decided} of {len(policy_set.rules)} rules decided a row")
        if undecided:
            click.echo(f"no row would notice the loss of: {', '.join(undecided)}")
    if failed:
        raise click.exceptions.Exit(1)


@policy.command()
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@json_option
def lint(directory: Path, *, as_json: bool) -> None:
    """Look for what a policy set allows but probably does not mean; exit 1 on a security warning.

    Each finding has a code, a grade, the place, why it matters and what to do.
    """
    from policies.lint import Grade
    from policies.lint import lint as look
    from policies.policy_set import load_policy_set

    findings = look(load_policy_set(directory), at=current_instant())
    if as_json:
        rows = [
            {
                "code": each.code,
                "grade": str(each.grade),
                "where": each.where,
                "why": each.why,
                "remedy": each.remedy,
            }
            for each in findings
        ]
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    else:
        for each in findings:
            click.echo(str(each))
        click.echo(f"{len(findings)} findings")
    if any(each.grade is Grade.SECURITY_WARNING for each in findings):
        raise click.exceptions.Exit(1)


def _counts(policy_set: PolicySet) -> dict[str, int]:
    return {
        "organisations": len(policy_set.organisations),
        "functions": len(policy_set.catalogue.functions),
        "agreements": len(policy_set.agreements),
        "rules": len(policy_set.rules),
    }
