"""Link: changed accounts find candidates, are scored, and whatever that touches is decided again, nothing else.

The answer is that of a full run at the same frozen version, whatever came in which order and in which batches. What
is compared does not depend on order (`syncd.matching.neighbours`), and `syncd.matching.reach` says how far a change
reaches. Only the daemon changes edges and links, so that all of it is read and decided outside of any transaction
and written in one. A person who judges meanwhile is heard by the next run, because the judgements that were read are
what is remembered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from syncd.jobs.frozen import Frozen, count_now, in_force, thresholds_of
from syncd.jobs.search import Found, search, stored_edges
from syncd.jobs.work import Work, running
from syncd.matching import Edge, Thresholds
from syncd.matching.reach import Change, Relinked, Words, relink
from syncd.model import Decision, Judgement, Link, Ref
from syncd.store import decisions, graph, outcomes, records

Two = tuple[Ref, Ref]


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
        again = version != version_of(work, frozen)
        with work.store.read(long=True) as tx:
            made = link_all_again(tx, work, frozen) if again else _link_changed(tx, work, frozen, changed, known)
        count, dirty = _put(work, frozen, made, changed)
        run.counts.update(
            changed=len(changed), links=count, organizations=dirty, decided_again=len(made.relinked.scope)
        )
        return count


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


def _link_changed(tx: sa.Connection, work: Work, frozen: Frozen, changed: Sequence[Ref], known: int) -> Made:
    found = search(tx, frozen.linker(thresholds_of(work)), frozen.rarity, changed)
    said = _Said(tx)
    return _decided(tx, frozen, thresholds_of(work), found, changed, said, said.since(known, changed))


def link_all_again(tx: sa.Connection, work: Work, frozen: Frozen) -> Made:
    """Search and decide over everything, by another version of statistics, weights or bands."""
    everybody = sorted({*graph.roles(tx), *graph.unlinked_refs(tx)})
    found = search(tx, frozen.linker(thresholds_of(work)), frozen.rarity, everybody)
    said = _Said(tx)
    return _decided(tx, frozen, thresholds_of(work), found, everybody, said, frozenset(said.words.judgements))


def _decided(
    tx: sa.Connection, frozen: Frozen, bands: Thresholds, found: Found, changed: Collection[Ref], said: _Said,
    judged: frozenset[Two],
) -> Made:  # fmt: skip
    merged = (said.aliases.get(ref, ref) for ref in changed)  # what hung on a record hangs on what took it in
    change = Change(found.edges, frozenset({*changed, *merged}), judged)
    relinked = relink(StoreGraph(tx, found.edges), change, said.words, frozen.weights, bands)
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

    def __init__(self, tx: sa.Connection, edges: Mapping[Two, tuple[Edge | None, Edge | None]]) -> None:
        self._tx, self._differing = tx, edges
        self._of: dict[Ref, list[Two]] = {}
        for pair in edges:
            for ref in pair:
                self._of.setdefault(ref, []).append(pair)

    def edges(self, refs: Collection[Ref]) -> Iterable[Edge]:
        """See `Graph`."""
        kept = [edge for edge in stored_edges(self._tx, list(refs)) if (edge.a, edge.b) not in self._differing]
        new = {pair for ref in refs for pair in self._of.get(ref, ())}
        return [*kept, *(edge for pair in new if (edge := self._differing[pair][1]) is not None)]

    def links(self, refs: Collection[Ref]) -> Iterable[Link]:
        """See `Graph`."""
        return graph.links_of(self._tx, list(refs))

    def roles(self, refs: Collection[Ref]) -> Mapping[Ref, str]:
        """See `Graph`."""
        return graph.roles(self._tx, list(refs))


def _put(work: Work, frozen: Frozen, made: Made, changed: Sequence[Ref]) -> tuple[int, int]:
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
        graph.set_progress(tx, "linked", made.judged, version_of(work, frozen))
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
