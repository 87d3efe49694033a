"""The watched folder: which exports are there and whole, and import files put down in one piece."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import BinaryIO, Literal

from syncd.connectors.files.shelf import micros
from syncd.errors import Retry, UserError

Ready = timedelta | Literal["done", "renamed"]

_UNDER_WAY = (".tmp", ".temp", ".part", ".partial", ".filepart", ".crdownload", ".download", ".done", ".confirmed")
_LARGEST_NOTE = 100


@dataclass(frozen=True, slots=True)
class Found:
    """One export that is whole: `changed` is its time in microseconds; `told` how many records a `.done` file names."""

    name: str
    size: int
    changed: int
    told: int | None = None


class Folder:
    """One folder into which exports are put, and one for import files."""

    def __init__(self, path: Path, out: Path, ready: Ready) -> None:
        self.path, self.out, self._ready = path, out, ready

    def found(self, pattern: str, now: datetime) -> list[Found]:
        """The exports whose names fit and that are whole, the oldest first. Raises Retry when it cannot be read."""
        try:
            with os.scandir(self.path) as listed:
                fitting = [entry for entry in listed if entry.is_file() and self._fits(entry.name, pattern)]
            entries = [(entry.name, entry.stat()) for entry in fitting]
        except FileNotFoundError:
            if not self.path.is_dir():
                raise UserError(f"There is no folder {self.path}. Correct `folder` in the settings.") from None
            raise Retry(f"A file in {self.path} went away while the folder was read.") from None
        except OSError as error:
            raise Retry(f"The folder {self.path} cannot be read ({error.strerror}).") from None
        whole = [
            Found(name, stat.st_size, stat.st_mtime_ns // 1000, self._told(name))
            for name, stat in entries
            if self._is_whole(name, stat.st_mtime_ns // 1000, now)
        ]
        return sorted(whole, key=lambda one: (one.changed, one.name))

    def confirmed(self, name: str) -> bool:
        """Whether a person has put a file beside this one that says that it is meant."""
        return (self.path / f"{name}.confirmed").exists()

    @contextmanager
    def opened(self, found: Found) -> Iterator[BinaryIO]:
        """The export, for reading. Raises Retry when it is gone, or is changed before it was read to its end."""
        try:
            with (self.path / found.name).open("rb") as file:
                yield file
                stat = os.stat(self.path / found.name)
        except OSError as error:
            raise Retry(f"{found.name} cannot be read to its end ({error.strerror}).") from None
        if (stat.st_size, stat.st_mtime_ns // 1000) != (found.size, found.changed):
            raise Retry(f"{found.name} was changed while it was read.")

    def handed(self) -> list[str]:
        """The names of the import files that are still there, in their order."""
        try:
            return sorted(name for name in os.listdir(self.out) if name.endswith(".csv") and not name.startswith("."))
        except FileNotFoundError:
            return []
        except OSError as error:
            raise Retry(f"The folder {self.out} cannot be read ({error.strerror}).") from None

    def content(self, name: str) -> bytes:
        """An import file as it was written; empty when somebody has just taken it away."""
        try:
            return (self.out / name).read_bytes()
        except OSError:
            return b""

    def hand_over(self, name: str, content: bytes) -> None:
        """Put down an import file; whoever looks sees it whole or not at all.

        Raises Retry; its `outcome_unknown` says that it may be there after all.
        """
        hidden = self.out / f".{name}.tmp"
        try:
            self.out.mkdir(parents=True, exist_ok=True)
            with hidden.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise Retry(f"No import file can be written to {self.out} ({error.strerror}).") from None
        try:
            self._show(hidden, self.out / name)
        except OSError as error:
            message = f"It is not known whether {name} was put down ({error.strerror})."
            raise Retry(message, outcome_unknown=True) from None

    def _show(self, hidden: Path, path: Path) -> None:
        os.replace(hidden, path)
        handle = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(handle)  # the name, too, outlives a power cut
        finally:
            os.close(handle)

    def _fits(self, name: str, pattern: str) -> bool:
        shown = not name.startswith((".", "~$")) and not name.casefold().endswith(_UNDER_WAY)
        return shown and fnmatchcase(name.casefold(), pattern.casefold())

    def _is_whole(self, name: str, changed: int, now: datetime) -> bool:
        if self._ready == "done":
            return (self.path / f"{name}.done").exists()
        return self._ready == "renamed" or changed <= micros(now - self._ready)

    def _told(self, name: str) -> int | None:
        """How many records a `.done` file says that the export holds; many producers write it there."""
        try:
            with (self.path / f"{name}.done").open("rb") as file:
                text = file.read(_LARGEST_NOTE).decode("ascii", "replace").strip()
        except OSError:
            return None
        return int(text) if text.isdecimal() else None
