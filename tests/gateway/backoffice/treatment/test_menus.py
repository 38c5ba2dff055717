"""Answers that list functions, reduced to those that may be opened."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.backoffice.treatment.menus import Menu, Removed, reduce_json
from gateway.backoffice.treatment.unfit import UnfitAnswerError

OPENS = {"functionId": "/RF.jsp?function_id="}


def may_open(address: str) -> bool:
    return address in {"/RF.jsp?function_id=1", "/yes", "yes.jsp"}


MENU = Menu(opens=OPENS, may_open=may_open)


def reduced(value: Any) -> tuple[Any, int]:
    removed = Removed()
    return reduce_json(value, MENU, removed), removed.count


@pytest.mark.parametrize(
    ("value", "left", "gone"),
    [
        ([{"url": "/yes"}, {"url": "/no", "label": "L"}], [{"url": "/yes"}], 1),
        ([{"functionId": 1}, {"functionId": "2"}], [{"functionId": 1}], 1),
        ({"items": [{"x": 1}], "u": "/yes"}, {"items": [{"x": 1}], "u": "/yes"}, 0),
        (
            {"menu": [{"label": "Pay", "items": [{"url": "/no"}]}, {"items": [{"url": "/yes"}]}]},
            {"menu": [{"items": [{"url": "/yes"}]}]},
            1,
        ),
        ([{"functionId": None, "items": [{"url": "/yes"}]}], None, 0),
        ([{"url": "https://elsewhere/x"}, {"url": "/yes"}], [{"url": "/yes"}], 1),
        ([{"odd": "OA.jsp?OAFunc=X"}, {"odd": "yes.jsp"}], [{"odd": "yes.jsp"}], 1),
        ([{"functionId": True}, {"functionId": [1]}, {"functionId": 1}], [{"functionId": 1}], 2),
        (["/no", "/yes", "plain"], ["/yes", "plain"], 1),
        ([{"do": "go('/no')"}, {"do": "go('/yes', 'x')"}], [{"do": "go('/yes', 'x')"}], 1),
        ([{"do": "javascript:x()"}, {"do": "open(this)"}, {"u": "/yes"}], [{"u": "/yes"}], 2),
        ([{"label": "Pay (monthly)", "u": "/yes"}], [{"label": "Pay (monthly)", "u": "/yes"}], 0),
        ([{"label": "Pay", "act": "pay"}, {"u": "/yes"}], [{"u": "/yes"}], 1),
        (
            [{"label": "Pay", "items": [{"label": "L", "items": [{"u": "/yes"}]}, {"label": "M"}]}],
            [{"label": "Pay", "items": [{"label": "L", "items": [{"u": "/yes"}]}]}],
            1,
        ),
        ({"links": [], "t": "x"}, {"links": [], "t": "x"}, 0),
    ],
)
def test_what_may_not_be_opened_goes_with_all_it_holds(value: Any, left: Any, gone: int) -> None:
    assert reduced(value) == (value if left is None else left, gone)


def test_a_menu_of_which_nothing_is_left_is_refused() -> None:
    with pytest.raises(UnfitAnswerError):
        reduced({"menu": [{"url": "/no"}]})
