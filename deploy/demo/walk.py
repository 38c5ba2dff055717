"""A walk through a running demo, without a person: what holds for every scenario, step by step.

Each step is a method that raises `Unexpected` where the gateway does something else; the next step
is walked all the same. `make demo-check` prints them, journeys run them.
"""

from __future__ import annotations

import http.client
import json
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import urlencode

from deploy.demo.accounts import Accounts
from deploy.demo.expectations import Unexpected, expect, expect_refusal
from deploy.demo.places import PROJECT, Places
from deploy.demo.spot_checks import Check, by_day, read_checks
from deploy.demo.stack import Stack, gateway_command
from deploy.demo.visitor import Visitor
from policies.policy_set import load_policy_set

PAY = "pay.bank"  # asks for a second factor
SEALED_SECONDS = 5.0
POLL_SECONDS = 0.1
Say = Callable[[str], None]


def walk(steps: Iterable[Callable[[], None]], say: Say) -> bool:
    """Walk the steps, telling each; gives whether all went as it should."""
    failed = number = 0
    for number, step in enumerate(steps, 1):
        title = (step.__doc__ or "").strip().splitlines()[0]
        began = time.monotonic()
        try:
            step()
        except (Unexpected, OSError, http.client.HTTPException) as error:
            failed += 1
            say(f"tour {number:2}: FAILED  {title}\n          {type(error).__name__}: {error}")
        else:
            say(f"tour {number:2}: passed  {title} ({time.monotonic() - began:.1f} s)")
    say(
        f"tour: {failed} of {number} steps failed" if failed else f"tour: all {number} steps passed"
    )
    return not failed


@dataclass(slots=True, kw_only=True)
class Walk:
    """One walk through a running demo."""

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

    def steps(self) -> Iterable[Callable[[], None]]:
        """Give the steps in order."""
        return (
            self.is_in_health,
            self.shows_each_account_its_tiles,
            self.opens_the_page_of_every_tile,
            self.shows_officers_their_desks,
            self.answers_as_the_table_says,
            self.publishes_its_keys,
            self.proves_its_record,
        )

    def stranger(self) -> Visitor:
        """Give somebody without a session."""
        return Visitor(port=self.places.port, ca_file=self.places.ca_file)

    def visitor(self, username: str) -> Visitor:
        """Give somebody signed in, once for the whole walk."""
        if username not in self._signed_in:
            self._signed_in[username] = self.signed_in_anew(username)
        return self._signed_in[username]

    def signed_in_anew(self, username: str) -> Visitor:
        """Sign somebody in at a browser of their own."""
        account = self.accounts[username]
        visitor = self.stranger()
        answered = visitor.sign_in(account.organisation, username, self.accounts.password)
        expect(answered.status, HTTPStatus.SEE_OTHER, f"sign-in of {username}")
        return visitor

    def is_in_health(self) -> None:
        """Health and readiness are told to everybody."""
        stranger = self.stranger()
        latest = time.monotonic() + SEALED_SECONDS
        # A worker that has just been told of a change is not ready until it has read it.
        while stranger.get("/-/ready").status != HTTPStatus.OK and time.monotonic() < latest:
            time.sleep(POLL_SECONDS)
        for path in ("/-/health", "/-/ready"):
            expect(stranger.get(path).status, HTTPStatus.OK, path)

    def shows_each_account_its_tiles(self) -> None:
        """Each account sees exactly its tiles."""
        rules = load_policy_set(self.stack.scenario.policy_set).rules
        asked = {name for rule in rules if rule.obligations.purpose for name in rule.functions}
        for account in self.accounts.each:
            if not account.is_staff:
                continue
            tiles = self.visitor(account.username).tiles()
            seen = sorted(tile.function for tile in tiles)
            expect(seen, sorted(account.sees), f"tiles of {account.username}")
            waiting = sorted(tile.function for tile in tiles if tile.needs)
            offered = sorted(name for name in account.sees if name == PAY or name in asked)
            expect(waiting, offered, f"tiles of {account.username} that ask for more")

    def opens_the_page_of_every_tile(self) -> None:
        """Each tile opens the back office's page of that function, which knows who is asking."""
        opened: set[str] = set()
        for account in self.accounts.each:
            if set(account.sees) <= opened | {PAY} or not account.is_staff:
                continue
            for tile in self.visitor(account.username).tiles():
                if tile.needs or tile.function in opened:
                    continue
                page = self.visitor(account.username).open(tile.url or "/")
                expect(page.status, HTTPStatus.OK, f"tile {tile.function}")
                expect(page.seen.data.get("data-function"), [tile.function], tile.url or "")
                expect(page.seen.data.get("data-asker"), [account.employee_number], "who asks")
                opened.add(tile.function)

    def shows_officers_their_desks(self) -> None:
        """Officers see their desks, and nobody else does."""
        desks = {
            "/-/policy": {"security-officer", "vetting-officer"},
            "/-/vetting": {"security-officer", "vetting-officer"},
            "/-/audit": {"auditor"},
        }
        for account in self.accounts.each:
            if not account.is_staff:
                continue
            for path, roles in desks.items():
                page = self.visitor(account.username).get(path)
                if roles & set(account.appointments):
                    expect(page.status, HTTPStatus.OK, f"{path} for {account.username}")
                else:
                    expect_refusal(page, HTTPStatus.FORBIDDEN, f"{path} for {account.username}")

    def answers_as_the_table_says(self) -> None:
        """Every line of the scenario's table comes out as it is written, day by day."""
        try:
            for day, checks in by_day(self.checks()):
                self.stack.play(day)
                for check in checks:
                    self.hold(check)
        finally:
            self.stack.play(None)

    def checks(self) -> tuple[Check, ...]:
        """Give the lines of the scenario's table."""
        scenario = self.stack.scenario
        catalogue = load_policy_set(scenario.policy_set).catalogue
        return read_checks(scenario.folder / "checks.toml", scenario.accounts, catalogue)

    def hold(self, check: Check) -> None:
        """Ask as one line of the table says, on the day that is played."""
        what = f"{check.why} ({check.account}, {check.url}, {check.on or 'its own day'})"
        account = self.accounts[check.account]
        if check.status is None:
            visitor = self.stranger()
            page = visitor.sign_in(account.organisation, check.account, self.accounts.password)
            expect(page.status in range(400, 500), True, f"{what}: sign-in ({page.status})")
            portal = visitor.get("/-/portal").status
            expect(portal, HTTPStatus.SEE_OTHER, f"{what}: the portal")
            return
        if check.purpose:
            self.give_purpose(check, what)
        page = self.visitor(check.account).open(check.url)
        expect(page.status, check.status, what)
        if check.status == HTTPStatus.SEE_OTHER:
            asked = page.headers.get("location", "")
            expect(asked.startswith("/-/purpose?"), True, f"{what}: asks what for ({asked})")
        if check.status == HTTPStatus.OK and check.function:
            expect(page.seen.data.get("data-function"), [check.function], what)

    def give_purpose(self, check: Check, what: str) -> None:
        """Say on the page that asks for it what a function is needed for."""
        visitor = self.visitor(check.account)
        asking = visitor.get(
            f"/-/purpose?{urlencode({'for': check.function, 'codes': check.purpose})}"
        )
        expect(asking.status, HTTPStatus.OK, f"{what}: the page that asks")
        sent = visitor.post("/-/purpose", asking.seen.fields | {"code": check.purpose})
        expect(sent.status, HTTPStatus.SEE_OTHER, f"{what}: the purpose")

    def publishes_its_keys(self) -> None:
        """The public keys of the assertions are published, and nothing private with them."""
        page = self.stranger().get("/.well-known/jwks.json")
        expect(page.status, HTTPStatus.OK, "the keys")
        keys = json.loads(page.body)["keys"]
        expect(bool(keys) and all("d" not in key for key in keys), True, "public keys only")

    def proves_its_record(self) -> None:
        """The record is verified from its files and the public key alone."""
        command = [
            *gateway_command(),
            "audit",
            "verify",
            "--config",
            str(self.places.settings_file),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=PROJECT)
        expect(done.returncode, 0, f"gateway audit verify: {done.stderr.strip()[-300:]}")
