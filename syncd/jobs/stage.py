"""Stage: turn changed records into canonical ones, note what is wrong with them, and mark what they touch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from syncd.jobs.intake import line_of
from syncd.jobs.parents import hangs_on
from syncd.jobs.pushed import companies_named
from syncd.jobs.relatives import touched
from syncd.jobs.work import CONTESTING, Side, Work, running
from syncd.mapping import Mapped
from syncd.matching import PARSER_VERSION, keys, parse, query_keys
from syncd.model import Account, CanonicalRecord, Opportunity, Partner, Ref, Registration, Stream, User
from syncd.policy import number_of
from syncd.store import graph, intake, outcomes, records
from syncd.store.graph import Staged
from syncd.store.intake import Line
from syncd.store.records import Stored

_BATCH = 2_000


@dataclass(slots=True)
class Batch:
    """What one batch of changed records comes to."""

    staged: list[Staged] = field(default_factory=list)
    gone: list[Ref] = field(default_factory=list)
    companies: list[tuple[Ref, str, dict[str, Any], tuple[str, ...]]] = field(default_factory=list)
    asking: dict[Ref, tuple[str, ...]] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)


def stage(work: Work) -> int:
    """Stage everything that changed since the last time; returns how many records that were."""
    version = versions(work)
    with work.store.read() as tx:
        change, known = graph.get_progress(tx, "staged")
        pending = records.changed_since(tx, change if known == version else 0, 1)
    if not pending:
        return 0
    with running(work, "stage") as run:
        total = 0
        change = change if known == version else 0
        while (done := _stage_batch(work, change, version)) is not None:
            count, change = done
            total += count
        run.counts["staged"] = total
        return total


def versions(work: Work) -> str:
    """What staging depends on beside the records: mappings, and the parser of matching."""
    return f"{PARSER_VERSION} " + " ".join(
        f"{side.name}:{stream.value}:{mapping.version}"
        for side in work.sides
        for stream, mapping in side.streams.items()
    )


def _stage_batch(work: Work, change: int, version: str) -> tuple[int, int] | None:
    with work.store.begin() as tx:
        rows = records.changed_since(tx, change, _BATCH)
        if not rows:
            return None
        before = graph.get_staged(tx, [row.ref for row in rows])
        batch = Batch()
        for row in rows:
            _stage_one(work, row, batch)
        _mark_touched(work, tx, rows, before, batch)
        intake.put(tx, _filed(work, rows), batch.lines)
        graph.put_staged(tx, batch.staged)
        graph.drop_staged(tx, batch.gone)
        relink = graph.put_parsed(tx, batch.companies, PARSER_VERSION, batch.asking)
        graph.drop_parsed(tx, batch.gone)
        graph.mark_unlinked(tx, relink + batch.gone)
        graph.mark_unplanned(tx, [row.ref for row in rows if row.shown])
        graph.set_progress(tx, "staged", rows[-1].change, version)
        return len(rows), rows[-1].change


def _stage_one(work: Work, row: Stored, batch: Batch) -> None:
    """A record whose connection or stream is no longer configured, or that is gone, takes no part.

    A registration whose source record is gone stays: what it was promised does not depend on the record.
    """
    try:
        mapped = work.canonical(row)
    except Exception as error:  # one bad record never stops the others, whatever is wrong with it
        _take_line(work, row, None, batch)
        problem = {"field": "", "code": "cannot_be_mapped", "message": f"cannot be mapped ({type(error).__name__})"}
        batch.staged.append(Staged(row.ref, Stream(row.stream), None, None, "unreadable", (problem,), row.change))
        return
    _take_line(work, row, mapped, batch)
    if mapped is None or mapped.excluded or (row.deleted and row.stream != Stream.REGISTRATIONS):
        batch.gone.append(row.ref)
        return
    problems = tuple(problem.as_json() for problem in mapped.problems)
    if mapped.record is None:
        batch.staged.append(Staged(row.ref, Stream(row.stream), None, None, "unreadable", problems, row.change))
        return
    side = work.side(row.ref.connection)
    parent, key = hangs_on(mapped.record, side), named_by(mapped.record)
    state = "gone" if row.deleted else "taken"
    batch.staged.append(Staged(row.ref, Stream(row.stream), parent, key, state, problems, row.change))
    _take_company(side, mapped.record, mapped.company, batch)


def _take_company(side: Side, record: CanonicalRecord, company: Account | None, batch: Batch) -> None:
    account, role = (record, side.role) if isinstance(record, Account) else (company, "filed")
    if account is not None:
        made = parse(account)
        batch.companies.append((account.ref, role, made.to_json(), tuple(keys(made))))
        if role == "filed":
            batch.asking[account.ref] = tuple(query_keys(made))


def _take_line(work: Work, row: Stored, mapped: Mapped | None, batch: Batch) -> None:
    """Everything filed has a line in the intake book, whatever becomes of it."""
    mapping = work.mapping_of(row.ref, row.stream) if row.stream == Stream.REGISTRATIONS else None
    if mapping is not None:
        batch.lines.append(line_of(mapping, row, mapped))


def _filed(work: Work, rows: Iterable[Stored]) -> list[Ref]:
    """The records of objects that partners file into, or did."""
    places = {(side.uid, feed.object) for side in work.sides if (feed := side.filings)}
    return [r.ref for r in rows if r.stream == Stream.REGISTRATIONS or (r.ref.connection, r.ref.object) in places]


def named_by(record: CanonicalRecord) -> str | None:
    """The key by which other records name this one."""
    if isinstance(record, Partner):
        return record.partner_id
    if isinstance(record, User):
        return record.email.strip().lower() if record.email else None
    if isinstance(record, Registration):
        return number_of(record)
    if isinstance(record, Opportunity):
        return (record.registration_key or "").strip() or None
    return None


def topic_of(item: Staged) -> str | None:
    """The topic that groups may have read this record under."""
    what = {Stream.PARTNERS: "partner", Stream.USERS: "user"}.get(item.stream)
    return f"{what}:{item.key}" if what and item.key else None


_ON_ACCOUNTS = (Stream.LISTS, Stream.CONTRACTS, Stream.LEADS)
"""Evidence about an account, beside what contests."""


def _reparented(before: Mapping[Ref, Staged], after: Mapping[Ref, Staged]) -> list[Ref]:
    """The accounts that are new, gone or owned by another account, with those that own them or owned them."""
    found: set[Ref] = set()
    for ref in {*before, *after}:
        items = [item for item in (before.get(ref), after.get(ref)) if item is not None]
        parents = {item.parent for item in items}
        if items[0].stream is Stream.ACCOUNTS and (len(items) == 1 or len(parents) > 1):
            found |= {ref, *(parent for parent in parents if parent is not None)}
    return sorted(found)


def _mark_touched(
    work: Work, tx: sa.Connection, rows: Iterable[Stored], before: Mapping[Ref, Staged], batch: Batch
) -> None:
    """Mark the organizations whose accounts, opportunities or registrations changed, as they were and as they are,
    and those that read a partner or user who changed or is gone; and the filings that somebody has to answer for."""
    after, aliases = {item.ref: item for item in batch.staged}, records.aliases(tx)
    accounts: set[Ref] = set()
    topics: set[str] = set()
    named: set[str] = set()
    filings: set[Ref] = set()
    for row in rows:
        for item in (before.get(row.ref), after.get(row.ref)):
            if item is not None and item.stream is Stream.ACCOUNTS:
                accounts.add(item.ref)
            elif item is not None and item.stream in (*CONTESTING, *_ON_ACCOUNTS) and item.parent is not None:
                accounts.add(aliases.get(item.parent, item.parent))
            if item is not None and (topic := topic_of(item)):
                topics.add(topic)
            if item is not None and item.stream is Stream.OPPORTUNITIES and item.key:
                named.add(item.key)
            if item is not None and item.stream is Stream.REGISTRATIONS:
                filings.add(item.ref)
    accounts |= companies_named(tx, named)
    graph.mark_dirty(tx, touched(work, tx, _reparented(before, after)))
    graph.mark_dirty(tx, graph.organizations_of(tx, sorted(accounts)))
    graph.mark_dirty(tx, outcomes.organizations_reading(tx, topics))
    portals = {side.uid for side in work.sides if side.filings}
    companies = [ref for ref in accounts if ref.connection in portals]
    graph.mark_unanswered(tx, filings | set(graph.hanging_on(tx, Stream.REGISTRATIONS, companies)))
