"""The headers of a page."""

from __future__ import annotations

from gateway.pages.page_headers import CONTENT_SECURITY_POLICY, PAGE_HEADERS, page_headers


def test_policy_names_every_directive_once_and_allows_nothing_by_default() -> None:
    """A directive given twice counts only the first time, which is easily overlooked."""
    names = [directive.split()[0] for directive in CONTENT_SECURITY_POLICY.split("; ")]

    assert names[0] == "default-src"
    assert len(names) == len(set(names))
    for fallback in ("form-action", "base-uri", "frame-ancestors"):
        assert fallback in names  # these do not fall back to default-src


def test_policy_lets_nothing_in_from_elsewhere() -> None:
    """No host, no scheme, nothing unsafe."""
    for word in ("unsafe", "http:", "https:", "data:", "*", "blob:"):
        assert word not in CONTENT_SECURITY_POLICY


def test_a_form_may_lead_on_to_our_other_hosts_and_nowhere_else() -> None:
    """Browsers hold a form to this through every redirect after it, such as back to a system."""
    several = page_headers(["https://a.gate", "https://gate"])

    assert (
        "form-action 'self' https://a.gate https://gate;"
        in dict(several)["Content-Security-Policy"]
    )
    assert "form-action 'self';" in dict(PAGE_HEADERS)["Content-Security-Policy"]
    assert several[1:] == PAGE_HEADERS[1:]
