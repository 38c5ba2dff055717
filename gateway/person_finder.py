"""Whom an auditor means: from what was typed to the identities the log knows a person by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.audit.search import PersonIdentities
from gateway.identity.staff import find_staff
from gateway.store.engine import reading

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine


def person_finder(store: Engine) -> Callable[[str], PersonIdentities]:
    """Make the function that finds the identities of what was typed (blocks).

    A sign-in name, `name@organisation`, `organisation/name`, an employee number,
    `organisation/number` or a staff id. What nobody who signed in is called is looked for as it
    stands, as a staff id and as a subject, so that people who never came are found as subjects.
    """

    def find(text: str) -> PersonIdentities:
        organisation, slash, name = text.strip().partition("/")
        with reading(store) as connection:
            known = list(find_staff(connection, text))
            if slash:
                known += find_staff(connection, name, organisation=organisation)
        return PersonIdentities(
            staff_ids=tuple({*(each.staff_id for each in known), text.strip()}),
            subjects=tuple({*(each.person for each in known), text.strip()}),
        )

    return find
