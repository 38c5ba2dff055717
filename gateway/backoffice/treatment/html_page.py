"""A page as a tree that is written anew: what is shown is what was read here, nothing beside it.

Parsed as browsers parse (HTML Standard), so that what stands inside what is what a browser sees.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from selectolax.lexbor import LexborHTMLParser

from gateway.backoffice.treatment.unfit import UnfitAnswerError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from selectolax.lexbor import LexborNode

MAX_DEPTH: Final = 1_000  # reading takes time by its square
_DOCTYPE: Final = re.compile(r"\s*<!doctype\s+html", re.IGNORECASE)
_TAG: Final = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
_NO_DEPTH: Final = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track"}
    | {"wbr", "p", "li", "dt", "dd", "tr", "td", "th", "option", "thead", "tbody", "tfoot"}
)
# Holds what browsers show or run, and what cannot be read here as they do.
_UNREADABLE: Final = frozenset(
    {"template", "noscript", "object", "embed", "applet", "plaintext", "xmp", "noembed"}
    | {"noframes", "math"}
)
_SCRIPT_FIELDS: Final = frozenset({"srcdoc", "style"})
_ADDRESSES: Final = frozenset(
    {"href", "src", "action", "formaction", "xlink:href", "data", "poster"}
)
_RUNS: Final = re.compile(r"[\s\x00-\x20]*(?:javascript|data|vbscript)[\s]*:", re.IGNORECASE)


class Page:
    """One page."""

    def __init__(self, text: str) -> None:
        """Read it.

        Raises:
            UnfitAnswerError: it is no page, or nested deeper than any page is.
        """
        if _depth(text) > MAX_DEPTH:
            raise UnfitAnswerError("answer-depth")
        self._parser = LexborHTMLParser(text)
        root, body = self._parser.root, self._parser.body
        if root is None or body is None:
            raise UnfitAnswerError("answer-html")
        self.root: LexborNode = root
        self.body: LexborNode = body
        self._standard = _DOCTYPE.match(text) is not None

    def elements(self) -> list[LexborNode]:
        """Give every element in order; as a list, so that the tree may change."""
        return [node for node in self.root.traverse() if node.is_element_node]

    def texts(self) -> list[LexborNode]:
        """Give every piece of text in order."""
        return [node for node in self.root.traverse(include_text=True) if node.is_text_node]

    def find(self, selector: str) -> list[LexborNode]:
        """Give the elements that a selector means."""
        return self.root.css(selector)

    def drop_unreadable(self) -> None:
        """Leave out what browsers run or show and cannot be read here, scripts in it above all.

        What a page loads from addresses stays.
        """
        # Comments are no children of an element for `css`, so they are told by their kind.
        drop([node for node in self.root.traverse() if node.is_comment_node])
        drop([node for node in self.elements() if _is_unreadable(node)])
        for node in self.elements():
            if node.tag == "script":
                node.inner_html = ""
            for name, value in list(node.attributes.items()):
                runs = name in _ADDRESSES and value is not None and _RUNS.match(value)
                if name.startswith("on") or name in _SCRIPT_FIELDS or runs:
                    del node.attrs[name]

    def write(self) -> bytes:
        """Write the page as UTF-8, with what it says of itself put right.

        Raises:
            UnfitAnswerError: it holds half of a surrogate pair.
        """
        for meta in self.find("meta"):
            told = (meta.attributes.get("http-equiv") or "").strip().lower()
            if "charset" in meta.attributes:
                meta.attrs["charset"] = "utf-8"
            elif told == "content-type":
                meta.attrs["content"] = "text/html; charset=utf-8"
        whole = ("<!DOCTYPE html>" if self._standard else "") + (self.root.html or "")
        try:
            return whole.encode("utf-8")
        except UnicodeEncodeError as error:
            raise UnfitAnswerError("answer-charset") from error


def drop(nodes: Iterable[LexborNode]) -> None:
    """Take elements out of their page, with all they hold."""
    for node in outermost(nodes):
        node.decompose()


def outermost(nodes: Iterable[LexborNode]) -> list[LexborNode]:
    """Leave out what stands inside another of the nodes: it is gone when that one is."""
    listed = {node.mem_id: node for node in nodes}
    return [
        node
        for node in listed.values()
        if not any(above.mem_id in listed for above in ancestors(node))
    ]


def ancestors(node: LexborNode) -> Iterator[LexborNode]:
    """Give what an element stands in, from the inside out."""
    above = node.parent
    while above is not None:
        yield above
        above = above.parent


def own_text(node: LexborNode) -> str:
    """Give all the text that an element holds."""
    return node.text(deep=True, separator=" ")


def _is_unreadable(node: LexborNode) -> bool:
    if node.tag == "script":
        return not node.attributes.get("src")
    if node.tag == "style":
        return "\\" in own_text(node)
    return node.tag in _UNREADABLE


def _depth(text: str) -> int:
    depth = deepest = 0
    for closing, tag in _TAG.findall(text):
        if tag.lower() in _NO_DEPTH:
            continue
        depth = max(depth - 1, 0) if closing else depth + 1
        deepest = max(deepest, depth)
    return deepest
