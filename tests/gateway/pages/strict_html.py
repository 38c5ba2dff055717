"""A strict reading of our own pages: what a lenient browser would silently put right is a fault.

It knows the subset of HTML that the pages use, and refuses what is outside.
"""

from __future__ import annotations

from html.parser import HTMLParser
from itertools import pairwise

from typing_extensions import override

_VOID = frozenset({"meta", "link", "input", "br", "hr", "img", "path", "wbr"})
_CLOSES_P = frozenset(
    {"address", "aside", "blockquote", "details", "div", "dl", "fieldset", "footer", "form"}
    | {"h1", "h2", "h3", "h4", "header", "hr", "main", "nav", "ol", "p", "pre", "section"}
    | {"table", "ul"}
)
_PARENTS = {
    "li": {"ul", "ol"},
    "dt": {"dl", "div"},
    "dd": {"dl", "div"},
    "tr": {"thead", "tbody"},
    "td": {"tr"},
    "th": {"tr"},
    "thead": {"table"},
    "tbody": {"table"},
    "caption": {"table"},
    "legend": {"fieldset"},
    "option": {"select"},
    "summary": {"details"},
    "path": {"svg"},
}
_INTERACTIVE = frozenset({"a", "button"})
_REFERENCES = ("for", "aria-labelledby", "aria-describedby", "aria-controls")


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[str] = []
        self.open: list[str] = []
        self.ids: set[str] = set()
        self.wanted: set[str] = set()
        self.headings: list[int] = []
        self.title = ""
        self.doctype = ""

    @override
    def handle_decl(self, decl: str) -> None:
        self.doctype = decl

    @override
    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _VOID:
            self.faults.append(f"<{tag}/> is not closed by its slash")
        self.handle_starttag(tag, attrs)

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        if len(names) != len(set(names)):
            self.faults.append(f"<{tag}> has an attribute twice")
        for name, value in attrs:
            self._attribute(tag, name, value or "")
        parent = self.open[-1] if self.open else ""
        if tag in _PARENTS and parent not in _PARENTS[tag]:
            self.faults.append(f"<{tag}> stands in <{parent}>")
        if tag in _CLOSES_P and "p" in self.open:
            self.faults.append(f"<{tag}> stands in <p>")
        if tag in _INTERACTIVE and _INTERACTIVE & set(self.open):
            self.faults.append(f"<{tag}> stands in another control")
        if tag == "form" and "form" in self.open:
            self.faults.append("a form stands in a form")
        if len(tag) == 2 and tag[0] == "h" and tag[1].isdigit():
            self.headings.append(int(tag[1]))
        if tag not in _VOID:
            self.open.append(tag)

    @override
    def handle_endtag(self, tag: str) -> None:
        if tag == "path":
            return
        if not self.open or self.open[-1] != tag:
            self.faults.append(f"</{tag}> closes {self.open[-1:]}")
            return
        self.open.pop()

    @override
    def handle_data(self, data: str) -> None:
        if self.open[-1:] == ["title"]:
            self.title += data

    def _attribute(self, tag: str, name: str, value: str) -> None:
        if name == "id":
            if value in self.ids or not value or " " in value:
                self.faults.append(f"the id `{value}` is not unique")
            self.ids.add(value)
        if name in _REFERENCES:
            self.wanted.update(value.split())
        if name == "href" and value.startswith("#"):
            self.wanted.add(value[1:])
        if name == "style" or name.startswith("on"):
            self.faults.append(f"<{tag}> carries `{name}`, which the policy of the page forbids")
        if name in {"href", "src", "action"} and value.startswith(
            ("http:", "https:", "//", "data:")
        ):
            self.faults.append(f"<{tag}> loads or leads elsewhere: {value}")


def faults(html: str) -> list[str]:
    """List what is wrong with a page."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    found = reader.faults
    if reader.doctype.lower() != "doctype html":
        found.append("no doctype")
    if reader.open:
        found.append(f"never closed: {reader.open}")
    if missing := reader.wanted - reader.ids:
        found.append(f"refers to ids that are not there: {sorted(missing)}")
    if reader.headings.count(1) != 1:
        found.append(f"{reader.headings.count(1)} headings of the first level")
    # Headings before the main one are in the frame; from there on no level is left out.
    levels = reader.headings[reader.headings.index(1) :] if 1 in reader.headings else []
    for before, after in pairwise(levels):
        if after > before + 1:
            found.append(f"a heading jumps from level {before} to {after}")
    if not reader.title.strip():
        found.append("no title")
    if 'lang="en"' not in html:
        found.append("no language")
    return found
