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
_NO_DEPTH: Final = (
    "area|base|br|col|embed|hr|img|input|link|meta|source|track|"
    "wbr|p|li|dt|dd|tr|td|th|option|thead|tbody|tfoot"
)
_DEEPER: Final = re.compile(rf"<(/|)(?!(?:{_NO_DEPTH})(?![a-z0-9]))[a-z]", re.IGNORECASE)
# Holds what browsers show or run, and what cannot be read here as they do.
_UNREADABLE: Final = frozenset(
    {"template", "noscript", "object", "embed", "applet", "plaintext", "xmp", "noembed"}
    | {"noframes", "math"}
)
_SUSPECT: Final = _UNREADABLE | {"script", "style"}
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
        # Comments and instructions have no name of their own.
        drop(
            [
                node
                for node in self.root.traverse()
                if not node.is_element_node or is_unreadable(node.tag or "", node)
            ]
        )
        for node in self.elements():
            leave_out_scripts(node, node.attributes)

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


def is_unreadable(tag: str, node: LexborNode) -> bool:
    """Tell whether an element holds what browsers run or show and cannot be read here."""
    if tag not in _SUSPECT:
        return False
    if tag == "style":
        return "\\" in own_text(node)
    if tag == "script" and node.attributes.get("src"):
        node.inner_html = ""
        return False
    return True


def may_run(name: str) -> bool:
    """Tell whether an attribute of this name may run something, or show what is not read here."""
    return name in _ADDRESSES or name in _SCRIPT_FIELDS or name.startswith("on")


def leave_out_scripts(node: LexborNode, held: dict[str, str | None]) -> None:
    """Leave out those attributes of an element that run something, of what is held of it too."""
    for name, value in list(held.items()):
        if may_run(name) and (name not in _ADDRESSES or (value and _RUNS.match(value))):
            del node.attrs[name]
            del held[name]


def _depth(text: str) -> int:
    depth = deepest = 0
    for closing in _DEEPER.findall(text):
        if not closing:
            depth += 1
            deepest = max(deepest, depth)
        elif depth:
            depth -= 1
    return deepest
