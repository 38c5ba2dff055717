"""`gateway policy plan|apply|approve|drop|versions|export`: changing the policy set in force.

A set is a folder of files. `plan` tells what it would change, `apply` puts it in force where it
only tightens and proposes it where it may loosen; then a second person approves it. Before a set
comes into force its own decision tables have to hold and Casbin has to agree with the compiled
engine. Everything is on the record before it takes effect.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
from gateway.errors import CommandError, PolicyChangeRefused

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.audit.entry import EntryDraft
    from gateway.policy_versions import PolicyVersion, PolicyVersions
    from gateway.settings import Settings
    from policies.policy_changes import Change
    from policies.policy_files import PolicyFiles
    from policies.policy_set import PolicySet

ORACLE_SAMPLE = 2_000
"""Questions that Casbin is asked before a set comes into force: a few seconds, twenty at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """A folder compared with what is in force."""

    base: PolicyVersion
    files: PolicyFiles
    policy_set: PolicySet
    changes: tuple[Change, ...]

    @property
    def loosens(self) -> bool:
        return any(each.loosens for each in self.changes)


@click.command()
@config_option
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@json_option
def plan(config: Path, directory: Path, *, as_json: bool) -> None:
    """Tell what a folder would change in the policy set in force; changes nothing."""
    with _versions(open_settings(config)) as versions:
        planned = _compare(versions, directory)
    if as_json:
        shown = {
            "base": planned.base.number,
            "digest": planned.policy_set.digest,
            "loosens": planned.loosens,
            "changes": [
                {
                    "what": each.what,
                    "id": each.id,
                    "how": each.how,
                    "loosens": each.loosens,
                    "words": each.words,
                }
                for each in planned.changes
            ],
        }
        click.echo(json.dumps(shown, indent=2, ensure_ascii=False))
        return
    _show(planned)


@click.command()
@config_option
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@click.option("--reason", required=True, help="Why, for whoever approves it and for the record.")
@operator_option
def apply(config: Path, directory: Path, reason: str, operator: str) -> None:
    """Put a folder in force where it only tightens; propose it where it may loosen."""
    settings = open_settings(config)
    with _versions(settings) as versions:
        planned = _compare(versions, directory)
        _show(planned)
        if not planned.changes:
            return
        _demand_sound(planned.policy_set, directory)
        code = "policy-proposed" if planned.loosens else "policy-tightened"
        at = current_instant()
        detail = _detail(planned.base.number, planned.policy_set.digest, reason)
        detail["changes"] = [str(each) for each in planned.changes][:100]
        with _recorded(settings, code, operator, at, detail) as entry:
            version = versions.propose(
                planned.files,
                planned.policy_set.digest,
                base=planned.base.number,
                loosens=planned.loosens,
                reason=reason[:500],
                by=operator,
                at=at,
            )
            if not planned.loosens:
                version = versions.put_in_force(version.number, by=operator, at=at)
    if planned.loosens:
        click.echo(
            f"version {version.number} waits: it may loosen, so somebody else must approve it with "
            f"`gateway policy approve {version.number}`"
        )
    else:
        click.echo(f"version {version.number} is in force")
    click.echo(f"reference {entry.reference}")


@click.command()
@config_option
@click.argument("number", type=int)
@operator_option
def approve(config: Path, number: int, operator: str) -> None:
    """Put a proposed version in force; not by whoever proposed it."""
    from gateway.policy_versions import same_person

    settings = open_settings(config)
    with _versions(settings) as versions:
        version, files = versions.find(number), versions.files(number)
        if same_person(operator, version.proposed_by):
            raise PolicyChangeRefused(
                f"approve: `{operator}` proposed version {number}; somebody else must approve it"
            )
        policy_set = files.load()
        if policy_set.digest != version.digest:
            raise PolicyChangeRefused(
                f"approve: version {number} means something else to this program than to the one "
                f"that proposed it; `gateway policy drop {number}` it and propose it again"
            )
        _demand_agreement(policy_set)
        detail = _detail(version.base, policy_set.digest, version.reason)
        with _recorded(settings, "policy-approved", operator, current_instant(), detail) as entry:
            versions.put_in_force(number, by=operator, at=current_instant())
    click.echo(f"version {number} is in force; reference {entry.reference}")


@click.command()
@config_option
@click.argument("number", type=int)
@operator_option
def drop(config: Path, number: int, operator: str) -> None:
    """Take a proposed version back."""
    settings = open_settings(config)
    with _versions(settings) as versions:
        version = versions.find(number)
        detail = _detail(version.base, version.digest, version.reason)
        with _recorded(settings, "policy-dropped", operator, current_instant(), detail) as entry:
            versions.drop(number, by=operator, at=current_instant())
    click.echo(f"version {number} is dropped; reference {entry.reference}")


@click.command(name="versions")
@config_option
@json_option
def list_versions(config: Path, *, as_json: bool) -> None:
    """List every version there was, the newest first."""
    with _versions(open_settings(config)) as versions:
        listed = versions.listed()
    rows = [
        {
            "number": each.number,
            "state": str(each.state),
            "digest": each.digest,
            "base": each.base,
            "loosens": each.loosens,
            "proposed_by": each.proposed_by,
            "proposed_at": each.proposed_at.isoformat(timespec="seconds"),
            "decided_by": each.decided_by,
            "decided_at": each.decided_at.isoformat(timespec="seconds")
            if each.decided_at
            else None,
            "reason": each.reason,
        }
        for each in listed
    ]
    if as_json:
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    heads = ("VERSION", "STATE", "DIGEST", "PROPOSED BY", "DECIDED BY", "REASON")
    click.echo(
        table(
            heads,
            (
                (
                    row["number"],
                    row["state"],
                    str(row["digest"])[:12],
                    row["proposed_by"],
                    row["decided_by"] or "",
                    row["reason"],
                )
                for row in rows
            ),
        )
    )


@click.command()
@config_option
@click.argument("number", type=int)
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
def export(config: Path, number: int, directory: Path) -> None:
    """Write the files of a version to a new folder, byte for byte."""
    with _versions(open_settings(config)) as versions:
        files = versions.files(number)
    try:
        directory.mkdir(parents=True)
    except FileExistsError as error:
        raise CommandError(f"export: `{directory}` exists; name a folder that does not") from error
    place = files.write(directory)
    click.echo(f"the policy set is in {place}; change it there and `gateway policy plan {place}`")


def _recorded(
    settings: Settings, code: str, operator: str, at: datetime, detail: Mapping[str, object]
) -> AbstractContextManager[EntryDraft]:
    """Record an act on the policy set, let it happen, and record how it ended."""
    from gateway.audit.entry import Kind
    from gateway.cli.operator_act import operator_act
    from gateway.keys import KeyRing

    return operator_act(
        settings,
        KeyRing.open(settings.keys.directory),
        kind=Kind.POLICY_EDIT,
        code=code,
        operator=operator,
        at=at,
        detail=detail,
    )


@contextmanager
def _versions(settings: Settings) -> Iterator[PolicyVersions]:
    from gateway.bulletin import Bulletin
    from gateway.policy_versions import PolicyVersions

    store = open_existing_store(settings)
    bulletin = Bulletin(settings.gateway.state_directory)
    try:
        yield PolicyVersions(store, bulletin)
    finally:
        bulletin.close()
        store.dispose()


def _compare(versions: PolicyVersions, directory: Path) -> _Plan:
    from policies.policy_files import PolicyFiles
    from policies.policy_set import load_policy_set

    stored = versions.in_force()
    if stored is None:
        raise CommandError("policy: no set is in force yet; start the service once")
    base, before = stored
    policy_set, files = load_policy_set(directory), PolicyFiles.read(directory)
    if files.load().digest != policy_set.digest:
        raise PolicyChangeRefused(f"policy: `{directory}` was changed while it was read; try again")
    found = _differences(base, before, policy_set)
    if not found or any(each.loosens for each in found):
        found += _lifted(versions.doubted(base.number))
    return _Plan(base=base, files=files, policy_set=policy_set, changes=found)


def _lifted(doubted: frozenset[str]) -> tuple[Change, ...]:
    """Tell which doubts another version lifts; one that only tightens lifts none."""
    from policies.policy_changes import Change

    return tuple(
        Change(
            what="doubt",
            id=function,
            how="lifted",
            words="withheld from everybody, as a live decision differed from Casbin's",
            loosens=True,
        )
        for function in sorted(doubted)
    )


def _differences(base: PolicyVersion, before: PolicyFiles, after: PolicySet) -> tuple[Change, ...]:
    """Tell what differs from the version in force, as that came into force.

    After an upgrade this program may read that version otherwise, or not at all, and serve nobody
    by it. Then nothing can be compared, so a second person has to look at all of it.
    """
    from policies.errors import PolicyError
    from policies.policy_changes import Change, changes

    try:
        known = before.load()
    except PolicyError:
        known = None
    if known is not None and known.digest == base.digest:
        return changes(known, after)
    return (
        Change(
            what="version",
            id=str(base.number),
            how="changed",
            words="this program reads it otherwise than the one that put it in force",
            loosens=True,
        ),
        *(() if known is None else changes(known, after)),
    )


def _show(planned: _Plan) -> None:
    for each in planned.changes:
        click.echo(str(each))
    if not planned.changes:
        click.echo(f"nothing differs from version {planned.base.number}, which is in force")
        return
    effect = "may loosen: a second person must approve" if planned.loosens else "only tightens"
    click.echo(
        f"{len(planned.changes)} changes to version {planned.base.number}; all of it {effect}"
    )


def _demand_sound(policy_set: PolicySet, directory: Path) -> None:
    """Refuse a set whose own tables do not hold, or on which engine and Casbin differ."""
    from policies.decision_table_file import load_table
    from policies.decision_tables import check_rows
    from policies.engine import Engine

    engine = Engine.compile(policy_set)
    failures = [
        f"{result.row.file}:{result.row.line}: {result.row.why}: {failure}"
        for file in sorted((directory / "decision_tables").glob("*.toml"))
        for result in check_rows(load_table(file, policy_set), engine)
        for failure in result.failures
    ]
    if failures:
        raise PolicyChangeRefused(
            "\n".join(("apply: its decision tables do not hold, so nothing is changed", *failures))
        )
    _demand_agreement(policy_set)


def _demand_agreement(policy_set: PolicySet) -> None:
    """Refuse a set on which the compiled engine and Casbin differ."""
    from gateway.cli.oracle_sample import questions
    from policies.activation import check_before_activation

    with Progress("asking Casbin") as progress:
        checked = check_before_activation(
            policy_set,
            questions(policy_set, ORACLE_SAMPLE, current_instant()),
            clock=time.monotonic,
            progress=lambda asked: progress(asked, ORACLE_SAMPLE),
        )
    of = "" if checked.complete else f" of {ORACLE_SAMPLE:,}, then time was up"
    click.echo(
        f"engine and Casbin agree on {checked.asked:,} questions{of} ({checked.seconds:.1f} s)",
        err=True,
    )


def _detail(base: int | None, digest: str, reason: str) -> dict[str, Any]:
    return {"base": base, "digest": digest, "reason": reason[:500]}
