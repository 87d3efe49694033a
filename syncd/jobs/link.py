"""Link: changed accounts find candidates, are scored, and whatever that touches is decided again, nothing else.

The answer is that of a full run at the same frozen version, whatever came in which order and in which batches. What
is compared does not depend on order (`syncd.matching.neighbours`), and `syncd.matching.reach` says how far a change
reaches. Only the daemon changes edges and links, so that all of it is read and decided outside of any transaction
and written in one. A person who judges meanwhile is heard by the next run, because the judgements that were read are
what is remembered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from syncd.jobs import index
from syncd.jobs.frozen import Frozen, count_now, in_force, thresholds_of
from syncd.jobs.index import AtHand
from syncd.jobs.search import Found, StoredEdges, search
from syncd.jobs.work import Work, running
from syncd.matching import Edge, Thresholds
from syncd.matching.neighbours import Postings
from syncd.matching.reach import Change, Relinked, Words, relink
from syncd.model import Decision, Judgement, Link, Ref, Stream
from syncd.store import cursors, decisions, graph, outcomes, records

Two = tuple[Ref, Ref]
FIRST_AT_ONCE = 20_000
"""Accounts that the first run links before it commits."""


def link_when_read(work: Work) -> int:
    """As `link`, but the first time only when the accounts of every connection were read whole.

    What the first run freezes speaks for good of the accounts that there are then.
    """
    feeds = [(side.uid, feed.head) for side in work.sides for feed in side.feeds if Stream.ACCOUNTS in feed.streams]
    with work.store.read() as tx:
        unread = any(cursors.get(tx, uid, head).watermark is None for uid, head in feeds)
        waits = unread and in_force(tx) is None
    return 0 if waits else link(work)


def link(work: Work) -> int:
    """Link what changed; returns how many links changed. Does nothing when neither records nor judgements did."""
    with work.store.read() as tx:
        changed = graph.unlinked_refs(tx)
        judged = decisions.last_judgement(tx)
        known, version = graph.get_progress(tx, "linked")
        frozen = in_force(tx)
    if not changed and judged == known and (frozen is None or version == version_of(work, frozen)):
        return 0
    with running(work, "link") as run:
        frozen = frozen or _freeze(work)
        for some, rest in [(changed, 0)] if version else _stretches(work, changed):
            made, used = _made(work, frozen, some, rest, known, version, run.id)
            links, dirty = _put(work, made, some, used, version if rest else version_of(work, frozen))
            index.follow_linked(used, made.found.listed, made.found.reach)
            again = len(made.relinked.scope)
            for name, count in zip(_COUNTS, (len(some), links, dirty, again), strict=True):
                run.counts[name] = run.counts.get(name, 0) + count
        return int(run.counts["links"])


_COUNTS = ("changed", "links", "organizations", "decided_again")


def _made(
    work: Work, frozen: Frozen, some: Sequence[Ref], rest: int, known: int, version: str, run: str
) -> tuple[Made, AtHand]:
    """What linking these accounts comes to, of a run that has `rest` more to link, and the postings it looked in."""
    with work.store.read(long=True) as tx:
        used = index.at_hand(tx, work, frozen, len(some) + rest, run)
        if version and version != version_of(work, frozen):
            return link_all_again(tx, work, frozen, used.postings), used
        return _link_some(tx, work, frozen, some, known, used.postings, alone=not version), used


def _stretches(work: Work, changed: Sequence[Ref]) -> Iterator[tuple[Sequence[Ref], int]]:
    """The first run links some after the other, accounts before the companies that mean them, and commits each time,
    so that memory is bounded; with each stretch goes how many are left."""
    with work.store.read() as tx:
        roles = graph.roles(tx)
    ordered = sorted({*roles, *changed}, key=lambda ref: (roles.get(ref) == "filed", ref))
    for start in range(0, max(len(ordered), 1), FIRST_AT_ONCE):
        yield ordered[start : start + FIRST_AT_ONCE], max(0, len(ordered) - start - FIRST_AT_ONCE)


def version_of(work: Work, frozen: Frozen) -> str:
    """What links depend on beside records and judgements; another one means that everything is linked again."""
    return f"{frozen.version} {thresholds_of(work).version}"


def _freeze(work: Work) -> Frozen:
    """The first run freezes what there is, so that later scores do not drift; see `jobs.refresh` for later."""
    with work.store.begin() as tx:
        made = count_now(tx, work.weights)
        outcomes.freeze_statistics(tx, made.version, made.to_json(), work.clock.now())
    return made


@dataclass(frozen=True, slots=True)
class Made:
    """What a run found, and what it decided from it."""

    found: Found
    relinked: Relinked
    judged: int
    confirmed: Mapping[Ref, int]
    aliases: Mapping[Ref, Ref]


def _link_some(
    tx: sa.Connection, work: Work, frozen: Frozen, changed: Sequence[Ref], known: int, postings: Postings, *,
    alone: bool,
) -> Made:  # fmt: skip
    stored = StoredEdges(tx)
    found = search(tx, frozen.linker(thresholds_of(work)), postings, changed, stored, alone=alone)
    said = _Said(tx)
    return _decided(tx, frozen, thresholds_of(work), found, changed, said, said.since(known, changed), stored)


def link_all_again(tx: sa.Connection, work: Work, frozen: Frozen, postings: Postings) -> Made:
    """Search and decide over everything, by another version of statistics, weights or bands."""
    everybody = sorted({*graph.roles(tx), *graph.unlinked_refs(tx)})
    stored = StoredEdges(tx)
    found = search(tx, frozen.linker(thresholds_of(work)), postings, everybody, stored)
    said = _Said(tx)
    judged = frozenset(said.words.judgements)
    return _decided(tx, frozen, thresholds_of(work), found, everybody, said, judged, stored)


def _decided(
    tx: sa.Connection, frozen: Frozen, bands: Thresholds, found: Found, changed: Collection[Ref], said: _Said,
    judged: frozenset[Two], stored: StoredEdges,
) -> Made:  # fmt: skip
    merged = (said.aliases.get(ref, ref) for ref in changed)  # what hung on a record hangs on what took it in
    change = Change(found.edges, frozenset({*changed, *merged}), judged)
    relinked = relink(StoreGraph(tx, found.edges, stored), change, said.words, frozen.weights, bands)
    return Made(found, relinked, said.last, said.confirmed, said.aliases)


class _Said:
    """What people said of pairs, followed to the records that there are now."""

    def __init__(self, tx: sa.Connection) -> None:
        self.aliases = records.aliases(tx)
        self._made = [made for made in decisions.everything(tx, decisions.JUDGEMENTS) if made.other is not None]
        judgements: dict[Two, Judgement] = {}
        said: dict[Two, int] = {}
        for made in self._made:
            pair = self._pair(made)
            if pair is not None:
                judgements[pair], said[pair] = Judgement(made.kind.value), made.seq or 0
        self.words = Words(judgements, said)
        self.last = max((made.seq or 0 for made in self._made), default=0)
        same = (pair for pair, judgement in judgements.items() if judgement is Judgement.SAME)
        self.confirmed = Counter(ref for pair in same for ref in pair)

    def _pair(self, made: Decision) -> Two | None:
        assert made.other is not None
        one, other = (self.aliases.get(ref, ref) for ref in (made.subject, made.other))
        return None if one == other else (one, other) if one < other else (other, one)

    def since(self, known: int, changed: Collection[Ref]) -> frozenset[Two]:
        """The pairs of which something new is said: since then, or because a record was merged into another."""
        gone = set(changed)
        new = [made for made in self._made
               if (made.seq or 0) > known or made.subject in self.aliases or made.other in self.aliases
               or made.subject in gone or made.other in gone]  # fmt: skip
        return frozenset(pair for pair in map(self._pair, new) if pair is not None)


class StoreGraph:
    """The graph of `matching.reach`: what is stored, with the edges that a search found in place of theirs."""

    def __init__(self, tx: sa.Connection, edges: Mapping[Two, tuple[Edge | None, Edge | None]],
                 stored: StoredEdges) -> None:  # fmt: skip
        self._tx, self._differing, self._stored = tx, edges, stored
        self._of: dict[Ref, list[Two]] = {}
        for pair in edges:
            for ref in pair:
                self._of.setdefault(ref, []).append(pair)

    def edges(self, refs: Collection[Ref]) -> Iterable[Edge]:
        """See `Graph`."""
        kept = [edge for pair, edge in self._stored.of(refs).items() if pair not in self._differing]
        new = {pair for ref in refs for pair in self._of.get(ref, ())}
        return [*kept, *(edge for pair in new if (edge := self._differing[pair][1]) is not None)]

    def links(self, refs: Collection[Ref]) -> Iterable[Link]:
        """See `Graph`."""
        return graph.links_of(self._tx, list(refs))

    def roles(self, refs: Collection[Ref]) -> Mapping[Ref, str]:
        """See `Graph`."""
        return graph.roles(self._tx, list(refs))


def _put(work: Work, made: Made, changed: Sequence[Ref], used: AtHand, version: str) -> tuple[int, int]:
    """Write down what differs, and mark the organizations that it concerns."""
    scope = sorted(made.relinked.scope)
    with work.store.begin() as tx:
        _put_edges(tx, made.found, changed)
        count, touched = graph.put_links(tx, made.relinked.decided.links, made.relinked.before)
        roles = graph.roles(tx, scope)
        groups = _with_everybody(made.relinked.decided.groups, {ref for ref, role in roles.items() if role == "filed"})
        first = {ref: 0 if role == "direct" else 1 for ref, role in roles.items()}
        members = graph.assign_organizations(tx, groups, first, made.aliases, work.clock.now(), made.confirmed)
        dirty = graph.put_members(tx, members, sorted({*scope, *changed}))
        dirty |= graph.organizations_of(tx, sorted(touched))
        graph.mark_dirty(tx, dirty)
        graph.mark_linked(tx, changed)
        graph.set_progress(tx, "linked", made.judged, version)
        index.note_linked(tx, used)
    return count, len(dirty)


def _put_edges(tx: sa.Connection, found: Found, changed: Sequence[Ref]) -> None:
    gone = [pair for pair, (before, _) in found.edges.items() if before is not None]
    come = [edge for _, edge in found.edges.values() if edge is not None]
    rows = [(e.a, e.b, e.points, [[x.claim, x.points, x.sentence] for x in e.evidence]) for e in come]
    graph.change_edges(tx, gone, rows)
    full = {ref: (-last.minus, last.ref) for ref, last in found.reach.items()}
    graph.put_reach(tx, sorted({*found.listed, *changed}), full)


def _with_everybody(groups: Iterable[frozenset[Ref]], filed: set[Ref]) -> list[frozenset[Ref]]:
    """Organizations are kept only where somebody filed; a filed company without links is one by itself."""
    kept = [group for group in groups if group & filed]
    grouped = {ref for group in kept for ref in group}
    return kept + [frozenset([ref]) for ref in sorted(filed - grouped)]
