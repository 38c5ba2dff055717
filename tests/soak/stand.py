"""The demo as the soak loads it: the whole of it, and another proxy that may ask."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from typing_extensions import override

from deploy.demo.places import Places
from deploy.demo.stack import Stack
from deploy.demo.staff import StaffMember

PROXY_SECRET = "0123456789abcdef0123456789abcdef"
FRONT_PROXY = """
[[front_proxy]]
id = "soak"
kind = "nginx"
networks = ["127.0.0.1/32"]
secret_file = "{secret_file}"
"""


@dataclass(slots=True, kw_only=True)
class SoakStack(Stack):
    """The demo, with a proxy on this machine that holds requests and asks about them."""

    @override
    def _prepare_gateway(self, staff: tuple[StaffMember, ...], at: datetime) -> None:
        Stack._prepare_gateway(self, staff, at)
        secret_file = self.places.folder / "front-proxy.secret"
        secret_file.touch(0o600)
        secret_file.write_text(PROXY_SECRET, "ascii")
        with self.places.settings_file.open("a", encoding="utf-8") as settings:
            settings.write(FRONT_PROXY.format(secret_file=secret_file))

    def pid_of(self, title: str) -> int:
        """Give the process of one of the children."""
        return next(child.pid for child in self.children if child.title == title)


def kept_logs(places: Places) -> Path | None:
    """Move the logs out of a folder that is about to go; None where there are none.

    Returns:
        Where they are: beside the folder, under its name with `-logs` behind.
    """
    if not places.logs.is_dir():
        return None
    return places.logs.rename(places.folder.with_name(f"{places.folder.name}-logs"))
