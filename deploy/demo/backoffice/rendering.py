"""Turns what a screen shows into a page or into JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from deploy.demo.backoffice.assertion import Asker
from deploy.demo.backoffice.contents import Contents
from deploy.demo.backoffice.exchange import JSON_TYPE, Answer
from deploy.demo.backoffice.people import Person
from deploy.demo.backoffice.screens import Screen
from deploy.demo.backoffice.store import Stored, Uploaded

TEMPLATES = Path(__file__).with_name("templates")


class Pages:
    """The templates, read once."""

    def __init__(self) -> None:
        """Read them."""
        self._environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
        )

    def render(self, template: str, status: int = 200, **values: Any) -> Answer:
        """Make a page.

        Args:
            template: file name.
            status: of the answer.
            **values: what the template names; `title`, `asker`, `screen`, `visit` and `pages` are
                used by every page.
        """
        text = self._environment.get_template(template).render(**values)
        return Answer(status=status, body=text.encode())


def json_answer(value: object, status: int = 200) -> Answer:
    """Make an answer in JSON."""
    body = json.dumps(value, ensure_ascii=False).encode()
    return Answer(status=status, content_type=JSON_TYPE, body=body)


def as_json(
    screen: Screen,
    asker: Asker,
    holder: Person,
    contents: Contents,
    stored: tuple[Stored, ...],
    uploads: tuple[Uploaded, ...],
) -> Answer:
    """Make what a screen shows into JSON."""
    headings = [column.heading for column in screen.columns]
    return json_answer(
        {
            "function": screen.id,
            "title": screen.title,
            "asker": asker.employee_number,
            "organisation": asker.organisation,
            "record_of": holder.employee_number,
            "summary": dict(contents.summary),
            "rows": [dict(zip(headings, row, strict=True)) for row in contents.rows],
            "stored": [{"reference": one.reference, **one.fields} for one in stored],
            "uploads": [
                {"reference": one.reference, "size": one.size, "sha256": one.sha256}
                for one in uploads
            ],
        }
    )
