"""What a verification found, for programs and for people."""

from dataclasses import dataclass

# The first faults tell where; a list of millions tells no more.
MAX_FAULTS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyFault:
    """Something that does not hold: where, and what; `index` if it is one entry."""

    where: str
    what: str
    index: int | None = None

    def __str__(self) -> str:
        """Say it in one line."""
        return f"{self.where}: {self.what}"


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyReport:
    """What a verification found.

    Attributes:
        size: Entries in the file.
        sealed: Of those, entries under the log's newest checkpoint.
        origin: Name of the log, empty if no checkpoint could be read.
        root: Recomputed root at `sealed`, hex.
        held_size: Size of the checkpoint the auditor held, if one was given.
        checkpoints: How many signed checkpoints fit.
        faults: The first faults, in order.
        fault_count: All of them.
        alarms: What the log itself says went wrong (index, code): no fault of the log.
    """

    size: int
    sealed: int
    origin: str
    root: str
    held_size: int | None
    checkpoints: int
    faults: tuple[VerifyFault, ...]
    fault_count: int
    alarms: tuple[tuple[int, str], ...]

    @property
    def holds(self) -> bool:
        """Whether the log is proved: something is sealed, and nothing is wrong."""
        return self.fault_count == 0 and self.sealed > 0

    def to_json(self) -> dict[str, object]:
        """Give the report as values that JSON can hold."""
        return {
            "holds": self.holds,
            "size": self.size,
            "sealed": self.sealed,
            "origin": self.origin,
            "root": self.root,
            "held_size": self.held_size,
            "checkpoints": self.checkpoints,
            "faults": [
                {"where": fault.where, "what": fault.what, "index": fault.index}
                for fault in self.faults
            ],
            "fault_count": self.fault_count,
            "alarms": [{"index": index, "code": code} for index, code in self.alarms],
        }

    def summary(self) -> str:
        """Say in a few lines what was checked, and whether the log holds."""
        lines = [
            f"log {self.origin or '(unknown)'}: {self.size} entries, {self.sealed} sealed",
            f"root {self.root}",
            f"{self.checkpoints} signed checkpoints fit",
        ]
        if self.held_size is not None:
            lines.append(f"the checkpoint you hold covers {self.held_size} entries")
        lines += [f"entry {index} of the log reports: {code}" for index, code in self.alarms]
        if self.fault_count > len(self.faults):
            lines.append(f"and {self.fault_count - len(self.faults)} more faults")
        lines.append("the log holds" if self.holds else "the log does NOT hold")
        return "\n".join(lines)

    def lines(self) -> list[str]:
        """Write the whole report for people."""
        return [*(f"fault: {fault}" for fault in self.faults), *self.summary().split("\n")]
