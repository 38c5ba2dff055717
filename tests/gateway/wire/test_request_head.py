"""What a request head must be."""

import pytest

from gateway.wire.request_head import CHUNKED, HeadError, RequestHead, check_head

HOSTS = frozenset({b"gate.example"})


def check(
    *fields: tuple[bytes, bytes], method: str = "GET", version: str = "1.1", host: bool = True
) -> RequestHead:
    first = [(b"Host", b"gate.example")] if host else []
    return check_head(
        method=method, target=b"/", version=version, fields=[*first, *fields], hosts=HOSTS
    )


def code_of(*fields: tuple[bytes, bytes], **more: object) -> str:
    with pytest.raises(HeadError) as caught:
        check(*fields, **more)  # type: ignore[arg-type]
    return caught.value.code


def test_an_ordinary_head_is_taken() -> None:
    head = check((b"Accept", b"text/html"), (b"User-Agent", b"x"))

    assert head.headers[b"accept"] == b"text/html"
    assert (head.body_length, head.keep_alive, head.expects_continue) == (0, True, False)


@pytest.mark.parametrize("host", [b"", b"gate.example,evil", b"u@gate.example", b"gate.example/x"])
def test_a_host_that_is_not_ours_is_refused(host: bytes) -> None:
    assert code_of((b"Host", host), host=False) == "host"


def test_a_missing_and_a_second_host_are_refused() -> None:
    assert code_of(host=False) == "host"
    assert code_of((b"Host", b"gate.example")) == "header-repeated"


def test_a_host_in_capitals_is_ours() -> None:
    assert check((b"Host", b"GATE.example"), host=False).method == "GET"


@pytest.mark.parametrize(
    "name", [b"X_Gateway_User", b"X.User", b"X User", b"", b"X-\x85", b"Gateway\xa0"]
)
def test_a_field_name_that_folds_to_another_is_refused(name: bytes) -> None:
    assert code_of((name, b"x")) == "header-name"


@pytest.mark.parametrize("value", [b"\x00", b"a\rb", b"\xe9", b"a\x7fb", b"\x0bchunked"])
def test_a_value_with_hidden_bytes_is_refused(value: bytes) -> None:
    assert code_of((b"X-Note", value)) == "header-value"


@pytest.mark.parametrize("name", [b"Cookie", b"Content-Type", b"Authorization", b"cOOKIE"])
def test_a_repeated_singleton_is_refused(name: bytes) -> None:
    assert code_of((name, b"a"), (b"COOKIE" if name == b"cOOKIE" else name, b"b")) == (
        "header-repeated"
    )


@pytest.mark.parametrize(
    "length", [b"+5", b"-1", b"5_0", b"0x5", b"005", b"5,5", b"5, 6", b"", b"1" * 19]
)
def test_a_content_length_with_two_readings_is_refused(length: bytes) -> None:
    assert code_of((b"Content-Length", length), method="POST") == "content-length"


@pytest.mark.parametrize(
    "coding",
    [b"identity, chunked", b"chunked, identity", b",chunked", b"xchunked", b"gzip", b'"chunked"'],
)
def test_a_transfer_coding_other_than_chunked_is_refused(coding: bytes) -> None:
    assert code_of((b"Transfer-Encoding", coding), method="POST") == "framing"


def test_two_framings_and_chunked_on_1_0_are_refused() -> None:
    both = ((b"Content-Length", b"5"), (b"Transfer-Encoding", b"chunked"))
    assert code_of(*both, method="POST") == "framing"
    assert code_of(both[1], method="POST", version="1.0") == "framing"
    assert check(both[1], method="POST").body_length == CHUNKED


@pytest.mark.parametrize(
    "value", [b"close, X-Gateway-User", b"Host", b"Cookie", b"content-length", b'"close"', b"x"]
)
def test_connection_may_not_name_other_fields(value: bytes) -> None:
    assert code_of((b"Connection", value)) == "connection-names-field"


def test_the_lifetime_of_a_connection_follows_the_version() -> None:
    assert not check((b"Connection", b"close")).keep_alive
    assert not check(version="1.0").keep_alive
    assert check((b"Connection", b"keep-alive"), version="1.0").keep_alive


@pytest.mark.parametrize("value", [b" 100-continue x", b"y 100-continue", b"200-ok"])
def test_a_malformed_expectation_is_refused(value: bytes) -> None:
    assert code_of((b"Expect", value), method="POST") == "expect"
    assert check((b"Expect", b"100-continue"), method="POST").expects_continue


def test_upgrades_overrides_methods_and_versions_are_refused() -> None:
    assert code_of((b"Upgrade", b"websocket")) == "upgrade"
    assert code_of((b"X-HTTP-Method-Override", b"DELETE")) == "method-override"
    assert code_of(method="TRACE") == "method"
    assert code_of(version="2.0") == "http-version"
