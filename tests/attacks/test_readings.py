"""The oracle itself, against planted faults: a checker that finds nothing proves nothing."""

from __future__ import annotations

import pytest

from tests.attacks.readings import every_reading_is_allowed


@pytest.mark.parametrize(
    "target",
    [
        b"/catalogue/frameworks/../../admin/console",  # 2: dot segments
        b"/catalogue/frameworks/%2e%2e/%2e%2e/admin/console",  # 3: decoded once
        b"/catalogue/frameworks/%252e%252e/%252e%252e/admin/console",  # 4: decoded twice
        b"/catalogue/frameworks/..;x/..;y/admin/console",  # 5: parameters cut
        b"/catalogue/frameworks\\..\\..\\admin",  # 6: backslashes
        b"/catalogue/frameworks//..//..//../admin",  # 7: empty segments
        b"/FLEET/restricted/register",  # 8: letters folded
        b"/OA_HTML/OAExport.jsp%00/../../fleet/bookings",  # 9: cut
        b"/fleet/bookings%00x/",
        b"/fleet/bookings#/../admin",
        b"/catalogue/frameworks/x%5c..%5c..%5c..%5cadmin",  # decoded, then a backslash
        b"/OA_HTML/OA.jsp?OAFunc=XX_BANK",
        b"/OA_HTML/OA.jsp?OAFunc=XX_PAYSLIP&OAFunc=XX_BANK",
        b"/OA_HTML/OA.jsp?OAFunc=XX_PAYSLIP&oafunc=XX_BANK",
        b"/OA_HTML/OA.jsp?OAFunc=XX_PAYSLIP;OAFunc=XX_BANK",
        b"/OA_HTML/OA.jsp?OAFunc=XX_PAYSLIP&x=1%26OAFunc=XX_BANK",
        b"/OA_HTML/OA.jsp?OAFunc=XX_PAYSLIP&person_id=40012",
        b"/OA_HTML/OA.jsp?OAFunc=XX_PAYSLIP&Person_ID[]=40012",
        b"/OA_HTML/OA.jsp?OAFunc=XX_PAYSLIP&person%5fid=40012",
        b"/estates/jobs?person_id=40012",
        b"http://elsewhere/fleet/bookings",
    ],
)
def test_one_bad_reading_is_enough(target: bytes) -> None:
    assert not every_reading_is_allowed(target)


@pytest.mark.parametrize(
    "target",
    [
        b"/fleet/bookings",
        b"/fleet/bookings/BK-10001",
        b"/catalogue/frameworks/current/download",
        b"/OA_HTML/OA.jsp?OAFunc=XX_PAYSLIP&period=2026-10",
        b"/OA_HTML/OA.jsp?OAFunc=XX_PAYSLIP&person_id=40011",
        b"/OA_HTML/OA.jsp?OAFunc=ICX_POR_LAUNCH_IP&porMode=confirmReceipt",
        b"/OA_HTML/RF.jsp?function_id=1040101",
        b"/estates/jobs?q=llanfair%20pwll&mail=a.b%2Bc@example.org",
        b"/ict/tickets/ICT-10001/events?events=3",
    ],
)
def test_what_is_read_alike_by_everybody_is_allowed(target: bytes) -> None:
    assert every_reading_is_allowed(target)
