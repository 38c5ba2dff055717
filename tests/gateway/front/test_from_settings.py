"""What the settings say arrives at the parts, and nothing is left to their defaults by mistake."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from gateway.front import from_settings
from gateway.front.session_parts import vouching
from gateway.identity.directories.directory import DirectoryBusy
from gateway.identity.sessions.presence import PresenceLimit
from gateway.keys import KeyPurpose, KeyRing
from policies.engine import Engine
from policies.function import Regime
from policies.question import Question
from tests.gateway.front.conftest import SettingsMaker
from tests.policies.people import AT, FIRE, PASSWORD, cheshire, subject


@pytest.mark.parametrize(
    ("origin", "hosts"),
    [
        ("http://localhost:8080", {b"localhost:8080"}),
        ("https://gate.example", {b"gate.example", b"gate.example:443"}),
        ("https://gate.example:443", {b"gate.example", b"gate.example:443"}),
        ("https://gate.example:80", {b"gate.example:80"}),
        ("http://localhost", {b"localhost", b"localhost:80"}),
    ],
)
def test_clients_may_name_the_port_of_the_scheme_or_leave_it(
    origin: str, hosts: set[bytes]
) -> None:
    assert from_settings.host_names(origin) == hosts


@pytest.mark.parametrize(("threads", "at_once"), [(2, 1), (8, 3), (64, 3)])
def test_one_organisation_takes_half_of_the_threads_at_the_most(
    make_settings: SettingsMaker, threads: int, at_once: int
) -> None:
    """A directory that says nothing must leave the pages to everybody else."""
    settings = make_settings(
        ('base = "dc=police" }', 'base = "dc=police", budget_seconds = 2.5, at_once = 3 }')
    )
    door = from_settings.door(settings.organisations[0], page_threads=threads)

    assert door is not None
    assert (door.id, door.budget_seconds) == ("cheshire-police", 2.5)
    release, begun = threading.Event(), threading.Semaphore(0)

    def ask() -> None:
        begun.release()
        release.wait()

    askers = [
        threading.Thread(target=door.bulkhead.run, args=(ask,), kwargs={"timeout_seconds": 5})
        for _ in range(at_once)
    ]
    for asker in askers:
        asker.start()
        begun.acquire()
    with pytest.raises(DirectoryBusy):
        door.bulkhead.run(ask, timeout_seconds=1)
    release.set()
    for asker in askers:
        asker.join()
    door.bulkhead.close()


def test_a_directory_is_asked_as_it_is_set_up(make_settings: SettingsMaker) -> None:
    section = make_settings().organisations[1].password_directory
    assert section is not None
    given = from_settings.ldap_settings(section)

    assert (given.uris, given.base, given.name_filter) == (
        ("ldaps://127.0.0.1:6362",),
        "dc=fire",
        "(uid={name})",
    )
    assert given.ca_file == section.ca_file
    assert given.attributes["employee_number"] == "employeeNumber"


def test_limits_are_those_that_are_set(make_settings: SettingsMaker) -> None:
    settings = make_settings(
        ("[gateway]\n", "[gateway]\nsession_idle_minutes = 7\nsession_absolute_hours = 2\n"),
        ("reserve_mib = 1", "reserve_mib = 2\nmax_backlog = 123"),
    )
    sessions = from_settings.session_rules(settings).everybody
    record = from_settings.recorder_limits(settings.record)

    assert (sessions.idle, sessions.absolute) == (timedelta(minutes=7), timedelta(hours=2))
    assert (record.segment_bytes, record.reserve_bytes, record.queue_entries) == (
        1 << 20,
        2 << 20,
        123,
    )


def test_limits_of_some_people_and_pauses_of_some_functions_are_those_that_are_set(
    make_settings: SettingsMaker,
) -> None:
    tighter = '[[sessions.tighter]]\nholds = "N3"\nidle_minutes = 6\nabsolute_hours = 3\n'
    pause = '[[sessions.presence]]\nregime = "LE"\npause_minutes = 4\nabsolute_hours = 3\n'
    settings = make_settings(
        (
            "[[organisation]]",
            f"[sessions]\nat_most = 2\n{tighter}{pause}\n[[organisation]]",
        )
    )
    rules = from_settings.session_rules(settings)
    presence = from_settings.presence(settings.sessions)

    assert rules.at_most == 2
    assert [str(each.holds) for each in rules.tighter] == ["N3"]
    assert (rules.tighter[0].limits.idle, rules.tighter[0].limits.absolute) == (
        timedelta(minutes=6),
        timedelta(hours=3),
    )
    assert presence.shortest_us == 4 * 60_000_000
    assert presence.limits == (
        PresenceLimit(
            pause=timedelta(minutes=4),
            age=timedelta(hours=3),
            classification=None,
            regime=Regime.LE,
        ),
    )


def test_assertions_are_signed_under_the_current_key_and_every_public_one_is_told(
    make_settings: SettingsMaker,
) -> None:
    settings = make_settings()
    keys = KeyRing.open(settings.keys.directory).rotate(KeyPurpose.ASSERTION, at=AT)
    mint = from_settings.assertion_mint("http://localhost:8080", keys)
    token = mint.assertion_for(subject(), "session", "ebs").decode()

    told = KeySet.import_key_set(mint.jwks())  # type: ignore[arg-type]  # a JSON document
    assert len(told.keys) == 2
    decoded = jwt.decode(token, told, algorithms=["EdDSA"])
    assert decoded.claims["iss"] == "http://localhost:8080"
    assert "d" not in str([key.as_dict(private=False).keys() for key in told.keys]).split("'")


def test_organisations_and_the_service_are_named_as_they_are_set(
    make_settings: SettingsMaker,
) -> None:
    settings = make_settings()
    known = from_settings.organisations(settings)
    brand = from_settings.brand(settings)
    fire = known.get(FIRE)

    assert fire is not None
    assert (fire.kind, fire.help_contact) == ("fire", "ICT help")
    assert from_settings.organisation_choice(settings.organisations[1]).name == fire.name
    assert (brand.host.id, brand.host_vetting_contact) == ("cheshire-police", "the service desk")


def test_what_is_no_function_is_refused_at_the_first_gate() -> None:
    """It goes through the same engine, so that it costs the same."""
    question = Question(
        subject=subject("RV", "DBSE"),
        function=from_settings.unknown_function(cheshire()),
        action="read",
        at=AT,
        record_person=None,
        record_organisation=None,
        factors=PASSWORD,
    )
    decision = Engine.compile(cheshire()).decide(question)

    assert not decision.permitted
    assert decision.gate.value == "function"


def test_what_is_set_for_a_provider_arrives(make_settings: SettingsMaker, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s")
    (tmp_path / "secret").chmod(0o600)
    provider = (
        '{ kind = "oidc", id = "own", name = "N", issuer = "https://login.example",'
        ' client_id = "g", client_secret_file = "secret", scopes = ["openid", "staff"],'
        ' hosts = ["graph.example"], group_overage = "userinfo", trusted_amr = ["mfa"],'
        ' trusted_acr = ["2"], max_age_minutes = 5, sign_out_method = "post", linked = true,'
        ' recheck = "refresh-token", session_minutes = 20,'
        ' claims = { groups = "groups" } }'
    )
    directory = (
        '{ kind = "ldap", uris = ["ldaps://127.0.0.1:6361"], ca_file = "ca.pem",'
        ' base = "dc=police" }'
    )
    mails = ('id = "cheshire-police"', 'id = "cheshire-police"\nemail_domains = ["a.example"]')
    settings = make_settings((directory, provider), mails)
    organisation = settings.organisations[0]
    made = from_settings.provider(
        organisation.providers[0], organisation.id, origin="https://gate.example", page_threads=8
    )
    own = made.directory.settings

    assert (own.id, own.organisation, own.name) == ("own", "cheshire-police", "N")
    assert own.redirect_uri == "https://gate.example/-/oidc/own/callback"
    assert own.signed_out_uri == "https://gate.example/-/sign-out"
    assert (own.issuer, own.client_id, own.client_secret()) == ("https://login.example", "g", "s")
    assert own.scopes == ("openid", "staff")
    assert own.hosts == {"graph.example"}
    assert own.overage == "userinfo"
    assert own.trusted_amr == {"mfa"}
    assert own.trusted_acr == ("2",)
    assert (own.max_age_seconds, own.sign_out_method) == (300, "post")
    assert own.claims.groups == "groups"
    assert (own.recheck, own.session_seconds) == (True, 1_200)
    assert "own" in vouching(settings).directories
    assert made.linked
    made.bulkhead.close()
    assert from_settings.door(organisation, page_threads=8) is None
    choice = from_settings.organisation_choice(organisation)
    assert not choice.takes_password
    assert [each.id for each in choice.providers] == ["own"]
    assert choice.email_domains == {"a.example"}


@pytest.mark.parametrize(
    ("origin", "told"),
    [
        ("http://localhost:8080", "http://fleet.localhost:8080"),
        ("https://gate.example", "https://fleet.localhost"),
        ("https://gate.example:8443", "https://fleet.localhost:8443"),
    ],
)
def test_a_systems_host_has_the_gateways_scheme_and_port(
    make_settings: SettingsMaker, origin: str, told: str
) -> None:
    settings = make_settings(
        ('paths = ["/"]', 'paths = ["/"]\npublic_host = "fleet.localhost"'),
    )
    gateway = settings.gateway.model_copy(update={"origin": origin})
    hosts = from_settings.system_hosts(settings.model_copy(update={"gateway": gateway}))

    assert [(each.system, each.origin, each.main) for each in hosts.values()] == [
        ("ebs", told, origin)
    ]
