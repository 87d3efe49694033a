"""The files connector: exports that come into a folder, and import files that go out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from threading import Lock
from typing import Any

from syncd.connectors.files import check
from syncd.connectors.files.folder import Folder
from syncd.connectors.files.handover import PER_FILE, Handover, note_left_over
from syncd.connectors.files.intake import Intake
from syncd.connectors.files.rows import Form
from syncd.connectors.files.shelf import Kept, Shelf, micros
from syncd.connectors.provisioning import by_hand
from syncd.connectors.windows import whole_seconds
from syncd.errors import Stop, UserError
from syncd.model import (
    Checked,
    Clock,
    ConnectorFacts,
    Edition,
    FieldWanted,
    HeartbeatWanted,
    Page,
    Provisioned,
    ReadSpec,
    Receipt,
    Row,
    Upsert,
    Window,
    Write,
)
from syncd.settings.sources import FilesSource

PER_PAGE = 2_000


class FilesConnector:
    """One watched folder. Its server is this machine: a record comes when the export that changed it came.

    Safe to share between threads.
    """

    def __init__(
        self,
        source: FilesSource,
        clock: Clock,
        *,
        folder: Folder | None = None,
        page_size: int = PER_PAGE,
        file_size: int = PER_FILE,
    ) -> None:
        self._source, self._clock, self._page_size = source, clock, page_size
        self._folder = folder or Folder(source.folder, source.out or source.folder / "out", source.ready)
        self._shelf = Shelf((source.work or source.folder / ".syncd") / f"{source.account}.db")
        self._forms = {name: Form(source, name) for name in source.objects}
        self._lock = Lock()
        self._calls = 0
        tells = all(said.complete or said.deleted for said in source.objects.values())
        # Windows need no overlap: a file gets its time when it is first seen, and never one that has been read past.
        # How late an export may be is another matter: nothing is known to be whole that is younger than that.
        self._facts = ConnectorFacts(
            "files", source.every.total_seconds(), 0.0, 2.0, file_size, tells, False, upserts=False
        )

    @property
    def facts(self) -> ConnectorFacts:
        """The lag is how often exports come; nothing can be created; deletions are seen where exports tell them."""
        return self._facts

    @property
    def calls(self) -> int:
        """Looks into the folder, and files read and written."""
        return self._calls

    def check(self, specs: Sequence[ReadSpec], writable: Mapping[str, Sequence[str]]) -> Checked:
        """Whether an export of each object is there and has the mapped columns. Reads nothing else."""
        self._called()
        now, problems = self._clock.now(), list[str]()
        for spec in specs:
            problems += check.read_problems(self._folder, self._forms, spec, now)
        for object_, fields in writable.items():
            problems += check.write_problems(self._folder, self._forms, object_, fields, now)
        objects = [name for name in dict.fromkeys(spec.object for spec in specs) if name in self._forms]
        access = tuple(check.access(name, self._forms[name], self._records(name)) for name in objects)
        label = f"{self._source.system} files in {self._source.folder.name}"
        facts = {"system": self._source.system, "notes": self._notes(objects)}
        uid = f"files-{self._source.account}"
        return Checked(uid, label, tuple(dict.fromkeys(problems)), facts, access, Edition.FILES_ONLY, check.REASON)

    def now(self) -> datetime:
        """This machine's clock."""
        return whole_seconds(self._clock.now())

    def pull(self, spec: ReadSpec, window: Window, position: Mapping[str, Any] | None = None) -> Iterator[Page]:
        """The records that an export changed which came within the window.

        Raises Stop before the last page when no export has come for longer than the settings say.
        """
        form = self._form(spec.object)
        self._look(form, _wanted(spec))
        within = (None if window.lower is None else micros(window.lower), micros(window.upper))
        if position and position.get("done"):
            yield Page((), position, position["seen"], True)
            return
        seen = int(position["seen"]) if position else 0
        after = (int(position["arrived"]), str(position["id"])) if position else None
        unreadable = () if position else self._shelf.unreadable(spec.object, within)
        while True:
            kept, left = self._shelf.page(spec.object, spec.where, within, after, self._page_size)
            last, expected = left <= len(kept), seen + left
            seen += len(kept)
            if last:
                self._not_overdue(form, window.upper)
                yield Page(_rows(spec, kept), {"done": True, "seen": seen}, expected, True, unreadable)
                return
            after = kept[-1].arrived, kept[-1].id
            place = {"arrived": after[0], "id": after[1], "seen": seen}
            yield Page(_rows(spec, kept), place, expected, False, unreadable)
            unreadable = ()

    def sweep(self, spec: ReadSpec, position: Mapping[str, Any] | None = None) -> Iterator[Page]:
        """Every record that an export has named, the deleted ones too where one told, and what cannot be read."""
        self._look(self._form(spec.object), _wanted(spec))
        if position and position.get("done"):
            yield Page((), position, position["seen"], True)
            return
        seen = int(position["seen"]) if position else 0
        after = str(position["id"]) if position else None
        unreadable = () if position else self._shelf.unreadable(spec.object)
        while True:
            kept, left = self._shelf.everything(spec.object, spec.where, after, self._page_size)
            last, expected = left <= len(kept), seen + left
            seen += len(kept)
            if last:
                yield Page(_rows(spec, kept), {"done": True, "seen": seen}, expected, True, unreadable)
                return
            after = kept[-1].id
            yield Page(_rows(spec, kept), {"id": after, "seen": seen}, expected, False, unreadable)
            unreadable = ()

    def count(self, spec: ReadSpec) -> int | None:
        """How many records the exports name that are not deleted."""
        self._look(self._form(spec.object), _wanted(spec))
        return self._shelf.count(spec.object, spec.where)

    def fetch(self, spec: ReadSpec, ids: Sequence[str]) -> list[Row]:
        """These records as the newest export has them, with what was handed over since."""
        asked = list(dict.fromkeys(ids))
        if not asked:
            return []
        self._look(self._form(spec.object), _wanted(spec))
        return _rows(spec, self._shelf.by_id(spec.object, asked))

    def provision(self, wanted: Sequence[FieldWanted], heartbeat: HeartbeatWanted, make: bool) -> Provisioned:
        """What has to be there, and is made by hand."""
        return by_hand(self, wanted)

    def upsert(self, object: str, key_field: str, rows: Sequence[Upsert]) -> list[Receipt]:
        """Raises UserError: a file cannot tell the id of what an import creates, so nothing is created through one."""
        raise UserError(f"Nothing can be created in {object} through files. Connect its API, or create it by hand.")

    def write(self, object: str, writes: Sequence[Write]) -> list[Receipt]:
        """Put the changes into import files; one receipt per write."""
        if not writes:
            return []
        form = self._form(object)
        self._look(form)
        handover = Handover(self._folder, self._shelf, form, self._clock.now(), self._facts.write_batch)
        try:
            return handover.receipts(writes)
        finally:
            self._called(handover.files)

    # --- inside

    def _form(self, object_: str) -> Form:
        if object_ not in self._forms:
            raise UserError(check.no_object(object_, self._forms))
        return self._forms[object_]

    def _look(self, form: Form, wanted: Sequence[str] = ()) -> None:
        """Take in what is new, in the folder of exports and in that of import files."""
        Intake(self._folder, self._shelf, form, self._called).look(wanted, self._clock.now())
        note_left_over(self._folder, self._shelf, self._forms)

    def _not_overdue(self, form: Form, upper: datetime) -> None:
        newest = self._shelf.newest(form.object)
        if newest is None:
            raise Stop(f"No export of {form.object} has come yet; put one into {self._source.folder}.")
        if newest.fresh < upper - self._source.every:
            hours = self._source.every.total_seconds() / 3600
            raise Stop(
                f"No export of {form.object} has come since {newest.fresh:%Y-%m-%d %H:%M}Z, and one is due every "
                f"{hours:g} hours. Until one comes, nothing is decided that it could change."
            )

    def _records(self, object_: str) -> int | None:
        return self._shelf.count(object_, {}) if self._shelf.newest(object_) else None

    def _notes(self, objects: Sequence[str]) -> list[str]:
        newest = [self._shelf.newest(name) for name in objects]
        return [f"{one.name}: {note}." for one in newest if one for note in one.notes]

    def _called(self, calls: int = 1) -> None:
        with self._lock:
            self._calls += calls


def _wanted(spec: ReadSpec) -> list[str]:
    return [*spec.fields, *spec.where, *(f"associations.{name}" for name in spec.associations)]


def _rows(spec: ReadSpec, kept: Sequence[Kept]) -> list[Row]:
    associated = [f"associations.{name}" for name in spec.associations]
    make = tuple.__new__
    return [
        make(
            Row,
            (
                one.id,
                one.stamp,
                {name: one.cells.get(name) for name in spec.fields} | {n: one.cells.get(n) or [] for n in associated},
                one.deleted,
                None,
            ),
        )
        for one in kept
    ]
