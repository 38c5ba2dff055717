"""The steps of `gateway check` that look beyond a single file."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509

from gateway.cli.finding import FAULT, WARNING, Finding
from gateway.cli.terminal import Progress
from vetting.toml_source import TomlSource

if TYPE_CHECKING:
    from gateway.settings import Settings
    from gateway.settings_upstreams import UpstreamSection
    from policies.engine import Engine
    from policies.policy_set import PolicySet

CERTIFICATE_NOTICE = timedelta(days=30)  # enough to have a new one issued and installed
LIST_NOTICE = timedelta(days=2)
MIB = 1 << 20


def keys(settings: Settings) -> Iterator[Finding]:
    """Open the key ring: everything there, readable by its owner alone, undamaged."""
    from gateway.keys import KeyRing

    KeyRing.open(settings.keys.directory)
    return iter(())


def certificates(settings: Settings, at: datetime) -> Iterator[Finding]:
    """Read every certificate authority, and every list of revoked certificates.

    Ended is a fault, ending within 30 days a warning (a list: within 2 days, as it is made often).
    """
    files = [
        (f"organisation {organisation.id}, directory {directory.id}", directory.ca_file)
        for organisation in settings.organisations
        for directory in organisation.directories
        if directory.ca_file
    ]
    files += [
        (f"upstream {each.id}", file)
        for each in settings.upstreams
        for file in (each.ca_file, each.certificate_file)
        if file
    ]
    if settings.mail is not None and settings.mail.ca_file:
        files.append(("mail", settings.mail.ca_file))
    for owner, path in files:
        try:
            found = x509.load_pem_x509_certificates(path.read_bytes())
        except ValueError:
            message = f"{path}: {owner}: holds no certificate that can be read; write it as PEM"
            yield _finding(FAULT, "certificates", path, message)
            continue
        for certificate in found:
            yield from ending(certificate, owner, str(path), at)
    for upstream in settings.upstreams:
        if upstream.certificate_file is not None:
            yield from _pair(upstream)
    for organisation in settings.organisations:
        asked = organisation.password_directory
        if asked is not None and asked.crl_file:
            owner = f"organisation {organisation.id}, directory {asked.id}"
            yield from _list_ending(asked.crl_file, owner, at)


def _pair(section: UpstreamSection) -> Iterator[Finding]:
    """Read our own certificate for a system together with its key, as the service does."""
    from gateway.errors import UpstreamError
    from gateway.front.upstream_parts import upstream_addresses

    try:
        upstream_addresses(section)
    except UpstreamError as error:
        file = section.certificate_file or Path()
        remedy = "put the certificate and its key there, as PEM without a password"
        yield _finding(FAULT, "certificates", file, f"{error}; {remedy}")


def _list_ending(path: Path, owner: str, at: datetime) -> Iterator[Finding]:
    try:
        ends_at = x509.load_pem_x509_crl(path.read_bytes()).next_update_utc
    except ValueError:
        message = f"{path}: {owner}: holds no list of revoked certificates; write it as PEM"
        yield _finding(FAULT, "certificates", path, message)
        return
    if ends_at is None or ends_at - at > LIST_NOTICE:
        return
    severity = FAULT if ends_at <= at else WARNING
    message = (
        f"{path}: {owner}: the list of revoked certificates holds until "
        f"{ends_at:%d %B %Y %H:%M} UTC; out of date, it refuses every server: fetch the next one"
    )
    yield _finding(severity, "certificates", path, message)


def directories(settings: Settings, config: Path) -> Iterator[Finding]:
    """Look for directories whose people cannot be looked up between sign-ins, and at keytabs."""
    from gateway.errors import DirectoryMisconfigured
    from gateway.front.ticket_desk import kerberos_settings, ticket_acceptor

    source = TomlSource.read(config)
    for index, organisation in enumerate(settings.organisations):
        for number, directory in enumerate(organisation.directories):
            if directory.kind == "active-directory" and directory.bind_dn is None:
                yield _at(
                    source,
                    ("organisation", index, "directory", number),
                    "without `bind_dn`, who is disabled there keeps their session to its end",
                    "give it an account to search with",
                    severity=WARNING,
                )
            if directory.kind == "oidc" or directory.kerberos is None:
                continue
            try:
                ticket_acceptor(kerberos_settings(directory.kerberos, settings))
            except DirectoryMisconfigured as error:
                place = ("organisation", index, "directory", number, "kerberos", "keytab_file")
                remedy = "make the keytab again, for this service and realm"
                yield _at(source, place, str(error), remedy)


def ending(
    certificate: x509.Certificate, owner: str, where: str, at: datetime
) -> Iterator[Finding]:
    """Tell whether a certificate has ended (a fault), or ends within 30 days (a warning).

    Args:
        certificate: to look at.
        owner: whose it is.
        where: the file that holds it, or the address that shows it.
        at: now.
    """
    ends_at = certificate.not_valid_after_utc
    if ends_at - at > CERTIFICATE_NOTICE and certificate.not_valid_before_utc <= at:
        return
    if certificate.not_valid_before_utc > at:
        severity, words = FAULT, f"begins only on {certificate.not_valid_before_utc:%d %B %Y}"
    elif ends_at <= at:
        severity, words = FAULT, f"ended on {ends_at:%d %B %Y}"
    else:
        severity, words = WARNING, f"ends on {ends_at:%d %B %Y}, in {(ends_at - at).days} days"
    message = f"{where}: {owner}: the certificate {words}; have a new one put there"
    yield Finding(severity=severity, step="certificates", file=where, line=0, message=message)


def register(settings: Settings) -> Iterator[Finding]:
    """Read the register, whole: its schema, and every row of it."""
    from gateway.store.engine import open_store, reading
    from vetting.levels import LevelOrder
    from vetting.register import Register

    path = settings.gateway.state_directory / "gateway.sqlite"
    if not path.is_file():
        message = (
            f"{path}: no register yet; the first start makes it, and until it is filled nobody"
        )
        yield _finding(WARNING, "register", path, f"{message} is cleared to anything")
        return
    store = open_store(settings.store_url)
    try:
        with reading(store) as connection:
            known = Register(LevelOrder.shipped(), accepted=frozenset())
            broken = known.broken_rows(connection)
            people = known.count(connection)
    finally:
        store.dispose()
    for row in broken:
        message = f"{path}: {row.table} {row.row_id}: {row.message}; it counts for nothing"
        yield _finding(FAULT, "register", path, message)
    if not people:
        message = f"{path}: the register is empty; nobody is cleared to anything"
        yield _finding(WARNING, "register", path, message)


def free_bytes(place: Path) -> int:
    """Give the room on the disk that a folder is on, or will be on."""
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free


def record(settings: Settings, free_on: Callable[[Path], int] = free_bytes) -> Iterator[Finding]:
    """Look at the disk of the record: it must take the reserve and a segment for each worker."""
    section = settings.record
    free = free_on(section.directory)
    needed = (section.reserve_mib + section.segment_mib * settings.gateway.workers) * MIB
    if free < needed:
        message = (
            f"{section.directory}: {free // MIB} MiB free, {needed // MIB} MiB needed to start; "
            "make room, or move the record to a disk of its own"
        )
        yield _finding(FAULT, "record", section.directory, message)


def organisations(settings: Settings, policy_set: PolicySet, config: Path) -> Iterator[Finding]:
    """Compare whom the settings let sign in with whom the policy set knows."""
    source = TomlSource.read(config)
    known = {each.id: each for each in policy_set.organisations}
    for index, organisation in enumerate(settings.organisations):
        policy_side = known.get(organisation.id)
        if policy_side is None:
            yield _at(
                source,
                ("organisation", index, "id"),
                f"`{organisation.id}` is not in organisations.toml of the policy set",
                "add it there, or its staff may do nothing",
            )
        elif str(policy_side.kind) != organisation.kind:
            yield _at(
                source,
                ("organisation", index, "kind"),
                f"`{organisation.kind}`, but the policy set says `{policy_side.kind}`",
                "correct one of the two",
            )
    if policy_set.host.id != settings.gateway.host_organisation:
        yield _at(
            source,
            ("gateway", "host_organisation"),
            f"`{settings.gateway.host_organisation}`, but in the policy set `{policy_set.host.id}`",
            "correct one of the two",
        )


def systems(settings: Settings, policy_set: PolicySet, config: Path) -> Iterator[Finding]:
    """Compare the systems of the catalogue with those that can be reached."""
    from policies.catalogue import GATEWAY_SYSTEM

    source = TomlSource.read(config)
    reachable = {upstream.id for upstream in settings.upstreams}
    used = {function.system for function in policy_set.catalogue.functions.values()}
    for system in sorted(used - reachable - {GATEWAY_SYSTEM}):
        yield _at(
            source,
            ("upstream",),
            f"the catalogue has functions of `{system}`, which is no upstream",
            "add it as an `[[upstream]]`",
        )
    at_hosts = {upstream.id for upstream in settings.upstreams if upstream.public_host}
    for system in sorted((policy_set.catalogue.own_host & reachable) - at_hosts):
        yield _at(
            source,
            ("upstream", [each.id for each in settings.upstreams].index(system), "id"),
            f"`{system}` is in `own_host` of the catalogue, and has no host: it is not reached",
            "write its `public_host`",
        )
    for index, upstream in enumerate(settings.upstreams):
        if upstream.id not in used:
            yield _at(
                source,
                ("upstream", index, "id"),
                f"`{upstream.id}` has no function in the catalogue",
                "nothing of it can be reached until it has",
                severity=WARNING,
            )


def zones(settings: Settings, policy_set: PolicySet, config: Path) -> Iterator[Finding]:
    """Look for network zones that rules name and the settings do not have."""
    from gateway.network_zones import NetworkZones

    source = TomlSource.read(config)
    known = NetworkZones({zone.id: zone.networks for zone in settings.zones}).ids
    for zone in sorted(policy_set.zones - known):
        users = ", ".join(rule.id for rule in policy_set.rules if zone in rule.zones)
        yield _at(
            source,
            ("zone",) if settings.zones else (),
            f"zone `{zone}`, which rules name ({users}), is not in the settings; until it is, "
            "every request's zone is unknown: no zone permits, and every deny rule on one bites",
            "add it as a `[[zone]]`, or correct the rules",
        )


def policy_in_force(settings: Settings, policy_set: PolicySet) -> Iterator[Finding]:
    """Warn where the files named in the settings are not what is in force."""
    from gateway.cli.opening import policy_set_in_force

    if policy_set_in_force(settings).digest != policy_set.digest:
        message = (
            "these files are not the policy set in force, and change nothing by themselves; "
            "see `gateway policy plan`, put them in force with `gateway policy apply`"
        )
        yield _finding(WARNING, "policy set", settings.policy.directory, message)


def oracle(
    policy_set: PolicySet, sample: int, at: datetime, engine: Engine | None = None
) -> Iterator[Finding]:
    """Ask Casbin what the engine was asked: they must agree.

    Args:
        policy_set: what both are made from.
        sample: how many questions.
        at: the instant asked about.
        engine: the engine that answers, if not one freshly compiled.
    """
    from gateway.cli.oracle_sample import questions
    from policies.casbin_oracle import CasbinOracle
    from policies.engine import Engine

    engine = engine or Engine.compile(policy_set)
    loaded = CasbinOracle.from_policy_set(policy_set)
    with Progress("asking Casbin") as progress:
        for number, question in enumerate(questions(policy_set, sample, at)):
            progress(number, sample)
            for disagreement in loaded.compare(engine.decide, [question]):
                asked = disagreement.question
                message = (
                    f"the engine says {disagreement.decision.effect} and Casbin "
                    f"{disagreement.answer.effect}: {asked.action} {asked.function.id} for "
                    f"{asked.subject.organisation}; do not serve, report this"
                )
                yield _finding(FAULT, "oracle", Path(), message)


def _at(
    source: TomlSource,
    keys_: tuple[str | int, ...],
    message: str,
    remedy: str,
    *,
    severity: str = FAULT,
) -> Finding:
    fault = source.fault(*keys_, message=message, remedy=remedy)
    return Finding(
        severity=severity, step="settings", file=fault.file, line=fault.line, message=str(fault)
    )


def _finding(severity: str, step: str, path: Path, message: str) -> Finding:
    return Finding(severity=severity, step=step, file=str(path), line=0, message=message)
