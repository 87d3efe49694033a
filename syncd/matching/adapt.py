"""Adapts the points table to a deployment without labels: expectation maximisation with one partner per registration.

Plain Fellegi-Sunter weights fail on companies: sisters share a web site and an address, so "same place" looks like
"same company". Five guards against that: the names together stay one strong comparison with its trained points; a
filed company means at most one account; points move only by how differently a field behaves here than in the lists
that the shipped points were trained on (`behaviour.csv`, estimated in the same way, so that its errors cancel); moves
are shrunk by pseudo-counts, bounded, and left out where small; what speaks for a match never comes to count against
one; and what speaks against one is never weakened, because that makes wrong links automatic without anybody's word.
"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib.resources import files
from io import StringIO
from math import log2

from syncd.matching.points import AMONG_RIVALS, BEGIN, Cell, Weights
from syncd.model import Ref

FIELDS: Mapping[str, tuple[str, ...]] = {
    "web domain": ("same_domain", "same_domain_label", "different_domain"),
    "telephone": ("same_phone", "different_phone"),
    "postcode": ("same_postcode", "different_postcode"),
    "street": ("same_street_number", "different_street"),
    "city": ("same_city", "different_city"),
    "legal form": ("same_legal_form", "different_legal_form"),
    "tax number": ("same_tax_id", "different_tax_id"),
}
"""The comparisons that are adapted. The levels of one field exclude each other; names are not adapted."""

_FIELD_OF = {claim: name for name, claims in FIELDS.items() for claim in claims}
_ROUNDS = 10
_SHARE = 0.6  # how far a level moves towards what is estimated here
_PSEUDO = 60.0  # likely matches that the shipped points count as
_LEAST = 0.5  # points; a smaller difference is not taken for another behaviour
_MOST = 4.0  # points by which a level may move
_AGAINST = -2.5  # below this no level is lowered: partners' telephones and towns differ more than they should
_KNOWN = 1_000.0  # likely matches with the field from which its behaviour in training is a reference
_OF_SISTERS = frozenset(("web domain", "postcode", "street"))
"""What sister companies share: without a reference nobody knows how much of it comes from them, and it stays."""
_CAUTION = 1.0  # points by which everything is less sure once something moved; the order of links stays
_DONE = 0.01  # points; less change than this ends the rounds

Compared = Iterable[tuple[Ref, tuple[Cell, ...]]]
"""Candidate pairs across the two sides: the filed company, and the cells that hold."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How often a level is seen among likely matches and among all other pairs that have its field on both sides."""

    matches: float
    others: float
    all_matches: float
    all_others: float

    @property
    def points(self) -> float:
        """What the level would be worth if fields were independent: log2 of the ratio of its two shares."""
        return log2(self.share / ((self.others + 0.5) / (self.all_others + 1.0)))

    @property
    def share(self) -> float:
        """Its share among likely matches."""
        return (self.matches + 0.5) / (self.all_matches + 1.0)


@dataclass(frozen=True, slots=True)
class Adapted:
    """The adapted table; `moved` has the points by which levels moved, `matches` how many pairs are likely matches."""

    weights: Weights
    moved: Mapping[Cell, float]
    matches: float
    pairs: int
    behaviour: Mapping[Cell, Behaviour] = field(default_factory=dict)


def adapt(compared: Compared, shipped: Weights, reference: Mapping[Cell, Behaviour] | None = None) -> Adapted:
    """Adapt the shipped table to the pairs of a deployment; the same pairs give the same table."""
    known = training_behaviour() if reference is None else reference
    known = {cell: seen for cell, seen in known.items() if shipped.pairs.get(cell)}  # others' points were set by hand
    rows = _rows(compared, shipped)
    points, seen = dict(shipped.points), dict[Cell, Behaviour]()
    matches = 0.0
    for _ in range(_ROUNDS):
        seen, matches = _observe(rows, points)
        fresh = {**points, **{cell: _moved(cell, seen[cell], shipped.of(cell), known.get(cell)) for cell in seen}}
        change = max((abs(fresh[cell] - points[cell]) for cell in seen), default=0.0)
        points = fresh
        if change < _DONE:
            break
    points = {cell: round(value, 3) for cell, value in points.items()}
    moved = {cell: points[cell] - shipped.of(cell) for cell in seen if abs(points[cell] - shipped.of(cell)) >= _DONE}
    if moved:  # nobody has confirmed a single link by this table, so that it has to be surer to act by itself
        points[AMONG_RIVALS] = round(shipped.of(AMONG_RIVALS) - _CAUTION, 3)
    pairs = sum(count for candidates in rows.values() for count in candidates.values())
    note = f"{shipped.trained_on}; adapted without labels to {pairs} pairs of {len(rows)} filed companies"
    return Adapted(replace(shipped, points=points, trained_on=note), moved, matches, pairs, seen)


def observe(compared: Compared, weights: Weights) -> dict[Cell, Behaviour]:
    """How the fields of these pairs behave under a table; what is kept of the lists that the table was trained on."""
    return _observe(_rows(compared, weights), weights.points)[0]


# --- rounds ----------------------------------------------------------------------------------------------------------

Rows = Mapping[Ref, Counter[tuple[tuple[Cell, ...], float]]]
"""For each filed company how often its candidates have these adapted cells beside these points of all other cells."""


def _rows(compared: Compared, weights: Weights) -> Rows:
    rows: dict[Ref, Counter[tuple[tuple[Cell, ...], float]]] = defaultdict(Counter)
    begin = weights.of(BEGIN)
    for filed, cells in compared:
        free = tuple([cell for cell in cells if cell[0] in _FIELD_OF])
        rows[filed][free, round(begin + sum([weights.of(c) for c in cells if c[0] not in _FIELD_OF]), 2)] += 1
    return rows


def _observe(rows: Rows, points: Mapping[Cell, float]) -> tuple[dict[Cell, Behaviour], float]:
    """Expectation: what is seen among matches, when each filed company means one of its candidates or none."""
    seen: Counter[Cell] = Counter()
    likely: dict[Cell, float] = defaultdict(float)
    matches = 0.0
    for candidates in rows.values():
        odds = [(free, count, 2.0 ** min(40.0, fixed + sum([points.get(cell, 0.0) for cell in free])))
                for (free, fixed), count in candidates.items()]  # fmt: skip
        whole = 1.0 + sum([count * odd for _, count, odd in odds])
        for free, count, odd in odds:
            chance = count * odd / whole
            matches += chance
            for cell in free:
                seen[cell] += count
                likely[cell] += chance
    return _behaviour(seen, likely), matches


def _behaviour(seen: Mapping[Cell, int], likely: Mapping[Cell, float]) -> dict[Cell, Behaviour]:
    yes: dict[str, float] = defaultdict(float)
    every: dict[str, int] = defaultdict(int)
    for (claim, level), count in seen.items():
        yes[_FIELD_OF[claim]] += likely[claim, level]
        every[_FIELD_OF[claim]] += count
    return {
        cell: Behaviour(likely[cell], count - likely[cell], yes[name], every[name] - yes[name])
        for cell, count in seen.items() for name in (_FIELD_OF[cell[0]],)
    }  # fmt: skip


def _moved(cell: Cell, here: Behaviour, before: float, there: Behaviour | None) -> float:
    """Maximisation: the points of one level, moved by what is different here."""
    if min(here.all_matches, here.all_others) < 1.0:
        return before
    is_known = there is not None and there.all_matches >= _KNOWN
    if not is_known and _FIELD_OF[cell[0]] in _OF_SISTERS:
        return before
    expected = there.points if there is not None and is_known else before
    among_others = (here.others + 0.5) / (here.all_others + 1.0)
    prior = min(0.95, among_others * 2.0**expected)
    among_matches = (here.matches + _PSEUDO * prior + 0.5) / (here.all_matches + _PSEUDO + 1.0)
    change = _SHARE * (log2(among_matches / among_others) - expected)
    if abs(change) < _LEAST:
        return before
    after = before + max(-_MOST, min(_MOST, change))
    if cell[0].startswith("same_"):
        return max(after, min(before, 0.0))
    return before if after >= before else max(after, min(before, _AGAINST))


# --- the reference ---------------------------------------------------------------------------------------------------

_COLUMNS = ("claim", "level", "matches", "others", "all_matches", "all_others")


@lru_cache(maxsize=1)
def training_behaviour() -> Mapping[Cell, Behaviour]:
    """How fields behave in the lists that the shipped points were trained on."""
    return behaviour_from_csv(files("syncd.matching").joinpath("behaviour.csv").read_text(encoding="utf-8"))


def behaviour_from_csv(text: str) -> dict[Cell, Behaviour]:
    """Read what `behaviour_to_csv` wrote."""
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    return {(r["claim"], r["level"]): _read(r) for r in rows}


def _read(row: Mapping[str, str]) -> Behaviour:
    matches, others, all_matches, all_others = (float(row[name]) for name in _COLUMNS[2:])
    return Behaviour(matches, others, all_matches, all_others)


def behaviour_to_csv(behaviour: Mapping[Cell, Behaviour], note: str) -> str:
    """The table as it is kept in the package."""
    out = StringIO()
    out.write(f"# observed in: {note}\n")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for cell in sorted(behaviour):
        b = behaviour[cell]
        writer.writerow((*cell, *(f"{n:.1f}" for n in (b.matches, b.others, b.all_matches, b.all_others))))
    return out.getvalue()


def together(several: Iterable[Mapping[Cell, Behaviour]]) -> dict[Cell, Behaviour]:
    """What was observed in several lists, as if they were one."""
    sums: dict[Cell, list[float]] = defaultdict(lambda: [0.0, 0.0])
    yes: dict[str, float] = defaultdict(float)
    no: dict[str, float] = defaultdict(float)
    for observed in several:
        for cell, b in observed.items():
            sums[cell][0] += b.matches
            sums[cell][1] += b.others
            yes[_FIELD_OF[cell[0]]] += b.matches
            no[_FIELD_OF[cell[0]]] += b.others
    return {
        cell: Behaviour(matches, others, yes[_FIELD_OF[cell[0]]], no[_FIELD_OF[cell[0]]])
        for cell, (matches, others) in sums.items()
    }
