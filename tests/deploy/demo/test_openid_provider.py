"""The ambulance service's accounts, as its provider keeps them."""

from __future__ import annotations

import json
from pathlib import Path

from deploy.demo.openid_provider import OpenIdProvider, claims_of
from deploy.demo.scenario import load_scenario
from deploy.demo.staff import staff_of


def test_everybody_has_an_account_that_says_nothing_of_vetting(tmp_path: Path) -> None:
    ambulance = load_scenario()["nwas"]
    staff = staff_of(ambulance, load_scenario().accounts)
    provider = OpenIdProvider(
        id="nwas", name="NWAS", folder=tmp_path, port=1, gateway="http://localhost:8080"
    )
    provider.prepare()
    provider.load([claims_of(ambulance, one, "demo") for one in staff])
    kept = json.loads((tmp_path / "accounts.json").read_text("utf-8"))

    assert len(kept) == ambulance.staff
    assert len({one["id"] for one in kept}) == len({one["username"] for one in kept}) == len(kept)
    (paramedic,) = [one for one in kept if one["username"] == "paramedic"]
    assert paramedic["claims"]["posts"] == ["paramedic"]
    assert "vetting" not in json.dumps(kept).lower()
    for secret in (provider.secret_file, tmp_path / "accounts.json"):
        assert secret.stat().st_mode & 0o077 == 0
