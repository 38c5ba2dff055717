"""A TOML file that knows the line of every value.

`tomllib` says what a file holds but not where. The files that officers write must be refused with
file, line and remedy, semantic faults too, so this module reads a second time for positions only:

1. `tomllib` reads the whole file. It alone decides what the file means and whether it is TOML.
2. Of a file that is TOML, a scanner notes the line of each key, table and list element. It is one
   pass over the text, and simple, because all it meets is already known to be well formed.
"""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any

from vetting.errors import Fault, TomlError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Fault", "TomlError", "TomlSource", "ValuePath"]

ValuePath = tuple[str | int, ...]

_TOKEN = re.compile(
    r"""
      (?P<space>[ \t]+)
    | (?P<newline>\n)
    | (?P<comment>\#[^\n]*)
    | (?P<string>
          \"\"\"(?:[^\\]|\\.)*?\"\"\"\"{0,2}   # two more may stand before the closing three
        | '''.*?''''{0,2}
        | "(?:[^"\\\n]|\\.)*"
        | '[^'\n]*'
      )
    | (?P<mark>[\[\]{}=,])
    | (?P<bare>[^\s\#"'\[\]{}=,]+)
    """,
    re.VERBOSE | re.DOTALL,
)
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_POSITION = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


class TomlSource:
    """What a TOML file holds, and on which line.

    Attributes:
        file: the path as it was opened, for messages.
        data: what `tomllib` read.
    """

    __slots__ = ("_lines", "data", "file")

    def __init__(self, *, file: str, data: dict[str, Any], lines: dict[ValuePath, int]) -> None:
        self.file = file
        self.data = data
        self._lines = lines

    @classmethod
    def read(cls, path: Path) -> TomlSource:
        """Read a file.

        Args:
            path: a UTF-8 file.

        Raises:
            TomlError: it cannot be opened, is not UTF-8 or is not TOML.
        """
        file = str(path)
        try:
            raw = path.read_bytes()
        except OSError as error:
            reason = (error.strerror or "cannot be opened").lower()
            raise _refused(
                file, 1, f"read: {reason}", "check the path and who may read it"
            ) from error
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            line = raw.count(b"\n", 0, error.start) + 1
            raise _refused(file, line, "read: not UTF-8", "save the file as UTF-8") from error
        return cls.from_text(text, file=file)

    @classmethod
    def from_text(cls, text: str, *, file: str) -> TomlSource:
        """Read text that is already at hand.

        Args:
            text: the TOML document.
            file: the name that messages give it.

        Raises:
            TomlError: it is not TOML.
        """
        text = text.replace("\r\n", "\n")  # as `tomllib` does, so that both count the same lines
        try:
            data = tomllib.loads(text)
            lines = _Scanner(text).lines()
        except tomllib.TOMLDecodeError as error:
            raise _syntax(file, text, str(error)) from error
        except RecursionError as error:
            raise _refused(
                file, 1, "read: nested too deeply", "write it with fewer brackets"
            ) from error
        return cls(file=file, data=data, lines=lines)

    def line(self, *keys: str | int) -> int:
        """Tell the line of a value.

        Args:
            keys: the way to the value, e.g. `"rule", 3, "floor"`; list positions count from 0.

        Returns:
            The 1-based line of the value's key or list element; of its nearest known ancestor where
            the value itself is not in the file; 1 where nothing of the way is.
        """
        for length in range(len(keys), 0, -1):
            found = self._lines.get(keys[:length])
            if found is not None:
                return found
        return 1

    def fault(self, *keys: str | int, message: str, remedy: str) -> Fault:
        """Make the fault of a value, with its file, line and name.

        Args:
            keys: the way to the value, as for `line`.
            message: what is wrong: lower case, no full stop.
            remedy: what to do: lower case, no full stop.
        """
        where = ""
        for key in keys:
            if isinstance(key, int):
                where += f"[{key + 1}]"
            else:
                where += f".{key}" if where else key
        return Fault(
            file=self.file, line=self.line(*keys), where=where, message=message, remedy=remedy
        )


class _Scanner:
    """Notes the line of every key, table and list element of a well-formed document."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line = 1
        self._lines: dict[ValuePath, int] = {}
        self._tables: dict[ValuePath, int] = {}  # arrays of tables: way -> elements so far
        self.statement_line = 1  # where the statement began that is being read

    def lines(self) -> dict[ValuePath, int]:
        """Read the document to its end.

        Returns:
            The way to each value and its 1-based line.

        Raises:
            EOFError: the document ends within a statement (it was not well formed).
        """
        table: ValuePath = ()
        while self._skip(newlines=True):
            self.statement_line = self._line
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)
        return self._lines

    def _header(self) -> ValuePath:
        double = self._text.startswith("[[", self._at)
        line = self._line
        self._take()
        if double:
            self._take()
        keys = self._key("]")
        self._take()
        if double:
            self._take()
        way = (*self._enter((), keys[:-1], line), keys[-1])
        self._lines.setdefault(way, line)
        if double:
            position = self._tables.get(way, 0)
            self._tables[way] = position + 1
            way = (*way, position)
        self._lines[way] = line
        return way

    def _pair(self, table: ValuePath) -> None:
        line = self._line
        keys = self._key("=")
        self._take()
        way = (*self._enter(table, keys[:-1], line), keys[-1])
        self._lines[way] = line
        self._value(way)

    def _enter(self, way: ValuePath, keys: tuple[str, ...], line: int) -> ValuePath:
        """Walk down from a table; of an array of tables the latest element is meant."""
        for key in keys:
            way = (*way, key)
            self._lines.setdefault(way, line)
            if way in self._tables:
                way = (*way, self._tables[way] - 1)
        return way

    def _key(self, end: str) -> tuple[str, ...]:
        """Read a dotted key up to, not with, the mark that ends it."""
        self._skip(newlines=False)
        start = self._at
        while self._peek() != end:
            self._take()
        written = self._text[start : self._at].strip()
        if _BARE_KEY.fullmatch(written):
            return (written,)
        keys: list[str] = []
        value: Any = tomllib.loads(f"{written} = 0")  # quoting and escapes are its affair
        while isinstance(value, dict):
            key, value = next(iter(value.items()))
            keys.append(key)
        return tuple(keys)

    def _value(self, way: ValuePath) -> None:
        match self._peek():
            case "[":
                self._list(way)
            case "{":
                self._inline_table(way)
            case _:
                self._take()
                # A date and its time are two bare words; nothing else here is more than one.
                while self._skip(newlines=False) and self._text[self._at] not in "\n,]}":
                    self._take()

    def _list(self, way: ValuePath) -> None:
        self._take()
        position = 0
        while self._peek() != "]":
            if self._text[self._at] == ",":
                self._take()
                continue
            self._lines[(*way, position)] = self._line
            self._value((*way, position))
            position += 1
        self._take()

    def _inline_table(self, way: ValuePath) -> None:
        self._take()
        while self._peek() != "}":
            if self._text[self._at] == ",":
                self._take()
            else:
                self._pair(way)
        self._take()

    def _peek(self) -> str:
        """Skip what has no meaning and tell the next character."""
        if not self._skip(newlines=True):
            raise EOFError
        return self._text[self._at]

    def _skip(self, *, newlines: bool) -> bool:
        """Skip blanks and comments; tell whether anything is left."""
        while self._at < len(self._text):
            char = self._text[self._at]
            if char == "\n" and newlines:
                self._at += 1
                self._line += 1
            elif char in " \t":
                self._at += 1
            elif char == "#":
                end = self._text.find("\n", self._at)
                self._at = len(self._text) if end < 0 else end
            else:
                return True
        return False

    def _take(self) -> None:
        """Step over one token."""
        found = _TOKEN.match(self._text, self._at)
        if found is None:
            raise EOFError  # an opened string without its end
        self._at = found.end()
        self._line += found.group().count("\n")


def _syntax(file: str, text: str, message: str) -> TomlError:
    """Turn a message of `tomllib` into ours."""
    found = _POSITION.search(message)
    said = _POSITION.sub("", message)
    said = said[:1].lower() + said[1:]
    if found is not None and found.group(1):
        return _refused(
            file,
            int(found.group(1)),
            f"read: {said} (column {found.group(2)})",
            "correct the TOML on this line",
        )
    # The end of the file says little; the statement that never ended is what has to be mended.
    scanner = _Scanner(text)
    remedy = "correct the TOML of the statement on this line"
    try:
        scanner.lines()
    except (EOFError, tomllib.TOMLDecodeError, RecursionError):
        remedy = "finish the statement on this line: a value, bracket or quotation mark is missing"
    return _refused(file, scanner.statement_line, f"read: {said} (at the end of the file)", remedy)


def _refused(file: str, line: int, message: str, remedy: str) -> TomlError:
    return TomlError((Fault(file=file, line=line, where="", message=message, remedy=remedy),))
