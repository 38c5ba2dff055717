"""The stands: all servers of a group started on free ports, and all of them ended.

Everything lies in a folder of its own below var/bench, which is removed at the end and kept if
something went wrong. Nothing listens outside the loopback.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from deploy.demo.places import PROJECT, Places, free_ports
from deploy.demo.processes import Child
from deploy.demo.stack import DemoError, listens
from tests.benchmarks import servers
from tests.benchmarks.gate_server import ACCEPT, TARGET, USERNAME, GateStack, basic
from tests.benchmarks.load import Asked
from tests.benchmarks.report import Say

READY_SECONDS = 20.0
POLL_SECONDS = 0.05


@dataclass(slots=True, kw_only=True)
class Contender:
    """A server that is measured: what is asked of it, and its processes."""

    asked: Asked
    pids: Callable[[], tuple[int, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """The servers, in the order of their turns.

    Attributes:
        folder: of this run.
        record: folder of the gate's record.
        checkpoint: file with the signed head of that record.
        contenders: by the name they have in the figures.
    """

    folder: Path
    record: Path
    checkpoint: Path
    contenders: dict[str, Contender]


@contextmanager
def standing(say: Say, build: Callable[[Ground], object] | None = None) -> Iterator[Stand]:
    """Start nginx, the gate and Apache, or others; whatever happens, none of them outlives it.

    Args:
        say: tells a person how far it has come.
        build: puts the contenders on the ground; without it, those of the group `gate`.

    Raises:
        DemoError: a server does not start; the message holds what it said.
        MissingProgramError: a program is not installed.
    """
    servers.program("wrk", "wrk")
    with ExitStack() as stack:
        folder = stack.enter_context(_folder_of_run(say))
        # Apache drops to an account that may not be able to look into the folder of the project.
        open_folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        open_folder.chmod(0o755)
        places = Places.choose(folder / "gate", None, with_providers=False)
        ground = Ground(folder=folder, open_folder=open_folder, places=places, stack=stack, say=say)
        (build or nginx_gate_and_apache)(ground)
        yield Stand(
            folder=folder,
            record=places.record,
            checkpoint=places.record / "log" / "checkpoint",
            contenders=ground.contenders,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Where the servers of one run are put.

    Attributes:
        folder: of this run.
        open_folder: one that any account may look into.
        places: of the gate and the back office.
        stack: ends what is put here.
        say: tells a person how far it has come.
        contenders: those that are here, by the name they have in the figures.
    """

    folder: Path
    open_folder: Path
    places: Places
    stack: ExitStack
    say: Say
    contenders: dict[str, Contender] = field(default_factory=dict)

    @property
    def upstream(self) -> int:
        """Give the port of the back office."""
        return self.places.back_office_port

    def put_gate(
        self, *, workers: int = 2, slow_disk: bool = False, asked_by_proxy: bool = False
    ) -> GateStack:
        """Start the gate, and the back office behind it."""
        gate = GateStack(
            places=self.places,
            say=self.say,
            workers=workers,
            back_office=servers.back_office(self.folder / "back-office", self.upstream),
            slow_disk=slow_disk,
            asked_by_proxy=asked_by_proxy,
        )
        self.stack.callback(gate.stop)
        gate.start()
        asked = gate.held_by_proxy() if asked_by_proxy else gate.signed_in()
        self.contenders["gate"] = Contender(asked=asked, pids=lambda: gate.gate_pids)
        return gate

    def put_nginx(self) -> None:
        """Start a bare nginx proxy."""
        (port,) = free_ports(1)
        command = servers.nginx_proxy(self.folder / "nginx", port, self.upstream)
        self.put("nginx", "nginx", port, command)

    def run(self, title: str, port: int | Path, command: list[str]) -> Child:
        """Run a server until the end of all; it listens on a port, or on a socket of the system."""
        return self.stack.enter_context(_running(title, command, port, self.folder))

    def put(
        self,
        name: str,
        title: str,
        port: int,
        command: list[str],
        beside: tuple[Child, ...] = (),
        **headers: str,
    ) -> None:
        """Start a contender.

        Args:
            name: in the figures.
            title: what people call it.
            port: where it listens.
            command: its command line.
            beside: what else works for it.
            **headers: sent with each request.
        """
        children = (self.run(title, port, command), *beside)
        self.contenders[name] = Contender(
            asked=_asked(title, port, **headers), pids=lambda: tuple(c.pid for c in children)
        )


def nginx_gate_and_apache(ground: Ground) -> GateStack:
    """Put the contenders of the group `gate`, in the order of their turns; gives the gate."""
    gate = ground.put_gate()
    ours = ground.contenders.pop("gate")
    ground.put_nginx()
    ground.contenders["gate"] = ours
    (port,) = free_ports(1)
    guarded = servers.apache_with_ldap(ground.open_folder, port, ground.upstream, gate.ldap)
    secret = basic(USERNAME, gate.accounts.password)
    ground.put("apache_ldap", "Apache", port, guarded, Authorization=secret)
    ground.say("nginx and Apache are there")
    return gate


@contextmanager
def _folder_of_run(say: Say) -> Iterator[Path]:
    """Make a folder on the disk of the project, and remove it unless something goes wrong."""
    parent = PROJECT / "var" / "bench"
    parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="run-", dir=parent))
    try:
        yield folder
    except KeyboardInterrupt:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    except BaseException:
        say(f"what the servers said is in {folder}")
        raise
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _running(title: str, command: list[str], port: int | Path, folder: Path) -> Iterator[Child]:
    """Run a server, from when it listens until the end."""
    child = Child(title=title, command=command, log=folder / f"{title}.log", folder=folder)
    try:
        child.start()
        _wait_for(child, port)
        yield child
    finally:
        child.ask_to_end()
        child.end()


def _asked(title: str, port: int, **headers: str) -> Asked:
    return Asked(
        title=title,
        port=port,
        target=TARGET,
        headers={"Host": f"localhost:{port}", "Accept": ACCEPT, **headers},
    )


def _wait_for(child: Child, port: int | Path) -> None:
    latest = time.monotonic() + READY_SECONDS
    while not (port.is_socket() if isinstance(port, Path) else listens(port)):
        if child.exit_code is not None or time.monotonic() > latest:
            message = f"{child.title} does not start:\n{child.last_words()}"
            raise DemoError(message)
        time.sleep(POLL_SECONDS)
