"""Explain: gathers what is known about one pair of accounts, from the state or from two files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import sqlalchemy as sa

from syncd.errors import UserError
from syncd.jobs.exports import read_export
from syncd.jobs.frozen import Frozen, in_force, thresholds_of
from syncd.jobs.persons import one_account
from syncd.jobs.search import stored_edges
from syncd.jobs.work import Work
from syncd.matching import COMMON, Edge, Linker, Parsed, Statistics, Weights, keys, parse
from syncd.matching.decide import rivalries
from syncd.matching.explain import Explanation, Keys, keys_between
from syncd.matching.explain import explain as explained
from syncd.matching.link import candidate_pairs
from syncd.matching.rivals import rival_evidence
from syncd.model import Decision, Evidence, Judgement, Ref
from syncd.store import decisions, graph, pairs, records

Progress = Callable[[str, int, int], None]
Two = tuple[Ref, Ref]


class Files:
    """Two files, linked once; any pair of them can then be explained. Raises UserError."""

    def __init__(self, left: Path, right: Path, *, auto: float, review: float, weights: Weights | None = None,
                 progress: Progress | None = None) -> None:  # fmt: skip
        self._paths = (left, right)
        self.sides = [[parse(row.account) for row in read_export(path, side, by_id=True).rows]
                      for path, side in ((left, "left"), (right, "right"))]  # fmt: skip
        self.records = {record.ref: record for side in self.sides for record in side}
        self.linker = Linker(Statistics.build(self.records.values()), weights, auto, review)
        self.compared: set[Two] = set()
        self.edges = list(self._compare(progress))
        self._links = {(k.left, k.right): k for k in self.linker.decide(self.edges, _role, {}).links}
        self._rivalries = rivalries(self.edges, _role, self.linker.weights)
        self._counts = _counted(self.records.values())

    def _compare(self, progress: Progress | None) -> Iterator[Edge]:
        for one, other in candidate_pairs(self.sides[0], self.sides[1], progress):
            self.compared.add((one.ref, other.ref))
            edge = self.linker.edge(one, other)
            if edge is not None:
                yield edge

    def pair(self, left: str, right: str) -> Explanation:
        """Explain one row of each file, named by id. Raises UserError."""
        named = zip(("left", "right"), (left, right), self._paths, strict=True)
        one, other = (self._one(side, id_, path) for side, id_, path in named)
        return self.explain((one.ref, other.ref))

    def explain(self, pair: Two) -> Explanation:
        """Explain (filed, account)."""
        one, other = self.records[pair[0]], self.records[pair[1]]
        rivals: Sequence[Evidence] = ()
        if pair in self._rivalries:
            rivals = rival_evidence(self._rivalries[pair][1], self.linker.weights)
        titles = {ref: self.records[ref].title for ref in _mentioned(self.edges, pair)}
        return explained(self.linker, one, other, self.keys(pair), self._links.get(pair), rivals, titles=titles)

    def keys(self, pair: Two) -> Keys:
        """The keys by which two records find each other."""
        one, other = self.records[pair[0]], self.records[pair[1]]
        return keys_between(one, other, lambda asked: {key: self._counts.get(key, 0) for key in asked}, COMMON)

    def links(self, pair: Two) -> bool:
        """Whether the files are linked there, in any band."""
        return pair in self._links

    def has(self, pair: Two) -> bool:
        """Whether both records are in the files."""
        return pair[0] in self.records and pair[1] in self.records

    def _one(self, side: str, id_: str, path: Path) -> Parsed:
        found = self.records.get(Ref(side, "row", id_))
        if found is None:
            raise UserError(f"{path} has no usable row with the id {id_}.")
        return found


def _role(ref: Ref) -> str:
    return "direct" if ref.connection == "right" else "filed"


def _counted(parsed: Iterable[Parsed]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for record in parsed:
        for key in keys(record):
            counts[key] = counts.get(key, 0) + 1
    return counts


def _mentioned(edges: Iterable[Edge], pair: Two) -> set[Ref]:
    """Whoever may be named as a rival: the neighbours of the two."""
    return {ref for edge in edges if edge.a in pair or edge.b in pair for ref in (edge.a, edge.b)}


def in_state(work: Work, a: str, b: str) -> Explanation:
    """Explain two accounts of the state, named by id or ref. Raises UserError."""
    with work.store.read() as tx:
        pair = (one_account(tx, a), one_account(tx, b))
        if pair[0] == pair[1]:
            raise UserError("Both name the same record.")
        frozen = in_force(tx)
        if frozen is None:
            raise UserError("Nothing has been linked yet. Run `syncd sync` first.")
        return _explained(tx, frozen, frozen.linker(thresholds_of(work)), pair)


def _explained(tx: sa.Connection, frozen: Frozen, linker: Linker, pair: Two) -> Explanation:
    near = _near(tx, pair)
    refs = {*pair, *(ref for edge in near for ref in (edge.a, edge.b))}
    parsed, roles = {}, {}
    for ref, role, content in graph.get_parsed(tx, sorted(refs)):
        parsed[ref], roles[ref] = Parsed.from_json(content), role
    link = next((k for k in graph.links_of(tx, pair) if {k.left, k.right} == set(pair)), None)
    judged = said_of(tx, pair)
    known = keys_between(parsed[pair[0]], parsed[pair[1]], lambda asked: _counts(tx, frozen, asked), COMMON)
    rivals = _rivals(near, roles, linker, pair) if link is None else ()
    return explained(
        linker, parsed[pair[0]], parsed[pair[1]], known, link, rivals, said=_said(judged),
        judgement=Judgement(judged.kind.value) if judged else None,
        titles={ref: record.title for ref, record in parsed.items() if ref not in pair},
    )  # fmt: skip


def _counts(tx: sa.Connection, frozen: Frozen, asked: Sequence[str]) -> dict[str, int]:
    """How many have each key now, or had it when linking was frozen: what tells nothing then tells nothing now."""
    now = pairs.key_counts(tx, asked)
    return {key: max(now.get(key, 0), frozen.rarity.counts.get(key, 0)) for key in asked}


def _near(tx: sa.Connection, pair: Two) -> list[Edge]:
    """The edges of the two records and of their neighbours, which is as far as rivals reach."""
    around = {ref for edge in stored_edges(tx, pair) for ref in (edge.a, edge.b)} | set(pair)
    return stored_edges(tx, sorted(around))


def _rivals(near: Sequence[Edge], roles: Mapping[Ref, str], linker: Linker, pair: Two) -> Sequence[Evidence]:
    inside = [edge for edge in near if edge.a in roles and edge.b in roles]
    found = rivalries(inside, lambda ref: roles[ref], linker.weights)
    for one in (pair, (pair[1], pair[0])):
        if one in found:
            return rival_evidence(found[one][1], linker.weights)
    return ()


def said_of(tx: sa.Connection, pair: Two) -> Decision | None:
    """The newest word of a person on a pair; what was said of a merged record holds for the surviving one."""
    aliases, wanted = records.aliases(tx), set(pair)
    said = None
    for made in decisions.everything(tx, decisions.JUDGEMENTS):
        if made.other is not None:
            about = {aliases.get(made.subject, made.subject), aliases.get(made.other, made.other)}
            said = made if about == wanted else said
    return said


def _said(made: Decision | None) -> str:
    if made is None:
        return ""
    reason = f": {made.reason}" if made.reason else ""
    return f"{made.actor.name} said {made.kind.value} on {made.at:%Y-%m-%d %H:%M} UTC{reason}."
