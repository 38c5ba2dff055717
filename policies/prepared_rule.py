"""A rule with what compiling needs again and again: keys, forms and sentences of its criteria."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from policies.criteria import OfOrganisation, Result
from policies.decision import Effect

if TYPE_CHECKING:
    from policies.criteria import Criterion, Form
    from policies.rules import Rule


@dataclass(frozen=True, slots=True)
class PreparedRule:
    """A rule with what compiling needs again and again.

    Attributes:
        rule: The rule.
        keys: For each criterion a text that equal criteria share.
        forms: For each criterion its form.
        sentences: For each criterion what it asks, for officers.
    """

    rule: Rule
    keys: tuple[str, ...]
    forms: tuple[Form, ...]
    sentences: tuple[str, ...]

    @classmethod
    def of(cls, rule: Rule) -> PreparedRule:
        """Prepare a rule."""
        return cls(
            rule=rule,
            keys=tuple(key_of(criterion) for criterion in rule.criteria),
            forms=tuple(criterion.form() for criterion in rule.criteria),
            sentences=tuple(criterion.sentence() for criterion in rule.criteria),
        )

    def concerns(self, organisation: str, kind: str) -> bool:
        """Tell whether the rule concerns staff of an organisation at all.

        Unknown keeps a deny rule and drops a permit rule: closed on both sides.
        """
        for form in self.forms:
            if isinstance(form, OfOrganisation):
                result = form.ask(organisation, kind)
                if result is Result.NOT_MET:
                    return False
                if result is Result.UNKNOWN and self.rule.effect is Effect.PERMIT:
                    return False
        return True


def key_of(criterion: Criterion) -> str:
    """Give the text that equal criteria share."""
    return criterion.name + json.dumps(criterion.to_value(), separators=(",", ":"))
