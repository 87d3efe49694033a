"""The intake book: everything filed has a line, taken or not, with who filed it, when, and why it was not taken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from syncd.jobs.work import Side, Work
from syncd.mapping import Mapped, StreamMapping
from syncd.model import Account, Application, FiledStatus, Partner, Ref, Registration, Stream, WriteGroup, WriteState
from syncd.policy import number_of
from syncd.store import graph, intake, outbox, outcomes, records, sweeps
from syncd.store.intake import IntakeState, Line
from syncd.store.records import Stored

NOT_TAKEN = (IntakeState.FILTERED, IntakeState.UNREADABLE, IntakeState.NOT_VISIBLE, IntakeState.DELETED)
"""States of what was filed and no rule looks at."""


# --- making lines, when records are staged ---------------------------------------------------------------------------


def partner_of(mapping: StreamMapping, fields: Mapping[str, Any]) -> str | None:
    """Who filed it, as the record itself says, whether it can be taken or not."""
    return _said(mapping, fields, ("fields", "partner_id"))


def _said(mapping: StreamMapping, fields: Mapping[str, Any], key: tuple[str, ...]) -> str | None:
    """What a record says, as text, in the first native field that the mapping names for something of ours."""
    for native, named in mapping.sources.items():
        value = fields.get(native)
        if named == key and value not in (None, "", []):
            return str(value[0] if isinstance(value, list) else value).strip()
    return None


def line_of(mapping: StreamMapping, row: Stored, mapped: Mapped | None) -> Line:
    """The line of one record of a portal; `mapped` is None where it cannot be mapped at all."""
    number, company = _said(mapping, row.fields, ("fields", "number")), _said(mapping, row.fields, ("company", "name"))
    line = Line(row.ref, IntakeState.UNREADABLE, partner_of(mapping, row.fields), number, company=company)
    if row.deleted:
        return _dated(replace(line, state=IntakeState.DELETED), mapped)
    if mapped is None:
        return replace(line, reason="cannot be mapped")
    if mapped.excluded:
        value = row.fields.get(mapped.excluded)
        said = row.ref.id if mapped.excluded not in row.fields else ("" if value is None else str(value))
        return replace(line, state=IntakeState.FILTERED, field=mapped.excluded, value=said)
    if not isinstance(mapped.record, Registration):
        return replace(line, reason="; ".join(f"{p.field} {p.message}" for p in mapped.problems))
    return _dated(line, mapped)


def _dated(line: Line, mapped: Mapped | None) -> Line:
    """With the number and the time of priority that the registration has."""
    if mapped is None or not isinstance(mapped.record, Registration):
        return line
    found, state = mapped.record, line.state
    if state is not IntakeState.DELETED:
        state = IntakeState.DRAFT if found.status is FiledStatus.DRAFT else IntakeState.TAKEN
    return replace(line, state=state, number=number_of(found), received_at=found.received_at)


# --- reading the book ------------------------------------------------------------------------------------------------


def book(work: Work, tx: sa.Connection, refs: Sequence[Ref] | None = None) -> list[Line]:
    """The lines of these records, or all: with what became of each since it was staged."""
    found = intake.lines(tx, refs)
    refs_ = [line.ref for line in found]
    hidden = sweeps.unseen_refs(tx, set(refs_))
    returned = {c.state.ref: c.state for c in outcomes.claims(tx) if c.state.application is Application.RETURNED}
    told, companies = _acknowledgements(work, tx, found), _companies(work, tx, refs_)
    lines = []
    for line in found:
        if line.ref in hidden and line.state is not IntakeState.DELETED:
            line = replace(line, state=IntakeState.NOT_VISIBLE)
        elif line.state is IntakeState.TAKEN and (state := returned.get(line.ref)):
            line = replace(line, state=IntakeState.RETURNED, reason=state.reason)
        company = line.company or companies.get(line.ref)
        lines.append(replace(line, acknowledged_at=told.get(line.ref), company=company))
    return lines if refs is not None else lines + _lost(work, tx)


def _lost(work: Work, tx: sa.Connection) -> list[Line]:
    """What could not be made a record at all."""
    feeds = [(side, feed) for side in work.sides if (feed := side.filings)]
    return [line for side, feed in feeds for line in intake.lost(tx, side.uid, feed.object, feed.head.value)]


def _companies(work: Work, tx: sa.Connection, refs: Sequence[Ref]) -> dict[Ref, str]:
    """The name of the company that each registration is about, where it is a record of its own."""
    parents = {ref: item.parent for ref, item in graph.get_staged(tx, refs).items() if item.parent}
    known = records.get(tx, sorted(set(parents.values()) - set(refs)))
    accounts = {ref: mapped.record for ref, row in known.items() if (mapped := work.canonical(row))}
    names = {ref: record.name for ref, record in accounts.items() if isinstance(record, Account) and record.name}
    return {ref: names[parent] for ref, parent in parents.items() if parent in names}


def _acknowledgements(work: Work, tx: sa.Connection, lines: Sequence[Line]) -> dict[Ref, datetime]:
    """When each record was first known to show our number, with its time where it has one.

    That is when the system confirmed our write; where the record showed it without us, when we read that.
    """
    told = {}
    refs = [line.ref for line in lines if line.number]
    writes, known = outbox.of_records(tx, refs), records.get(tx, refs)
    for line in lines:
        mapping, stored = work.mapping_of(line.ref, Stream.REGISTRATIONS), known.get(line.ref)
        natives = _places(mapping, dated=line.received_at is not None) if mapping is not None else []
        if stored is None or not natives or any(stored.shown.get(native) in (None, "") for native in natives):
            continue
        sent = [
            item.done_at
            for item in writes.get((line.ref, WriteGroup.STAMP), ())
            if item.state is WriteState.APPLIED and item.done_at and natives[0] in item.intent.fields
        ]
        told[line.ref] = min(sent, default=stored.read_at)
    return told


def _places(mapping: StreamMapping, *, dated: bool) -> list[str]:
    """The native fields that show our number and its time; none where the number has no place."""
    if "number" not in mapping.stamps:
        return []
    names = ("number", "received_at") if dated else ("number",)
    return [mapping.stamps[name] for name in names if name in mapping.stamps]


def find(work: Work, tx: sa.Connection, text: str) -> list[Line]:
    """The lines that `text` may mean: an id, a number, a company's name or a partner's, or a part of one."""
    wanted = text.strip().casefold()
    if not wanted:
        return []
    partners = [p.partner_id for p in _partners(work, tx) if wanted in p.name.casefold()]
    refs = set(intake.like(tx, text.strip(), partners)) | _of_companies(work, tx, wanted)
    lost = [line for line in _lost(work, tx) if wanted in line.ref.id.casefold()]
    return book(work, tx, sorted(refs)) + lost


def _partners(work: Work, tx: sa.Connection) -> Iterable[Partner]:
    for row in records.of_stream(tx, Stream.PARTNERS):
        mapped = work.canonical(row)
        if mapped is not None and isinstance(mapped.record, Partner):
            yield mapped.record


def _of_companies(work: Work, tx: sa.Connection, wanted: str) -> set[Ref]:
    """The registrations on companies of that name."""
    filed = {side.uid for side in work.sides if side.filings}
    companies = []
    for row in records.of_stream(tx, Stream.ACCOUNTS):
        if row.ref.connection in filed and (mapped := work.canonical(row)) and isinstance(mapped.record, Account):
            names = (mapped.record.name or "", *mapped.record.other_names)
            companies += [row.ref] if any(wanted in name.casefold() for name in names) else []
    old = [source for source, target in records.aliases(tx).items() if target in set(companies)]
    return set(graph.hanging_on(tx, Stream.REGISTRATIONS, [*companies, *old]))


def why_not(line: Line) -> str:
    """Why it is not taken, in words; what is wrong with it where it is."""
    if line.state is IntakeState.FILTERED:
        return f"{line.field} is {line.value or 'blank'}"
    return line.reason.replace("_", " ")


def line_json(line: Line, side: Side | None) -> dict[str, Any]:
    """One line as plain JSON."""
    return {
        "ref": str(line.ref), "connection": side.name if side else None, "id": line.ref.id, "state": line.state.value,
        "partner": line.partner, "number": line.number, "company": line.company, "received_at": line.received_at,
        "seen_at": line.seen_at, "acknowledged_at": line.acknowledged_at, "filter": line.field, "value": line.value,
        "reason": line.reason,
    }  # fmt: skip
