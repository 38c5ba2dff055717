"""What a journey is given: where the demo listens and lies, its accounts, visitors to send."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path

from deploy.demo.accounts import Accounts
from deploy.demo.places import Places
from deploy.demo.stack import Stack
from deploy.demo.visitor import Visitor

SIGN_OUT = "/OA_HTML/AppsLogout"


@dataclass(slots=True, kw_only=True)
class Demo:
    """A running demo.

    Attributes:
        stack: its processes (`stack.children`), for what needs their ids.
    """

    stack: Stack
    _signed_in: dict[str, Visitor] = field(default_factory=dict)

    @property
    def places(self) -> Places:
        """Give folders and ports."""
        return self.stack.places

    @property
    def accounts(self) -> Accounts:
        """Give the role accounts."""
        return self.stack.accounts

    @property
    def base_url(self) -> str:
        """Give the address of the gateway, as staff know it."""
        return self.places.origin

    @property
    def back_office_url(self) -> str:
        """Give the address of the back office, which only the gateway should use."""
        return self.places.back_office

    @property
    def settings_file(self) -> Path:
        """Give the gateway's settings file."""
        return self.places.settings_file

    def stranger(self) -> Visitor:
        """Give somebody without a session."""
        return Visitor(port=self.places.port, ca_file=self.places.ca_file)

    def signed_in(self, username: str) -> Visitor:
        """Give somebody signed in at a browser of their own, anew each time."""
        visitor = self.stranger()
        account = self.accounts[username]
        page = visitor.sign_in(account.organisation, username, self.accounts.password)
        assert page.status == 303, f"sign-in of {username} answered {page.status}"
        return visitor

    def visitor(self, username: str) -> Visitor:
        """Give somebody signed in once for all journeys; do not sign them out."""
        known = self._signed_in.get(username)
        # A person has so many sessions at most: those of other journeys may have displaced it.
        if known is None or known.get("/-/portal").status != HTTPStatus.OK:
            self._signed_in[username] = self.signed_in(username)
        return self._signed_in[username]

    def forget(self, username: str) -> None:
        """Forget somebody's session, which a journey has ended."""
        self._signed_in.pop(username, None)

    def now(self) -> datetime:
        """Give the present instant."""
        return datetime.now(UTC)  # noqa: TID251 - the demo is its own clock

    def reached_back_office(self) -> list[str]:
        """Give what reached the back office; see `Places.reached_back_office`."""
        return self.places.reached_back_office()

    def signed_out_at_back_office(self) -> int:
        """Count the sign-outs that the back office has taken."""
        lines = self.places.requests_seen.read_text("utf-8").splitlines()
        return sum(line.startswith(f"GET {SIGN_OUT} 204") for line in lines)
