"""The operational log: JSON lines for those who run the service, apart from the record.

Rules it keeps:
1. No personal data. A field is written only if its name is on the list below; of any other the name
   alone is kept, under `dropped`. Text is searched for e-mail addresses and names in DNs as well.
2. Of an exception it writes the kind and the places, never the message: a library's message may
   quote what a person typed.
3. It never stops the service. What cannot be written is counted, and the count is told later.
4. A reference in a line finds the visit in the record, where who and what may be read by auditors.
"""

from __future__ import annotations

import json
import os
import re
import sys
import traceback
from collections.abc import Callable, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any

import structlog

if TYPE_CHECKING:
    from structlog.typing import EventDict, FilteringBoundLogger, Processor

    from gateway.settings import OperationalLogSection

# What a line may hold. None of these names or describes a person.
LISTED_FIELDS = frozenset(
    {
        "address", "agreement", "alarm", "attempt", "backlog", "bytes_in", "bytes_out",
        "certificate_ends", "code", "component", "count", "detail", "digest", "directory",
        "duration_ms", "duration_us", "entries", "error", "event", "exception", "exit_code",
        "fault", "file", "free_mib", "function", "gate", "key_id", "kind", "level", "limit",
        "line", "listen", "lost_lines", "method", "organisation", "origin", "pid", "port",
        "purpose", "reason", "reference", "remedy", "route", "segment", "sequence", "server",
        "signal", "size", "state", "status", "step", "subject_kind", "tree_size", "upstream",
        "version", "worker", "workers", "writer",
    }
)  # fmt: skip

MAX_TEXT_CHARACTERS = 500  # of one value: a message of a library may hold a whole page
STANDARD_ERROR = 2  # the descriptor, which stays the same whatever sys.stderr is
MAX_FRAMES = 12  # of an exception, the innermost: enough to find the line at fault

_PERSONAL_TEXT = (
    (re.compile(r"[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+"), "<e-mail>"),
    (
        re.compile(
            r"\b(uid|cn|sn|givenname|displayname|mail|samaccountname|userprincipalname)=[^,)\s\"']+",
            re.IGNORECASE,
        ),
        r"\1=<name>",
    ),
)


def configure_operational_log(
    section: OperationalLogSection,
    *,
    component: str = "gateway",
    write: Callable[[bytes], object] | None = None,
) -> None:
    """Make every `structlog.get_logger("pipeline")` of this process write here.

    Called once by the process that starts, again by a worker after the fork; before it, or without
    it, nothing that is logged reaches a file.

    Args:
        section: level and file.
        component: the process, such as `front` or `sequencer`; the name given to `get_logger`
            is put after it.
        write: takes whole lines instead of the file, for tests.

    Raises:
        OSError: the file cannot be opened.
    """
    write = write or _writer(section)
    structlog.configure(
        processors=_processors(),
        wrapper_class=structlog.make_filtering_bound_logger(section.level),
        logger_factory=lambda *names: _LineSink(write, ".".join((component, *names))),
        cache_logger_on_first_use=False,
    )


def open_operational_log(
    section: OperationalLogSection,
    *,
    component: str,
    write: Callable[[bytes], object] | None = None,
) -> FilteringBoundLogger:
    """Open the log for one part that is handed its logger, with nothing configured for others.

    Args:
        section: level and file.
        component: the part that writes.
        write: takes whole lines instead of the file, for tests.

    Returns:
        A logger; `log.warning("directory-unavailable", organisation="nwas", reference=...)`.

    Raises:
        OSError: the file cannot be opened.
    """
    logger: FilteringBoundLogger = structlog.wrap_logger(
        _LineSink(write or _writer(section), component),
        processors=_processors(),
        wrapper_class=structlog.make_filtering_bound_logger(section.level),
    )
    return logger


def _processors() -> list[Processor]:
    return [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        _from_where,
        without_personal_data,
        _rendered,
    ]


def _from_where(logger: _LineSink, _method: str, event: EventDict) -> EventDict:
    event["component"] = logger.component
    event["pid"] = os.getpid()
    return event


def without_personal_data(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Keep the listed fields only, cleaned; name the others under `dropped`."""
    kept: dict[str, Any] = {"at": event.pop("at", None)}
    exception = _exception(event.pop("exc_info", None))
    if exception:
        kept["exception"] = exception
    dropped = sorted(str(key)[:40] for key in event if key not in LISTED_FIELDS)
    kept |= {key: _clean(value) for key, value in event.items() if key in LISTED_FIELDS}
    if dropped:
        kept["dropped"] = dropped
    return kept


def _clean(value: object) -> object:
    match value:
        case None | bool() | int() | float():
            return value
        case BaseException():
            return type(value).__name__
        case Mapping():
            return {str(key): _clean(inner) for key, inner in value.items() if key in LISTED_FIELDS}
        case list() | tuple() | set() | frozenset():
            return [_clean(inner) for inner in value]
        case _:
            text = str(value)
            for pattern, replacement in _PERSONAL_TEXT:
                text = pattern.sub(replacement, text)
            return text if len(text) <= MAX_TEXT_CHARACTERS else text[:MAX_TEXT_CHARACTERS] + "…"


def _exception(info: object) -> dict[str, object] | None:
    """Give the kinds of the exception and its causes, and where it was raised."""
    if info is True:
        info = sys.exc_info()[1]
    elif isinstance(info, tuple):
        info = info[1]
    if not isinstance(info, BaseException):
        return None
    kinds: list[str] = []
    cause: BaseException | None = info
    while cause is not None and len(kinds) < MAX_FRAMES:
        kinds.append(f"{type(cause).__module__}.{type(cause).__qualname__}")
        cause = cause.__cause__ or cause.__context__
    frames = traceback.extract_tb(info.__traceback__)[-MAX_FRAMES:]
    return {"kinds": kinds, "places": [f"{f.filename}:{f.lineno} {f.name}" for f in frames]}


def _rendered(_logger: object, _method: str, event: MutableMapping[str, Any]) -> bytes:
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _writer(section: OperationalLogSection) -> Callable[[bytes], object]:
    """Open where lines go; each is one write, so that processes may share a file."""
    if section.file is None:
        descriptor = STANDARD_ERROR
    else:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        descriptor = os.open(section.file, flags, 0o640)
    return lambda line: os.write(descriptor, line)


class _LineSink:
    """Write lines, and count what could not be written rather than fail."""

    def __init__(self, write: Callable[[bytes], object], component: str) -> None:
        self.component = component
        self._write = write
        self._lost = 0

    def msg(self, line: bytes) -> None:
        """Write a line; after a gap, first a line that tells how many are missing."""
        try:
            if self._lost:
                self._write(b'{"event":"lines-lost","lost_lines":%d}\n' % self._lost)
                self._lost = 0
            self._write(line)
        except OSError:
            self._lost += 1

    debug = info = warning = error = critical = fatal = msg
