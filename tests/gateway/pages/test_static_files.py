"""Style sheets and scripts: what is shipped, how long it is kept, what they may not contain."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import pytest

from gateway.pages.static_files import FOLDER, AssetsMissingError, StaticFiles
from tests.gateway.pages.conftest import SignIn


def test_style_sheets_name_no_font_and_no_colour_of_govuk() -> None:
    """Off service.gov.uk neither may be used (Design System, Typeface and Generic header)."""
    sheets = [path.read_text(encoding="utf-8").lower() for path in FOLDER.rglob("*.css")]

    assert len(sheets) == 2
    for sheet in sheets:
        for word in ("gds transport", "@font-face", "#1d70b8", "url(", "@import"):
            assert word not in sheet


def test_nothing_of_the_brand_is_shipped() -> None:
    """Fonts, crest and crown are licensed for GOV.UK services only."""
    names = [path.name.lower() for path in FOLDER.rglob("*") if path.is_file()]

    assert not [name for name in names if name.endswith((".woff", ".woff2", ".png", ".ico"))]
    assert not [name for name in names if "crest" in name or "crown" in name]


def test_licence_is_shipped_with_what_it_is_for() -> None:
    """The MIT licence asks for it."""
    licence = (FOLDER / "vendor" / "LICENCE-govuk-frontend.txt").read_text(encoding="utf-8")

    assert "Permission is hereby granted, free of charge" in licence


def test_script_names_no_map_that_is_not_there() -> None:
    """Browsers with their tools open would ask for it and get a refusal, which is recorded."""
    script = (FOLDER / "vendor" / "govuk-frontend.min.js").read_text(encoding="utf-8")

    assert "sourceMappingURL" not in script


def test_file_is_kept_for_a_year_under_its_digest(browser_of: SignIn) -> None:
    """The address changes with the content, so it can be kept."""
    path = StaticFiles().path
    response = browser_of().get(f"{path}/gateway.css", headers={"Accept-Encoding": "gzip, br"})

    assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert response.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(response.data) == (FOLDER / "gateway.css").read_bytes()


@pytest.mark.parametrize("accepted", ["", "identity", "gzip;q=0"])
def test_file_is_sent_plain_to_whoever_cannot_unpack_it(browser_of: SignIn, accepted: str) -> None:
    """Zero quality means no."""
    response = browser_of().get(
        f"{StaticFiles().path}/gateway.js", headers={"Accept-Encoding": accepted}
    )

    assert "Content-Encoding" not in response.headers
    assert response.data == (FOLDER / "gateway.js").read_bytes()


def test_page_of_yesterday_gets_the_file_but_not_for_keeps(browser_of: SignIn) -> None:
    """Otherwise it stands without style until it is loaded anew."""
    response = browser_of().get("/-/static/0123456789abcdef/gateway.css")

    assert (response.status_code, response.headers["Cache-Control"]) == (200, "no-store")


@pytest.mark.parametrize(
    "name",
    [
        "nothing.css",
        "../page.py",
        "vendor/../../page.py",
        "/etc/passwd",
        "vendor/built-from.txt/x",
        "",
    ],
)
def test_what_was_not_there_at_the_start_does_not_exist(browser_of: SignIn, name: str) -> None:
    """No name is looked up on the disk."""
    assert browser_of().get(f"{StaticFiles().path}/{name}").status_code == 404


def test_missing_assets_stop_the_start_and_say_what_to_run(tmp_path: Path) -> None:
    """A service without style would look like a fault of the browser."""
    shutil.copytree(FOLDER, tmp_path / "static", ignore=shutil.ignore_patterns("vendor"))

    with pytest.raises(AssetsMissingError, match=r"deploy/assets/build\.py"):
        StaticFiles(tmp_path / "static")


def test_digest_follows_the_content(tmp_path: Path) -> None:
    """A changed file under an old address would not be fetched for a year."""
    shutil.copytree(FOLDER, tmp_path / "static")
    before = StaticFiles(tmp_path / "static").digest
    (tmp_path / "static" / "gateway.css").write_text("body{}", encoding="utf-8")

    assert StaticFiles(tmp_path / "static").digest != before
