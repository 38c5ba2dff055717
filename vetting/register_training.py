"""Changes to trainings: what is entered and ended, each with its line in the history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection, insert

from vetting.errors import RegisterError, quoted
from vetting.register_history import ChangeKind, RowChange, append_changes, end_rows
from vetting.register_reading import rows_of
from vetting.register_tables import training, training_to_row

if TYPE_CHECKING:
    from datetime import datetime

    from vetting.person import PersonKey
    from vetting.training import Training


def add_training(
    connection: Connection, person: PersonKey, value: Training, *, by: str, at: datetime
) -> None:
    """Enter a training; a later one of the same course stands beside the earlier.

    Raises:
        RegisterError: the same is there already, or nobody is named; nothing was written.
    """
    row = training_to_row(person, value)
    for held in connection.execute(rows_of(training, [person])).mappings():
        if all(held[name] == each for name, each in row.items()):
            raise RegisterError(
                f"change register: {person} has {quoted(value.course)} of {value.completed_on}"
                " already"
            )
    change = RowChange(kind=ChangeKind.TRAINING_ADDED, before=None, after=row)
    append_changes(connection, [change], by=by, at=at)
    connection.execute(insert(training), row)


def end_training(
    connection: Connection, person: PersonKey, course: str, *, by: str, at: datetime
) -> None:
    """End every training of a course that a person has, at once.

    Raises:
        RegisterError: there is none that has not been ended, or nobody is named.
    """
    found = connection.execute(
        rows_of(training, [person]).where(
            training.c.course == course, training.c.ended_at_us.is_(None)
        )
    ).mappings()
    kind = ChangeKind.TRAINING_ENDED
    if not end_rows(connection, training, found, kind=kind, column="ended_at_us", by=by, at=at):
        raise RegisterError(f"change register: {person} has no training {quoted(course)}")
