"""The public keys are a document that systems may keep for a while."""

import orjson

from gateway.api.keys import JWKS_PATH, jwks_answer


def test_the_keys_are_published_where_systems_look_for_them() -> None:
    answer = jwks_answer({"keys": [{"kid": "k1"}]})
    fields = dict(answer.fields)

    assert JWKS_PATH == "/.well-known/jwks.json"
    assert (answer.status, orjson.loads(answer.body)) == (200, {"keys": [{"kid": "k1"}]})
    assert fields[b"Content-Type"] == b"application/jwk-set+json"
    assert fields[b"Cache-Control"] == b"public, max-age=300"
    assert fields[b"X-Content-Type-Options"] == b"nosniff"
