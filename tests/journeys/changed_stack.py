"""A demo whose gateway is told one thing more than others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from typing_extensions import override

from deploy.demo.stack import Stack
from deploy.demo.staff import StaffMember


@dataclass(slots=True, kw_only=True)
class ChangedStack(Stack):
    """The demo, with a line more in a table of its settings.

    Attributes:
        table: the line that heads the table; there is one.
        line: what is added to it.
    """

    table: str
    line: str

    @override
    def _prepare_gateway(self, staff: tuple[StaffMember, ...], at: datetime) -> None:
        Stack._prepare_gateway(self, staff, at)
        file, head = self.places.settings_file, f"{self.table}\n"
        written = file.read_text("utf-8")
        assert written.count(head) == 1
        file.write_text(written.replace(head, f"{head}{self.line}\n"), "utf-8")
