"""The names and passwords people type: what is refused before any directory is asked, and folding.

A directory takes ` ALICE `, `alice` and `al<zero width space>ice` for one person. Whatever is
counted or looked up by name must do so too, or each spelling would be a fresh set of guesses. So a
name is folded here, and a name with characters that directories drop silently is refused.
"""

from __future__ import annotations

import unicodedata

MAX_NAME_BYTES = 256
"""No directory's sign-in name is longer (Active Directory's UPN has at most 256 characters)."""

MAX_PASSWORD_BYTES = 1024
"""Longer than any directory stores, short enough not to be a weapon against its hash function."""

# RFC 4518 section 2.2: what string preparation maps to nothing although it is not a control.
_MAPPED_TO_NOTHING = frozenset("\u034f\u1806\u180b\u180c\u180d\ufffc") | frozenset(
    chr(code) for code in range(0xFE00, 0xFE10)
)
# Controls, format characters, surrogates, private use, unassigned, line and paragraph separators.
_REFUSED_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def credentials_fault(name: object, password: object) -> str | None:
    """Say why these credentials are not even shown to a directory.

    An empty password matters most: LDAP takes it for an anonymous bind, which succeeds (RFC 4513
    section 5.1.2).

    Returns:
        What is wrong, for the record; None if a directory may be asked.
    """
    if not isinstance(name, str) or not isinstance(password, str):
        return "not text"
    if not name.strip():
        return "name empty"
    if not password:
        return "password empty"
    if "\0" in password:
        return "password with a NUL"
    try:
        name_bytes, password_bytes = len(name.encode()), len(password.encode())
    except UnicodeEncodeError:
        return "not UTF-8"
    if name_bytes > MAX_NAME_BYTES:
        return "name too long"
    if password_bytes > MAX_PASSWORD_BYTES:
        return "password too long"
    if not is_plain(name):
        return "name with characters that cannot be typed"
    return None


def is_plain(text: str) -> bool:
    """Tell whether a text has only characters that are seen, and that directories do not drop."""
    return all(
        unicodedata.category(character) not in _REFUSED_CATEGORIES
        and character not in _MAPPED_TO_NOTHING
        for character in text
    )


def fold_name(name: str) -> str:
    """Bring the spellings of a name that a directory takes for one to one form.

    Compatibility forms, letter case, and spaces before, after and doubled are folded (RFC 4518
    section 2). The result is for counting and looking up, never for signing in with.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return " ".join(folded.split())
