"""What `gateway check` finds: something that is wrong, or will be."""

from __future__ import annotations

from dataclasses import dataclass

FAULT = "fault"
WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that is wrong, or will be.

    Attributes:
        severity: `fault`, with which the service must not start, or `warning`.
        step: which step found it.
        file: the file to mend, where there is one.
        line: its line, 0 where there is none.
        message: what is wrong, where and what to do.
    """

    severity: str
    step: str
    file: str
    line: int
    message: str
