"""Rules: who may, or may not, do what under which criteria; and the file they are written in.

    [[rule]]
    id = "fire-own-payslip"
    effect = "permit"                       # or "deny"
    functions = ["pay.slip", "area:Fleet"]  # ids of functions, or whole areas of the catalogue
    actions = ["read"]                      # read, write
    when = { organisation = ["cheshire-fire"], own_record = true }
    starts = 2018-04-01                     # first day, may be left out
    ends = 2027-03-31                       # last day, may be left out
    obligations = { purpose = ["complaint"], mask = ["bank-details"] }   # may be left out
    reason = "agreed in schedule 2"
    owner = "head of shared services"

What a rule means:

1. It concerns a subject when its organisation criteria are met. Of a rule that does not concern the
   subject nothing else is asked.
2. A permit rule permits when all of its criteria are met. A deny rule denies unless one of its
   criteria is not met: unknown counts against the access on both sides.
3. Access needs at least one rule that permits and none that denies. Order means nothing.
4. Obligations of all rules that permit count together; the stricter wins (`policies.obligations`,
   written as in `policies.obligations_file`).

A file may stand on another (`based_on`, see `policies.base_file`), whose rules then count as well.
Reading a file finds every fault in it, with line and remedy, and takes time linear in its length.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from policies.base_file import BASED_ON, base_of
from policies.criteria import VOCABULARY, CriterionError, InPeriod
from policies.criteria.zone import FromZones
from policies.decision import Effect
from policies.errors import PolicyFileError
from policies.findings import Findings, nearest_of
from policies.function import Action
from policies.obligations import NO_OBLIGATIONS, Obligations
from policies.obligations_file import read_obligations
from vetting.days import LAST_YEAR
from vetting.errors import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from pathlib import Path

    from policies.criteria import Criterion, Terms
    from policies.findings import TableReader
    from policies.function import Function
    from vetting.errors import Fault

RULE_ID = re.compile(r"[a-z0-9]+([._-][a-z0-9]+)*")
AREA_PREFIX = "area:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule.

    Attributes:
        id: Short name, never reused.
        effect: Permit or deny.
        functions: Ids of the functions it speaks of, areas written out.
        written_functions: The functions and areas as the file names them.
        actions: The actions it speaks of; never empty.
        when: The criteria, all of which have to be met; in the order of the vocabulary, at most
            one of a kind, never empty.
        reason: Why there is such a rule.
        owner: Who answers for it.
        starts: First day.
        ends: Last day.
        obligations: What a permit is bound to; none for a deny rule.
        written_at: File and line, such as `rules.toml:12`; empty where it was not read from a file.
    """

    id: str
    effect: Effect
    functions: frozenset[str]
    written_functions: tuple[str, ...]
    actions: frozenset[Action]
    when: tuple[Criterion, ...]
    reason: str
    owner: str
    starts: date | None = None
    ends: date | None = None
    obligations: Obligations = NO_OBLIGATIONS
    written_at: str = field(default="", compare=False)
    criteria: tuple[Criterion, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Join the criteria that are written and the one that the days make."""
        criteria = self.when
        if self.starts is not None or self.ends is not None:
            criteria = (*criteria, InPeriod(self.starts, self.ends))
        object.__setattr__(self, "criteria", criteria)

    @property
    def zones(self) -> frozenset[str]:
        """The network zones it names."""
        named = (each.words for each in self.when if isinstance(each, FromZones))
        return frozenset[str]().union(*named)

    def sentence(self) -> str:
        """Say the rule for officers."""
        may = "may" if self.effect is Effect.PERMIT else "may not"
        actions = " and ".join(sorted(self.actions))
        criteria = ", ".join(criterion.sentence() for criterion in self.criteria)
        said = f"Staff {criteria}, {may} {actions} {', '.join(self.written_functions)}"
        bound = self.obligations.sentences()
        return f"{said}, and must {', '.join(bound)}." if bound else f"{said}."


def load_rules(
    path: Path, *, functions: Mapping[str, Function] | None, terms: Terms
) -> tuple[Rule, ...]:
    """Read the rules of a policy set, in the order of the file.

    Args:
        path: The file.
        functions: The functions of the catalogue by id; `None` where it could not be read, and
            then names of functions are not checked.
        terms: The words that criteria may use.

    Raises:
        PolicyFileError: with every fault of the file; a file without rules has one.
    """
    findings = Findings.read(path)
    document = findings.document()
    known = _Known.of(functions)
    seen: set[str] = set()
    rules: list[Rule] = []
    base = base_of(document, path)
    below: tuple[Fault, ...] = ()
    if base is not None:
        stood_on = Findings.read(base)
        base_document = stood_on.document()
        written = findings.source.data[BASED_ON]
        rules += _written(base_document, stood_on, known, terms, seen, file=written)
        base_document.finish()
        below = stood_on.faults
    rules += _written(document, findings, known, terms, seen, file=path.name, required=base is None)
    document.finish()
    if below:
        raise PolicyFileError((*below, *findings.faults))
    findings.refuse_if_any()
    return tuple(rules)


def _written(
    document: TableReader,
    findings: Findings,
    known: _Known,
    terms: Terms,
    seen: set[str],
    *,
    file: str,
    required: bool = True,
) -> list[Rule]:
    """Read the rules that one file writes; `seen` are the ids that are taken, `file` its name."""
    rules = []
    written = findings.source.data.get("rule")
    rows = [row for row in written if isinstance(row, dict)] if isinstance(written, list) else []
    for reader, row in zip(document.tables("rule", required=required), rows, strict=True):
        rule = _rule(reader, row, known, terms)
        if rule is None:
            continue
        if rule.id in seen:
            reader.fault("id", message=f"{quoted(rule.id)} is declared twice", remedy="remove one")
        seen.add(rule.id)
        rules.append(replace(rule, written_at=f"{file}:{reader.line}"))
    return rules


@dataclass(frozen=True, slots=True)
class _Known:
    """Function ids by the name a rule may give them; `None` when nothing can be checked."""

    ids: Mapping[str, frozenset[str]] | None

    @classmethod
    def of(cls, functions: Mapping[str, Function] | None) -> _Known:
        if functions is None:
            return cls(None)
        ids: dict[str, set[str]] = {}
        for function in functions.values():
            ids.setdefault(function.id, set()).add(function.id)
            ids.setdefault(AREA_PREFIX + function.area, set()).add(function.id)
        return cls({name: frozenset(found) for name, found in ids.items()})

    def meant(self, reader: TableReader, written: tuple[str, ...]) -> frozenset[str]:
        """Write the functions out that a rule names."""
        if self.ids is None:
            return frozenset()
        meant: set[str] = set()
        for name in written:
            if name in self.ids:
                meant |= self.ids[name]
            else:
                reader.fault(
                    "functions",
                    message=f"{quoted(name)} is not in the catalogue",
                    remedy=nearest_of(name, self.ids),
                )
        return frozenset(meant)


def _rule(reader: TableReader, row: dict[str, Any], known: _Known, terms: Terms) -> Rule | None:
    rule_id = reader.text("id", pattern=RULE_ID)
    effect = reader.choice("effect", Effect)
    written_functions = reader.texts("functions")
    functions = known.meant(reader, written_functions)
    actions = _actions(reader)
    when = _criteria(reader, row, terms)
    reason = reader.text("reason")
    owner = reader.text("owner")
    starts = reader.day("starts", required=False)
    ends = reader.day("ends", required=False)
    obligations = read_obligations(reader, terms)
    if obligations.bits and effect is Effect.DENY:
        reader.fault(
            "obligations",
            message="a deny rule binds nobody to anything",
            remedy="remove it, or bind the permits to it",
        )
    if starts is not None and ends is not None and ends < starts:
        reader.fault("ends", message="it ends before it starts", remedy="correct one of the days")
    for name, day in (("starts", starts), ("ends", ends)):
        if day is not None and day.year > LAST_YEAR:
            reader.fault(name, message="is too far away", remedy="leave it out to have no end")
    reader.finish()
    if not rule_id or effect is None:
        return None
    return Rule(
        id=rule_id,
        effect=effect,
        functions=functions,
        written_functions=written_functions,
        actions=actions,
        when=when,
        reason=reason,
        owner=owner,
        starts=starts,
        ends=ends,
        obligations=obligations,
    )


def _actions(reader: TableReader) -> frozenset[Action]:
    words = [action.value for action in Action]
    actions = set()
    for position, word in enumerate(reader.texts("actions")):
        if word in words:
            actions.add(Action(word))
        else:
            reader.fault(
                "actions",
                position,
                message=f"{quoted(word)} is not an action",
                remedy=f"use one of: {', '.join(words)}",
            )
    return frozenset(actions)


def _criteria(reader: TableReader, row: dict[str, Any], terms: Terms) -> tuple[Criterion, ...]:
    when = reader.table("when")
    if when is None:
        if "when" not in row:
            reader.fault(message="`when` is missing", remedy="say whom the rule is about")
        return ()
    values = row["when"]
    if not values:
        # No criteria would mean everybody, which nobody writes on purpose by writing nothing.
        reader.fault("when", message="has no criteria", remedy="say whom the rule is about")
    criteria = []
    for kind in VOCABULARY:
        if not when.has(kind.name):
            continue
        try:
            criteria.append(kind.from_value(values[kind.name], terms))
        except CriterionError as error:
            for flaw in error.flaws:
                place = () if flaw.position is None else (flaw.position,)
                when.fault(kind.name, *place, message=flaw.message, remedy=flaw.remedy)
    when.finish()
    return tuple(criteria)
