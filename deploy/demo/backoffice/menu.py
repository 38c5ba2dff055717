"""The whole menu, whoever asks: as such suites answer it, for programs and as the home page."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from deploy.demo.backoffice.rendering import Pages, json_answer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from deploy.demo.backoffice.assertion import Asker
    from deploy.demo.backoffice.exchange import Answer, Asked
    from deploy.demo.backoffice.screens import Screen

FOR_PROGRAMS = ("function_id", "MAINMENUREST")
HOME = ("OAFunc", "OANEWHOMEPAGE")


def menu_answer(
    asked: Asked, asker: Asker, screens: Iterable[Screen], pages: Pages
) -> Answer | None:
    """Answer the menu, where it is asked for."""
    if asked.parameter(FOR_PROGRAMS[0]) == FOR_PROGRAMS[1]:
        return json_answer({"menu": _tree(screens)})
    if asked.parameter(HOME[0]) != HOME[1]:
        return None
    return pages.render(
        "menu.html", title="Home", asker=asker, screen=None, areas=_areas(screens), visit=None,
        pages=None,
    )  # fmt: skip


def _areas(screens: Iterable[Screen]) -> list[tuple[str, list[Screen]]]:
    listed = sorted(screens, key=lambda screen: screen.id)
    return [(area, list(each)) for area, each in groupby(listed, _area)]


def _area(screen: Screen) -> str:
    return screen.id.partition(".")[0]


def _tree(screens: Iterable[Screen]) -> list[dict[str, object]]:
    return [
        {
            "label": area.upper(),
            "functionId": None,
            "children": [
                {"label": each.title, "functionId": each.number}
                if each.number
                else {"label": each.title, "url": each.entry}
                for each in within
            ],
        }
        for area, within in _areas(screens)
    ]
