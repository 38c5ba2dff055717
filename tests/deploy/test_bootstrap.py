"""Set-up says what is missing where it cannot go on, and is silent where nothing is to be done."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# What set-up itself runs, as a Debian base system has it.
BASE = (
    "sh", "sha256sum", "cut", "cat", "sed", "grep", "date", "mkdir", "rm", "mv", "cp", "tail",
    "head", "find", "sort", "xargs", "dirname", "id", "tee", "chmod", "flock", "env",
)  # fmt: skip


class Machine:
    """A tree of the project on a machine that has only the programs it is given."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "tree"
        self.programs = folder / "programs"
        self.programs.mkdir()
        shutil.copytree(ROOT / "deploy" / "setup", self.root / "deploy" / "setup")
        shutil.copytree(ROOT / "deploy" / "locks", self.root / "deploy" / "locks")
        shutil.copy(ROOT / "deploy" / "bootstrap", self.root / "deploy" / "bootstrap")
        shutil.copy(ROOT / "pyproject.toml", self.root / "pyproject.toml")
        for name in BASE:
            found = shutil.which(name)
            assert found is not None, name
            (self.programs / name).symlink_to(found)
        self.has("python3", "exit 0")

    def has(self, name: str, script: str) -> None:
        """Put a program there, or replace one."""
        file = self.programs / name
        file.unlink(missing_ok=True)
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)

    def bootstrap(self, purpose: str = "demo") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.root / "deploy" / "bootstrap"), purpose],
            env={"PATH": str(self.programs), "HOME": os.environ.get("HOME", "/")},
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=60,
        )

    def has_every_package(self, but: str = "none") -> None:
        self.has(
            "dpkg-query",
            'shift 2; for one in "$@"; do case $one in '
            f'-f|{but}) ;; *) echo "installed $one";; esac; done',
        )

    def has_no_packages(self) -> None:
        self.has("dpkg-query", "exit 1")

    def is_ready(self) -> None:
        """Mark the environment as made from what is there."""
        read = "venv=$root/.venv; . deploy/setup/environment.sh; environment_key"
        key = subprocess.run(
            ["/bin/sh", "-c", f"root=$(pwd -P); python=python3; ready=x; {read}"],
            env={"PATH": str(self.programs)},
            cwd=self.root,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        (self.root / ".venv" / "bin").mkdir(parents=True)
        (self.root / ".venv" / "READY").write_text(key)
        shutil.copy(self.programs / "python3", self.root / ".venv" / "bin" / "python")


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_it_is_silent_when_everything_is_there(machine: Machine) -> None:
    machine.has_every_package()
    machine.is_ready()
    done = machine.bootstrap()

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_changed_lock_is_noticed(machine: Machine) -> None:
    """Otherwise a pull that changes a dependency would run with the old one."""
    machine.has_every_package()
    machine.is_ready()
    with (machine.root / "deploy" / "locks" / "development.txt").open("a") as lock:
        lock.write("# changed\n")
    done = machine.bootstrap()

    assert "pinned dependencies" in done.stderr


def test_without_debian_it_names_what_is_missing(machine: Machine) -> None:
    done = machine.bootstrap()

    assert done.returncode == 1
    assert "this is not Debian" in done.stderr
    assert "gcc" in done.stderr


def test_without_root_and_sudo_it_says_what_to_install(machine: Machine) -> None:
    machine.has_no_packages()
    machine.has("id", "echo 1000")
    done = machine.bootstrap()

    assert done.returncode == 1
    assert "neither root nor sudo" in done.stderr
    assert "apt-get install --no-install-recommends slapd ldap-utils" in done.stderr


def test_sudo_that_asks_for_a_password_is_not_waited_for(machine: Machine) -> None:
    """On a build server nobody could answer."""
    machine.has_no_packages()
    machine.has("id", "echo 1000")
    machine.has("sudo", "exit 1")
    done = machine.bootstrap()

    assert done.returncode == 1
    assert "sudo asks for a password" in done.stderr


def test_without_a_network_it_says_so(machine: Machine) -> None:
    machine.has_no_packages()
    machine.has("id", "echo 1000")
    harmless = "case $1 in -n|-v|tee|chmod|rm) exit 0;; esac"
    machine.has("sudo", f"{harmless}; echo 'E: Temporary failure resolving' >&2; exit 100")
    done = machine.bootstrap()

    assert done.returncode == 1
    assert "the package registry cannot be reached" in done.stderr


def test_an_index_that_cannot_be_reached_is_told_from_a_broken_package(machine: Machine) -> None:
    machine.has_every_package()
    machine.has(
        "python3",
        'case "$*" in *venv*) mkdir -p "$3/bin"; cp "$0" "$3/bin/python";; '
        '*install*) echo "Failed to establish a new connection" >&2; exit 1;; esac',
    )
    done = machine.bootstrap()

    assert done.returncode == 1
    assert "the package registry cannot be reached" in done.stderr
    assert not (machine.root / ".venv" / "READY").exists()


def test_a_peer_of_the_benchmarks_is_wanted_only_where_it_is_asked_for(machine: Machine) -> None:
    machine.has_every_package(but="liblemonldap-ng-*")
    machine.is_ready()
    done = machine.bootstrap("bench")

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("sudo", "said"),
    [
        (None, "neither root nor sudo"),
        ("echo 'E: Unable to locate package' >&2; exit 100", "Unable to locate package"),
    ],
)
def test_a_peer_that_cannot_be_had_is_named_and_set_up_goes_on(
    machine: Machine, sudo: str | None, said: str
) -> None:
    machine.has_every_package(but="liblemonldap-ng-*")
    machine.is_ready()
    machine.has("id", "echo 1000")
    if sudo is not None:
        machine.has("sudo", f"case $1 in -n|-v|tee|chmod|rm) exit 0;; esac; {sudo}")
    done = machine.bootstrap("peers")

    needed = "which would need: liblemonldap-ng-handler-perl liblemonldap-ng-portal-perl"
    assert said in done.stderr
    assert needed in done.stderr
    assert "libapache2-mod-auth-openidc" not in done.stderr
    assert "cannot go on" not in done.stderr


@pytest.mark.parametrize(
    ("group", "purpose"), [("", "peers"), ("peers", "peers"), ("gate", "bench")]
)
def test_the_peers_are_set_up_for_their_own_group_and_for_all(group: str, purpose: str) -> None:
    told = subprocess.run(
        ["make", "-n", "setup-bench", f"BENCH={group}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert told == f"deploy/bootstrap {purpose}\n"


def test_an_unknown_purpose_is_refused(machine: Machine) -> None:
    machine.has_every_package()

    assert machine.bootstrap("everything").returncode == 1


@pytest.mark.parametrize("target", ["setup", "demo", "demo-check", "demo-reset", "test", "bench"])
def test_every_command_is_listed_by_help(target: str) -> None:
    listed = subprocess.run(
        ["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout

    assert f"make {target} " in listed


def test_the_build_server_runs_the_one_command() -> None:
    script = (ROOT / ".ci" / "run").read_text()

    assert "exec make test\n" in script
