"""A policy set as text that any Casbin tool loads, and the way back to the same rules.

The text is the policy that the oracle enforces (`policies.casbin_rows`), with one comment before
the rows of each rule for what Casbin does not ask: why the rule is there, who answers for it, and
how its functions were written. Casbin passes over comments.

Reading back needs the rest of the policy set: organisations, levels, agreements and catalogue. What
the text says of them (the rows of the gates) must be what they are, or nothing is taken over.
"""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from policies.casbin_rows import (
    ALLOW,
    Row,
    RowError,
    criteria_of,
    obligations_of,
    rows_of,
)
from policies.criteria import InPeriod
from policies.decision import Effect
from policies.function import Action
from policies.obligations import NO_OBLIGATIONS
from policies.rules import Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from policies.criteria import Terms
    from policies.policy_set import PolicySet

_COMMENT = "# rule "
_GATE = "gate:"


def export_text(policy_set: PolicySet) -> str:
    """Write a policy set as a policy for Casbin; the model is `casbin_oracle.model_text`."""
    rules = {rule.id: rule for rule in policy_set.rules}
    lines = []
    for rule_id, rows in groupby(rows_of(policy_set), key=attrgetter("id")):
        if rule_id in rules:
            lines.append(_comment(rules[rule_id]))
        lines += [row.to_text() for row in rows]
    return "".join(f"{line}\n" for line in lines)


def import_text(text: str, frame: PolicySet) -> PolicySet:
    """Read the rules of an exported text into a policy set.

    Args:
        text: What `export_text` wrote.
        frame: The policy set with everything but the rules; its own rules are replaced.

    Raises:
        RowError: The text is not one that was exported, or was exported beside other agreements
            or another catalogue.
        CriterionError: A criterion is not understood.
    """
    rules = tuple(_rules(text.splitlines(), frame.terms))
    read = replace(frame, rules=rules)
    if export_text(read) != text:
        raise RowError("read export: the rows are not those of this catalogue and these agreements")
    return read


def _comment(rule: Rule) -> str:
    written = {
        "id": rule.id,
        "functions": rule.written_functions,
        "reason": rule.reason,
        "owner": rule.owner,
    }
    return _COMMENT + json.dumps(written, sort_keys=True, separators=(",", ":"))


def _rules(lines: Iterable[str], terms: Terms) -> Iterator[Rule]:
    about: dict[str, str] | None = None
    rows: list[Row] = []
    for line in lines:
        if line.startswith(_COMMENT):
            if about is not None:
                yield _rule(about, rows, terms)
            about, rows = _read_comment(line), []
        elif about is not None:
            rows.append(Row.from_text(line))
        elif not Row.from_text(line).id.startswith(_GATE):
            raise RowError(f"read export: `{line[:60]}` has no comment before it")
    if about is not None:
        yield _rule(about, rows, terms)


def _read_comment(line: str) -> dict[str, str]:
    try:
        about = json.loads(line.removeprefix(_COMMENT))
    except ValueError:
        about = None
    if not isinstance(about, dict) or set(about) != {"id", "functions", "reason", "owner"}:
        raise RowError(f"read export: `{line[:60]}` is not the comment of a rule")
    return about


def _rule(about: dict[str, str], rows: list[Row], terms: Terms) -> Rule:
    if not rows or {row.id for row in rows} != {about["id"]}:
        raise RowError(f"read export: the rows of `{about['id'][:40]}` are not below its comment")
    criteria = criteria_of(rows[0].when, terms)
    bound = (obligations_of(row.when, terms) for row in rows[1:2])
    period = next((each for each in criteria if isinstance(each, InPeriod)), None)
    return Rule(
        id=about["id"],
        effect=Effect.PERMIT if rows[0].effect == ALLOW else Effect.DENY,
        functions=frozenset(row.function for row in rows),
        written_functions=tuple(about["functions"]),
        actions=frozenset(Action(row.action) for row in rows),
        when=tuple(each for each in criteria if each is not period),
        reason=about["reason"],
        owner=about["owner"],
        starts=None if period is None else period.starts,
        ends=None if period is None else period.ends,
        obligations=next((each for each in bound if each is not None), NO_OBLIGATIONS),
    )
