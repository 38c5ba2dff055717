"""What is entered is kept under a reference of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.demo.backoffice import store as module
from deploy.demo.backoffice.store import Owner, Store, Uploaded

ALICE = Owner(organisation="cheshire-fire", employee_number="40011")
FILE = Uploaded(reference="", name="a.pdf", size=1, sha256="0" * 64)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A store whose references are drawn alike twice running."""
    drawn = iter(["N1", "N1", "N2", "N1", "N1", "N2"])
    monkeypatch.setattr(module, "_reference", lambda: next(drawn))
    made = Store(tmp_path / "store.sqlite")
    yield made
    made.close()


def test_two_entries_never_share_a_reference(store: Store) -> None:
    entered = [store.keep("est.job", ALICE, {"detail": each}, "now") for each in ("one", "two")]
    sent = [store.keep_upload("est.job", ALICE, FILE, "now") for _ in range(2)]

    assert entered == sent == ["N1", "N2"]
    assert [each.fields["detail"] for each in store.kept("est.job", ALICE)] == ["two", "one"]
    assert [each.reference for each in store.uploads("est.job", ALICE)] == ["N2", "N1"]
