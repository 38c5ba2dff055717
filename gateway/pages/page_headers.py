"""The response headers of every page: what a browser may load, show and keep.

The front sends the same set with the refusals it writes itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# Of the one inline script in the page template: it adds the class `js-enabled`. GOV.UK Frontend
# publishes this hash; a test recomputes it from the rendered page.
INLINE_SCRIPT_HASH = "sha256-GUQ5ad8JK5KmEWmROf3LZd9ge94daqNvd8xy9YS1iDw="


def content_security_policy(*form_origins: str) -> str:
    """Write the policy of a page.

    Args:
        form_origins: to which forms of the page go, at once or by a redirect after them: that of a
            provider, and those of systems that have hosts of their own.
    """
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' '{INLINE_SCRIPT_HASH}'",
            "style-src 'self'",
            "img-src 'self'",
            "connect-src 'self'",
            " ".join(("form-action 'self'", *form_origins)),
            "base-uri 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    )


CONTENT_SECURITY_POLICY = content_security_policy()


def page_headers(form_origins: Iterable[str] = ()) -> tuple[tuple[str, str], ...]:
    """Give the headers of every page, with the policy for these origins."""
    return (("Content-Security-Policy", content_security_policy(*form_origins)), *_HEADERS)


_HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    # Not `no-referrer`: with it a browser sends `Origin: null` with our own forms.
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    (
        "Permissions-Policy",
        "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
    ("X-Robots-Tag", "noindex, nofollow"),
)
PAGE_HEADERS = page_headers()

NO_STORE = ("Cache-Control", "no-store")
