"""What was read from a folder of exports: per file what it became, what is new, what was kept out and why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

SHOWN = 20
"""Lines kept out of one file that are told one by one."""
STEP = 100_000
"""Lines of a file after which its progress is told."""


@dataclass(slots=True)
class FileReport:
    """One file."""

    became: str = ""
    rows: int = 0
    kept_out: int = 0
    first_reason: str = ""
    notes: list[str] = field(default_factory=list)


class Report:
    """Tells problems as they come, through `tell`, and the whole at the end."""

    def __init__(self, folder: Path, tell: Callable[[str], None]) -> None:
        self._folder, self._tell = folder, tell
        self.files: dict[Path, FileReport] = {}
        self.not_read: dict[Path, str] = {}

    def kept_out(self, path: Path, line: int, reason: str) -> None:
        """A line that is not loaded."""
        file = self._of(path)
        file.kept_out += 1
        told = f"{path}:{line}: {reason}"
        file.first_reason = file.first_reason or told
        if file.kept_out <= SHOWN:
            self._tell(f"kept out: {told}")
        elif file.kept_out == SHOWN + 1:
            self._tell(f"kept out: {path}: and more; they are counted below")

    def note(self, path: Path, text: str) -> None:
        """Something about a file that its owner should know; told once."""
        notes = self._of(path).notes
        if text not in notes:
            notes.append(text)

    def progress(self, path: Path, lines: int) -> None:
        """So many lines of a file were read so far."""
        if lines % STEP == 0:
            self._tell(f"reading {self._short(path)}: {lines:,} lines")

    def took(self, path: Path, became: str, rows: int) -> None:
        """A file was loaded."""
        file = self._of(path)
        file.became, file.rows = became, rows

    def skipped(self, path: Path, reason: str) -> None:
        """A file was not read at all."""
        self.not_read[path] = reason

    def summary(self) -> list[str]:
        """One line for each file, and one below for each thing to know about it."""
        width = max((len(self._short(path)) for path in self.files), default=0)
        lines = [f"Read from {self._folder}:"]
        for path, file in self.files.items():
            out = f", {file.kept_out:,} kept out" if file.kept_out else ""
            rows = "1 row" if file.rows == 1 else f"{file.rows:,} rows"
            lines.append(f"  {self._short(path):{width}}  {file.became}: {rows}{out}")
            lines += [f"  {'':{width}}    {note}" for note in file.notes]
        lines += [f"  {self._short(path)}: not read: {reason}" for path, reason in self.not_read.items()]
        return lines

    def _of(self, path: Path) -> FileReport:
        return self.files.setdefault(path, FileReport())

    def _short(self, path: Path) -> str:
        return str(path.relative_to(self._folder)) if path.is_relative_to(self._folder) else str(path)
