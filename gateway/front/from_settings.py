"""What the settings say, in the words of the parts: one small function a part.

Nothing here opens or starts anything but what it returns.
"""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gateway.api.feed_push import FeedPush, importing_by
from gateway.api.forward_auth import FrontProxy
from gateway.audit.recorder_limits import RecorderLimits
from gateway.backoffice.assertion import AssertionMint
from gateway.backoffice.assertion_keys import AssertionKeys
from gateway.errors import KeysError
from gateway.identity.directories.bulkhead import Bulkhead
from gateway.identity.directories.door import Door
from gateway.identity.directories.ldap_dialect import Groups
from gateway.identity.directories.ldap_directory import LdapDirectory
from gateway.identity.directories.ldap_settings import Domain, LdapSettings
from gateway.identity.organisations import Organisation, Organisations
from gateway.identity.providers.oidc_directory import OidcDirectory
from gateway.identity.providers.provider_settings import ClaimNames, ProviderSettings
from gateway.identity.providers.provider_sign_in import Provider
from gateway.identity.sessions.presence import Presence, PresenceLimit
from gateway.identity.sessions.session import SessionLimits
from gateway.identity.sessions.session_limits import SessionRules, TighterLimits
from gateway.identity.signing_in.break_glass import ATTEMPTS_KEY as BREAK_GLASS_ATTEMPTS
from gateway.identity.signing_in.break_glass import LIMITS as BREAK_GLASS_LIMITS
from gateway.identity.signing_in.lockout import AttemptLimits
from gateway.pages.page_services import Brand, OrganisationChoice, ProviderChoice
from gateway.proxy_asking import ProxyKind
from gateway.settings_directories import ActiveDirectorySection
from gateway.settings_proxies import read_secret
from gateway.system_hosts import SystemHost
from policies.catalogue import Classification, Function, Regime, Scope
from vetting.levels import LevelOrder
from vetting.requirement import Requirement

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.audit.recorder import Recorder
    from gateway.keys import KeyRing
    from gateway.settings import Settings
    from gateway.settings_directories import (
        OidcSection,
        OrganisationSection,
        PasswordDirectorySection,
    )
    from gateway.settings_sections import RecordSection
    from gateway.settings_sessions import SessionsSection
    from policies.policy_set import PolicySet

_MEBIBYTE: Final = 1024 * 1024


def host_names(origin: str) -> frozenset[bytes]:
    """Give the values of `Host` by which clients may name us: the port of the scheme is optional.

    Args:
        origin: such as `https://gate.example`, in lower case.
    """
    scheme, _, host = origin.partition("://")
    port = ":443" if scheme == "https" else ":80"
    bare = host.removesuffix(port)
    names = {bare, bare + port} if ":" not in bare else {host}
    return frozenset(name.encode("ascii") for name in names)


def system_hosts(settings: Settings) -> dict[str, SystemHost]:
    """Give the systems that have hosts of their own, by id: the gateway's scheme and port."""
    main = settings.gateway.origin
    scheme, _, authority = main.partition("://")
    _, colon, port = authority.partition(":")
    return {
        each.id: SystemHost(
            system=each.id, origin=f"{scheme}://{each.public_host}{colon}{port}", main=main
        )
        for each in settings.upstreams
        if each.public_host is not None
    }


def door(section: OrganisationSection, *, page_threads: int) -> Door | None:
    """Open the way to where an organisation's staff type their password; nothing is asked yet.

    Args:
        section: the organisation.
        page_threads: of this worker. One organisation takes half of them at the most, so that its
            silent directory leaves the pages to everybody else.

    Returns:
        The door; None if they type it elsewhere, at a provider of their own.
    """
    directory = section.password_directory
    if directory is None:
        return None
    return Door(
        id=directory.id,
        directory=LdapDirectory(ldap_settings(directory)),
        bulkhead=Bulkhead(directory.id, at_once=min(directory.at_once, max(1, page_threads // 2))),
        budget_seconds=directory.budget_seconds,
        linked=directory.linked,
    )


def provider(
    section: OidcSection, organisation: str, *, origin: str, page_threads: int
) -> Provider:
    """Open the way to a provider; nothing is asked yet.

    Args:
        section: the provider.
        organisation: whose it is.
        origin: ours, to which it sends people back.
        page_threads: of this worker, of which it takes half at the most.
    """
    minutes = section.max_age_minutes
    settings = ProviderSettings(
        organisation=organisation,
        redirect_uri=f"{origin}/-/oidc/{section.id}/callback",
        signed_out_uri=f"{origin}/-/sign-out",
        claims=ClaimNames(**section.claims.model_dump()),
        hosts=frozenset(section.hosts),
        overage=section.group_overage,
        trusted_amr=frozenset(section.trusted_amr),
        max_age_seconds=None if minutes is None else minutes * 60,
        recheck=section.recheck == "refresh-token",
        session_seconds=None if section.session_minutes is None else section.session_minutes * 60,
        **section.model_dump(
            include={
                "id", "name", "issuer", "client_id", "client_secret_file", "client_authentication",
                "ca_file", "scopes", "algorithms", "ask_userinfo", "trusted_acr",
                "sign_out_method", "budget_seconds",
            }
        ),
    )  # fmt: skip
    return Provider(
        directory=OidcDirectory(settings),
        bulkhead=Bulkhead(section.id, at_once=min(section.at_once, max(1, page_threads // 2))),
        linked=section.linked,
    )


def providers(settings: Settings) -> dict[str, Provider]:
    """Open the ways to the providers of all organisations, by the id of the directory."""
    return {
        each.id: provider(
            each,
            organisation.id,
            origin=settings.gateway.origin,
            page_threads=settings.gateway.page_threads,
        )
        for organisation in settings.organisations
        for each in organisation.providers
    }


def doors_of(settings: Settings) -> dict[str, Door]:
    """Open the way to every organisation's directory of passwords, by the organisation's id."""
    threads = settings.gateway.page_threads
    opened = {each.id: door(each, page_threads=threads) for each in settings.organisations}
    return {name: way for name, way in opened.items() if way is not None}


def ldap_settings(section: PasswordDirectorySection) -> LdapSettings:
    """Give what is set for a directory to the part that speaks LDAP."""
    groups = section.groups
    settings = LdapSettings(
        uris=section.uris,
        ca_file=section.ca_file,
        crl_file=section.crl_file,
        base=section.base,
        attributes=section.attributes.model_dump(),
        bind_dn=section.bind_dn,
        bind_password_file=section.bind_password_file,
        groups=None
        if groups is None
        else Groups(posts=groups.posts, **groups.model_dump(exclude={"posts"})),
        domain=_domain(section) if isinstance(section, ActiveDirectorySection) else None,
    )
    if isinstance(section, ActiveDirectorySection):
        return settings
    return replace(settings, name_filter=section.name_filter, direct_bind=section.direct_bind or "")


def _domain(section: ActiveDirectorySection) -> Domain:
    return Domain(
        name=section.domain, netbios=section.netbios or "", upn_suffixes=section.upn_suffixes
    )


def limits_of(settings: Settings) -> Callable[[str], AttemptLimits]:
    """Give how many failed sign-ins are borne at an organisation (by its id), as directories do.

    An organisation whose directory takes no passwords, and what is none, has the limits of the
    strictest default.
    """
    known = {BREAK_GLASS_ATTEMPTS: BREAK_GLASS_LIMITS}
    for organisation in settings.organisations:
        directory = organisation.password_directory
        if directory is not None:
            known[organisation.id] = AttemptLimits.below(
                directory.lockout_threshold, timedelta(minutes=directory.lockout_minutes)
            )
    return lambda organisation: known.get(organisation, AttemptLimits())


def session_rules(settings: Settings) -> SessionRules:
    """Give how long sessions last, and how many there may be."""
    order = LevelOrder.shipped()
    return SessionRules(
        everybody=SessionLimits(
            idle=timedelta(minutes=settings.gateway.session_idle_minutes),
            absolute=timedelta(hours=settings.gateway.session_absolute_hours),
        ),
        tighter=tuple(
            TighterLimits(
                limits=SessionLimits(
                    idle=timedelta(minutes=each.idle_minutes),
                    absolute=timedelta(hours=each.absolute_hours),
                ),
                appointed=each.appointed,
                holds=None if each.holds is None else Requirement.parse(each.holds, order),
            )
            for each in settings.sessions.tighter
        ),
        at_most=settings.sessions.at_most,
    )


def presence(section: SessionsSection) -> Presence:
    """Give which functions ask for a new proof after which pause, or how long."""
    return Presence(
        [
            PresenceLimit(
                pause=_span(minutes=each.pause_minutes),
                age=_span(hours=each.absolute_hours),
                classification=each.classification and Classification(each.classification),
                regime=each.regime and Regime(each.regime),
            )
            for each in section.presence
        ]
    )


def _span(**parts: int | None) -> timedelta | None:
    given = {name: part for name, part in parts.items() if part is not None}
    return timedelta(**given) if given else None


def recorder_limits(record: RecordSection) -> RecorderLimits:
    """Give the sizes of the journal that the settings ask for."""
    return RecorderLimits(
        segment_bytes=record.segment_mib * _MEBIBYTE,
        reserve_bytes=record.reserve_mib * _MEBIBYTE,
        queue_entries=record.max_backlog,
    )


def assertion_mint(issuer: str, keys: KeyRing) -> AssertionMint:
    """Make the mint of assertions, which follows the key ring."""

    def clock() -> float:
        return time.time_ns() / 1e9

    following = AssertionKeys(keys.directory)
    found = following.follow(clock())
    if found is None:
        raise KeysError(f"keys: the assertion keys of `{keys.directory}` cannot be read")
    return AssertionMint(
        issuer=issuer,
        key=found.key,
        public_keys=found.public,
        clock=clock,
        follow=following.follow,
    )


def organisations(settings: Settings) -> Organisations:
    """Give the organisations whose staff may sign in."""
    return Organisations(
        Organisation(
            id=each.id,
            name=each.name,
            kind=each.kind,
            help_contact=each.help_contact,
            factor_at_sign_in=each.second_factor == "at-sign-in",
        )
        for each in settings.organisations
    )


def organisation_choice(section: OrganisationSection) -> OrganisationChoice:
    """Give an organisation as the sign-in page shows it."""
    return OrganisationChoice(
        id=section.id,
        name=section.name,
        help_contact=section.help_contact,
        takes_password=section.password_directory is not None,
        takes_ticket=section.password_directory is not None
        and section.password_directory.kerberos is not None,
        providers=tuple(ProviderChoice(id=each.id, name=each.name) for each in section.providers),
        email_domains=frozenset(section.email_domains),
    )


def brand(settings: Settings) -> Brand:
    """Give what the pages call the service and whose it is."""
    host = next(
        each for each in settings.organisations if each.id == settings.gateway.host_organisation
    )
    return Brand(
        service_name=settings.gateway.service_name,
        host=organisation_choice(host),
        host_vetting_contact=host.help_contact,
    )


def front_proxies(settings: Settings) -> tuple[FrontProxy, ...]:
    """Give the other proxies that may ask."""
    return tuple(
        FrontProxy(
            id=each.id,
            kind=ProxyKind(each.kind),
            networks=tuple(ip_network(written) for written in each.networks),
            secret=read_secret(each),
            host=each.host or "",
        )
        for each in settings.front_proxies
    )


def unknown_function(policy_set: PolicySet) -> Function:
    """Make the function that stands for none: in no catalogue, so the first gate refuses it."""
    return Function(
        id="unknown",
        title="",
        area="",
        classification=Classification.OFFICIAL,
        regime=Regime.GP,
        floor=Requirement.parse("BASE", policy_set.levels),
        scope=Scope.OWN,
        system="none",
        matchers=(),
    )


def feed_push(settings: Settings, recorder: Recorder) -> FeedPush:
    """Give what takes the exports that vetting units send; without a settings file, of none."""
    file = settings.file
    keys = {
        feed.id: feed.public_key_file
        for feed in settings.vetting.feeds
        if feed.public_key_file is not None and file is not None
    }
    return FeedPush(keys=keys, importer=importing_by(file or Path()), recorder=recorder)
