"""What can go wrong in `policies`, as one family.

    PolicyError
    |-- ActivationRefusedError  engine and Casbin differ (in `policies.activation`)
    |-- PolicyFileError     a file of a policy set with faults (carries every one of them)
    `-- PatternError        a path pattern that cannot be read

Messages: lower case, no full stop, the phase first, outside input in backticks and shortened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vetting.errors import Fault


class PolicyError(Exception):
    """Any refusal by `policies` that is not a decision."""


class PatternError(PolicyError):
    """A path pattern that cannot be read, or that a path could meet in two ways."""


class PolicyFileError(PolicyError):
    """A file of a policy set with faults; nothing of the set was taken over.

    Attributes:
        faults: every fault found, in the order of the files; never empty.
    """

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = faults
