"""Whose record: the key under which the host's vetting register knows a person."""

from __future__ import annotations

import re
from dataclasses import dataclass

from typing_extensions import override

from vetting.errors import RegisterError, quoted

_ORGANISATION = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_EMPLOYEE_NUMBER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonKey:
    """An employee number within an organisation, written `cheshire-fire/40011`.

    Attributes:
        organisation: the organisation's id.
        employee_number: unique within it; compared as written.
    """

    organisation: str
    employee_number: str

    def __post_init__(self) -> None:
        """Refuse what could be read as another person's key.

        Raises:
            RegisterError: one is empty, too long or has a character that ids never have.
        """
        parts: tuple[tuple[object, re.Pattern[str], str], ...] = (
            (self.organisation, _ORGANISATION, "organisation"),
            (self.employee_number, _EMPLOYEE_NUMBER, "employee number"),
        )
        for value, pattern, name in parts:
            if not isinstance(value, str) or not pattern.fullmatch(value):
                raise RegisterError(f"read person: {quoted(value)} is no {name}")

    @classmethod
    def from_text(cls, text: str) -> PersonKey:
        """Read `organisation/employee number`.

        Raises:
            RegisterError: it is not of this form.
        """
        organisation, slash, employee_number = text.partition("/")
        if not slash:
            raise RegisterError(
                f"read person: {quoted(text)} is not of the form organisation/number"
            )
        return cls(organisation=organisation, employee_number=employee_number)

    @override
    def __str__(self) -> str:
        """Write `organisation/employee number`."""
        return f"{self.organisation}/{self.employee_number}"
