"""The page is 4 kB, and what is not installed is named with its package."""

from __future__ import annotations

import pytest

from tests.benchmarks.servers import PAGE_BYTES, MissingProgramError, page, program


def test_the_page_has_4_kb() -> None:
    assert len(page()) == PAGE_BYTES == 4096


def test_a_missing_program_is_named_with_its_package() -> None:
    with pytest.raises(MissingProgramError, match=r"no-such-server.*install.*its-package"):
        program("no-such-server", "its-package")
