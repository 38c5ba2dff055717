"""The errors of the record, below `gateway.errors.RecordError`.

RecordError
├── RecordUnavailable      (gateway.errors) an entry was not made durable in time
├── RecordDamaged          (gateway.errors) what is on the disk is not what was written
│   ├── TileError              a tile is missing, or differs from the one written before
│   ├── LogStoreError          the log's own file is missing, foreign or not readable
│   └── FieldsError            personal fields do not decrypt to what was sealed
├── JournalError           a journal directory or segment cannot be used
│   └── DiskFullError          there is no space for another segment
├── SealError              a draft cannot be turned into an entry
├── NoteError              a checkpoint is malformed, of another log, or not signed by it
├── ProofError             an inclusion or consistency proof does not hold
└── SequencerError         the sequencer must not go on
├── SequencerBusyError     another sequencer leads
└── LogForkedError         the log does not extend its last signed checkpoint
"""

from gateway.errors import RecordDamaged, RecordError


class TileError(RecordDamaged):
    """A tile is missing, or differs from the one written before."""


class LogStoreError(RecordDamaged):
    """The log's own file is missing, foreign or not readable."""


class FieldsError(RecordDamaged):
    """The personal fields of an entry do not decrypt to what was sealed."""


class JournalError(RecordError):
    """A journal directory or one of its segments cannot be used."""


class DiskFullError(JournalError):
    """There is no space for another segment."""


class SealError(RecordError):
    """A draft cannot be turned into an entry."""


class NoteError(RecordError):
    """A checkpoint is malformed, belongs to another log, or is not signed by a known key."""


class ProofError(RecordError):
    """An inclusion or consistency proof does not hold."""


class SequencerError(RecordError):
    """The sequencer must not go on."""


class SequencerBusyError(SequencerError):
    """Another sequencer leads this log."""


class LogForkedError(SequencerError):
    """The log does not extend its last signed checkpoint: signing on would fork history."""
