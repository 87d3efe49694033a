"""Link: changed accounts find candidates, are scored, and the organizations they make are decided again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from syncd.jobs.work import Work, running
from syncd.matching import COMMON, Edge, Linker, MemoryCandidates, Parsed, Statistics, query_keys
from syncd.model import Evidence, Ref
from syncd.store import decisions, graph, outcomes, records

_MEMORY_FROM = 200
"""From this many changed accounts on, one index of all keys in memory is cheaper than asking the store for some."""
_ACROSS, _WITHIN = 20, 8
"""Candidates looked at on the other side, and on the record's own side for duplicates and twins."""


def link(work: Work) -> int:
    """Link what changed; returns how many links changed. Does nothing when neither records nor judgements did."""
    with work.store.read() as tx:
        changed = graph.unlinked_refs(tx)
        judged = last_judgement(tx)
        known, version = graph.get_progress(tx, "linked")
        frozen = outcomes.frozen_statistics(tx)
    wanted = f"{work.auto} {work.review} {frozen[0] if frozen else ''}"
    if not changed and judged == known and (version == wanted or frozen is None):
        return 0
    with running(work, "link") as run:
        linker = Linker(_statistics(work), auto=work.auto, review=work.review)
        _score(work, linker, changed)
        count, dirty = _decide(work, linker, changed)
        run.counts.update(changed=len(changed), links=count, organizations=dirty)
        return count


def _statistics(work: Work) -> Statistics:
    """The frozen statistics; the first link run freezes them from all there is, so that later scores do not drift."""
    with work.store.begin() as tx:
        frozen = outcomes.frozen_statistics(tx)
        if frozen is not None:
            return Statistics.from_json(frozen[1])
        made = Statistics.build(Parsed.from_json(content) for _, _, content in graph.get_parsed(tx))
        outcomes.freeze_statistics(tx, made.version, made.to_json(), work.clock.now())
        return made


def _score(work: Work, linker: Linker, changed: Sequence[Ref]) -> None:
    with work.store.read() as tx:
        records = [Parsed.from_json(content) for _, _, content in graph.get_parsed(tx, changed)]
        everybody = _everybody(tx, records)
        total = graph.count_parsed(tx)
    known = {one.ref: one for _, one in everybody}
    roles = {one.ref: role for role, one in everybody}
    index = {
        role: MemoryCandidates((one for has, one in everybody if has == role), total=total)
        for role in ("direct", "filed")
    }
    edges: list[Edge] = []
    seen: set[frozenset[Ref]] = set()  # a pair of changed records finds itself from both sides
    for record in records:
        asked = query_keys(record)
        hits = {
            ref
            for role in index
            for ref, _ in index[role].find(asked, record.ref, _WITHIN if roles[record.ref] == role else _ACROSS)
        }
        fresh = {frozenset((record.ref, ref)): ref for ref in hits}
        edges += linker.edges_of(record, (known[ref] for pair, ref in fresh.items() if pair not in seen))
        seen.update(fresh)
    with work.store.begin() as tx:
        rows = [(e.a, e.b, e.points, [[x.claim, x.points, x.sentence] for x in e.evidence]) for e in edges]
        graph.put_edges(tx, changed, rows)


def _everybody(tx: sa.Connection, records: Sequence[Parsed]) -> list[tuple[str, Parsed]]:
    """Whoever may be a candidate of these: all there are when many changed, else the postings of their keys."""
    refs = None
    if len(records) < _MEMORY_FROM:
        asked = sorted({key for record in records for key in query_keys(record)})
        found = {ref for refs in graph.postings(tx, asked, COMMON).values() for ref in refs}
        refs = sorted(found | {record.ref for record in records})
    return [(role, Parsed.from_json(content)) for _, role, content in graph.get_parsed(tx, refs)]


def _decide(work: Work, linker: Linker, changed: Sequence[Ref]) -> tuple[int, int]:
    """Decide over all edges outside of any transaction, then apply the difference in a short one.

    Only the daemon changes edges and links, so they cannot move in between. A person who judges meanwhile is heard
    by the next run, because the judgements that were read are what is remembered.
    """
    with work.store.read() as tx:
        roles, aliases, before = graph.roles(tx), records.aliases(tx), graph.all_links(tx)
        edges, judged, said = _edges(tx), last_judgement(tx), decisions.judgements(tx, aliases)
        frozen = outcomes.frozen_statistics(tx)
    made = linker.decide(edges, lambda ref: roles[ref], said)
    groups = _with_everybody(made.groups, {ref for ref, role in roles.items() if role == "filed"})
    first = {ref: 0 if role == "direct" else 1 for ref, role in roles.items()}
    with work.store.begin() as tx:
        count, touched = graph.put_links(tx, made.links, before)
        members = graph.assign_organizations(tx, groups, first, aliases, work.clock.now())
        dirty = graph.put_members(tx, members) | {members[ref] for ref in touched if ref in members}
        graph.mark_dirty(tx, dirty)
        graph.mark_linked(tx, changed)
        graph.set_progress(tx, "linked", judged, f"{work.auto} {work.review} {frozen[0] if frozen else ''}")
    return count, len(dirty)


def last_judgement(tx: sa.Connection) -> int:
    """The number of the newest judgement of a person."""
    return max((made.seq or 0 for made in decisions.everything(tx, decisions.JUDGEMENTS)), default=0)


def _with_everybody(groups: Iterable[frozenset[Ref]], filed: set[Ref]) -> list[frozenset[Ref]]:
    """Organizations are kept only where somebody filed; a filed company without links is one by itself."""
    kept = [group for group in groups if group & filed]
    grouped = {ref for group in kept for ref in group}
    return kept + [frozenset([ref]) for ref in filed - grouped]


def _edges(tx: sa.Connection) -> list[Edge]:
    return [
        Edge(a, b, points, tuple(Evidence(*item) for item in evidence))
        for a, b, points, evidence in graph.get_edges(tx)
    ]
