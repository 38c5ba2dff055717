"""A QR code drawn as a path has the modules of the code, and room around them."""

from __future__ import annotations

import re

import segno

from gateway.pages.qr_code import QUIET, qr_code

TEXT = "otpauth://totp/Shared:sam?secret=GEZDGNBVGY3TQOJQ&issuer=Shared"


def test_the_path_draws_every_dark_module_and_no_other() -> None:
    drawn = qr_code(TEXT)
    dark = set()
    for x, y, length in re.findall(r"M(\d+) (\d+)h(\d+)v1h-\d+z", drawn.path):
        dark |= {(int(x) + step, int(y)) for step in range(int(length))}
    rows = list(segno.make(TEXT, error="m", micro=False, boost_error=False).matrix)

    assert dark == {
        (x + QUIET, y + QUIET) for y, row in enumerate(rows) for x, each in enumerate(row) if each
    }
    assert drawn.size == len(rows) + 2 * QUIET
    assert set(drawn.path) <= set("Mhvz -0123456789")
