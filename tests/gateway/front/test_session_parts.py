"""What ended by itself is on the record, and directories that can be asked again are."""

from __future__ import annotations

from gateway.audit.entry import Kind, Outcome
from gateway.backoffice.sign_out import SignOutTold
from gateway.front.from_settings import providers
from gateway.front.session_parts import (
    asked_again,
    directory_organisations,
    ended_draft,
    told_draft,
    vouching,
)
from gateway.identity.providers.provider_sessions import ProviderSessions
from gateway.identity.sessions.recheck import Ended
from gateway.identity.staff import Staff
from tests.gateway.front.conftest import SettingsMaker
from tests.gateway.identity.parts import AT, Parts, us

ALICE = Staff(
    staff_id="cheshire-fire/id-alice",
    organisation="cheshire-fire",
    directory_id="id-alice",
    employee_number="40011",
    username="alice",
    name="Alice",
    posts=frozenset(),
    unit="",
    team=frozenset(),
)


def test_an_end_by_a_directory_names_whom_and_why() -> None:
    draft = ended_draft(Ended(staff=ALICE, code="person-gone", count=2, at=AT))

    assert (draft.kind, draft.code, draft.count) == (Kind.SIGNOUT, "person-gone", 2)
    assert (draft.staff_id, draft.actor_name, draft.at_us) == (
        "cheshire-fire/id-alice",
        "alice@cheshire-fire",
        us(AT),
    )


def test_what_a_system_answered_to_a_sign_out_is_told() -> None:
    def told(status: int) -> tuple[str, Outcome, int]:
        draft = told_draft(
            SignOutTold(
                session_hash="aa", staff_id="f/a", organisation="f", system="ebs",
                status=status, at=AT,
            )
        )  # fmt: skip
        assert (draft.system, draft.session) == ("ebs", b"aa")
        return draft.code, draft.outcome, draft.status

    assert told(302) == ("upstream-sign-out", Outcome.PERMIT, 302)
    assert told(0) == ("upstream-sign-out-failed", Outcome.ERROR, 0)


def test_directories_that_take_passwords_are_asked_again(make_settings: SettingsMaker) -> None:
    settings = make_settings(
        ("[[organisation]]", "[sessions]\nrecheck_grace_minutes = 3\n[[organisation]]")
    )
    asked = vouching(settings)

    assert asked.directories == set(directory_organisations(settings))
    assert asked.grace.total_seconds() == 180


PROVIDER = (
    '{{ kind = "oidc", id = "{id}", name = "N", issuer = "https://{id}.example",'
    ' client_id = "g", client_authentication = "none", recheck = "{recheck}" }},'
)


def test_a_provider_is_asked_again_where_that_is_set(
    make_settings: SettingsMaker, parts: Parts
) -> None:
    both = PROVIDER.format(id="asked", recheck="refresh-token") + PROVIDER.format(
        id="trusted", recheck="none"
    )
    settings = make_settings(('base = "dc=fire" },', f'base = "dc=fire" }}, {both}'))
    ways = providers(settings)
    kept = ProviderSessions(parts.store, parts.sessions, bytes(32))
    asked = asked_again({}, ways, kept, store=parts.store, clock=lambda: AT, report=print)
    for each in ways.values():
        each.bulkhead.close()

    assert set(asked) == {"asked"}
    assert "asked" in vouching(settings).directories
    assert "trusted" not in vouching(settings).directories
