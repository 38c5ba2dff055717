"""Leading who lacks a fresh second factor, and what of a form can be kept for them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

from gateway.identity.factors.factor_seal import FactorSeal
from gateway.identity.factors.kept_forms import KeptForms
from gateway.step_up import form_fields
from tests.gateway.identity.parts import AT
from tests.gateway.stand import SAME, field_of, stand, status_of

if TYPE_CHECKING:
    from gateway.keys import KeyRing
    from tests.gateway.pages.world import World

BANK = "/OA_HTML/OA.jsp?OAFunc=XX_BANK"
FORM = "Content-Type: application/x-www-form-urlencoded\r\n"


async def test_a_form_is_kept_whole_and_sent_nowhere(
    tmp_path: Path, front_world: World, record_keys: KeyRing
) -> None:
    async with stand(tmp_path, front_world, record_keys) as gate:
        gate.firefighter()
        token, session = gate.parts.sign_in()
        fields = (("account", "12345678"), ("note", "für £"), ("note", ""))
        asked = {"token": token, "method": "POST", "body": urlencode(fields)}
        answer = await gate.ask(BANK, more=SAME + FORM, **asked)
        assert status_of(answer) == 303
        assert field_of(answer, "Location") == "/-/step-up?next=/-/step-up/continue"
        assert gate.act.visits == []
        forms = KeptForms(gate.parts.store, FactorSeal([bytes(32)]))
        form = forms.take(session.hash, at=AT)
        assert form is not None
        assert (form.target, form.title, form.fields) == (BANK, "My bank details", fields)

        told = await gate.ask(BANK, more=SAME + FORM, accept="application/json", **asked)
        asked["body"] = "=nameless"
        odd = await gate.ask(BANK, more=SAME + FORM, **asked)
        assert (status_of(told), status_of(odd)) == (403, 403)
        assert forms.take(session.hash, at=AT) is None


async def test_nobody_is_led_away_from_an_address_that_could_not_lead_back(
    tmp_path: Path, front_world: World, record_keys: KeyRing
) -> None:
    """They are told what they lack instead."""
    async with stand(tmp_path, front_world, record_keys) as gate:
        gate.firefighter()
        token, _ = gate.parts.sign_in()
        led, told = [await gate.ask(f"{BANK}&a={'b' * n}", token=token) for n in (7_000, 7_900)]

        assert field_of(led, "Location").startswith("/-/step-up?next=/OA_HTML")
        assert status_of(told) == 403
        assert b'data-reason="second-factor-needed"' in told


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (b"", ()),
        (b"a=1&b=&a=2", (("a", "1"), ("b", ""), ("a", "2"))),
        (b"note=one%0D%0Atwo%09x+y%2B", (("note", "one\r\ntwo\tx y+"),)),
        (b"n%C3%A4me=%E2%82%AC", (("näme", "€"),)),
        (b"a", None),
        (b"=1", None),
        (b"a=%00", None),
        (b"a=%1b", None),
        (b"a=%ff", None),
        (b"a=\xff", None),
        (b"&".join(b"a=1" for _ in range(2_001)), None),
    ],
)
def test_only_what_a_page_can_send_again_is_kept(
    body: bytes, fields: tuple[tuple[str, str], ...] | None
) -> None:
    """Anything else would arrive as something else."""
    assert form_fields(body) == fields
