"""A real OpenID provider (npm `oidc-provider`, certified) on the loopback, started by a test."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from deploy.demo.openid_provider import OpenIdProvider
from deploy.demo.places import PROJECT, free_ports

GATEWAY = "http://localhost:8080"
PASSWORD = "demo"
JO = {
    "id": "5d1c7a52-jo",
    "username": "jo.hartley",
    "password": PASSWORD,
    "claims": {
        "name": "Jo Hartley",
        "email": "jo.hartley@nwas.example",
        "employee_number": "70150",
        "posts": ["paramedic"],
        "unit": "Chester",
        # What a partner says about vetting must not matter to anybody.
        "vetting_level": "DV",
    },
}


class RunningProvider:
    """A provider that a test may change, silence and stop."""

    def __init__(
        self,
        folder: Path,
        *,
        id: str = "nwas",  # noqa: A002  # as the settings call it
        tls: Path | None = None,
        gateway: str = GATEWAY,
        refresh: bool = False,
        **further: Any,
    ) -> None:
        self.provider = OpenIdProvider(
            id=id,
            name="NWAS",
            folder=folder,
            port=free_ports(1)[0],
            gateway=gateway,
            tls=tls,
            refresh=refresh,
        )
        self.accounts: list[Mapping[str, Any]] = [JO]
        self._further = further
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self.provider.prepare(**self._further)
        self.provider.load(self.accounts)
        self._process = subprocess.Popen(
            self.provider.command, cwd=PROJECT, stdout=subprocess.PIPE, text=True
        )
        self._await("ready")
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)
        self._process.kill()
        self._process.communicate()

    def load(self, *accounts: Mapping[str, Any]) -> None:
        """Have it know these accounts and no others."""
        self.accounts = list(accounts)
        self.provider.load(accounts)
        self._read_again()

    def rotate_keys(self, *, keep: bool) -> None:
        """Have it sign with a new key; the old one is kept beside it, or withdrawn."""
        file = self.provider.folder / "keys.json"
        old = json.loads(file.read_text("utf-8"))["keys"]
        file.unlink()
        self._read_again()
        if keep:
            new = json.loads(file.read_text("utf-8"))["keys"]
            file.write_text(json.dumps({"keys": [*new, *old]}), "utf-8")
            self._read_again()

    def pause(self) -> None:
        """Have it accept connections and say nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Have it answer again."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def _read_again(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGHUP)
        self._await("read again")

    def _await(self, word: str) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith(word):
                return
        raise AssertionError("the provider has ended")
