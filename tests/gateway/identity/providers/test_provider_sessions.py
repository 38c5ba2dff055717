"""A provider's word ends sessions everywhere; its token is kept so that nobody else can read it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import text

from gateway.identity.directories.directory import DirectoryPerson
from gateway.identity.providers.provider_claims import provider_directory_id
from gateway.identity.providers.provider_sessions import ProviderSessions
from gateway.identity.providers.token_checks import LogoutClaims, TokenRefused
from gateway.identity.sessions.session import Session
from gateway.identity.signing_in.sign_in import Vouched
from gateway.identity.signing_in.stages import SignInStages
from gateway.identity.staff import remember
from gateway.store.engine import reading, writing
from tests.gateway.identity.factor_bench import SEAL
from tests.gateway.identity.parts import AT, Parts, later
from tests.gateway.identity.providers.test_provider_claims import SETTINGS

SECRET = bytes(range(32))
EXPIRES = int(AT.timestamp()) + 120


def opened(
    parts: Parts, subject: str = "jo", *, sid: str = "s-1", directory: str = "nwas"
) -> tuple[str, Session]:
    """Open a session that a provider vouched for."""
    person = DirectoryPerson(
        directory_id=provider_directory_id(SETTINGS.issuer, subject),
        username=subject,
        name=subject,
        employee_number=f"{subject}-{directory}",
    )
    with writing(parts.store) as connection:
        staff = remember(connection, "nwas", person, AT, directory=directory)
        return parts.sessions.open(
            connection,
            staff_id=staff.staff_id,
            organisation="nwas",
            directory=directory,
            provider_session=sid,
            factors=frozenset({"provider"}),
            at=AT,
        )


def claims(jti: str = "j-1", *, sub: str | None = None, sid: str | None = None) -> LogoutClaims:
    return LogoutClaims(jti=jti, subject=sub, session=sid, expires_at=EXPIRES)


def living(parts: Parts, *tokens: str) -> list[bool]:
    return [parts.sessions.find(token, at=later(minutes=1)) is not None for token in tokens]


@pytest.fixture
def kept(parts: Parts) -> ProviderSessions:
    return ProviderSessions(parts.store, parts.sessions, SECRET)


def test_of_one_session_of_the_provider_only_that_one_ends(
    parts: Parts, kept: ProviderSessions
) -> None:
    (one, _), (other, _) = opened(parts), opened(parts, sid="s-2")
    ended = kept.end(SETTINGS, claims(sid="s-1"), AT)

    assert living(parts, one, other) == [False, True]
    assert [each.staff.username for each in ended if each.staff] == ["jo"]


def test_of_a_person_every_session_ends(parts: Parts, kept: ProviderSessions) -> None:
    tokens = [opened(parts, sid=f"s-{number}")[0] for number in range(3)]
    colleague, _ = opened(parts, "sam", sid="s-9")
    kept.end(SETTINGS, claims(sub="jo"), AT)

    assert living(parts, *tokens, colleague) == [False] * 3 + [True]


def test_with_both_it_must_be_both(parts: Parts, kept: ProviderSessions) -> None:
    token, _ = opened(parts)

    assert kept.end(SETTINGS, claims("j-1", sub="sam", sid="s-1"), AT) == ()
    assert kept.end(SETTINGS, claims("j-2", sub="jo", sid="s-2"), AT) == ()
    assert living(parts, token) == [True]
    assert len(kept.end(SETTINGS, claims("j-3", sub="jo", sid="s-1"), AT)) == 1


def test_sessions_of_another_directory_do_not_end(parts: Parts, kept: ProviderSessions) -> None:
    """One provider cannot sign out another's people, whatever it calls them."""
    token, _ = opened(parts)
    foreign = replace(SETTINGS, id="fire-provider", organisation="cheshire-fire")
    impostor = replace(SETTINGS, issuer="https://evil.example")

    assert kept.end(foreign, claims("j-1", sub="jo", sid="s-1"), AT) == ()
    assert kept.end(impostor, claims("j-2", sub="jo"), AT) == ()
    assert living(parts, token) == [True]


def begun(parts: Parts, subject: str = "jo", *, sid: str = "s-1", directory: str = "nwas") -> str:
    """Begin a sign-in that still waits for its second factor; gives its token."""
    person = DirectoryPerson(
        directory_id=provider_directory_id(SETTINGS.issuer, subject),
        username=subject,
        name=subject,
        employee_number=f"{subject}-{directory}",
    )
    vouched = Vouched(
        organisation="nwas",
        directory=directory,
        person=person,
        factors=frozenset({"provider"}),
        source="10.0.0.1",
        provider_session=sid,
    )
    with writing(parts.store) as connection:
        staff = remember(connection, "nwas", person, AT, directory=directory)
        return SignInStages(parts.store, SEAL).begin(connection, staff, vouched, AT)


@pytest.mark.parametrize(
    ("said", "waiting"),
    [
        ({"sid": "s-1"}, [False, True, True, True]),
        ({"sub": "jo"}, [False, False, True, True]),
        ({"sub": "jo", "sid": "s-2"}, [True, False, True, True]),
        ({"sub": "nobody"}, [True, True, True, True]),
        ({"sub": "sam", "sid": "s-1"}, [True, True, True, True]),
    ],
    ids=str,
)
def test_what_waits_there_for_a_second_factor_ends_too(
    parts: Parts, kept: ProviderSessions, said: dict[str, str], waiting: list[bool]
) -> None:
    """It would be a session in a moment, of somebody whom the provider has signed out."""
    tokens = [
        begun(parts),
        begun(parts, sid="s-2"),
        begun(parts, "sam", sid="s-3"),
        begun(parts, "other", sid="s-1", directory="fire-provider"),
    ]
    ended = kept.end(SETTINGS, claims(**said), AT)
    stages = SignInStages(parts.store, SEAL)

    assert [stages.look(token, at=AT) is not None for token in tokens] == waiting
    assert len(ended) == waiting.count(False)
    assert all(each.hash == "" and each.staff is not None for each in ended)


def test_it_ends_in_other_workers_at_their_next_request(
    parts: Parts, kept: ProviderSessions
) -> None:
    token, _ = opened(parts)
    parts.bulletin.ring()
    other, reader = parts.worker()
    assert other.load(token, at=AT) is not None
    kept.end(SETTINGS, claims(sid="s-1"), AT)

    assert not reader.is_current(0)
    reader.catch_up()
    assert other.load(token, at=AT) is None


def test_a_logout_token_is_taken_once(parts: Parts, kept: ProviderSessions) -> None:
    opened(parts)
    kept.end(SETTINGS, claims(sid="s-1"), AT)
    again, _ = opened(parts)
    with pytest.raises(TokenRefused, match="before"):
        kept.end(SETTINGS, claims(sid="s-1"), AT)

    assert living(parts, again) == [True]


@pytest.mark.parametrize("expires_at", [2**52, 2**53 - 1])
def test_a_token_that_says_it_holds_for_ever_is_taken_once_too(
    parts: Parts, kept: ProviderSessions, expires_at: int
) -> None:
    """Such a time in microseconds is more than a database holds."""
    token, _ = opened(parts)
    for_ever = replace(claims(sid="s-1"), expires_at=expires_at)

    assert len(kept.end(SETTINGS, for_ever, AT)) == 1
    assert living(parts, token) == [False]
    with pytest.raises(TokenRefused, match="before"):
        kept.end(SETTINGS, for_ever, AT)


def test_what_was_taken_is_forgotten_when_it_could_not_hold_any_more(
    parts: Parts, kept: ProviderSessions
) -> None:
    kept.end(SETTINGS, claims("j-1", sid="s-1"), AT)
    kept.end(SETTINGS, claims("j-2", sid="s-1"), later(minutes=10))
    with reading(parts.store) as connection:
        count = connection.execute(text("SELECT count(*) FROM provider_logout")).scalar_one()

    assert count == 1


def keep(
    parts: Parts, kept: ProviderSessions, session: Session, id_token: str, refresh: str = ""
) -> None:
    person = DirectoryPerson(directory_id="x", username="x", name="x", employee_number="x")
    vouched = Vouched(
        organisation="nwas", directory="nwas", person=person, factors=frozenset({"provider"}),
        source="", id_token=id_token, refresh_token=refresh,
    )  # fmt: skip
    with writing(parts.store) as connection:
        kept.keep(connection, session.hash, vouched)


class TestToken:
    """The ID token, for signing out there."""

    def test_it_is_given_back_once(self, parts: Parts, kept: ProviderSessions) -> None:
        _, session = opened(parts)
        keep(parts, kept, session, "header.claims.signature")

        assert kept.take(session.hash) == "header.claims.signature"
        assert kept.take(session.hash) is None

    def test_the_database_cannot_read_it(self, parts: Parts, kept: ProviderSessions) -> None:
        _, session = opened(parts)
        keep(parts, kept, session, "header.claims.signature")
        with reading(parts.store) as connection:
            held = str(connection.execute(text("SELECT * FROM provider_token")).all())

        assert "claims" not in held
        other = ProviderSessions(parts.store, parts.sessions, bytes(32))
        assert other.take(session.hash) is None

    @pytest.mark.parametrize("sealed", ["", "AAAA", "not base64!", "A" * 400])
    def test_what_somebody_wrote_there_is_not_believed(
        self, parts: Parts, kept: ProviderSessions, sealed: str
    ) -> None:
        _, session = opened(parts)
        keep(parts, kept, session, "token")
        with writing(parts.store) as connection:
            connection.execute(
                text("UPDATE provider_token SET sealed = :sealed"), {"sealed": sealed}
            )

        assert kept.take(session.hash) is None

    def test_it_follows_a_session_that_is_strengthened(
        self, parts: Parts, kept: ProviderSessions
    ) -> None:
        _, session = opened(parts)
        keep(parts, kept, session, "token")
        with writing(parts.store) as connection:
            _, stronger = parts.sessions.strengthen(
                connection, session.hash, factors=frozenset({"second-factor"}), at=AT
            )

        assert kept.take(stronger.hash) == "token"

    def test_it_goes_with_its_session(self, parts: Parts, kept: ProviderSessions) -> None:
        _, session = opened(parts)
        keep(parts, kept, session, "token")
        parts.sessions.purge(at=later(days=2))
        with reading(parts.store) as connection:
            assert connection.execute(text("SELECT count(*) FROM provider_token")).scalar() == 0

    def test_what_asks_again_is_sealed_too_and_turned(
        self, parts: Parts, kept: ProviderSessions
    ) -> None:
        _, session = opened(parts)
        _, other = opened(parts, sid="s-2")
        keep(parts, kept, session, "id", "first-refresh")
        with reading(parts.store) as connection:
            held = str(connection.execute(text("SELECT * FROM provider_token")).all())

        assert "first-refresh" not in held
        first, second = kept.refresh_tokens("nwas", session.staff_id, at=AT)
        tokens = {each.session_hash: each.token for each in (first, second)}
        assert tokens == {session.hash: "first-refresh", other.hash: None}
        assert "first-refresh" not in repr(first)
        parts.sessions.end(other.hash, at=AT)
        with writing(parts.store) as connection:  # it gets a new hash while it is asked about
            parts.sessions.strengthen(
                connection, session.hash, factors=frozenset({"second-factor"}), at=AT
            )
        kept.turn(first if first.token else second, "turned")
        (after,) = kept.refresh_tokens("nwas", session.staff_id, at=AT)
        assert after.token == "turned"
        assert kept.refresh_tokens("other", session.staff_id, at=AT) == ()
