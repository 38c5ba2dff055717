"""`gateway vetting import`: a vetting unit's export, checked, compared, and taken over whole.

In order; the first "no" ends it and nothing is changed:

1. The source is proved: by a detached Ed25519 signature of the feed's key (FILE.sig), or by the
   operator typing the digest they were given another way (`--digest`).
2. Every row can be held; all faults are told with their lines.
3. The export is newer than the last one, and does not lack too many grants (`--confirm-drop`).
4. What tightens is made at once. What loosens is made if the source was proved by signature, and
   proposed to a second officer otherwise; what an officer changed last is always proposed.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli.opening import config_option, current_instant, open_settings, operator_option
from gateway.cli.terminal import Progress, printable
from gateway.errors import CommandError

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.cli.register_desk import RegisterDesk
    from gateway.settings import Settings
    from gateway.settings_vetting import FeedSection
    from vetting.feed_file import FeedError, FeedFile
    from vetting.feed_plan import FeedPlan
    from vetting.register_history import RowChange

SHOWN_FAULTS = 100
MAX_FILE_BYTES = 256 << 20


@click.command("import")
@config_option
@operator_option
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--feed", "feed_id", help="Which feed; needed where the settings list several.")
@click.option("--signature", type=click.Path(path_type=Path), help="FILE.sig by default.")
@click.option("--digest", help="SHA-256 of FILE as the unit told it, where it is not signed.")
@click.option("--confirm-drop", is_flag=True, help="Take over even if many grants are missing.")
@click.option("--dry-run", is_flag=True, help="Check and compare, change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Write the report as JSON.")
def import_feed(
    config: Path,
    operator: str,
    file: Path,
    feed_id: str | None,
    signature: Path | None,
    digest: str | None,
    *,
    confirm_drop: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Import the export FILE of a vetting unit: CSV or JSON, all of it or nothing."""
    from gateway.cli.register_desk import RegisterDesk

    settings = open_settings(config)
    feed = _feed(settings, feed_id)
    if file.stat().st_size > MAX_FILE_BYTES:
        raise CommandError(f"import: `{file}` is larger than {MAX_FILE_BYTES >> 20} MiB")
    raw = file.read_bytes()
    found = hashlib.sha256(raw).hexdigest()
    sign_file = signature or file.with_name(file.name + ".sig")
    proved = _proved(feed, raw, sign_file, found, digest, asked=signature is not None)
    with RegisterDesk.open(settings) as desk:
        export = _read(raw, feed, settings, desk, as_json=as_json)
        if _is_newest(desk, feed, found):
            _tell({"feed": feed.id, "sha256": found, "already_imported": True}, as_json=as_json)
            return
        at = current_instant()
        plan = _plan(desk, feed, export, at)
        report = _report(feed, export, plan, found, proved=proved)
        _refuse_drop(feed, plan, confirmed=confirm_drop)
        if not dry_run:
            report |= _take_over(desk, settings, feed, export, plan, found, operator, proved=proved)
    _tell(report, as_json=as_json)
    if dry_run and not as_json:
        click.echo("dry run: nothing was changed")


@click.command("feed-schema")
def feed_schema() -> None:
    """Print the JSON schema of an export; CSV has the same columns."""
    from vetting.feed_schema import schema_of_export

    click.echo(json.dumps(schema_of_export(), indent=2))


def _tell(report: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(report, indent=2, ensure_ascii=False))
        return
    click.echo("\n".join(f"{name.replace('_', ' ')}: {value}" for name, value in report.items()))


def _is_newest(desk: RegisterDesk, feed: FeedSection, digest: str) -> bool:
    """Tell whether this very export was the last to be imported: once more changes nothing."""
    from gateway.store.engine import reading
    from vetting.feed_plan import newest_digest

    with reading(desk.store) as connection:
        return newest_digest(connection, feed.id) == digest


def _feed(settings: Settings, feed_id: str | None) -> FeedSection:
    feeds = {feed.id: feed for feed in settings.vetting.feeds}
    if not feeds:
        raise CommandError("import: the settings list no feed; write one as `[[vetting.feed]]`")
    if feed_id is None and len(feeds) > 1:
        raise CommandError(f"import: say which feed with --feed: {', '.join(feeds)}")
    feed = feeds.get(feed_id or next(iter(feeds)))
    if feed is None:
        raise CommandError(f"import: `{printable(feed_id)[:40]}` is no feed of the settings")
    return feed


def _proved(
    feed: FeedSection, raw: bytes, sign_file: Path, found: str, digest: str | None, *, asked: bool
) -> bool:
    """Tell whether the file is signed by the feed's key; refuse what is not proved at all."""
    from gateway.feed_signature import is_signed

    if feed.public_key_file and (asked or sign_file.exists()):
        if not is_signed(raw, sign_file.read_bytes(), feed.public_key_file):
            raise CommandError(f"import: `{sign_file}` is no signature of this file by `{feed.id}`")
        return True
    if digest is None:
        raise CommandError(
            f"import: there is no signature `{sign_file}`; sign the export, or compare its SHA-256"
            f" with the unit and say it: --digest {found}"
        )
    if digest.strip().lower() != found:
        raise CommandError(f"import: the file is not the one you mean; its SHA-256 is {found}")
    return False


def _read(
    raw: bytes, feed: FeedSection, settings: Settings, desk: RegisterDesk, *, as_json: bool
) -> FeedFile:
    from vetting.feed_file import FeedError, FeedTerms, read_feed
    from vetting.levels import LevelOrder

    terms = FeedTerms(
        feed=feed.id,
        granting_bodies=frozenset(feed.granting_bodies),
        organisations=frozenset(each.id for each in settings.organisations),
        order=LevelOrder.shipped(),
        seal=desk.seal,
    )
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise CommandError(f"import: line {line}: this is not UTF-8") from error
    try:
        with Progress("reading rows") as progress:
            return read_feed(text, terms, progress=progress)
    except FeedError as error:
        if as_json:
            faults = [each._asdict() for each in error.faults[:SHOWN_FAULTS]]
            _tell({"faults": faults, "count": len(error.faults)}, as_json=True)
        raise CommandError(_told(error)) from error


def _told(error: FeedError) -> str:
    lines = [f"line {each.line}: {each.message}" for each in error.faults[:SHOWN_FAULTS]]
    left = len(error.faults) - SHOWN_FAULTS
    if left > 0:
        lines.append(f"and {left:,} more")
    lines.append(f"import: {len(error.faults):,} fault(s); nothing was changed")
    return "\n".join(lines)


def _plan(desk: RegisterDesk, feed: FeedSection, export: FeedFile, at: datetime) -> FeedPlan:
    from datetime import timedelta

    from gateway.store.engine import reading
    from vetting.feed_plan import newest_export, plan_feed
    from vetting.levels import LevelOrder

    if export.exported_at > at + timedelta(minutes=10):
        raise CommandError(f"import: exported_at {export.exported_at} is in the future")
    with reading(desk.store) as connection:
        newest = newest_export(connection, feed.id)
        if newest is not None and export.exported_at <= newest:
            raise CommandError(
                f"import: this export is of {export.exported_at}, and one of {newest} was imported"
                " already; only a newer one can be"
            )
        return plan_feed(connection, feed.id, export, LevelOrder.shipped())


def _report(
    feed: FeedSection, export: FeedFile, plan: FeedPlan, digest: str, *, proved: bool
) -> dict[str, object]:
    return {
        "feed": feed.id,
        "exported_at": export.exported_at.isoformat(),
        "sha256": digest,
        "source": "signed" if proved else "digest confirmed by the operator",
        "rows": len(export.rows),
        "new": plan.new,
        "changed": plan.changed,
        "missing": plan.missing,
        "unchanged": plan.unchanged,
        "tightening": len(plan.tightening),
        "loosening": len(plan.loosening),
        "held_as_an_officer_changed_them": len(plan.held),
    }


def _refuse_drop(feed: FeedSection, plan: FeedPlan, *, confirmed: bool) -> None:
    if plan.drop_percent > feed.drop_percent and not confirmed:
        raise CommandError(
            f"import: {plan.missing:,} of {plan.present:,} grants ({plan.drop_percent:.1f} %) are"
            f" missing, more than {feed.drop_percent:g} %; is the export whole? If so, say"
            " --confirm-drop"
        )


def _take_over(
    desk: RegisterDesk,
    settings: Settings,
    feed: FeedSection,
    export: FeedFile,
    plan: FeedPlan,
    digest: str,
    operator: str,
    *,
    proved: bool,
) -> dict[str, object]:
    """Make what may be made now, in one transaction, and propose the rest."""
    from gateway.store.engine import writing
    from vetting.feed_plan import make_changes, note_import

    now = (*plan.tightening, *(plan.loosening if proved else ()))
    later = (*plan.held, *(() if proved else plan.loosening))
    by = f"feed {feed.id}, export {digest[:12]}, {operator}"
    detail = _report(feed, export, plan, digest, proved=proved)
    with desk.recorded("vetting-imported", detail, by=operator) as (reference, at):
        with writing(desk.store) as connection:
            make_changes(connection, now, by=by, at=at)
            note_import(
                connection, feed.id, exported_at=export.exported_at, digest=digest, by=by, at=at
            )
            desk.announce(connection, (_person(change) for change in now), at)
        desk.bulletin.ring()
        desk.sign_out((_person(change) for change in now if _takes_away(change)), at)
    made: dict[str, object] = {"made": len(now), "reference": reference}
    return made | (_propose(desk, settings, feed, later, digest, operator) if later else {})


def _propose(
    desk: RegisterDesk,
    settings: Settings,
    feed: FeedSection,
    changes: tuple[RowChange, ...],
    digest: str,
    operator: str,
) -> dict[str, object]:
    from gateway.cli.operator_account import operator_account
    from gateway.cli.register_change import RegisterChange
    from gateway.cli.vetting_proposals import Proposals
    from vetting.feed_plan import changes_to_text

    change = RegisterChange(
        act="import",
        person="",
        values={
            "feed": feed.id,
            "sha256": digest,
            "count": str(len(changes)),
            "rows": changes_to_text(changes),
        },
    )
    desk.note("vetting-proposed", change, by=operator)
    proposal = Proposals.of(settings).add(
        change, by=operator, account=operator_account(), at=current_instant()
    )
    command = f"gateway vetting approve {proposal.id}"
    return {"proposed": len(changes), "a_second_officer_runs": command}


def _person(change: RowChange) -> str:
    row = change.after or change.before or {}
    return f"{row['organisation']}/{row['employee_number']}"


def _takes_away(change: RowChange) -> bool:
    """Tell whether a grant that counted counts no more; then the person is signed out."""
    from vetting.grants import STANDING_OF, GrantStatus

    if change.before is None or change.after is None:
        return False
    statuses = (GrantStatus(row["status"]) for row in (change.before, change.after))
    before, after = (STANDING_OF[status].counts for status in statuses)
    return before and not after
