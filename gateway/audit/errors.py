"""The errors of the record.

AuditError
├── RecordUnavailable      an entry was not made durable: nothing may take effect
├── JournalError           a journal directory or segment cannot be used
├── SealError              a draft cannot be turned into an entry
├── FieldsError            personal fields cannot be read back
├── NoteError              a checkpoint is malformed, of another log, or not signed by it
├── ProofError             an inclusion or consistency proof does not hold
├── TileError              a tile is missing, or differs from the one written before
├── LogStoreError          the log's own file is missing, foreign or not readable
└── SequencerError         the sequencer must not go on
    ├── SequencerBusyError     another sequencer leads
    └── LogForkedError         the log does not extend its last signed checkpoint
"""


class AuditError(Exception):
    """Something about the record went wrong."""


class RecordUnavailable(AuditError):  # noqa: N818 - the state a caller meets, and its word for it
    """An entry was not made durable in time; whatever depends on it must not happen."""


class JournalError(AuditError):
    """A journal directory or one of its segments cannot be used."""


class SealError(AuditError):
    """A draft cannot be turned into an entry."""


class FieldsError(AuditError):
    """The personal fields of an entry cannot be read back."""


class NoteError(AuditError):
    """A checkpoint is malformed, belongs to another log, or is not signed by a known key."""


class ProofError(AuditError):
    """An inclusion or consistency proof does not hold."""


class TileError(AuditError):
    """A tile is missing, or differs from the one written before."""


class LogStoreError(AuditError):
    """The log's own file is missing, foreign or not readable."""


class SequencerError(AuditError):
    """The sequencer must not go on."""


class SequencerBusyError(SequencerError):
    """Another sequencer leads this log."""


class LogForkedError(SequencerError):
    """The log does not extend its last signed checkpoint: signing on would fork history."""
