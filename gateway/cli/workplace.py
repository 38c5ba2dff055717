"""What a command that changes something works with: opened together, closed together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from gateway.bulletin import Bulletin
from gateway.cli.opening import open_existing_store, open_settings
from gateway.cli.operator_act import operator_act
from gateway.keys import KeyRing

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

    from gateway.audit.entry import EntryDraft, Kind
    from gateway.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """Settings, store, keys and bulletin of one command."""

    settings: Settings
    store: Engine
    ring: KeyRing
    bulletin: Bulletin

    @classmethod
    @contextmanager
    def open(cls, config: Path) -> Iterator[Workplace]:
        """Open everything, and close it in reverse order.

        Raises:
            SettingsError, KeysError, CommandError, StoreError: a part cannot be opened.
        """
        settings = open_settings(config)
        ring = KeyRing.open(settings.keys.directory)
        store = open_existing_store(settings)
        try:
            with closing(Bulletin(settings.gateway.state_directory)) as bulletin:
                yield cls(settings=settings, store=store, ring=ring, bulletin=bulletin)
        finally:
            store.dispose()

    def act(
        self,
        kind: Kind,
        code: str,
        *,
        operator: str,
        at: datetime,
        subject: str = "",
        detail: Mapping[str, object] | None = None,
    ) -> AbstractContextManager[EntryDraft]:
        """Have an act on the record before it happens; see `operator_act`."""
        return operator_act(
            self.settings,
            self.ring,
            kind=kind,
            code=code,
            operator=operator,
            at=at,
            subject=subject,
            detail=detail,
        )
