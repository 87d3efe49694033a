"""CSV as Bulk API 2.0 takes and gives it: declared delimiter and line ending, strict quoting, nothing trimmed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

DELIMITERS = {"BACKQUOTE": "`", "CARET": "^", "COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "TAB": "\t"}
LINE_ENDINGS = {"LF": "\n", "CRLF": "\r\n"}
MOST_FIELDS, LONGEST_FIELD, LONGEST_RECORD = 5_000, 32_000, 400_000
_QUOTED = re.compile(r'"(?:[^"]|"")*"')


class Unreadable(Exception):
    """The file as a whole cannot be read; the text is the job's error message."""


@dataclass(slots=True)
class Line:
    """One record of a file: its cells, and why it cannot be read."""

    cells: list[str]
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a job declares about its files."""

    delimiter: str = "COMMA"
    line_ending: str = "LF"

    def parse(self, content: bytes) -> tuple[list[str], list[Line]]:
        """The header and the records; raises Unreadable."""
        try:
            text = content.decode()
        except UnicodeDecodeError:
            raise Unreadable("ClientInputError : the data is not in UTF-8") from None
        self._check_line_endings(text)
        lines = [line for line in self._lines(text) if line.cells != [""]]
        if not lines:
            raise Unreadable("InvalidBatch : the data has no header")
        header = lines.pop(0)
        if header.error is not None or len(header.cells) > MOST_FIELDS:
            raise Unreadable(f"InvalidBatch : the header cannot be read: {header.error or 'too many fields'}")
        for line in lines:
            line.error = line.error or _problem(line.cells, len(header.cells))
        return header.cells, lines

    def _check_line_endings(self, text: str) -> None:
        bare = _QUOTED.sub("", text)
        ends = set(re.findall(r"\r\n|\n|\r", bare))
        if ends - {LINE_ENDINGS[self.line_ending]}:
            message = f"LineEnding is invalid on user data. Current LineEnding setting is {self.line_ending}"
            raise Unreadable(f"ClientInputError : {message}")

    def _lines(self, text: str) -> Iterable[Line]:
        mark = re.escape(DELIMITERS[self.delimiter])
        cell = re.compile(rf'(?:"((?:[^"]|"")*)"([^{mark}\r\n]*)|([^{mark}\r\n]*))({mark}|\r\n|\n|$)')
        line, at = Line([]), 0
        while at < len(text):
            match = cell.match(text, at)
            assert match is not None  # any character fits one of the alternatives
            quoted, after, plain, end = match.groups()
            line.cells.append(plain if quoted is None else quoted.replace('""', '"'))
            if after or (plain and '"' in plain):
                line.error = "a quoted value must begin and end at a delimiter"
            at = match.end()
            if end != DELIMITERS[self.delimiter]:
                yield line
                line = Line([])
            elif at == len(text):
                line.cells.append("")
                yield line

    def write(self, header: Sequence[str], lines: Iterable[Sequence[str]]) -> bytes:
        """A file in which every value is quoted."""
        mark, end = DELIMITERS[self.delimiter], LINE_ENDINGS[self.line_ending]
        rows = (mark.join('"' + cell.replace('"', '""') + '"' for cell in line) + end for line in [header, *lines])
        return "".join(rows).encode()


def _problem(cells: list[str], wanted: int) -> str | None:
    if len(cells) != wanted:
        return f"the record has {len(cells)} values, the header {wanted}"
    if max(map(len, cells)) > LONGEST_FIELD:
        return f"a value has more than {LONGEST_FIELD} characters"
    if sum(map(len, cells)) > LONGEST_RECORD:
        return f"the record has more than {LONGEST_RECORD} characters"
    return None
