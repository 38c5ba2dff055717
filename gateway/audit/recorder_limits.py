"""How much the recorder takes, and how long it lets anyone wait."""

from dataclasses import dataclass

from gateway.audit.journal import JournalSizes


@dataclass(frozen=True, slots=True, kw_only=True)
class RecorderLimits:
    """How much the recorder takes, and how long it lets anyone wait.

    Attributes:
        segment_bytes: Size of one journal segment, preallocated.
        reserve_bytes: Size of the segment kept for refusals on a full disk.
        headroom_bytes: Free space below which the disk counts as full, so that the sequencer can
            still drain the journals into the log.
        wait_seconds: Longest wait for durability, counted from the hand-over.
        queue_entries: Entries that may wait; more are refused at once.
    """

    segment_bytes: int = 8 << 20
    reserve_bytes: int = 4 << 20
    headroom_bytes: int = 16 << 20
    wait_seconds: float = 2.0
    queue_entries: int = 20_000

    @property
    def sizes(self) -> JournalSizes:
        """Give those that are the journal's."""
        return JournalSizes(
            segment_bytes=self.segment_bytes,
            reserve_bytes=self.reserve_bytes,
            headroom_bytes=self.headroom_bytes,
        )
