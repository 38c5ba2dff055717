"""What looks after sessions in the background: re-checks, sign-outs, and their entries."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from gateway.audit.entry import EntryDraft, Kind, Outcome, Phase, new_draft
from gateway.backoffice.sign_out import SignOutPlace, UpstreamSignOuts
from gateway.front.upstream_parts import upstream_addresses
from gateway.identity.providers.provider_recheck import ProviderDoor, ProviderLookUp
from gateway.identity.sessions.recheck import Recheck
from gateway.identity.sessions.session_limits import Vouching
from gateway.store.schema import microseconds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import ExitStack
    from datetime import datetime

    from sqlalchemy import Engine

    from gateway.audit.recorder import Recorder
    from gateway.backoffice.sign_out import SignOutTold
    from gateway.bulletin import Bulletin, BulletinReader
    from gateway.identity.directories.door import Door
    from gateway.identity.providers.provider_sessions import ProviderSessions
    from gateway.identity.providers.provider_sign_in import Provider
    from gateway.identity.sessions.recheck import Asked, Ended
    from gateway.identity.sessions.sessions import Sessions
    from gateway.settings import Settings


def directory_organisations(settings: Settings) -> dict[str, str]:
    """Give the organisation of each directory, by its id."""
    return {
        directory.id: organisation.id
        for organisation in settings.organisations
        for directory in organisation.directories
    }


def vouching(settings: Settings) -> Vouching:
    """Give which directories must vouch again, and how long their silence is borne."""
    asked = {
        each.password_directory.id
        for each in settings.organisations
        if each.password_directory is not None
    } | {
        provider.id
        for each in settings.organisations
        for provider in each.providers
        if provider.recheck == "refresh-token"
    }
    return Vouching(
        directories=frozenset(asked),
        grace=timedelta(minutes=settings.sessions.recheck_grace_minutes),
    )


def asked_again(
    doors: Mapping[str, Door],
    providers: Mapping[str, Provider],
    kept: ProviderSessions,
    *,
    store: Engine,
    clock: Callable[[], datetime],
    report: Callable[[Ended], None],
) -> dict[str, Asked]:
    """Give what is asked again whether people are still there, by the directory's id."""
    asked: dict[str, Asked] = {door.id: door for door in doors.values()}
    for name, provider in providers.items():
        if provider.directory.settings.recheck:
            asked[name] = ProviderDoor(
                directory=ProviderLookUp(store, provider.directory, kept, clock, report),
                bulkhead=provider.bulkhead,
                budget_seconds=provider.directory.settings.budget_seconds,
            )
    return asked


def look_after_sessions(
    stack: ExitStack,
    settings: Settings,
    *,
    store: Engine,
    bulletin: Bulletin,
    reader: BulletinReader,
    sessions: Sessions,
    doors: Mapping[str, Door],
    providers: Mapping[str, Provider],
    kept: ProviderSessions,
    recorder: Recorder,
    clock: Callable[[], datetime],
) -> None:
    """Have directories asked again, and the back office told what ended; until the stack closes."""

    def report(ended: Ended) -> None:
        recorder.queue(ended_draft(ended))

    _start_recheck(
        stack,
        settings,
        store=store,
        bulletin=bulletin,
        sessions=sessions,
        asked=asked_again(doors, providers, kept, store=store, clock=clock, report=report),
        report=report,
        clock=clock,
    )
    _start_sign_outs(stack, settings, store=store, reader=reader, recorder=recorder, clock=clock)


def _start_recheck(
    stack: ExitStack,
    settings: Settings,
    *,
    store: Engine,
    bulletin: Bulletin,
    sessions: Sessions,
    asked: Mapping[str, Asked],
    report: Callable[[Ended], None],
    clock: Callable[[], datetime],
) -> None:
    recheck = Recheck(
        engine=store,
        bulletin=bulletin,
        sessions=sessions,
        directories=asked,
        every=timedelta(seconds=settings.sessions.recheck_seconds),
        report=report,
        clock=clock,
    )
    recheck.start()
    stack.callback(recheck.close)


def _start_sign_outs(
    stack: ExitStack,
    settings: Settings,
    *,
    store: Engine,
    reader: BulletinReader,
    recorder: Recorder,
    clock: Callable[[], datetime],
) -> None:
    sign_outs = UpstreamSignOuts(
        engine=store,
        places={
            each.id: SignOutPlace(
                instances=tuple(
                    (each.host or urlsplit(url).netloc, address)
                    for url, address in upstream_addresses(each, must=False)
                ),
                path=each.sign_out_path,
                by_person=each.balance == "by-person",
            )
            for each in settings.upstreams
            if each.sign_out_path is not None
        },
        report=lambda told: recorder.queue(told_draft(told)),
        clock=clock,
    )
    reader.listen(sign_outs.apply)
    sign_outs.start()
    stack.callback(sign_outs.close)


def ended_draft(ended: Ended) -> EntryDraft:
    """Draft the entry of sessions that a directory's answer has ended."""
    draft = new_draft(
        Kind.SIGNOUT, Outcome.PERMIT, at_us=microseconds(ended.at), phase=Phase.RESULT
    )
    draft.code = ended.code
    draft.organisation = ended.staff.organisation
    draft.staff_id = ended.staff.staff_id
    draft.actor_name = ended.staff.address
    draft.count = ended.count
    return draft


def told_draft(told: SignOutTold) -> EntryDraft:
    """Draft the entry of what a system answered to a sign-out."""
    outcome = Outcome.PERMIT if told.done else Outcome.ERROR
    draft = new_draft(Kind.SIGNOUT, outcome, at_us=microseconds(told.at), phase=Phase.RESULT)
    draft.code = "upstream-sign-out" if told.done else "upstream-sign-out-failed"
    draft.organisation = told.organisation
    draft.staff_id = told.staff_id
    draft.session = told.session_hash.encode("ascii")
    draft.system = told.system
    draft.status = told.status
    return draft
