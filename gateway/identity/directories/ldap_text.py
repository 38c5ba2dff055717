"""Text that goes into LDAP filters, and DNs that are to be compared."""

from __future__ import annotations

import uuid

import ldap.dn
import ldap.filter

MAX_DN_CHARACTERS = 2048


def escape(value: str) -> str:
    """Write a value so that it means itself inside a filter (RFC 4515 section 3)."""
    if not isinstance(value, str):  # bytes would slip through the library's escaping
        raise TypeError("directory: only text goes into a filter")
    return str(ldap.filter.escape_filter_chars(value))


def equals(attribute: str, value: str) -> str:
    """Write the filter for entries with this value."""
    return f"({attribute}={escape(value)})"


def any_of(filters: list[str]) -> str:
    """Write the filter that any of several satisfies."""
    return filters[0] if len(filters) == 1 else f"(|{''.join(filters)})"


def equals_id(attribute: str, directory_id: str) -> str | None:
    """Write the filter that finds an entry by its immutable id, binary in Active Directory.

    Returns:
        The filter; None if no entry can have such an id.
    """
    if attribute.lower() != "objectguid":
        return equals(attribute, directory_id)
    try:
        octets = uuid.UUID(directory_id).bytes_le
    except ValueError:
        return None
    escaped = "".join(rf"\{octet:02x}" for octet in octets)
    return f"({attribute}={escaped})"


def dn_key(dn: str) -> str | None:
    """Bring the spellings of a DN that directories take for one to one form, for comparing.

    Returns:
        The form; None if it is no DN.
    """
    if len(dn) > MAX_DN_CHARACTERS:
        return None
    try:
        parts = ldap.dn.str2dn(dn)
    except ldap.DECODING_ERROR:
        return None
    # A name of several attributes has no order of its own; letter case does not matter.
    names = (
        "+".join(
            sorted(
                f"{attribute.lower()}={ldap.dn.escape_dn_chars(' '.join(value.split())).casefold()}"
                for attribute, value, _ in part
            )
        )
        for part in parts
    )
    return ",".join(names) or None


def escape_in_dn(value: str) -> str:
    """Write a value so that it means itself inside a DN (RFC 4514 section 2.4)."""
    return str(ldap.dn.escape_dn_chars(value))
