"""What people are told of a lapse."""

from __future__ import annotations

from datetime import UTC, date, datetime

from gateway.lapse_notice import calendar_of, to_person, to_sponsor
from vetting.lapses import Lapse
from vetting.person import PersonKey

AT = datetime(2026, 11, 20, 9, tzinfo=UTC)
LAPSE = Lapse(
    person=PersonKey(organisation="cheshire-fire", employee_number="40011"),
    grant_id="unit/V1",
    title="NPPV2 full",
    sponsor="cheshire-fire",
    ends_on=date(2026, 12, 31),
    by_review=False,
)
ORIGIN = "https://gate.example"


def test_the_person_is_told_the_level_and_the_day_and_nothing_else() -> None:
    mail = to_person(
        LAPSE, sender="no-reply@x.example", address="a@x.example", origin=ORIGIN, at=AT
    )

    assert mail["Subject"] == "Your NPPV2 full ends on 31 December 2026"
    assert (mail["To"], mail["Auto-Submitted"]) == ("a@x.example", "auto-generated")
    body, calendar = mail.iter_parts()
    assert "https://gate.example/-/portal" in body.as_string()
    assert "unit/V1" not in body.as_string()
    assert (calendar.get_content_type(), calendar.get_filename()) == (
        "text/calendar",
        "vetting.ics",
    )


def test_the_sponsor_gets_one_list() -> None:
    mail = to_sponsor(
        [LAPSE, LAPSE], sender="no-reply@x.example", address="s@x.example", origin=ORIGIN, at=AT
    )

    body, _ = mail.iter_parts()
    assert body.as_string().count("2026-12-31  cheshire-fire/40011  NPPV2 full") == 2


def test_the_calendar_has_a_whole_day_that_every_reader_takes() -> None:
    text = calendar_of([LAPSE], origin=ORIGIN, at=AT)
    lines = text.split("\r\n")

    assert (lines[0], lines[-2], lines[-1]) == ("BEGIN:VCALENDAR", "END:VCALENDAR", "")
    assert "UID:unit/V1-20261231@gate.example" in lines
    assert "DTSTART;VALUE=DATE:20261231" in lines
    assert "DTEND;VALUE=DATE:20270101" in lines
    assert "DTSTAMP:20261120T090000Z" in lines
    assert all(len(line.encode()) <= 75 for line in lines)
    assert "\n" not in text.replace("\r\n", "")
