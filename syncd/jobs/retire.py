"""Retire: leave a CRM as it was before syncd. Stamps are cleared, owners given back, and everything is taken along.

A retired connection wants nothing on any of its records; what that changes is planned and written like everything else.
"""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa

from syncd.connectors.files.cells import escaped
from syncd.errors import UserError
from syncd.jobs.plan import Difference, differences
from syncd.jobs.work import Side, Work
from syncd.model import Ref
from syncd.store import decisions, graph, holds, ledger, outcomes, records, runs, takeaway
from syncd.store.holds import HoldKind

_AS_TABLE = frozenset({"links", "registrations"})
"""What people open in a spreadsheet; all else are JSON Lines."""


@dataclass(slots=True)
class Retiring:
    """What leaving a connection means: the writes that clear it, and what was taken along, by file with its rows."""

    name: str
    uid: str
    is_retired: bool
    rows: list[Difference] = field(default_factory=list)
    exported: dict[str, int] = field(default_factory=dict)

    @property
    def counts(self) -> dict[str, int]:
        """How many stamps are cleared, owners given back, and writes held back."""
        counted = Counter("held_back" if row.refused else row.intent.group.value for row in self.rows)
        return {"stamps": counted["stamp"], "owners": counted["owner"], "held_back": counted["held_back"]}


def plan_retirement(work: Work, tx: sa.Connection, name: str) -> Retiring:
    """What is written, or still to be written, until the connection shows nothing of syncd; changes nothing.

    Raises UserError for what is no connection, or one that was never reached.
    """
    side = _side(work, name)
    leaving = frozenset({side.uid})
    rows = [d for part in graph.chunks(_mine(tx, side)) for d in differences(work, tx, part, retiring=leaving)]
    return Retiring(side.name, side.uid, side.uid in runs.retired(tx), rows)


def retire(work: Work, name: str, person: str, reason: str, folder: Path) -> Retiring:
    """Take everything along into `folder`, and want nothing on the connection's records from now on.

    The next cycles clear it; a person has looked, so the brake on many writes is lifted for as many. Raises UserError
    for no reason, a connection in shadow mode or retired already, or a folder that is not empty.
    """
    _demand(reason)
    side = _side(work, name)
    if not side.live:
        raise UserError(
            f"connections.{name} is in shadow mode, so nothing can be cleared. Set `mode: live` and say it again."
        )
    with work.store.read(long=True) as tx:
        exported = take_along(work, tx, side, folder)
    with work.store.append() as tx:
        decisions.alone(tx)
        made = plan_retirement(work, tx, name)
        if made.is_retired:
            raise UserError(f"{name} is retired already.")
        made.is_retired, made.exported = True, exported
        runs.retire(tx, side.uid, work.clock.now())
        graph.mark_unplanned(tx, _mine(tx, side))
        _let_pass(work, tx, side, len(made.rows), person, reason)
        _enter(work, tx, "retire", side, person, reason, {**made.counts, "exported": exported})
    return made


def take_back(work: Work, name: str, person: str, reason: str) -> Retiring:
    """The connection is not left after all: what is wanted on its records is written again.

    Raises UserError for no reason, or a connection that was not retired.
    """
    _demand(reason)
    side = _side(work, name)
    with work.store.append() as tx:
        decisions.alone(tx)
        if side.uid not in runs.retired(tx):
            raise UserError(f"{name} was not retired.")
        runs.retire(tx, side.uid, None)
        graph.mark_unplanned(tx, _mine(tx, side))
        _enter(work, tx, "unretire", side, person, reason, {})
    return Retiring(side.name, side.uid, False)


def _demand(reason: str) -> None:
    if not reason.strip():
        raise UserError("Say why with --reason; it is kept in the ledger.")


def _side(work: Work, name: str) -> Side:
    side = next((side for side in work.sides if side.name == name), None)
    if side is None:
        raise UserError(f"{name} is no connection. There are {', '.join(side.name for side in work.sides)}.")
    if not side.uid:
        raise UserError(f"{name} was never reached, so nothing of syncd is there.")
    return side


def _mine(tx: sa.Connection, side: Side) -> list[Ref]:
    """Every record of the connection that shows something of ours, should, or had an owner from us."""
    wanted = {ref for ref, *_ in outcomes.every_wanted(tx)}
    return sorted(ref for ref in wanted | set(records.showing(tx)) if ref.connection == side.uid)


def _let_pass(work: Work, tx: sa.Connection, side: Side, writes: int, person: str, reason: str) -> None:
    """So many writes at once are meant."""
    if not writes:
        return
    now, what = work.clock.now(), f"{side.name}: {writes} writes clear it, because it is retired."
    holds.stop(tx, side.uid, "", HoldKind.WRITES, what, {"writes": writes}, now, None)
    for hold in holds.open_ones(tx, side.uid):
        if hold.kind is HoldKind.WRITES:
            holds.lift(tx, hold.number, person, reason, now)


def _enter(
    work: Work, tx: sa.Connection, what: str, side: Side, person: str, reason: str, about: dict[str, Any]
) -> None:
    body = {
        "what": what,
        "connection": side.uid,
        "name": side.name,
        "by": f"person:{person}",
        "reason": reason,
        **about,
    }
    ledger.append(tx, work.clock.now(), [ledger.Entry(what, body, ("reason",))], work.ledger_key)


# --- what is taken along ---------------------------------------------------------------------------------------------


def take_along(work: Work, tx: sa.Connection, side: Side, folder: Path) -> dict[str, int]:
    """Write everything that is kept of a connection, and the whole ledger, into an empty folder; rows by file.

    `manifest.json` has the number of rows and the SHA-256 of each file, and the last hash of the ledger.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # it will hold customers' data
        if any(folder.iterdir()):
            raise UserError(f"{folder} is not empty. Name a new folder: nothing is overwritten.")
        counts = {}
        for name, found in takeaway.rows(tx, side.uid):
            file = f"{name}.csv" if name in _AS_TABLE else f"{name}.jsonl"
            counts[file] = (_as_table if name in _AS_TABLE else _as_lines)(folder / file, found)
        counts["ledger.jsonl"] = _as_lines(folder / "ledger.jsonl", ledger.entries(tx))
        _manifest(work, tx, side, folder, counts)
    except OSError as error:
        raise UserError(f"{error.filename or folder} cannot be written: {error.strerror}.") from None
    return counts


def _as_lines(path: Path, rows: Iterable[dict[str, Any]]) -> int:
    count = 0
    with path.open("wb") as file:
        for count, row in enumerate(rows, start=1):  # noqa: B007 (the last number is the count)
            file.write(orjson.dumps(row, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE, default=str))
    return count


def _as_table(path: Path, rows: Iterator[dict[str, Any]]) -> int:
    """The rows as CSV without formulas; a file of no rows has no columns either."""
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        for count, row in enumerate(rows, start=1):
            if count == 1:
                writer.writerow(row)
            writer.writerow([escaped(_cell(value)) for value in row.values()])
    return count


def _cell(value: Any) -> Any:
    return orjson.dumps(value).decode() if isinstance(value, dict | list) else value


def _manifest(work: Work, tx: sa.Connection, side: Side, folder: Path, counts: dict[str, int]) -> None:
    length, digest = ledger.last(tx)
    about = {
        "connection": side.name, "uid": side.uid, "at": work.clock.now().isoformat(),
        "ledger": {"entries": length, "last_hash": digest.hex()},
        "files": {
            name: {"rows": rows, "sha256": _digest(folder / name)} for name, rows in sorted(counts.items())
        },
    }  # fmt: skip
    (folder / "manifest.json").write_bytes(orjson.dumps(about, option=orjson.OPT_INDENT_2))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
