"""What linking is frozen at: statistics, what shared keys are worth, and the points table, as one version of facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import orjson
import sqlalchemy as sa

from syncd.jobs.work import Work
from syncd.matching import Linker, Parsed, Statistics, Thresholds, Weights, shipped_weights
from syncd.matching.neighbours import LISTED_FROM, Rarity
from syncd.store import graph, outcomes


@dataclass(frozen=True, slots=True)
class Frozen:
    """One version of everything that scores depend on beside the two records."""

    version: str
    statistics: Statistics
    rarity: Rarity
    weights: Weights

    def linker(self, thresholds: Thresholds) -> Linker:
        """A linker that scores by this version."""
        made = Linker(self.statistics, self.weights)
        made.thresholds = thresholds
        return made

    def to_json(self) -> dict[str, Any]:
        """Plain values for the store; the statistics first, so that they are read as such too."""
        return {**self.statistics.to_json(), "rarity": self.rarity.to_json(), "weights": self.weights.to_json()}


def count_now(tx: sa.Connection, weights: Weights | None = None) -> Frozen:
    """What would be frozen now, from all records there are, with this points table or the one of this release."""
    statistics = Statistics.build(map(Parsed.from_json, graph.every_parsed(tx)))
    rarity = Rarity(graph.count_parsed(tx), graph.key_counts(tx, LISTED_FROM))
    weights = weights or shipped_weights()
    digest = blake2b(f"{statistics.version} {weights.version}".encode(), digest_size=8)
    digest.update(orjson.dumps(rarity.to_json(), option=orjson.OPT_SORT_KEYS))
    return Frozen(digest.hexdigest(), statistics, rarity, weights)


_KNOWN: dict[str, Frozen] = {}  # the newest version, because it is megabytes and a version never changes


def in_force(tx: sa.Connection) -> Frozen | None:
    """The version that links are made by; None before anything was linked."""
    version = outcomes.frozen_version(tx)
    if version is not None and version in _KNOWN:
        return _KNOWN[version]
    found = outcomes.frozen_statistics(tx)
    if found is None or "rarity" not in found[1]:
        return None  # frozen by a release that linked another way
    _KNOWN.clear()
    _KNOWN[found[0]] = made = _read(*found)
    return made


def _read(version: str, plain: Mapping[str, Any]) -> Frozen:
    rarity, weights = Rarity.from_json(plain["rarity"]), Weights.from_json(plain["weights"])
    return Frozen(version, Statistics.from_json(plain), rarity, weights)


def thresholds_of(work: Work) -> Thresholds:
    """The bands of the settings, with those of connections that have their own, by uid."""
    own = {side.uid: work.bands.get(side.name, (work.auto, work.review)) for side in work.sides if side.uid}
    differing = {uid: bands for uid, bands in own.items() if bands != (work.auto, work.review)}
    return Thresholds(work.auto, work.review, work.duplicates, work.twins, differing)
