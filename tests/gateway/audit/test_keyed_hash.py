"""The quick HMAC is the HMAC."""

import hmac

from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.keyed_hash import KeyedHash


@given(key=st.binary(max_size=200), messages=st.lists(st.binary(max_size=300), max_size=4))
def test_it_gives_what_the_standard_library_gives(key: bytes, messages: list[bytes]) -> None:
    keyed = KeyedHash(key)

    for message in messages:
        assert keyed.digest(message) == hmac.digest(key, message, "sha256")
