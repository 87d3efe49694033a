"""Check: ask each connection what it offers, without binding or changing anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from syncd.errors import SyncdError
from syncd.jobs.work import Side, Work


@dataclass(frozen=True, slots=True)
class SideCheck:
    """What one connection answered. `notes` are worth knowing and stop nothing."""

    name: str
    uid: str
    label: str
    problems: tuple[str, ...]
    notes: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """The answer as plain JSON."""
        return {"name": self.name, "uid": self.uid, "label": self.label, "problems": self.problems, "notes": self.notes}


def check_connections(work: Work) -> list[SideCheck]:
    """Ask every connection; one that cannot be reached is a problem like any other."""
    return [_check(side) for side in work.sides]


def _check(side: Side) -> SideCheck:
    try:
        checked = side.connector.check(list(side.specs().values()), side.writable())
    except SyncdError as error:
        return SideCheck(side.name, "", "", (str(error),), ())
    problems = tuple(problem for problem in checked.problems if not side.can_wait(problem))
    notes = tuple(f"before going live: {problem}" for problem in checked.problems if side.can_wait(problem))
    return SideCheck(side.name, checked.uid, checked.label, problems, _notes(side) + notes)


def _notes(side: Side) -> tuple[str, ...]:
    notes = () if side.live else ("shadow mode: nothing is written",)
    if side.role != "direct":
        return notes
    if not side.visible:
        return (*notes, "visibility is partial: nothing is approved automatically")
    return (*notes, "visibility is stated as full, not proved")
