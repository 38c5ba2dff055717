"""From a code to a person, at a real provider, and at one that lies in every way it can."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import trustme

from deploy.demo.provider_browser import NotSignedInError, ProviderBrowser
from gateway.errors import DirectoryMisconfigured, DirectoryUnavailable
from gateway.identity.directories.directory import EntryIncomplete
from gateway.identity.providers.oidc_directory import Identified, OidcDirectory, Secrets
from gateway.identity.providers.provider_claims import GroupsIncomplete
from gateway.identity.providers.provider_settings import ClaimNames
from gateway.identity.providers.token_checks import TokenRefused
from tests.doubles.provider import JO, RunningProvider
from tests.doubles.token_issuer import (
    EC,
    OTHER_RSA,
    RSA,
    Reply,
    TokenIssuer,
    mint,
    mint_hmac,
    public_keys,
)
from tests.gateway.identity.parts import AT
from tests.gateway.identity.provider_parts import (
    SECRETS,
    now,
    secret_file,
    settings_at,
    settings_of,
    sign_in_at,
)


class TestRealProvider:
    """Against npm `oidc-provider`, which is certified."""

    @pytest.fixture
    def back(self, nwas: RunningProvider) -> Iterator[None]:
        """Put the provider's accounts back afterwards."""
        yield
        nwas.load(JO)

    def identify(self, nwas: RunningProvider, **changes: Any) -> Identified:
        directory = OidcDirectory(settings_of(nwas, **changes))
        answer = sign_in_at(directory.authorization_url(SECRETS))
        assert answer["state"] == [SECRETS.state]
        directory.check_issuer(answer["iss"][0])
        return directory.identify(answer["code"][0], SECRETS, now())

    def test_somebody_signs_in(self, nwas: RunningProvider) -> None:
        jo = self.identify(nwas)

        assert jo.person.employee_number == "70150"
        assert jo.person.username == "jo.hartley"
        assert jo.person.posts == {"paramedic"}
        assert (jo.person.unit, jo.person.mail) == ("Chester", "jo.hartley@nwas.example")
        assert jo.proof.factors == {"provider"}
        assert "DV" not in repr(jo.person)

    def test_its_own_session_is_known_for_signing_out(self, nwas: RunningProvider) -> None:
        assert len(self.identify(nwas).session) > 10

    def test_a_wrong_password_does_not_come_back(self, nwas: RunningProvider) -> None:
        url = OidcDirectory(settings_of(nwas)).authorization_url(SECRETS)
        for username in ("jo.hartley", "nobody"):
            with pytest.raises(NotSignedInError, match="401"):
                sign_in_at(url, username, "wrong")

    def test_a_code_is_good_once(self, nwas: RunningProvider) -> None:
        directory = OidcDirectory(settings_of(nwas))
        code = sign_in_at(directory.authorization_url(SECRETS))["code"][0]
        directory.identify(code, SECRETS, now())
        with pytest.raises(TokenRefused, match="invalid_grant"):
            directory.identify(code, SECRETS, now())

    def test_a_code_without_its_verifier_is_worth_nothing(self, nwas: RunningProvider) -> None:
        """PKCE: who overheard the address has half of what it takes."""
        directory = OidcDirectory(settings_of(nwas))
        code = sign_in_at(directory.authorization_url(SECRETS))["code"][0]
        stolen = Secrets(state=SECRETS.state, nonce=SECRETS.nonce, verifier="w" * 43)
        with pytest.raises(TokenRefused, match="invalid_grant"):
            directory.identify(code, stolen, now())

    def test_a_token_of_another_sign_in_is_refused(self, nwas: RunningProvider) -> None:
        directory = OidcDirectory(settings_of(nwas))
        code = sign_in_at(directory.authorization_url(SECRETS))["code"][0]
        other = Secrets(state=SECRETS.state, nonce="m" * 43, verifier=SECRETS.verifier)
        with pytest.raises(TokenRefused, match="nonce"):
            directory.identify(code, other, now())

    def test_a_wrong_secret_is_refused(self, nwas: RunningProvider, tmp_path: Path) -> None:
        with pytest.raises(TokenRefused, match="invalid_client"):
            self.identify(nwas, client_secret_file=secret_file(tmp_path))

    def test_the_secret_may_go_in_the_body_where_the_provider_wants_it(
        self, nwas: RunningProvider
    ) -> None:
        jo = self.identify(nwas, client_authentication="client_secret_post")

        assert jo.person.employee_number == "70150"

    def test_a_token_that_is_too_old_by_our_clock_is_refused(self, nwas: RunningProvider) -> None:
        directory = OidcDirectory(settings_of(nwas))
        code = sign_in_at(directory.authorization_url(SECRETS))["code"][0]
        with pytest.raises(TokenRefused, match="iat"):
            directory.identify(code, SECRETS, AT)

    def test_its_keys_may_change_at_any_time(self, nwas: RunningProvider) -> None:
        """Row 11: early (both are published), then the old one withdrawn."""
        clock = [time.monotonic()]
        directory = OidcDirectory(settings_of(nwas), monotonic=lambda: clock[0])
        browser = ProviderBrowser()

        def sign_in() -> Identified:
            answer = sign_in_at(directory.authorization_url(SECRETS), browser=browser)
            return directory.identify(answer["code"][0], SECRETS, now())

        first = sign_in()
        for keep in (True, False):
            nwas.rotate_keys(keep=keep)
            clock[0] += 11
            assert sign_in().person == first.person

    def test_a_trusted_level_is_asked_for_and_counts(
        self, nwas: RunningProvider, back: None
    ) -> None:
        assert back is None
        nwas.load({**JO, "acr": "two-factors", "amr": ["pwd", "hwk"]})
        by_level = self.identify(nwas, trusted_acr=("two-factors",))
        by_word = self.identify(nwas, trusted_amr=frozenset({"hwk"}))
        untrusted = self.identify(nwas)

        for jo in (by_level, by_word):
            assert jo.proof.factors == {"provider", "second-factor"}
            assert jo.proof.second_factor_at is not None
            assert abs((now() - jo.proof.second_factor_at).total_seconds()) < 60
        assert untrusted.proof.factors == {"provider"}

    def test_how_long_ago_somebody_signed_in_there_may_matter(self, nwas: RunningProvider) -> None:
        """With a maximum age the provider says when, and asks again where it was too long ago."""
        assert "max_age=600" in OidcDirectory(
            settings_of(nwas, max_age_seconds=600)
        ).authorization_url(SECRETS)
        assert self.identify(nwas, max_age_seconds=600).person.employee_number == "70150"

    def test_groups_that_did_not_fit_are_refused_or_fetched_whole(
        self, nwas: RunningProvider, back: None
    ) -> None:
        assert back is None
        elsewhere = {"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {}}}
        nwas.load({**JO, "id_token": elsewhere, "userinfo": {"groups": ["a", "b", "c"]}})
        asked = {"claims": ClaimNames(groups="groups"), "scopes": ("openid", "staff", "groups")}

        with pytest.raises(GroupsIncomplete):
            self.identify(nwas, **asked)
        fetched = self.identify(nwas, overage="userinfo", **asked)
        assert fetched.person.groups == {"a", "b", "c"}
        nwas.load({**JO, "id_token": elsewhere, "userinfo": {**elsewhere, "groups": ["a"]}})
        with pytest.raises(GroupsIncomplete):
            self.identify(nwas, overage="userinfo", **asked)

    def test_an_account_made_again_is_another_person(
        self, nwas: RunningProvider, back: None
    ) -> None:
        assert back is None
        first = self.identify(nwas).person
        nwas.load({**JO, "id": "5d1c7a52-jo-again"})
        second = self.identify(nwas).person

        assert first.employee_number == second.employee_number
        assert first.directory_id != second.directory_id

    def test_somebody_signs_out_there(self, nwas: RunningProvider) -> None:
        directory = OidcDirectory(settings_of(nwas))
        browser = ProviderBrowser()
        answer = sign_in_at(directory.authorization_url(SECRETS), browser=browser)
        jo = directory.identify(answer["code"][0], SECRETS, now())
        form = directory.sign_out_form(jo.id_token)
        assert form is not None
        assert jo.id_token not in repr(form)
        assert browser.sign_out(form.url, form.fields) == "http://localhost:8080/-/sign-out"
        with pytest.raises(NotSignedInError):  # it asks for the password again
            sign_in_at(directory.authorization_url(SECRETS), password="wrong", browser=browser)

    def test_over_tls_with_an_authority_of_its_own(self, tmp_path: Path) -> None:
        authority = trustme.CA()
        folder = tmp_path / "tls"
        folder.mkdir()
        authority.cert_pem.write_to_path(str(folder / "ca.pem"))
        certificate = authority.issue_cert("127.0.0.1")
        certificate.private_key_pem.write_to_path(str(folder / "server.key"))
        certificate.cert_chain_pems[0].write_to_path(str(folder / "server.pem"))
        browser = ProviderBrowser(tls=tls_trusting(folder / "ca.pem"))
        with RunningProvider(tmp_path / "own", tls=folder) as own:
            directory = OidcDirectory(settings_of(own, ca_file=folder / "ca.pem"))
            answer = sign_in_at(directory.authorization_url(SECRETS), browser=browser)
            jo = directory.identify(answer["code"][0], SECRETS, now())
            with pytest.raises(DirectoryUnavailable):
                OidcDirectory(settings_of(own)).authorization_url(SECRETS)

        assert jo.person.employee_number == "70150"

    def test_a_silent_provider_is_not_waited_for(self, nwas: RunningProvider) -> None:
        """Row 10."""
        directory = OidcDirectory(settings_of(nwas, budget_seconds=0.6))
        nwas.pause()
        try:
            began = time.monotonic()
            with pytest.raises(DirectoryUnavailable):
                directory.authorization_url(SECRETS)
            assert time.monotonic() - began < 2
        finally:
            nwas.go_on()


def tls_trusting(authority: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=authority)


def test_the_request_is_what_it_should_be(issuer: TokenIssuer) -> None:
    settings = settings_at(issuer, trusted_acr=("two-factors",), max_age_seconds=600)
    asked = parse_qs(urlsplit(OidcDirectory(settings).authorization_url(SECRETS)).query)

    assert asked.pop("code_challenge") != [SECRETS.verifier]
    assert asked == {
        "response_type": ["code"],
        "client_id": ["gateway"],
        "redirect_uri": ["http://localhost:8080/-/oidc/nwas/callback"],
        "scope": ["openid profile email"],
        "state": [SECRETS.state],
        "nonce": [SECRETS.nonce],
        "code_challenge_method": ["S256"],
        "acr_values": ["two-factors"],
        "max_age": ["600"],
    }


def give(issuer: TokenIssuer, id_token: object, **changes: object) -> None:
    """Have the issuer give this ID token for any code."""
    usual = {"access_token": "at-1", "token_type": "Bearer", "expires_in": 60}
    issuer.tokens = {
        name: value
        for name, value in {**usual, "id_token": id_token, **changes}.items()
        if value is not None
    }


def identify(issuer: TokenIssuer, **changes: Any) -> Identified:
    return OidcDirectory(settings_at(issuer, **changes)).identify("code-1", SECRETS, AT)


def claims(issuer: TokenIssuer, **changes: Any) -> dict[str, Any]:
    return issuer.claims(SECRETS.nonce, AT, **changes)


def test_the_minted_token_is_good_when_all_is_well(issuer: TokenIssuer) -> None:
    """Or the refusals below would prove nothing."""
    give(issuer, mint(claims(issuer)))

    assert identify(issuer).person.employee_number == "70150"
    assert "code_verifier=" + SECRETS.verifier in issuer.posted[0]
    give(issuer, mint(claims(issuer), key=EC, algorithm="ES256"))
    assert identify(issuer).person.employee_number == "70150"


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "other", "azp": "gateway"}, {"aud": ["gateway", "other"], "azp": "gateway"},
        {"iat": int(AT.timestamp()) - 31_536_000}, {"exp": 1e300}, {"exp": True},
        {"exp": int(AT.timestamp()) - 100}, {"sub": ""}, {"sub": ["id-jo"]}, {"sub": None},
        {"iss": "https://login.other.example"}, {"nonce": None}, {"nonce": "old"},
        {"azp": "other"}, {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
    ],
    ids=repr,
)  # fmt: skip
def test_what_the_library_lets_through_is_refused(
    issuer: TokenIssuer, changes: dict[str, Any]
) -> None:
    """Each of these but the last two is a good token to the library's defaults."""
    give(issuer, mint(claims(issuer, **changes)))
    with pytest.raises(TokenRefused):
        identify(issuer)


@pytest.mark.parametrize(
    "token",
    [
        lambda good: mint(good, key=OTHER_RSA),
        lambda good: mint(good, key=OTHER_RSA, header={"alg": "RS256", "kid": "one"}),
        lambda good: mint_hmac(good, RSA.as_pem(private=False)),
        lambda good: mint_hmac(good, RSA.as_der(private=False)),
        lambda good: mint(good).rpartition(".")[0] + ".",
        lambda good: mint(good, header={"alg": "none", "kid": "one"}),
        lambda good: mint(
            good,
            key=OTHER_RSA,
            header={"alg": "RS256", "kid": "one", "jwk": OTHER_RSA.as_dict(private=False)},
        ),
        lambda good: mint(good, header={"alg": "RS256", "kid": "one", "crit": ["exp"]}),
        lambda good: mint({**good, "padding": "x" * 20_000}),
        lambda _: "",
        lambda _: 7,
        lambda _: None,
    ],
    ids=[
        "unknown-key", "wrong-key", "pem-secret", "der-secret", "unsigned", "none", "own-jwk",
        "crit", "long", "empty", "number", "missing",
    ],
)  # fmt: skip
def test_what_is_not_signed_by_the_provider_is_refused(
    issuer: TokenIssuer, token: Callable[[dict[str, Any]], object]
) -> None:
    give(issuer, token(claims(issuer)))
    with pytest.raises(TokenRefused):
        identify(issuer)


def test_a_symmetric_key_that_the_provider_publishes_is_not_used(issuer: TokenIssuer) -> None:
    issuer.keys = {
        "keys": [
            *public_keys(RSA)["keys"],
            {
                "kty": "oct",
                "kid": "shared",
                "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0",
                "alg": "HS256",
            },
        ]
    }
    give(issuer, mint_hmac(claims(issuer), b"secret-secret-secret-secret", kid="shared"))
    with pytest.raises(TokenRefused):
        identify(issuer)


@pytest.mark.parametrize("kind", ["MAC", "", None, "DPoP"])
def test_an_access_token_of_another_type_is_refused(issuer: TokenIssuer, kind: str | None) -> None:
    give(issuer, mint(claims(issuer)), token_type=kind)
    with pytest.raises(TokenRefused):
        identify(issuer)


@pytest.mark.parametrize(
    "reply",
    [
        (500, "application/json", b"{}"),
        (502, "text/html", b"<html>"),
        (200, "text/html", b"<html>"),
        (200, "application/json", b"[]"),
        (200, "application/json", b'{"id_token": "' + b"x" * 10_000_000 + b'"}'),
    ],
    ids=["500", "502", "html", "list", "10MB"],
)
def test_a_token_endpoint_that_fails_is_no_fault_of_the_person(
    issuer: TokenIssuer, reply: Reply
) -> None:
    issuer.replies["/token"] = lambda: reply
    with pytest.raises(DirectoryUnavailable):
        identify(issuer)


def test_what_the_provider_says_of_its_error_is_not_repeated(issuer: TokenIssuer) -> None:
    """Its words are free text, and may hold anything."""
    body = b'{"error": "invalid_grant", "error_description": "<script>secret"}'
    issuer.replies["/token"] = lambda: (400, "application/json", body)
    with pytest.raises(TokenRefused) as raised:
        identify(issuer)

    assert "invalid_grant" in str(raised.value)
    assert "secret" not in str(raised.value)


def test_userinfo_about_somebody_else_is_refused(issuer: TokenIssuer) -> None:
    give(issuer, mint(claims(issuer)))
    issuer.userinfo = {"sub": "id-chief", "employee_number": "1"}
    with pytest.raises(TokenRefused, match="another person"):
        identify(issuer, ask_userinfo=True)


def test_what_the_signed_token_says_stands_above_userinfo(issuer: TokenIssuer) -> None:
    give(issuer, mint(claims(issuer)))
    issuer.userinfo = {"sub": "id-jo", "employee_number": "1", "unit": "Chester"}
    person = identify(issuer, ask_userinfo=True).person

    assert (person.employee_number, person.unit) == ("70150", "Chester")


@pytest.mark.parametrize(
    "userinfo", [{}, {"groups": "a"}, {"hasgroups": True, "groups": ["a"]}], ids=repr
)
def test_groups_that_userinfo_does_not_give_whole_are_refused(
    issuer: TokenIssuer, userinfo: dict[str, Any]
) -> None:
    give(issuer, mint(claims(issuer, hasgroups=True)))
    issuer.userinfo = {"sub": "id-jo", **userinfo}
    with pytest.raises(GroupsIncomplete):
        identify(issuer, overage="userinfo", claims=ClaimNames(groups="groups"))


def test_a_part_of_the_groups_in_the_token_is_replaced_by_all(issuer: TokenIssuer) -> None:
    give(issuer, mint(claims(issuer, hasgroups=True, groups=["a"])))
    issuer.userinfo = {"sub": "id-jo", "groups": ["a", "b"]}
    found = identify(issuer, overage="userinfo", claims=ClaimNames(groups="groups"))

    assert found.person.groups == {"a", "b"}


def test_userinfo_that_is_asked_for_and_not_there_is_a_fault(issuer: TokenIssuer) -> None:
    del issuer.discovery["userinfo_endpoint"]
    give(issuer, mint(claims(issuer)))
    with pytest.raises(EntryIncomplete, match="userinfo"):
        identify(issuer, ask_userinfo=True)


class TestIssuer:
    """RFC 9207: the answer names the provider it comes from."""

    def test_the_right_one_is_taken(self, issuer: TokenIssuer) -> None:
        OidcDirectory(settings_at(issuer)).check_issuer(issuer.url)

    @pytest.mark.parametrize("said", ["https://evil.example", "", "HERE/"])
    def test_another_is_refused(self, issuer: TokenIssuer, said: str) -> None:
        with pytest.raises(TokenRefused):
            OidcDirectory(settings_at(issuer)).check_issuer(said.replace("HERE", issuer.url))

    def test_none_is_taken_only_from_a_provider_that_does_not_promise_it(
        self, issuer: TokenIssuer
    ) -> None:
        OidcDirectory(settings_at(issuer)).check_issuer(None)
        issuer.discovery["authorization_response_iss_parameter_supported"] = True
        with pytest.raises(TokenRefused):
            OidcDirectory(settings_at(issuer)).check_issuer(None)


def test_a_provider_without_sign_out_has_none(issuer: TokenIssuer) -> None:
    del issuer.discovery["end_session_endpoint"]

    assert OidcDirectory(settings_at(issuer)).sign_out_form("token") is None


def test_a_provider_that_is_another_lets_nobody_in(issuer: TokenIssuer) -> None:
    issuer.discovery["issuer"] = "https://evil.example"
    with pytest.raises(DirectoryMisconfigured):
        OidcDirectory(settings_at(issuer)).authorization_url(SECRETS)


def test_logout_tokens_with_unknown_keys_do_not_flood_the_provider(issuer: TokenIssuer) -> None:
    """Row 12: anybody may post them."""
    directory = OidcDirectory(settings_at(issuer))
    forged = mint({"iss": issuer.url}, key=OTHER_RSA)

    def post() -> None:
        with pytest.raises(TokenRefused):
            directory.logout_claims(forged, AT)

    threads = [threading.Thread(target=post) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert issuer.asked["/keys"] <= 2
