"""What can go wrong in `vetting`, as one family.

    VettingError
    |-- LevelError          a level that the order does not know
    |-- RequirementError    a requirement that cannot be read (carries the position)
    |-- GrantError          a grant of clearance that contradicts itself
    |-- RegisterError       a change that the register refuses
    `-- TomlError           a TOML file with faults (carries every one of them)

Messages: lower case, no full stop, the phase first, outside input in backticks and shortened.
"""

from __future__ import annotations

from dataclasses import dataclass

from typing_extensions import override

# Long enough to recognise a value, short enough that a hostile one cannot fill a log line.
MAX_QUOTED_CHARACTERS = 60


class VettingError(Exception):
    """Any refusal by `vetting`."""


class LevelError(VettingError):
    """A level that the order does not know."""


class RequirementError(VettingError):
    """A requirement that cannot be read.

    Attributes:
        position: 1-based column of the first character that is at fault.
    """

    def __init__(self, message: str, *, position: int) -> None:
        super().__init__(message)
        self.position = position


class GrantError(VettingError):
    """A grant of clearance that contradicts itself, or an instant that is none."""


class RegisterError(VettingError):
    """A change that the register refuses; nothing was written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault in a file that people write, told so that they can mend it.

    Attributes:
        file: the path as it was opened.
        line: 1-based.
        where: the value, e.g. `rule[4].floor`; list positions are counted from 1.
        message: what is wrong.
        remedy: what to do about it.
    """

    file: str
    line: int
    where: str
    message: str
    remedy: str

    @override
    def __str__(self) -> str:
        """Write `file:line: where: message; remedy`."""
        where = f"{self.where}: " if self.where else ""
        return f"{self.file}:{self.line}: {where}{self.message}; {self.remedy}"


class TomlError(VettingError):
    """A TOML file with faults; nothing of it was taken over.

    Attributes:
        faults: every fault found, in the order of the file; never empty.
    """

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = faults


def quoted(value: object) -> str:
    """Show outside input in a message: in backticks, printable, shortened.

    Args:
        value: anything; text is shown as it is, the rest by its `repr`.
    """
    text = value if isinstance(value, str) else repr(value)
    shown = "".join(char if char.isprintable() and char != "`" else "?" for char in text)
    if len(shown) > MAX_QUOTED_CHARACTERS:
        shown = shown[: MAX_QUOTED_CHARACTERS - 3] + "..."
    return f"`{shown}`"
