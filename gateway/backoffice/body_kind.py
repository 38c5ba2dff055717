"""Tells of which kind a body is, by its `Content-Type`; one that some reader takes otherwise, none.

A back office may look for a word anywhere in the field, fold letters, or decode by a character set
that only it knows: a form in EBCDIC shows no parameter to us. So a kind that is read has exactly
one spelling, with UTF-8 the only character set and without a content coding.
"""

import re
from collections.abc import Mapping
from typing import Final

from policies.catalogue import BodyKind

_UTF_8: Final = rb'(?:[ \t]*;[ \t]*charset=(?:utf-8|"utf-8"))?'
_FORM: Final = re.compile(rb"application/x-www-form-urlencoded" + _UTF_8)
_JSON: Final = re.compile(rb"application/json" + _UTF_8)
# RFC 2046 section 5.1.1, without the characters that readers quote in different ways
_MULTIPART: Final = re.compile(
    rb"multipart/form-data[ \t]*;[ \t]*boundary="
    rb"(?:([A-Za-z0-9'+_.-]{1,70})|\"([A-Za-z0-9'+_./:=?-]{1,70})\")",
    re.IGNORECASE,
)
_OTHER: Final = re.compile(
    rb"[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+"
    rb'(?:[ \t]*;[ \t]*[a-z0-9_-]+=(?:[a-z0-9!#$&^_.+-]+|"[^"\\]*"))*'
)
_READ_BY_SOMEBODY: Final = (b"form-urlencoded", b"form-data", b"multipart", b"json")


def kind_of(headers: Mapping[bytes, bytes]) -> BodyKind | None:
    """Give the kind of a request's body.

    Args:
        headers: of the request, names in lower case.

    Returns:
        None for a body whose kind readers could disagree on.
    """
    content_type = headers.get(b"content-type", b"").strip().lower()
    plain = headers.get(b"content-encoding", b"identity").strip().lower() in {b"", b"identity"}
    if _FORM.fullmatch(content_type):
        return BodyKind.FORM if plain else None
    if _JSON.fullmatch(content_type):
        return BodyKind.JSON if plain else None
    if _MULTIPART.fullmatch(content_type):
        return BodyKind.MULTIPART if plain else None
    if any(word in content_type for word in _READ_BY_SOMEBODY):
        return None
    return BodyKind.OTHER if not content_type or _OTHER.fullmatch(content_type) else None


def boundary_of(headers: Mapping[bytes, bytes]) -> bytes:
    """Give what parts an upload; only for a body of which `kind_of` says that it is one."""
    found = _MULTIPART.fullmatch(headers[b"content-type"].strip())
    if found is None:
        raise ValueError("boundary: not an upload")
    return bytes(found[1] or found[2])
