"""The 60 screens of the back office, read from screens/*.toml, and which one a request means.

A screen is found by its path and, where several share a path, by the parameters that name it. The
more is named, the better the match. Matching is the application's own, as lenient as such
applications are: that only what was decided on arrives is the gateway's task.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from deploy.demo.backoffice.exchange import Asked

SCREENS = Path(__file__).with_name("screens")
_PATHS_REMEMBERED = 1_024
BY_NUMBER = "/OA_HTML/RF.jsp"  # opens a screen by its number, wherever it lies


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A heading and the recipe of what stands below it."""

    heading: str
    recipe: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FormField:
    """A field of a form: `text`, `long`, `date`, `number`, or a choice of words."""

    name: str
    label: str
    kind: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What can be stored on a screen."""

    button: str
    fields: tuple[FormField, ...]


@dataclass(frozen=True, kw_only=True)
class Screen:
    """One function of the back office.

    Attributes:
        path: a pattern; `{name}` stands for one segment, a last `*` for one or more.
        query: the parameters that name the screen on a path that it shares.
        more: further patterns, of single records and what belongs to them.
        number: the value of `function_id` by which RF.jsp opens the screen.
        index: a path to start from, where `path` is a pattern.
        json: answers in JSON unless a page is asked for.
        team: the rows are the asker's team.
        search: the rows are found by the parameter `name`.
        live: has a stream of events.
        socket: where its WebSocket is, whatever the record.
        report: has a large file at paths that end in `/download`.
        upload: label of a file field.
        transaction: its page is opened under a number, by which alone it is sent.
        marked: records that are marked apart, and how.
    """

    id: str
    title: str
    path: str
    query: Mapping[str, str]
    columns: tuple[Column, ...] = ()
    summary: tuple[Column, ...] = ()
    rows: int = 8
    form: Form | None = None
    more: tuple[str, ...] = ()
    number: str | None = None
    index: str | None = None
    json: bool = False
    team: bool = False
    search: bool = False
    live: bool = False
    socket: str | None = None
    report: bool = False
    upload: str | None = None
    transaction: bool = False
    marked: Mapping[str, str] = field(default_factory=dict)

    @property
    def entry(self) -> str:
        """Give a URL that shows the screen."""
        pairs = "&".join(f"{name}={value}" for name, value in self.query.items())
        return (self.index or self.path) + (f"?{pairs}" if pairs else "")

    @cached_property
    def _patterns(self) -> list[list[str]]:
        return [path.split("/")[1:] for path in (self.path, *self.more)]

    def is_at(self, path: str) -> bool:
        """Tell whether it may be what is meant at a path."""
        if path == BY_NUMBER and self.number is not None:
            return True
        segments = path.split("/")[1:]
        return any(_fits(pattern, segments) for pattern in self._patterns)

    def is_named_by(self, asked: Asked, form: Mapping[str, str]) -> bool:
        """Tell whether a request means this screen, at a path where it may be.

        Args:
            asked: the request.
            form: fields of its form, which name a screen as the query does.
        """
        wanted = self.query
        if asked.path == BY_NUMBER and self.number is not None:
            others = {name: value for name, value in wanted.items() if name != "OAFunc"}
            wanted = {**others, "function_id": self.number}
        return all((asked.parameter(name) or form.get(name)) == wanted[name] for name in wanted)


def _fits(pattern: list[str], segments: list[str]) -> bool:
    if pattern[-1] == "*":
        if len(segments) < len(pattern) or segments[-1] == "":
            return False
        pattern, segments = pattern[:-1], segments[: len(pattern) - 1]
    return len(pattern) == len(segments) and all(
        (one.startswith("{") and other != "") or one == other
        for one, other in zip(pattern, segments, strict=True)
    )


class Screens:
    """All screens."""

    def __init__(self, screens: Iterable[Screen]) -> None:
        """Hold them, those with most parameters first."""
        self.each = tuple(sorted(screens, key=lambda screen: -len(screen.query)))
        self._at: dict[str, tuple[Screen, ...]] = {}

    @classmethod
    def read(cls, directory: Path = SCREENS) -> Screens:
        """Read every file of the folder."""
        return cls(
            _screen(table)
            for path in sorted(directory.glob("*.toml"))
            for table in tomllib.loads(path.read_text("utf-8"))["screen"]
        )

    def by_id(self, screen_id: str) -> Screen | None:
        """Find a screen by its id."""
        return next((screen for screen in self.each if screen.id == screen_id), None)

    def find(self, asked: Asked, form: Mapping[str, str]) -> Screen | None:
        """Find the screen that a request means, by its query and the fields of its form."""
        there = self._at.get(asked.path)
        if there is None:
            if len(self._at) >= _PATHS_REMEMBERED:
                self._at.clear()
            there = self._at[asked.path] = tuple(
                each for each in self.each if each.is_at(asked.path)
            )
        return next((screen for screen in there if screen.is_named_by(asked, form)), None)


def _screen(table: dict[str, Any]) -> Screen:
    form = table.get("form")
    columns = {
        name: tuple(
            Column(heading=heading, recipe=recipe) for heading, recipe in table.get(name, ())
        )
        for name in ("columns", "summary")
    }
    return Screen(
        **{
            **table,
            "query": table.get("query", {}),
            "more": tuple(table.get("more", ())),
            "columns": columns["columns"],
            "summary": columns["summary"],
            "form": None if form is None else _form(form),
        }
    )


def _form(table: Mapping[str, Any]) -> Form:
    fields = []
    for name, label, recipe in table["fields"]:
        kind, _, choices = recipe.partition(" ")
        listed = tuple(choices.split("|")) if choices else ()
        fields.append(FormField(name=name, label=label, kind=kind, choices=listed))
    return Form(button=table["button"], fields=tuple(fields))
