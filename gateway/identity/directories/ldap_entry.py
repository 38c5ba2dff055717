"""What is read from a directory's entry, and what is believed of it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from gateway.identity.directories.directory import DirectoryPerson, EntryIncomplete
from gateway.identity.directories.ldap_link import Entry
from gateway.identity.names import is_plain

MAX_VALUES = 100
MAX_VALUE_CHARACTERS = 256
_GUID_OCTETS = 16


class EntryReader:
    """Reads entries by the gateway's own words for attributes."""

    def __init__(self, attributes: Mapping[str, str]) -> None:
        """Take the gateway's word to the directory's name of each attribute."""
        self._attributes = attributes

    @property
    def asked(self) -> tuple[str, ...]:
        """What to ask of a person's own entry."""
        return tuple(name for word, name in self._attributes.items() if word != "manager")

    def person(self, entry: Entry) -> DirectoryPerson:
        """Describe a person by their entry, without groups and team.

        Raises:
            EntryIncomplete: if the entry lacks its id or its sign-in name.
        """
        directory_id = self.one(entry, "directory_id")
        username = self.one(entry, "username")
        if not directory_id or not username:
            message = "directory: the entry lacks its id or its sign-in name"
            raise EntryIncomplete(message)
        return DirectoryPerson(
            directory_id=directory_id,
            username=username,
            name=self._first(entry, "name") or username,
            employee_number=self.one(entry, "employee_number"),
            posts=frozenset(self.values(entry, "post")),
            unit=self.one(entry, "unit"),
            mail=self._first(entry, "mail"),
        )

    def one(self, entry: Entry, word: str) -> str:
        """Give the only value; of several, none can be taken for the true one."""
        values = self.values(entry, word)
        return values[0] if len(values) == 1 else ""

    def values(self, entry: Entry, word: str) -> list[str]:
        """Give the values of an attribute that are plain text of sane length, in their order."""
        name = self._attributes.get(word, "").lower()
        values = entry.get(name, [])
        if name == "objectguid":
            whole = (value for value in values if len(value) == _GUID_OCTETS)
            return [str(uuid.UUID(bytes_le=value)) for value in whole]
        texts = (value.decode("utf-8", "replace").strip() for value in values[:MAX_VALUES])
        return [
            text for text in texts if text and len(text) <= MAX_VALUE_CHARACTERS and is_plain(text)
        ]

    def _first(self, entry: Entry, word: str) -> str:
        return next(iter(self.values(entry, word)), "")
