"""What the pages are given for signing in without typing a password here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateway.pages.page_services import LiveSession, OpenVisit


class SignOutForm(Protocol):
    """The form that signs a person out at their provider."""

    @property
    def provider(self) -> str:
        """The provider's name."""

    @property
    def method(self) -> str:
        """How it is sent: `get` or `post`."""

    @property
    def url(self) -> str:
        """Where it goes."""

    @property
    def fields(self) -> Mapping[str, str]:
        """What is in it."""


class ProviderDesk(Protocol):
    """Signs people in and out through their organisations' providers. On a worker thread."""

    def organisation_of(self, directory: str) -> str | None:
        """Give the id of the organisation whose provider it is; None for an unknown one."""

    def begin(self, directory: str, *, browser: str, next_path: str, visit: OpenVisit) -> str:
        """Give the address of the provider to send the browser to.

        Args:
            directory: id of the provider; any text.
            browser: the value of the browser's provider cookie.
            next_path: where the person was going; one of our own paths.
            visit: the visit of this request.

        Raises:
            SignInRefused, DirectoryUnavailable, DirectoryMisconfigured, RecordUnavailable: as
                `SignInDesk.sign_in`.
        """

    def finish(
        self,
        directory: str,
        answer: Mapping[str, Sequence[str]],
        *,
        browser: str,
        visit: OpenVisit,
        replaces: str | None,
    ) -> tuple[str, str]:
        """Sign in whom a provider has sent back.

        Args:
            directory: id of the provider; any text.
            answer: the fields of the address, each with all its values.
            browser: the value of the browser's provider cookie; any text.
            visit: the visit of this request.
            replaces: what the browser sent as session cookie.

        Returns:
            The value of the session cookie, and where the person was going.

        Raises:
            SignInRefused, DirectoryUnavailable, DirectoryMisconfigured, RecordUnavailable: as
                `SignInDesk.sign_in`.
        """

    def sign_out_form(self, session: LiveSession) -> SignOutForm | None:
        """Give the form that signs the person out at their provider, if there is one.

        To be called before the session is ended.
        """

    def back_channel(self, directory: str, token: str, *, visit: OpenVisit) -> bool:
        """End what a provider says is over; gives whether its token was accepted.

        Raises:
            GatewayError: not now; the provider may send it again.
        """


class TicketDesk(Protocol):
    """Signs people in with the Kerberos ticket of their computer. On a worker thread."""

    def sign_in(
        self, organisation: str, authorization: str, *, visit: OpenVisit, replaces: str | None
    ) -> tuple[str, str]:
        """Sign somebody in.

        Args:
            organisation: id of the organisation chosen; one of the configured ones.
            authorization: the field of that name; any text.
            visit: the visit of this request.
            replaces: what the browser sent as session cookie.

        Returns:
            The value of the session cookie, and what proves us to the browser (base64, or empty).

        Raises:
            SignInRefused, DirectoryUnavailable, DirectoryMisconfigured, RecordUnavailable: as
                `SignInDesk.sign_in`.
        """
