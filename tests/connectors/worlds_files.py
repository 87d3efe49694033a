"""A CRM without an API, and the person who exports from it and imports into it, as the files connector meets them."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from syncd.connectors.files.client import FilesConnector
from syncd.connectors.files.folder import Folder, Found
from syncd.connectors.salesforce.ids import long_id
from syncd.settings import FilesSource

from .worlds import FakeClock, World


class ShakyFolder(Folder):
    """A share that goes away when a test says so."""

    def __init__(self, source: FilesSource) -> None:
        super().__init__(source.folder, source.out or source.folder / "out", source.ready)
        self.fails_after: int | None = None
        self.loses: bool | None = None

    def _step(self) -> None:
        if self.fails_after is not None:
            self.fails_after -= 1
            if self.fails_after < 0:
                self.fails_after = None
                raise OSError(5, "Input/output error")

    def found(self, pattern: str, now: datetime) -> list[Found]:
        self._step()
        return super().found(pattern, now)

    @contextmanager
    def opened(self, found: Found) -> Iterator[BinaryIO]:
        with super().opened(found) as file:
            self._step()
            yield file

    def _show(self, hidden: Path, path: Path) -> None:
        if self.loses is None:
            super()._show(hidden, path)
            return
        if self.loses:
            super()._show(hidden, path)
        self.loses = None
        raise OSError(5, "Input/output error")


@dataclass
class Company:
    """One company as the CRM has it."""

    id: str
    name: str
    shown: str | None
    modified: datetime
    deleted: bool = False


class FilesWorld(World):
    """Each change of a person is exported at once; import files are imported before anything is exported or looked at.

    With `complete`, each export holds every company, as HubSpot's do; else only the one that was changed, as a
    Salesforce report of today's changes does.
    """

    page = 100
    poison = ("Nope", "x")
    absent_id = str(long_id("001000000999999"))

    def __init__(self, folder: Path, *, complete: bool = False) -> None:
        super().__init__(FakeClock())
        self.complete, self.companies, self._files = complete, dict[str, Company](), 0
        if complete:
            self.object, self.name, self.stamp, self.absent_id = "companies", "name", "syncd_status", "999999"
        said = {"files": "accounts*.csv", "complete": complete, "deleted": "" if complete else "IsDeleted"}
        self.source = FilesSource(
            account="acme", system="hubspot" if complete else "salesforce", folder=folder, ready="renamed",
            objects={self.object: said},
        )  # fmt: skip
        self.folder = ShakyFolder(self.source)

    def connector(self, **options: Any) -> FilesConnector:
        return FilesConnector(self.source, self.clock, folder=self.folder, page_size=self.page, file_size=50)

    # --- what people do

    def create(self, name: str) -> str:
        number = len(self.companies) + 1
        id_ = f"{number}" if self.complete else str(long_id(f"001{number:012}"))
        self.companies[id_] = Company(id_, name, None, self.clock.now())
        self.export(id_)
        return id_

    def rename(self, id_: str, name: str) -> None:
        self.companies[id_].name = name
        self.export(id_)

    def delete(self, id_: str) -> None:
        self.companies[id_].deleted = True
        self.export(id_)

    def shown(self, id_: str) -> Any:
        self.import_()
        return self.companies[id_].shown

    def export(self, id_: str) -> None:
        """A new export after a change of one company."""
        self.import_()
        self.companies[id_].modified = self.clock.now()
        self.put(self._everything() if self.complete else self._one(self.companies[id_]))
        if self.complete:  # the daemon looks all the time; of two exports that hold everything it needs the newer only
            self.connector().count(self.spec)

    def _everything(self) -> list[list[str]]:
        there = [one for one in self.companies.values() if not one.deleted]
        return [["Record ID", "Company name", "Syncd Status"], *([one.id, one.name, one.shown or ""] for one in there)]

    def _one(self, one: Company) -> list[list[str]]:
        header = ["Account ID", "Account Name", "Syncd", "Last Modified Date", "Deleted"]
        return [header, [one.id[:15], one.name, one.shown or "", one.modified.isoformat(), str(int(one.deleted))]]

    def put(self, rows: list[list[str]], name: str = "") -> Path:
        """Put a file into the folder as it comes from the browser."""
        self._files += 1
        path = self.source.folder / (name or f"accounts-{self._files:05}.csv")
        hidden = path.with_suffix(".tmp")
        with hidden.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(rows)
        at = int(self.clock.now().timestamp() * 1_000_000) * 1000
        os.utime(hidden, ns=(at, at))
        hidden.rename(path)
        return path

    def import_(self) -> None:
        """Import every import file, in order, as Data Loader or HubSpot's import does, and take it away."""
        for path in sorted(self.folder.out.glob("*.csv")) if self.folder.out.exists() else ():
            with path.open(newline="", encoding="utf-8") as file:
                header, *rows = list(csv.reader(file))
            assert header[0] == ("Record ID" if self.complete else "Id")
            for row in rows:
                said = dict(zip(header, row, strict=True))
                if self.stamp in said:
                    value = said[self.stamp]
                    self.companies[row[0]].shown = None if value in ("", "#N/A") else value
            path.rename(path.with_suffix(".imported"))

    # --- what goes wrong

    def lose_answer(self, *, applied: bool) -> None:
        self.folder.loses = applied

    def count_more(self) -> None:
        self._export_again()
        newest = max(self.source.folder.glob("*.csv"))
        (newest.parent / f"{newest.name}.done").write_text(f"{len(self.companies) + 3}\n")

    def interrupt(self, *, skip: int) -> None:
        self._export_again()
        self.folder.fails_after = skip

    def _export_again(self) -> None:
        """Another export, so that there is something to read."""
        if self.complete:
            self.put(self._everything())
