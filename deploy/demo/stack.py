"""The whole demo as one thing: prepared, started, watched, ended.

In this order: the folder is locked, the directories are filled (when the generator or the accounts
have changed) and started with the back office; meanwhile settings and keys are written and the
register is filled; then the gateway is started, and all are waited for.
"""

from __future__ import annotations

import fcntl
import hashlib
import http.client
import shutil
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import IO

from sqlalchemy import Engine

from deploy.demo.accounts import Accounts
from deploy.demo.backoffice.people import People
from deploy.demo.certificates import ensure_certificates
from deploy.demo.directory import find_slapd
from deploy.demo.gateway_settings import AUDIENCE, write_settings
from deploy.demo.openid_provider import OpenIdProvider, claims_of
from deploy.demo.organisations import DemoOrganisation
from deploy.demo.places import PROJECT, Places, port_is_free
from deploy.demo.policy import played_on, put_in_force
from deploy.demo.processes import Child
from deploy.demo.register import fill, london_day, redate
from deploy.demo.scenario import Scenario
from deploy.demo.staff import StaffMember, staff_of
from deploy.demo.visitor import connected
from gateway.keys import KeyRing
from gateway.settings import load_settings
from gateway.store.engine import open_store, writing
from gateway.store.migration import migrate
from policies.policy_files import PolicyFiles
from vetting.levels import LevelOrder
from vetting.register import Register

READY_SECONDS = 60.0
POLL_SECONDS = 0.05
OWN_PROCESSES = 2  # the sequencer and the gateway, which need the settings
GENERATED_FROM = "generated-from"  # file with the version of what the staff were made by
HERE = Path(__file__).parent
# What decides who the staff are and what they hold.
GENERATOR = (
    "accounts.py", "directories.toml", "directory.py", "openid_provider.py", "organisations.py",
    "register.py", "scenario.py", "staff.py", "staff.toml",
)  # fmt: skip
Say = Callable[[str], None]


class DemoError(Exception):
    """The demo cannot run; the message says why and what to do."""


@dataclass(slots=True, kw_only=True)
class Stack:
    """One demo.

    Attributes:
        places: where it lies and listens.
        say: tells a person how far it has come.
        workers: of the gateway.
        day: the day of the scenario's history that is played; None for its own.
    """

    places: Places
    say: Say
    workers: int = 2
    day: date | None = None
    children: list[Child] = field(default_factory=list)
    _lock: IO[str] | None = None

    @property
    def scenario(self) -> Scenario:
        """Give the shared service that is played."""
        return self.places.scenario

    @property
    def accounts(self) -> Accounts:
        """Give its role accounts."""
        return self.scenario.accounts

    def start(self) -> None:
        """Prepare and start everything, and wait until it is ready.

        Raises:
            DemoError: if it cannot; everything that was started is ended.
        """
        self._lock_folder()
        try:
            at = now()
            staff, version = self._load_directories(at)
            self.children = self._make_children()
            for child in self.children[:-OWN_PROCESSES]:
                child.start()
            self._prepare_gateway(staff, at)
            (self.places.folder / GENERATED_FROM).write_text(version, "ascii")
            for child in self.children[-OWN_PROCESSES:]:
                child.start()
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End everything, those first that depend on others; nothing is left running."""
        for child in reversed(self.children):
            child.ask_to_end()
        for child in reversed(self.children):
            child.end()
        self.children = []
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def look_after(self) -> None:
        """Start again what has ended.

        Raises:
            DemoError: if a process ends again and again.
        """
        for child in self.children:
            if child.exit_code is None:
                continue
            self.say(f"{child.title} ended ({child.exit_code}) and is started again")
            if not child.may_restart():
                message = f"{child.title} ends again and again:\n{child.last_words()}"
                raise DemoError(message)
            child.start()

    def play(self, day: date | None) -> None:
        """Go to another day of the scenario's history; it holds at everybody's next request."""
        self.day = day
        store = open_store(load_settings(self.places.settings_file).store_url)
        try:
            self._play(store, self._played(now()))
        finally:
            store.dispose()

    def _lock_folder(self) -> None:
        folder = self.places.folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = (folder / "lock").open("a")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._lock.close()
            self._lock = None
            message = f"a demo is running in {folder} already; end it first"
            raise DemoError(message) from error
        if not port_is_free(self.places.port):
            message = (
                f"port {self.places.port} is in use by another program; choose another,"
                f" such as: PORT={self.places.port + 1} make demo"
            )
            self.stop()
            raise DemoError(message)

    def _load_directories(self, at: datetime) -> tuple[tuple[StaffMember, ...], str]:
        """Fill directories and providers; gives the staff where made afresh, and their version."""
        for folder in (self.places.state, self.places.record, self.places.logs):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        slapd = find_slapd(self.places.folder / "bin")
        for directory in self.places.directories:
            directory.prepare(at)
        for provider in self.places.providers:
            provider.prepare()
        if self.places.tls:
            ensure_certificates(self.places.certificates, "Gateway", at)
        stamp = self.places.folder / GENERATED_FROM
        version = generator_version(self.scenario)
        afresh = not stamp.exists() or stamp.read_text("ascii") != version
        staff: tuple[StaffMember, ...] = ()
        if afresh:
            stamp.unlink(missing_ok=True)
            for directory in self.places.directories:
                own = staff_of(directory.organisation, self.accounts)
                directory.load(slapd, own, self.accounts.password)
                staff += own
                self.say(f"directory of {directory.organisation.name}: {len(own):,} people")
            for organisation, provider in self._with_providers():
                own = staff_of(organisation, self.accounts)
                provider.load([claims_of(organisation, one, self.accounts.password) for one in own])
                staff += own
                self.say(f"provider of {organisation.name}: {len(own):,} people")
            People.of(staff, self.scenario.organisations).write(self.places.people)
        return staff, version

    def _prepare_gateway(self, staff: tuple[StaffMember, ...], at: datetime) -> None:
        played = self._played(at)
        write_settings(self.places, self.workers, self._written(played))
        # A ring of an earlier version lacks the newest purpose, which `keys init` adds.
        if not any(self.places.keys.glob("register-*.key")):
            KeyRing.init(self.places.keys)
            self.say("keys made")
        self._fill_store(staff, played, at)

    def _with_providers(self) -> list[tuple[DemoOrganisation, OpenIdProvider]]:
        providers = {each.id: each for each in self.places.providers}
        organisations = self.scenario.organisations
        return [(each, providers[each.id]) for each in organisations if each.id in providers]

    def _played(self, at: datetime) -> PolicyFiles:
        """Give the policy set, its days moved to the day that is played."""
        files = PolicyFiles.read(self.scenario.policy_set)
        return played_on(files, self.day or self.scenario.day, london_day(at))

    def _written(self, files: PolicyFiles) -> Path:
        """Write the policy set as it is played, for who looks at it; gives its folder."""
        folder = self.places.folder / "policy"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        return files.write(folder)

    def _play(self, store: Engine, files: PolicyFiles) -> None:
        stamp = self.places.folder / "policy-from"
        if put_in_force(store, self.places.state, files, stamp, now()):
            self.say("policy set: what changed since the last start is in force")

    def _fill_store(
        self, staff: tuple[StaffMember, ...], played: PolicyFiles, at: datetime
    ) -> None:
        """Bring what the database holds up to the files: the policy set and the register."""
        store = open_store(load_settings(self.places.settings_file).store_url)
        try:
            migrate(store)
            self._play(store, played)
            self._date_register(store, staff, at)
        finally:
            store.dispose()

    def _date_register(self, store: Engine, staff: tuple[StaffMember, ...], at: datetime) -> None:
        """Fill the register afresh for `staff`, or, on a new day, date the role accounts anew."""
        dated = self.places.folder / "dated"
        today = london_day(at).isoformat()
        if not staff and dated.exists() and dated.read_text("ascii") == today:
            return
        register = Register(LevelOrder.shipped(), accepted=frozenset())
        with writing(store) as connection:
            if staff:
                self.say(f"vetting register: entering what {len(staff):,} people hold")
                count = fill(register, connection, staff, self.scenario, at)
                self.say(f"vetting register: {count:,} grants of clearance")
            else:
                redate(register, connection, self.accounts, at)
                self.say("vetting register: the role accounts are dated from today")
        dated.write_text(today, "ascii")

    def _make_children(self) -> list[Child]:
        """Give the processes, those that others depend on first."""
        slapd = find_slapd(self.places.folder / "bin")
        config = ("--config", str(self.places.settings_file))
        commands: list[tuple[str, str, list[str]]] = [
            (
                f"the directory of {directory.organisation.name}",
                f"directory-{directory.organisation.id}",
                directory.command(slapd),
            )
            for directory in self.places.directories
        ]
        commands += [
            (f"the provider of {organisation.name}", f"provider-{provider.id}", provider.command)
            for organisation, provider in self._with_providers()
        ]
        commands += [
            ("the back office", "backoffice", self._back_office_command()),
            ("the sequencer", "sequencer", [*gateway_command(), "sequencer", *config]),
            ("the gateway", "gateway", [*gateway_command(), "serve", *config]),
        ]
        # Back office (keys) and providers (sign-out) call the gateway: Python's and node's trust.
        ca_file = self.places.ca_file
        trusted = dict.fromkeys(("SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"), str(ca_file))
        return [
            Child(
                title=title,
                command=command,
                log=self.places.logs / f"{name}.log",
                folder=PROJECT,
                environment=trusted if ca_file else {},
            )
            for title, name, command in commands
        ]

    def _back_office_command(self) -> list[str]:
        keys = f"{self.places.origin}/.well-known/jwks.json"
        return [
            sys.executable, "-m", "deploy.demo.backoffice",
            "--port", str(self.places.back_office_port),
            "--store", str(self.places.back_office_store), "--keys", keys,
            "--people", str(self.places.people),
            "--issuer", self.places.origin, "--audience", AUDIENCE,
        ]  # fmt: skip

    def _wait_until_ready(self) -> None:
        for directory in self.places.directories:
            self._wait_for(f"the directory of {directory.organisation.name}", directory.port)
        for organisation, provider in self._with_providers():
            self._wait_for(f"the provider of {organisation.name}", provider.port)
        self._wait_for("the back office", self.places.back_office_port)
        self.say("directories and back office are there")
        self._wait_for("the gateway", self.places.port, path="/-/ready")
        self.say("the gateway is ready")

    def _wait_for(self, title: str, port: int, path: str | None = None) -> None:
        latest = time.monotonic() + READY_SECONDS
        while not (self._answers(port, path) if path else listens(port)):
            for child in self.children:
                if child.exit_code is not None:
                    message = f"{child.title} ended ({child.exit_code}):\n{child.last_words()}"
                    raise DemoError(message)
            if time.monotonic() > latest:
                words = "\n".join(c.last_words() for c in self.children if c.title == title)
                message = f"{title} is not ready after {READY_SECONDS:.0f} s:\n{words}"
                raise DemoError(message)
            time.sleep(POLL_SECONDS)

    def _answers(self, port: int, path: str) -> bool:
        """Tell whether a path of the gateway is answered with 200."""
        connection = connected(port, self.places.ca_file, 2)
        try:
            connection.request("GET", path, headers={"Host": f"localhost:{port}"})
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def gateway_command() -> list[str]:
    """Give the command line of the gateway of this very environment."""
    beside = Path(sys.executable).with_name("gateway")
    found = str(beside) if beside.exists() else shutil.which("gateway")
    if found is None:
        message = "the command `gateway` is not installed; run `make setup`"
        raise DemoError(message)
    return [found]


def generator_version(scenario: Scenario) -> str:
    """Give the hash of everything that decides what the generator makes."""
    digest = hashlib.sha256()
    for file in (*(HERE / name for name in GENERATOR), *scenario.files):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def now() -> datetime:
    """Give the present instant."""
    return datetime.now(UTC)  # noqa: TID251 - the demo is its own clock


def listens(port: int) -> bool:
    """Tell whether somebody listens on a port of the loopback."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
