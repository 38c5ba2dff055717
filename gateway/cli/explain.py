"""`gateway explain`: what would be decided about a request, with every reason.

It is the way of a request without the request: the URL becomes canonical, the catalogue names the
function, the register says what the person is cleared to, and the same engine decides. Nothing is
recorded and nothing is sent on.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from gateway.cli.opening import (
    config_option,
    instant,
    json_option,
    open_existing_store,
    open_settings,
    policy_set_in_force,
)
from gateway.cli.terminal import printable
from gateway.errors import CommandError
from gateway.system_hosts import CONTINUE

if TYPE_CHECKING:
    from sqlalchemy import Engine as StoreEngine

    from gateway.settings import Settings
    from policies.catalogue import Catalogue, Match
    from policies.engine import Engine
    from policies.policy_set import PolicySet
    from policies.question import Question, Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class _Described:
    """What was typed about the person, for one who has never signed in."""

    posts: tuple[str, ...]
    unit: str
    team: tuple[str, ...]
    trainings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Circumstances:
    """What was typed about the request: when, from where, what for, and how they signed in."""

    at: datetime
    zone: str | None
    factors: frozenset[str]
    factor_age_us: int | None
    purpose: str | None

    @classmethod
    def of(
        cls,
        at: datetime,
        zone: str | None,
        factors: frozenset[str],
        minutes: int | None,
        purpose: str | None,
    ) -> _Circumstances:
        """A second factor without minutes is shown now; minutes are those of a second factor."""
        if minutes is not None:
            factors |= {"second-factor"}
        elif "second-factor" in factors:
            minutes = 0
        age_us = None if minutes is None else minutes * 60_000_000
        return cls(at=at, zone=zone, factors=factors, factor_age_us=age_us, purpose=purpose)


@click.command()
@config_option
@click.option(
    "--person", required=True, help="Who asks: ORGANISATION/NUMBER or ORGANISATION/USERNAME."
)
@click.option("--organisation", help="Their organisation, if not written in --person.")
@click.option("--method", default="GET", show_default=True, help="The method of the request.")
@click.option(
    "--url", required=True, help="The whole URL, or path and query at the gateway's own host."
)
@click.option("--form", default="", help="The form of the request, as name=value&name=value.")
@click.option("--at", help="When, such as 2026-11-20T09:00 (London); now by default.")
@click.option("--post", multiple=True, help="A post they hold, if they have never signed in.")
@click.option("--unit", default="", help="Their unit, if they have never signed in.")
@click.option("--team", multiple=True, help="A number they manage, if they have never signed in.")
@click.option("--factor", multiple=True, default=("password",), help="How they signed in.")
@click.option("--second-factor-minutes", type=click.IntRange(0, 1440), help="Shown so long ago.")
@click.option("--zone", help="The network zone they come from, such as internet.")
@click.option("--purpose", help="The code of the purpose they gave.")
@click.option("--training", multiple=True, help="A training they hold in date.")
@json_option
def explain(
    config: Path,
    person: str,
    organisation: str | None,
    method: str,
    url: str,
    form: str,
    at: str | None,
    post: tuple[str, ...],
    unit: str,
    team: tuple[str, ...],
    factor: tuple[str, ...],
    second_factor_minutes: int | None,
    zone: str | None,
    purpose: str | None,
    training: tuple[str, ...],
    *,
    as_json: bool,
) -> None:
    """Explain what would be decided, with every reason."""
    from policies.engine import Engine

    settings = open_settings(config)
    moment = instant(at)
    policy_set = policy_set_in_force(settings)
    _check_zone(settings, zone)
    store = open_existing_store(settings)
    try:
        described = _Described(posts=post, unit=unit, team=team, trainings=training)
        subject = _subject(policy_set, store, _person(person, organisation), described, moment)
        match = _match(_reached(settings, policy_set, url), method.upper(), url, form)
        if match is None:
            _tell_unknown(method.upper(), url, as_json=as_json)
            return
        around = _Circumstances.of(moment, zone, frozenset(factor), second_factor_minutes, purpose)
        question = _question(store, policy_set, subject, match, around)
    finally:
        store.dispose()
    _tell(Engine.compile(policy_set), question, match, as_json=as_json)


def _check_zone(settings: Settings, zone: str | None) -> None:
    from gateway.network_zones import NetworkZones
    from vetting.errors import quoted

    known = NetworkZones({each.id: each.networks for each in settings.zones}).ids
    if zone is not None and zone not in known:
        known_words = ", ".join(sorted(known))
        raise CommandError(f"explain: {quoted(zone)} is not a zone; known: {known_words}")


def _person(person: str, organisation: str | None) -> tuple[str, str]:
    first, slash, second = person.partition("/")
    if not slash:
        if not organisation:
            raise click.UsageError("write --person as ORGANISATION/NUMBER, or add --organisation")
        return organisation, person
    if organisation and organisation != first:
        raise click.UsageError(f"--person says `{first}`, --organisation says `{organisation}`")
    return first, second


def _subject(
    policy_set: PolicySet,
    store: StoreEngine,
    who: tuple[str, str],
    described: _Described,
    at: datetime,
) -> Subject:
    """Find the person among the staff who have signed in, or take them as described."""
    from gateway.identity.staff import find_staff
    from gateway.store.engine import reading
    from policies.question import Subject
    from vetting.errors import quoted
    from vetting.register import PersonKey, Register

    organisation, name = who
    kinds = {each.id: each.kind for each in policy_set.organisations}
    if organisation not in kinds:
        known = ", ".join(kinds)
        raise CommandError(
            f"explain: {quoted(organisation)} is not an organisation; known: {known}"
        )
    register = Register(policy_set.levels, accepted=policy_set.accepted_bodies)
    with reading(store) as connection:
        found = find_staff(connection, name, organisation=organisation)
        if len(found) > 1:
            numbers = ", ".join(staff.employee_number for staff in found)
            raise CommandError(f"explain: {quoted(name)} is several people; say which of {numbers}")
        staff = found[0] if found else None
        number = staff.employee_number if staff else name
        key = PersonKey(organisation=organisation, employee_number=number)
        registered = register.read(connection, key)
        appointments = register.appointments_of(connection, key, at=at)
    clearance = registered.clearance
    held = {each.course for each in registered.trainings if each.holds(at=at)}
    if staff is None and not (clearance.grants or described.posts or described.unit):
        raise CommandError(
            f"explain: {quoted(str(key))} has never signed in and is not in the register; "
            "write the employee number, or describe them with --post and --unit"
        )
    if staff is None:
        click.echo(f"{key} has never signed in; taken as described on the command line", err=True)
    return Subject(
        staff_id=staff.staff_id if staff else f"{organisation}/described",
        organisation=organisation,
        organisation_kind=str(kinds[organisation]),
        employee_number=number,
        name=staff.name if staff else "",
        posts=frozenset(described.posts) or (staff.posts if staff else frozenset()),
        unit=described.unit or (staff.unit if staff else ""),
        team=frozenset(described.team) or (staff.team if staff else frozenset()),
        appointments=appointments,
        clearance=clearance,
        trainings=frozenset(held).union(described.trainings),
    )


def _reached(settings: Settings, policy_set: PolicySet, url: str) -> Catalogue:
    """Give what is reached at the host of a URL; without one, at the gateway's own."""
    from gateway.front.from_settings import host_names, system_hosts
    from vetting.errors import quoted

    hosts, catalogue = system_hosts(settings), policy_set.catalogue
    asked = urlsplit(url).netloc.lower().encode("ascii", "replace")
    if not asked or asked in host_names(settings.gateway.origin):
        return catalogue.without(frozenset(hosts))
    for host in hosts.values():
        if asked in host_names(host.origin):
            return catalogue.at(host.system, frozenset({CONTINUE}))
    known = ", ".join([settings.gateway.origin, *(each.origin for each in hosts.values())])
    message = f"explain: {quoted(asked.decode())} is no host of the gateway; known: {known}"
    raise CommandError(message)


def _match(catalogue: Catalogue, method: str, url: str, form: str) -> Match | None:
    """Find the function a URL means, by the way every request goes."""
    from gateway.backoffice.canonical import TargetError, canonicalise_form, canonicalise_target

    parts = urlsplit(url)
    target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    declared = catalogue.declared_parameters
    try:
        canonical = canonicalise_target(target.encode("ascii"), declared)
        fields = canonicalise_form(form.encode("ascii"), declared) if form else ()
    except TargetError as error:
        raise CommandError(
            f"explain: the request would be refused with 400: {error.code}"
        ) from error
    except UnicodeEncodeError as error:
        raise CommandError(
            "explain: the URL must be written in ASCII, as browsers send it"
        ) from error
    return catalogue.match(method, canonical.path, canonical.query, fields)


def _question(
    store: StoreEngine,
    policy_set: PolicySet,
    subject: Subject,
    match: Match,
    around: _Circumstances,
) -> Question:
    from gateway.conditions import HONOURED
    from gateway.identity.owners import RecordOwners
    from policies.question import Question

    owner = None
    if match.record_person is not None:
        organisations = [each.id for each in policy_set.organisations]
        owner = RecordOwners(store, organisations).load(match.record_person)
    return Question(
        subject=subject,
        function=match.function,
        action=match.action.value,
        at=around.at,
        record_person=match.record_person,
        record_organisation=owner,
        factors=match.function.fresh_factors(around.factors, _ago(around.factor_age_us), 0),
        zone=around.zone,
        second_factor_age_us=around.factor_age_us,
        purpose=around.purpose,
        honours=HONOURED,
    )


def _ago(age_us: int | None) -> int | None:
    return None if age_us is None else -age_us


def _tell_unknown(method: str, url: str, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"effect": "deny", "gate": "function", "status": 404, "url": url}))
        return
    click.echo(f"{click.style('refused', bold=True)} with 404: no function of the catalogue")
    click.echo(
        f"  {printable(method)} {printable(url)} means no function; see `gateway policy functions`"
    )


def _tell(engine: Engine, question: Question, match: Match, *, as_json: bool) -> None:
    decision = engine.decide(question)
    explanation = engine.explain(question, decision)
    told = engine.staff_reasons(question, decision)
    ways = engine.would_let_in(decision)
    if as_json:
        answer: dict[str, Any] = {
            "effect": str(decision.effect),
            "gate": str(decision.gate),
            "reason": str(decision.reason),
            "function": decision.function_id,
            "route": match.route,
            "at": question.at.isoformat(),
            "explanation": explanation.to_json(),
            "told": [{"code": str(each.code), "sentence": each.sentence} for each in told],
            "would_let_in": [list(way) for way in ways],
        }
        click.echo(json.dumps(answer, indent=2, ensure_ascii=False, default=str))
        return
    word = click.style(str(decision.effect), fg="green" if decision.permitted else "red", bold=True)
    click.echo(f"{word}: {match.function.title} ({decision.function_id}), {decision.reason}")
    for line in explanation.lines():
        click.echo(f"  {printable(line)}")
    _section("the person is told:", [f"{each.sentence} {each.remedy}" for each in told])
    _section("would be let in by:", [" and ".join(way) for way in ways])


def _section(head: str, lines: Sequence[str]) -> None:
    if lines:
        click.echo(head)
    for line in lines:
        click.echo(f"  {printable(line)}")
