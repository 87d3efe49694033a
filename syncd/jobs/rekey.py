"""Rekey: records of one system go on as records of another, with everything that was said and decided about them.

It follows a portal that was replaced, two CRMs that became one, and a sandbox org promoted to production. Facts hang on
refs, and a ref may have an alias: nothing is rewritten, and taking the aliases away takes it back.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from syncd.connectors.salesforce.ids import long_id
from syncd.errors import UserError
from syncd.jobs.work import Side, Work
from syncd.model import DecisionKind, Ref, Stream
from syncd.store import decisions, graph, ledger, records, runs

CAUSE = "migrated"
_AT_ONCE = 1_000
_COLUMNS = {
    "old_id": "old",
    "old": "old",
    "new_id": "new",
    "new": "new",
    "object": "object",
    "new_object": "new_object",
}
_MOST_NAMED = 20


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the file of ids; `row` counts from 1, the heading included."""

    row: int
    old: str
    new: str
    object: str = ""
    new_object: str = ""


@dataclass(slots=True)
class Rekeying:
    """What a file of ids means: the aliases to add (or take away), and the lines that cannot be followed, with why.

    `unknown` counts old ids that nothing is known of, `already` those that were followed before; `following` the
    decisions and judgements that go along.
    """

    connection: str
    old_uid: str
    pairs: dict[Ref, Ref] = field(default_factory=dict)
    problems: list[tuple[int, str]] = field(default_factory=list)
    unknown: int = 0
    already: int = 0
    following: dict[str, int] = field(default_factory=dict)

    @property
    def by_object(self) -> dict[str, int]:
        """How many records go on, by the object that they were."""
        return dict(sorted(Counter(old.object for old in self.pairs).items()))

    def as_json(self) -> dict[str, Any]:
        """The same as plain JSON."""
        return {
            "connection": self.connection, "from": self.old_uid, "records": len(self.pairs),
            "by_object": self.by_object, "unknown": self.unknown, "already": self.already, "following": self.following,
            "problems": [{"row": row, "why": why} for row, why in self.problems],
        }  # fmt: skip


def read_map(path: Path) -> list[Line]:
    """A CSV file with the columns old_id and new_id, perhaps object and new_object. Raises UserError."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline()
            file.seek(0)
            rows = list(csv.reader(file, delimiter=";" if ";" in first and "," not in first else ","))
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}).") from None
    except (UnicodeDecodeError, csv.Error):
        raise UserError(f"{path} is no CSV file in UTF-8.") from None
    heading = [_COLUMNS.get(name.strip().lower(), "") for name in rows[0]] if rows else []
    if not {"old", "new"} <= set(heading):
        raise UserError(f"{path} must have the columns old_id and new_id in its first line; object is a third one.")
    return [
        Line(number, **{name: value.strip() for name, value in zip(heading, row, strict=False) if name})
        for number, row in enumerate(rows[1:], start=2)
        if any(value.strip() for value in row)
    ]


def plan_rekey(work: Work, name: str, lines: Sequence[Line], *, old: str = "", back: bool = False) -> Rekeying:
    """What following these ids into the connection `name` would do; calls it to see that the new records are there.

    `old` names the connection that is left; without, the one that is no longer in the settings. `back` takes away what
    was followed before. Raises UserError where the connections do not fit.
    """
    side = _side(work, name)
    side, _ = work.check_again(side)
    with work.store.read() as tx:
        made = Rekeying(name, _old_uid(work, tx, side, old))
        lines = [spelt(line, made.old_uid, side.uid) for line in lines]
        wanted = _wanted(work, tx, side, made, lines)
        known = _direct_aliases(tx, made.old_uid)
    if back:
        made.pairs = {ref: new for _, ref, new in wanted if known.get(ref) == new}
        made.already = 0
    else:
        there = _there(side, [new for _, ref, new in wanted if known.get(ref) != new])
        for row, ref, new in wanted:
            _take(made, row, ref, new, known, there)
    with work.store.read() as tx:
        made.following = _following(tx, list(made.pairs))
    return made


def rekey(
    work: Work, name: str, lines: Sequence[Line], person: str, reason: str, *, old: str = "", back: bool = False
) -> Rekeying:
    """Do it; the next cycle decides and writes by it. Raises UserError for no reason, and as `plan_rekey`."""
    if not reason.strip():
        raise UserError("Say why with --reason; it is kept in the ledger.")
    made = plan_rekey(work, name, lines, old=old, back=back)
    if not made.pairs:
        return made
    now = work.clock.now()
    with work.store.append() as tx:
        decisions.alone(tx)
        for ref, new in made.pairs.items():
            if back:
                records.drop_alias(tx, ref, new, CAUSE)
            else:
                records.add_alias(tx, ref, new, CAUSE, now)
        _touch(tx, [*made.pairs, *made.pairs.values()])
        about = {"connection": name, "from": made.old_uid, "by": f"person:{person}", "reason": reason}
        entries = _entries("unrekey" if back else "rekey", about, sorted(made.pairs.items()))
        ledger.append(tx, now, entries, work.ledger_key)
    return made


def _entries(what: str, about: Mapping[str, str], pairs: Sequence[tuple[Ref, Ref]]) -> list[ledger.Entry]:
    """The pairs as entries of a size that can be read."""
    parts = [{str(ref): str(new) for ref, new in some} for some in graph.chunks(pairs, _AT_ONCE)]
    return [
        ledger.Entry(what, {"what": what, "part": n, "parts": len(parts), "pairs": part, **about}, ("reason",))
        for n, part in enumerate(parts, start=1)
    ]


def _touch(tx: sa.Connection, refs: Sequence[Ref]) -> None:
    """Everything that these records are part of is linked, decided and planned again."""
    staged = graph.get_staged(tx, refs)
    accounts = {*refs, *(item.parent for item in staged.values() if item.parent is not None)}
    graph.mark_dirty(tx, graph.organizations_of(tx, sorted(accounts)))
    graph.mark_unlinked(tx, [ref for ref, item in staged.items() if item.stream is Stream.ACCOUNTS])
    graph.mark_unplanned(tx, refs)


# --- which connections -----------------------------------------------------------------------------------------------


def _side(work: Work, name: str) -> Side:
    side = next((side for side in work.sides if side.name == name), None)
    if side is None:
        raise UserError(f"{name} is no connection. There are {', '.join(side.name for side in work.sides)}.")
    return side


def _old_uid(work: Work, tx: sa.Connection, side: Side, old: str) -> str:
    """The uid of the connection that is left; it is in the database, and no longer in the settings."""
    configured = {side.name for side in work.sides}
    left = {name: uid for name, uid in runs.bound(tx).items() if name not in configured}
    if old and old in configured:
        raise UserError(
            f"connections.{old} is still in the settings, and would be read as before. Take it out, then say it again."
        )
    if old and old not in left:
        raise UserError(f"{old} was never a connection here. Those that are no longer configured: {_listed(left)}.")
    if not old and len(left) != 1:
        raise UserError(f"Say with --from which connection is left. No longer configured: {_listed(left)}.")
    return left[old] if old else next(iter(left.values()))


def _listed(left: Mapping[str, str]) -> str:
    return ", ".join(sorted(left)) or "none"


def spelt(line: Line, old_uid: str, new_uid: str) -> Line:
    """Salesforce shows ids of 15 characters in its reports; they are kept with 18."""
    old = long_id(line.old) if old_uid.startswith("salesforce-") else None
    new = long_id(line.new) if new_uid.startswith("salesforce-") else None
    return replace(line, old=old or line.old, new=new or line.new)


# --- which records ---------------------------------------------------------------------------------------------------

Found = tuple[int, Ref, Ref]


def _wanted(work: Work, tx: sa.Connection, side: Side, made: Rekeying, lines: Sequence[Line]) -> list[Found]:
    """The lines as refs, those set aside that say nothing or contradict each other."""
    named: dict[str, str] = {}
    twice = set()
    for line in lines:
        if line.old and named.setdefault(f"{line.object}/{line.old}", line.new) != line.new:
            twice.add((line.object, line.old))
    old_refs = _old_refs(tx, made.old_uid, lines)
    found: list[Found] = []
    for line in lines:
        if not line.old or not line.new:
            made.problems.append((line.row, "has no old id or no new id"))
        elif (line.object, line.old) in twice:
            made.problems.append((line.row, f"{line.old} is given two new ids"))
        else:
            found += _one(side, made, line, old_refs.get(line.old, []))
    return found


def _old_refs(tx: sa.Connection, uid: str, lines: Sequence[Line]) -> dict[str, list[tuple[Ref, str]]]:
    """By old id, the records that had it, each with its stream."""
    objects = records.objects_of(tx, uid)
    refs = [Ref(uid, object_, line.old) for line in lines for object_ in ([line.object] if line.object else objects)]
    found: dict[str, list[tuple[Ref, str]]] = {}
    for ref, row in records.get(tx, refs).items():
        found.setdefault(ref.id, []).append((ref, row.stream))
    return found


def _one(side: Side, made: Rekeying, line: Line, olds: Sequence[tuple[Ref, str]]) -> Iterable[Found]:
    fitting = [(ref, stream) for ref, stream in olds if not line.object or ref.object == line.object]
    if not fitting:
        made.unknown += 1
        return
    if len(fitting) > 1:
        named = ", ".join(sorted(ref.object for ref, _ in fitting))
        made.problems.append((line.row, f"{line.old} is an id of {named}; say which in the column object"))
        return
    (ref, stream), mapping = fitting[0], side.streams.get(Stream(fitting[0][1]))
    object_ = line.new_object or (mapping.object if mapping is not None else "")
    if not object_:
        made.problems.append((line.row, f"{side.name} has no stream {stream}; map it, or leave the line out"))
        return
    yield line.row, ref, Ref(side.uid, object_, line.new)


def _direct_aliases(tx: sa.Connection, uid: str) -> dict[Ref, Ref]:
    return {old: new for old, new in records.aliases(tx).items() if old.connection == uid}


def _there(side: Side, refs: Sequence[Ref]) -> set[Ref]:
    """Those of these records that the new system has, read by id."""
    found = set()
    for feed in side.feeds:
        ids = sorted({ref.id for ref in refs if ref.object == feed.object})
        for start in range(0, len(ids), _AT_ONCE):
            rows = side.connector.fetch(feed.spec, ids[start : start + _AT_ONCE])
            found |= {Ref(side.uid, feed.object, row.id) for row in rows if not row.deleted}
    return found


def _take(made: Rekeying, row: int, ref: Ref, new: Ref, known: Mapping[Ref, Ref], there: set[Ref]) -> None:
    if known.get(ref) == new:
        made.already += 1
    elif ref in known:
        made.problems.append((row, f"{ref.id} was followed to {known[ref].id} before; take that back first"))
    elif new not in there:
        made.problems.append((row, f"{made.connection} has no {new.object} {new.id}, or does not show it to us"))
    else:
        made.pairs[ref] = new


def _following(tx: sa.Connection, refs: Sequence[Ref]) -> dict[str, int]:
    """How many decisions and judgements hang on these records."""
    said = [d for d in decisions.about(tx, refs) if d.kind is not DecisionKind.OVERRIDDEN]
    judged = [d for d in said if d.kind in decisions.JUDGEMENTS]
    return {"decisions": len(said) - len(judged), "judgements": len(judged)}
