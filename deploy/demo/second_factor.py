"""An authenticator app without the phone: reads the secret off the page and works the codes out."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import urlencode

from deploy.demo.accounts import Account
from deploy.demo.places import Places
from deploy.demo.visitor import Page, Visitor
from gateway.identity.factors.factor_rows import drop_factors
from gateway.identity.factors.second_factor import STEP_SECONDS, totp_code
from gateway.identity.staff import staff_by_person
from gateway.settings import load_settings
from gateway.store.engine import open_store, writing

ADD_APP = "/-/me/factors/app"


@contextmanager
def second_factor(places: Places, visitor: Visitor, account: Account) -> Iterator[AuthenticatorApp]:
    """Let somebody have an authenticator app for a while, and leave the account as it was."""
    forget_factors(places, account)  # of a walk that was broken off
    try:
        yield AuthenticatorApp.enrol(visitor)
    finally:
        forget_factors(places, account)


def forget_factors(places: Places, account: Account) -> None:
    """Take away somebody's second factors in the demo's store; the gateway may be running."""
    store = open_store(load_settings(places.settings_file).store_url)
    try:
        with writing(store) as connection:
            person = f"{account.organisation}/{account.employee_number}"
            staff = staff_by_person(connection, person)
            if staff is not None:
                drop_factors(connection, staff.staff_id)
    finally:
        store.dispose()


@dataclass(slots=True, kw_only=True)
class AuthenticatorApp:
    """An app that has been enrolled.

    Attributes:
        secret: in base 32.
        codes: the recovery codes that came with a first factor.
        used: the time steps whose codes have been used.
    """

    secret: str
    codes: tuple[str, ...] = ()
    used: set[int] = field(default_factory=set)

    @classmethod
    def enrol(cls, visitor: Visitor, next_path: str = "/-/portal") -> AuthenticatorApp:
        """Add an app for somebody who is signed in; raises where the gateway does not take it."""
        page = visitor.get(f"{ADD_APP}?{urlencode({'next': next_path})}")
        found = re.search(r"data-secret>([A-Z2-7 ]+)<", page.text)
        if page.status != HTTPStatus.OK or found is None:
            message = f"adding an app answered {page.status}"
            raise ValueError(message)
        app = cls(secret=found[1].replace(" ", ""))
        fields = {**page.seen.fields, "name": "Phone", "code": app.code()}
        answered = visitor.post(ADD_APP, fields)
        app.codes = tuple(re.findall(r"data-recovery-code>([^<]+)<", answered.text))
        if answered.status not in {HTTPStatus.OK, HTTPStatus.SEE_OTHER}:
            message = f"the code of an app answered {answered.status}"
            raise ValueError(message)
        return app

    def code(self) -> str:
        """Give a code later than any used, as the gateway takes each once; empty if there is none.

        The gateway bears one step of drift, so there are two codes at any moment.
        """
        now = int(time.time()) // STEP_SECONDS  # noqa: TID251 - the demo is its own clock
        for step in (now, now + 1):
            if step > max(self.used, default=0):
                self.used.add(step)
                return totp_code(self.secret, step)
        return ""

    def step_up(self, visitor: Visitor, address: str) -> Page:
        """Show a second factor where the gateway asks for one: a code, or a recovery code."""
        fields = visitor.get(address).seen.fields
        code = self.code()
        if not code:
            code, self.codes = self.codes[0], self.codes[1:]
        return visitor.post("/-/step-up", {**fields, "code": code})
