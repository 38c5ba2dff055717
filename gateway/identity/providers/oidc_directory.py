"""An organisation's OpenID provider: where people are sent, and what comes back is checked.

This is the only module that imports authlib. It builds the request (code flow with PKCE) and
fetches the tokens with it; what it lets through that it should not is refused here and in
`identity.providers.token_checks`. Nothing is kept between the two halves of a sign-in but what the
caller hands over, so any worker can do the second half.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import httpx
from authlib.common.errors import AuthlibBaseError
from authlib.deprecate import AuthlibDeprecationWarning
from authlib.oidc.core import CodeIDToken
from joserfc.errors import JoseError

from gateway.errors import DirectoryError, DirectoryMisconfigured, DirectoryUnavailable
from gateway.identity.directories.directory import DirectoryPerson, EntryIncomplete
from gateway.identity.providers.provider_claims import (
    GroupsIncomplete,
    Proof,
    has_more_groups,
    person_from,
    proof_from,
    without_groups,
)
from gateway.identity.providers.provider_documents import ProviderDocuments, PublicKey
from gateway.identity.providers.provider_http import ProviderHttp
from gateway.identity.providers.provider_settings import ProviderSettings
from gateway.identity.providers.token_checks import (
    LEEWAY_SECONDS,
    Expected,
    LogoutClaims,
    TokenRefused,
    check_id_claims,
    check_logout_claims,
    read_signed,
)

with warnings.catch_warnings(action="ignore", category=AuthlibDeprecationWarning):
    # It would rather have httpx's successor, which nothing else here uses yet.
    from authlib.integrations.httpx_client import OAuth2Client

ID_TOKEN_TYPES: Final = frozenset({"jwt"})
GRANT_OVER: Final = frozenset({"invalid_grant", "interaction_required", "login_required"})
LOGOUT_TOKEN_TYPES: Final = frozenset({"jwt", "logout+jwt"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """What ties the two halves of a sign-in together; known to us alone in between."""

    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Identified:
    """Somebody whom a provider has vouched for.

    Attributes:
        person: as it describes them.
        proof: how they proved it.
        session: the provider's own session (`sid`), or empty.
        id_token: as it came, for signing out there.
        refresh_token: for asking again whether they are still there; empty unless that is done.
    """

    person: DirectoryPerson
    proof: Proof
    session: str
    id_token: str = field(repr=False)
    refresh_token: str = field(repr=False)


class GrantOver(DirectoryError):  # noqa: N818  # named for what happened, as its family is
    """The provider answered that it does not vouch for that sign-in any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedAgain:
    """What a provider says of somebody who is signed in.

    Attributes:
        person: as it describes them now; None where it says only that they are there.
        refresh_token: what it is asked with the next time.
    """

    person: DirectoryPerson | None
    refresh_token: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOutForm:
    """The form that signs a person out at their provider.

    Attributes:
        provider: its name.
        method: `get` or `post`, as it takes it.
        url: where it goes.
        fields: what is in it; with the ID token, so for the page of that person alone.
    """

    provider: str
    method: str
    url: str
    fields: Mapping[str, str] = field(repr=False)


class OidcDirectory:
    """One provider. Safe for several threads; every method blocks."""

    def __init__(
        self,
        settings: ProviderSettings,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Check the settings; nothing is asked yet.

        Raises:
            DirectoryMisconfigured: if the authority's file cannot be used.
        """
        self.settings = settings
        self._monotonic = monotonic
        self._http = ProviderHttp(settings.ca_file, monotonic=monotonic)
        self._documents = ProviderDocuments(settings, self._http, monotonic=monotonic)

    def authorization_url(self, secrets: Secrets) -> str:
        """Give the address to which the browser is sent to sign in.

        Raises:
            DirectoryUnavailable, DirectoryMisconfigured: the provider is away, or not itself.
        """
        endpoints = self._documents.endpoints(self._deadline())
        further: dict[str, str] = {}
        if self.settings.max_age_seconds is not None:
            further["max_age"] = str(self.settings.max_age_seconds)
        if self.settings.trusted_acr:
            further["acr_values"] = " ".join(self.settings.trusted_acr)
        with self._client(self._deadline(), secret=False) as client:
            url, _ = client.create_authorization_url(
                endpoints.authorization,
                state=secrets.state,
                code_verifier=secrets.verifier,
                nonce=secrets.nonce,
                **further,
            )
        return str(url)

    def check_issuer(self, said: str | None) -> None:
        """Check who says that an answer is theirs (RFC 9207), against being mixed up with another.

        Raises:
            TokenRefused: it is another's, or says nothing although this provider always does.
        """
        if said is None and not self._documents.endpoints(self._deadline()).names_itself:
            return
        if said != self.settings.issuer:
            raise TokenRefused("callback: the answer is not from this provider")

    def identify(self, code: str, secrets: Secrets, at: datetime) -> Identified:
        """Exchange a code for tokens, check them, and say who it is.

        Raises:
            TokenRefused: what came does not hold.
            EntryIncomplete: what the provider says of the person is not enough.
            DirectoryUnavailable, DirectoryMisconfigured: the provider cannot answer now.
        """
        deadline = self._deadline()
        tokens = self._exchange(code, secrets, deadline)
        id_token, access_token = tokens.get("id_token"), tokens.get("access_token")
        if str(tokens.get("token_type", "")).lower() != "bearer":
            raise TokenRefused("token: the access token is of an unknown type")
        refresh_token = tokens.get("refresh_token") if self.settings.recheck else ""
        if not isinstance(refresh_token, str) or (self.settings.recheck and not refresh_token):
            message = (
                f"provider: `{self.settings.id}` gives no refresh token, which `recheck` needs"
            )
            raise DirectoryMisconfigured(message)
        claims = self._checked(id_token, access_token, secrets, int(at.timestamp()), deadline)
        described = self._described(claims, access_token, deadline)
        return Identified(
            person=person_from(described, self.settings),
            proof=proof_from(claims, self.settings, at),
            session=claims.get("sid", ""),
            id_token=str(id_token),
            refresh_token=refresh_token,
        )

    def ask_again(self, refresh_token: str, directory_id: str, at: datetime) -> AskedAgain:
        """Ask whether the provider still vouches for somebody.

        Args:
            refresh_token: of their sign-in.
            directory_id: whom it vouched for.
            at: now.

        Raises:
            GrantOver: it does not any more: they were disabled, deleted, or signed out there.
            EntryIncomplete: it now speaks of somebody else, or not enough of them.
            DirectoryUnavailable, DirectoryMisconfigured: it gave no answer that can be believed.
        """
        deadline = self._deadline()
        endpoint = self._documents.endpoints(deadline).token
        try:
            with self._client(deadline) as client:
                tokens = client.refresh_token(endpoint, refresh_token=refresh_token, scope="")
        except AuthlibBaseError as error:
            if error.error in GRANT_OVER:
                raise GrantOver("provider: it does not vouch for that sign-in any more") from error
            message = f"provider: it was not asked in a way it takes: `{str(error.error)[:60]}`"
            raise DirectoryMisconfigured(message) from error
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, TypeError) as error:
            message = f"provider: `{endpoint}` did not answer: {type(error).__name__}"
            raise DirectoryUnavailable(message) from error
        rotated = tokens.get("refresh_token", refresh_token)
        if not (
            isinstance(rotated, str) and rotated and isinstance(tokens.get("access_token"), str)
        ):
            raise DirectoryUnavailable(f"provider: `{endpoint}` answered what are no tokens")
        person = self._described_again(tokens, directory_id, int(at.timestamp()), deadline)
        return AskedAgain(person=person, refresh_token=rotated)

    def _described_again(
        self, tokens: Mapping[str, Any], directory_id: str, now: int, deadline: float
    ) -> DirectoryPerson | None:
        if tokens.get("id_token") is None:
            return None  # it need not give one again: that it gave tokens says that they are there
        try:
            signed = read_signed(
                tokens["id_token"],
                self._key_finder(deadline),
                algorithms=self.settings.algorithms,
                types=ID_TOKEN_TYPES,
            )
            expected = Expected(
                issuer=self.settings.issuer, client_id=self.settings.client_id, nonce=None
            )
            check_id_claims(signed.claims, expected, now=now)
            described = self._described(signed.claims, tokens["access_token"], deadline)
        except TokenRefused as error:
            message = "provider: it was asked again, and its tokens do not hold"
            raise DirectoryUnavailable(message) from error
        person = person_from(described, self.settings)
        if person.directory_id != directory_id:
            raise EntryIncomplete("provider: it was asked again, and speaks of somebody else")
        return person

    def sign_out_form(self, id_token: str | None) -> SignOutForm | None:
        """Give the form that signs a person out at the provider; None where it offers none.

        Raises:
            DirectoryUnavailable, DirectoryMisconfigured: the provider is away, or not itself.
        """
        endpoint = self._documents.endpoints(self._deadline()).end_session
        if endpoint is None:
            return None
        fields = {
            "client_id": self.settings.client_id,
            "post_logout_redirect_uri": self.settings.signed_out_uri,
        }
        return SignOutForm(
            provider=self.settings.name,
            method=self.settings.sign_out_method,
            url=endpoint,
            fields={**fields, "id_token_hint": id_token} if id_token else fields,
        )

    def logout_claims(self, token: str, at: datetime) -> LogoutClaims:
        """Check a logout token that somebody has posted to us.

        Raises:
            TokenRefused: it does not hold.
            DirectoryUnavailable, DirectoryMisconfigured: the provider's keys cannot be had.
        """
        signed = read_signed(
            token,
            self._key_finder(self._deadline()),
            algorithms=self.settings.algorithms,
            types=LOGOUT_TOKEN_TYPES,
        )
        return check_logout_claims(
            signed.claims,
            issuer=self.settings.issuer,
            client_id=self.settings.client_id,
            now=int(at.timestamp()),
        )

    def _deadline(self) -> float:
        return self._monotonic() + self.settings.budget_seconds

    def _key_finder(self, deadline: float) -> Callable[[str], PublicKey | None]:
        return lambda kid: self._documents.key(kid, deadline)

    def _client(self, deadline: float, *, secret: bool = True) -> OAuth2Client:
        return OAuth2Client(
            client_id=self.settings.client_id,
            client_secret=self.settings.client_secret() if secret else None,
            token_endpoint_auth_method=self.settings.client_authentication,
            scope=" ".join(self.settings.scopes),
            redirect_uri=self.settings.redirect_uri,
            code_challenge_method="S256",
            transport=self._http.transport(deadline),
            trust_env=False,
            follow_redirects=False,
        )

    def _exchange(self, code: str, secrets: Secrets, deadline: float) -> Mapping[str, Any]:
        endpoint = self._documents.endpoints(deadline).token
        try:
            with self._client(deadline) as client:
                answer = client.fetch_token(
                    endpoint,
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=secrets.verifier,
                )
        except AuthlibBaseError as error:
            # Only the code of the error: its description is the provider's free text.
            message = f"token: the provider refuses the code: `{str(error.error)[:60]}`"
            raise TokenRefused(message) from error
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            message = f"provider: `{endpoint}` did not answer: {type(error).__name__}"
            raise DirectoryUnavailable(message) from error
        if not isinstance(answer, Mapping):
            message = f"provider: `{endpoint}` answered what is no object"
            raise DirectoryUnavailable(message)
        return answer

    def _checked(
        self, id_token: object, access_token: object, secrets: Secrets, now: int, deadline: float
    ) -> Mapping[str, Any]:
        signed = read_signed(
            id_token,
            self._key_finder(deadline),
            algorithms=self.settings.algorithms,
            types=ID_TOKEN_TYPES,
        )
        expected = Expected(
            issuer=self.settings.issuer,
            client_id=self.settings.client_id,
            nonce=secrets.nonce,
            max_age_seconds=self.settings.max_age_seconds,
        )
        check_id_claims(signed.claims, expected, now=now)
        library = CodeIDToken(
            dict(signed.claims),
            dict(signed.header),
            {"iss": {"essential": True, "value": expected.issuer}},
            {
                "client_id": expected.client_id,
                "nonce": expected.nonce,
                "max_age": expected.max_age_seconds,
                "access_token": access_token,
            },
        )
        try:
            library.validate(now=now, leeway=LEEWAY_SECONDS)
        except (JoseError, AuthlibBaseError, ValueError, TypeError) as error:
            message = f"token: the library refuses it: {type(error).__name__}"
            raise TokenRefused(message) from error
        return signed.claims

    def _described(
        self, claims: Mapping[str, Any], access_token: object, deadline: float
    ) -> Mapping[str, Any]:
        """Give the claims that describe the person, with those of userinfo where they are asked.

        Groups that did not fit into the token are fetched there if the settings say so; whether
        those are all is looked at again.
        """
        more_groups = has_more_groups(claims, self.settings)
        if more_groups and self.settings.overage == "refuse":
            message = "provider: the person has more groups than the token holds"
            raise GroupsIncomplete(message)
        if not more_groups and not self.settings.ask_userinfo:
            return claims
        url = self._documents.endpoints(deadline).userinfo
        if url is None or not isinstance(access_token, str):
            message = "provider: it has no userinfo endpoint, which the settings ask for"
            raise EntryIncomplete(message)
        said = self._http.get_object(url, deadline, token=access_token)
        if said.get("sub") != claims["sub"]:
            raise TokenRefused("userinfo: speaks of another person")
        groups = self.settings.claims.groups
        if more_groups and groups not in said:
            message = "provider: userinfo does not give the groups either"
            raise GroupsIncomplete(message)
        kept = claims if not more_groups else without_groups(claims, groups)
        # What the signed token says stands; userinfo adds to it.
        return {**said, **kept}
