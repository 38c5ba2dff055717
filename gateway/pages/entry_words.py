"""Entries of the record in words: as a line of the list, and whole.

Whatever an entry holds is shown somewhere; a field that this module does not know is shown under
its own name rather than left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.audit.entry import Kind, Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from gateway.audit.search import AuditRow
    from gateway.pages.page_services import OrganisationChoice
    from policies.function import Function

OUTCOMES: tuple[tuple[Outcome, str, str], ...] = (
    (Outcome.PERMIT, "Permitted", "green"),
    (Outcome.DENY, "Refused", "orange"),
    (Outcome.ERROR, "Failed", "yellow"),
    (Outcome.UNKNOWN, "End not known", "grey"),
)
"""Outcome, its word, and the colour of its tag; the word is always there too."""

KINDS = {
    Kind.ACCESS: "Access",
    Kind.SIGNIN: "Sign-in",
    Kind.SIGNOUT: "Sign-out",
    Kind.POLICY_EDIT: "Change of policy",
    Kind.VETTING_CHANGE: "Change of the register",
    Kind.KEY_OP: "Use of keys",
    Kind.EXPORT: "Export",
    Kind.AUDIT_QUERY: "Reading the record",
    Kind.SYSTEM: "System",
    Kind.HEARTBEAT: "Heartbeat",
    Kind.LEAK: "Alarm: answer marked too high",
}
"""What each kind of act is called."""

_REGIMES = {"GP": "General processing", "LE": "Law enforcement processing"}
_NOT_SHOWN = {
    "locked": "Encrypted; no key was given",
    "expired": "Erased with its month",
    "damaged": "Damaged: not what was sealed",
}

# Where each field of an entry stands: group, words, name of the field.
_FIELDS = (
    ("Who", "Name", "actor_name"),
    ("Who", "Staff id", "staff_id"),
    ("Who", "Organisation", "organisation"),
    ("Who", "Vetting held", "vetting"),
    ("Who", "Vetting ends", "vetting_expires"),
    ("Who", "Appointed as", "roles"),
    ("Who", "Signed in by", "auth"),
    ("Who", "Session", "session"),
    ("What", "Function", "function"),
    ("What", "Operation", "op"),
    ("What", "Whose data", "subject"),
    ("What", "Disclosed to", "recipient"),
    ("What", "System", "system"),
    ("What", "Marking", "classification"),
    ("What", "Data protection", "regime"),
    ("Decision", "Reason", "code"),
    ("Decision", "Agreement", "agreement"),
    ("Decision", "Rules", "rules"),
    ("Decision", "Obligations", "obligations"),
    ("Decision", "Policy set", "policy"),
    ("Decision", "Results", "inputs"),
    ("Request", "Method", "method"),
    ("Request", "Pattern", "route"),
    ("Request", "Target", "target"),
    ("Request", "Address", "ip"),
    ("Request", "Browser", "agent"),
    ("Request", "Detail", "detail"),
    ("Place in the log", "Reference", "reference"),
    ("Place in the log", "Id", "id"),
    ("Place in the log", "Stands for", "count"),
    ("Place in the log", "Writer", "writer"),
    ("Place in the log", "Number of the writer", "wseq"),
    ("Place in the log", "Shortened", "shortened"),
)
# Said elsewhere on the page, or of use to a verifier alone.
_LEFT_OUT = frozenset(
    {"v", "time", "kind", "phase", "outcome", "corr", "prev", "index_root", "kid", "kc"}
    | {"ct_sha256", "fields_root", "status", "bytes_in", "bytes_out", "duration_us"}
)

Group = tuple[str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryLine:
    """One act as a row of the table.

    Attributes:
        index: place in the log.
        at: when.
        person: the actor's name, or what stands for it.
        organisation: the name of the actor's organisation.
        what: the function in words, or the act.
        detail: the id of it.
        outcome: of the decision, in words, with the colour of its tag.
        ended: how it ended, where that is another outcome: word and colour.
        status: the answer's status and the time it took, in words.
        reason: the code in words; that of the end where it went wrong.
        reference: of the visit.
        count: how many like events it stands for.
        flag: not zero when the entry came with a fault.
    """

    index: int
    at: datetime
    person: str
    organisation: str
    what: str
    detail: str
    outcome: tuple[str, str]
    ended: tuple[str, str] | None
    status: str
    reason: str
    reference: str
    count: int
    flag: int


def entry_line(
    row: AuditRow,
    functions: Mapping[str, Function],
    organisations: tuple[OrganisationChoice, ...],
) -> EntryLine:
    """Say an act in one line.

    Args:
        row: as the search gives it.
        functions: of the policy set in force, for titles.
        organisations: for their names.
    """
    names = {choice.id: choice.name for choice in organisations}
    function = functions.get(row.function)
    result = row.result
    went_wrong = result is not None and result.outcome is not row.outcome
    code = str((result.clear if result and went_wrong else row.clear).get("code", ""))
    return EntryLine(
        index=row.index,
        at=row.at,
        person=_person(row),
        organisation=names.get(row.organisation, row.organisation),
        what=function.title if function else KINDS[row.kind],
        detail=row.function or row.kind.value,
        outcome=outcome_words(row.outcome),
        ended=outcome_words(result.outcome) if result and went_wrong else None,
        status=_status(result or row),
        reason=code.replace("-", " ").capitalize(),
        reference=row.reference,
        count=int(row.clear.get("count", 1)),
        flag=row.flag,
    )


def outcome_words(outcome: Outcome) -> tuple[str, str]:
    """Give the word of an outcome and the colour of its tag."""
    return next((word, colour) for known, word, colour in OUTCOMES if known is outcome)


def entry_groups(row: AuditRow) -> tuple[Group, ...]:
    """Say everything an entry holds, in groups of (name, value); what is empty is left out."""
    held = {**row.clear, **row.personal}
    groups: dict[str, list[tuple[str, str]]] = {"Who": [], "What": [("Kind", KINDS[row.kind])]}
    if row.personal_state in _NOT_SHOWN:
        groups["Who"].append(("Personal fields", _NOT_SHOWN[row.personal_state]))
    for group, words, name in _FIELDS:
        value = _text(name, held.pop(name, ""))
        if value:
            groups.setdefault(group, []).append((words, value))
    for name, value in sorted(held.items()):
        if name not in _LEFT_OUT:
            groups.setdefault("Other", []).append((name, _text(name, value)))
    groups.setdefault("Place in the log", []).insert(0, ("Position", str(row.index)))
    if row.flag:
        groups["Place in the log"].append(("Fault", "It came with a fault; the log says which"))
    if row.result is not None:
        groups["How it ended"] = _ending(row.result)
    return tuple((title, tuple(pairs)) for title, pairs in groups.items() if pairs)


def _ending(result: AuditRow) -> list[tuple[str, str]]:
    clear = result.clear
    pairs = [
        ("Outcome", outcome_words(result.outcome)[0]),
        ("Reason", str(clear.get("code", ""))),
        ("Status", str(clear.get("status", ""))),
        ("Done to the answer", _text("obligations", clear.get("obligations", ""))),
        ("Bytes sent", f"{clear['bytes_out']:,}" if "bytes_out" in clear else ""),
        ("Bytes received", f"{clear['bytes_in']:,}" if "bytes_in" in clear else ""),
        ("Took", f"{clear['duration_us'] / 1000:,.1f} ms" if "duration_us" in clear else ""),
        ("Position", str(result.index)),
    ]
    return [(name, value) for name, value in pairs if value]


def _person(row: AuditRow) -> str:
    if name := row.personal.get("actor_name"):
        return name
    if row.personal_state in _NOT_SHOWN:
        return _NOT_SHOWN[row.personal_state]
    return "The gateway" if row.kind in {Kind.SYSTEM, Kind.HEARTBEAT} else "Nobody signed in"


def _status(row: AuditRow) -> str:
    status = f"status {row.clear['status']}" if "status" in row.clear else ""
    if row.clear.get("status") == 0:
        status = "ended elsewhere"
    took = f"{row.clear['duration_us'] / 1000:,.0f} ms" if "duration_us" in row.clear else ""
    return ", ".join(part for part in (status, took) if part)


def _text(name: str, value: object) -> str:
    if name == "regime":
        return _REGIMES.get(str(value), str(value))
    if name == "count":
        return f"{value} like events" if value else ""
    if isinstance(value, list | tuple):
        return ", ".join(str(part) for part in value)
    return str(value)
