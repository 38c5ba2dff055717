"""A page as its elements and texts, read from the tree once: what is where, and beside what.

Asking the tree costs a crossing into the parser each time; a page of a megabyte has 40,000 pieces,
and masking asks each of them many things.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.backoffice.treatment.field_mask import BORDER
from gateway.backoffice.treatment.html_page import is_unreadable, leave_out_scripts, may_run
from gateway.backoffice.treatment.letters import seen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selectolax.lexbor import LexborNode

    from gateway.backoffice.treatment.html_page import Page

_INLINE: Final = frozenset(
    {"a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em"}
    | {"font", "i", "input", "img", "ins", "kbd", "label", "mark", "meter", "nobr", "output", "q"}
    | {"s", "samp", "small", "span", "strike", "strong", "sub", "sup", "time", "tt", "u", "var"}
    | {"wbr", "area", "link", "meta", "param", "path", "source", "use"}
)


MOST_SAID: Final = 400
"""Characters of what an element holds that are read to see whether it is a name."""


class Part:
    """An element or a text.

    Attributes:
        node: of the tree.
        tag: of an element; empty for a text.
        text: of a text; empty for an element.
        attributes: of an element.
        above: what it stands in; None for the whole.
        inside: what stands in it, in order.
        place: among what stands in the same.
        block: the innermost element around it, or itself, that has lines of its own.
        gone: whether it is not shown any more.
    """

    __slots__ = (
        "_said",
        "above",
        "attributes",
        "block",
        "gone",
        "inside",
        "node",
        "place",
        "tag",
        "text",
    )

    def __init__(
        self,
        node: LexborNode,
        tag: str,
        text: str,
        above: Part | None,
        attributes: dict[str, str | None],
        inside: list[Part],
    ) -> None:
        self.node = node
        self.tag = tag
        self.text = text
        self.attributes = attributes
        self.above = above
        self.inside = inside
        self.gone = False
        self._said: str | None = None
        self.place = 0
        self.block: Part = self
        if above is not None:
            self.place = len(above.inside)
            above.inside.append(self)
            if not tag or tag in _INLINE or "-" in tag:
                self.block = above.block

    @property
    def is_blank(self) -> bool:
        """Whether it is a text that says nothing."""
        return not self.tag and self._said is None and not self.text.strip(" \t\r\n\x0c:=-\xa0")

    def around(self) -> Iterator[Part]:
        """Give what it stands in, from the inside out."""
        above = self.above
        while above is not None:
            yield above
            above = above.above

    def after(self) -> Iterator[Part]:
        """Give what comes after it in the same."""
        if self.above is not None:
            beside = self.above.inside
            for place in range(self.place + 1, len(beside)):
                yield beside[place]

    def within(self) -> Iterator[Part]:
        """Give it and all it holds, in order; however deep, each costs the same."""
        waiting: list[Iterator[Part]] = [iter((self,))]
        while waiting:
            for part in waiting[-1]:
                yield part
                if part.inside:
                    waiting.append(iter(part.inside))
                    break
            else:
                waiting.pop()

    def says(self) -> str:
        """Give the text that it holds, what markup cuts apart by a border.

        Of a long one its beginning: longer than anything that is a name or a label.
        """
        if not self.inside:
            return seen(self.text) if self._said is None else self._said
        if self._said is not None:
            return self._said
        texts, length = [], 0
        for part in self.within():
            if not part.tag:
                text = part.says()
                texts.append(text)
                length += len(text)
                if length > MOST_SAID:
                    break
        self._said = BORDER.join(texts)
        return self._said

    def rewrite(self, text: str) -> None:
        """Have another text in its place; it can be found and taken out again."""
        before, above = self.node.prev, self.node.parent
        self.node.replace_with(text)
        after = before.next if before is not None else above.first_child if above else None
        if after is not None and text:
            self.node = after
        self.gone = not text
        self.text, self._said = text, None
        self._unsay()

    def speak(self, name: str) -> None:
        """Be read as if this text said a name."""
        self._said = name
        self._unsay()

    def _unsay(self) -> None:
        for above in self.around():
            above._said = None  # noqa: SLF001 -- its own kind

    def lose(self) -> None:
        """Note that it is not shown any more, with all it holds."""
        for part in self.within():
            part.gone = True


class Outline:
    """What a page is made of.

    Attributes:
        parts: everything, in order.
        lines: texts that are read in one go, as no line of a page ends between them.
    """

    __slots__ = ("_block", "_by_id", "_harmless", "_none", "_nothing", "_page", "lines", "parts")

    def __init__(self, page: Page) -> None:
        """Read a page, and leave out of it what is run or shown and cannot be read here.

        Args:
            page: the page; what it loads from addresses stays.
        """
        self._page = page
        self.parts: list[Part] = []
        self.lines: list[list[Part]] = []
        self._by_id: dict[int, Part] = {}
        self._harmless: set[str] = set()  # names of attributes
        self._none: dict[str, str | None] = {}
        self._nothing: list[Part] = []  # is in every text
        self._block: Part | None = None  # of the line that a text would go on with
        known, gone = self._by_id, []
        for node in page.root.traverse(include_text=True):
            tag, parent = node.tag, node.parent
            above = known.get(parent.mem_id) if parent is not None else None
            if above is None and self.parts:
                continue  # it goes with what is around it
            if tag == "-text":
                self._add_text(node, above)
            elif tag is None or tag[0] == "-" or is_unreadable(tag, node):
                gone.append(node)
            else:
                self._add_element(node, tag, above)
        for node in gone:
            node.decompose()

    def _add_text(self, node: LexborNode, above: Part | None) -> None:
        part = Part(node, "", node.text_content or "", above, self._none, self._nothing)
        self.parts.append(part)
        if part.block is self._block:
            self.lines[-1].append(part)
        else:
            self._block = part.block
            self.lines.append([part])

    def _add_element(self, node: LexborNode, tag: str, above: Part | None) -> None:
        held, harmless = node.attributes, self._harmless
        for name in held:
            if name not in harmless:
                if may_run(name):
                    leave_out_scripts(node, held)
                    break
                harmless.add(name)
        part = Part(node, tag, "", above, held, [])
        self.parts.append(part)
        self._by_id[node.mem_id] = part
        if part.block is part:
            self._block = None

    def forget(self) -> None:
        """Let go of the page: its parts hold one another."""
        for part in self.parts:
            part.above = None
            part.block = part
            part.inside.clear()
        self._by_id.clear()

    def find(self, selector: str) -> list[Part]:
        """Give the elements that a selector means."""
        known = (self._by_id.get(node.mem_id) for node in self._page.find(selector))
        return [part for part in known if part is not None]
