"""The points table: what every level of every claim is worth, in bits of log-odds, as a file that a person can read."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from importlib.resources import files
from io import StringIO
from typing import Any

Cell = tuple[str, str]

BEGIN: Cell = ("to_begin_with", "candidate")
AMONG_RIVALS: Cell = ("to_begin_with", "among_rivals")


@dataclass(frozen=True, slots=True)
class Weights:
    """Points by claim and level. `start` are the hand-set values that training moves away from as far as data say."""

    points: Mapping[Cell, float]
    start: Mapping[Cell, float]
    pairs: Mapping[Cell, int]
    trained_on: str = "nothing: hand-set values"

    def of(self, cell: Cell) -> float:
        """Points of one level; 0 for a level that the table does not know."""
        return self.points.get(cell, 0.0)

    def sum(self, cells: Iterable[Cell]) -> float:
        """Points of a pair before any rival is looked at."""
        get = self.points.get
        return get(BEGIN, 0.0) + sum([get(cell, 0.0) for cell in cells])

    @staticmethod
    def probability(points: float) -> float:
        """Points are log-odds to base 2: 0 points are even odds, 10 points a thousand to one."""
        bounded = max(-60.0, min(60.0, points))
        return float(1.0 / (1.0 + 2.0**-bounded))

    @property
    def version(self) -> str:
        """Changes when any number of points changes."""
        rows = "|".join(f"{claim}.{level}={points:.3f}" for (claim, level), points in sorted(self.points.items()))
        return blake2b(rows.encode(), digest_size=8).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Plain values for the store."""
        return {"table": self.to_csv()}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Weights:
        """The weights that `to_json` wrote."""
        return cls.from_csv(plain["table"])

    def to_csv(self) -> str:
        """The table as it is kept in the package; points with three decimals."""
        out = StringIO()
        out.write(f"# trained on: {self.trained_on}\n")
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(("claim", "level", "points", "start", "pairs"))
        for cell in self.start:
            writer.writerow((*cell, f"{self.points[cell]:.3f}", f"{self.start[cell]:g}", self.pairs.get(cell, 0)))
        return out.getvalue()

    @classmethod
    def from_csv(cls, text: str) -> Weights:
        """Read a table. Rows without points have not been trained and count as their start value."""
        comments = [line[1:].strip() for line in text.splitlines() if line.startswith("#")]
        rows = list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))
        trained = [c.split(":", 1)[1].strip() for c in comments if c.startswith("trained on:")]
        start = {(row["claim"], row["level"]): float(row["start"]) for row in rows}
        points = {(row["claim"], row["level"]): float(row["points"] or row["start"]) for row in rows}
        pairs = {(row["claim"], row["level"]): int(row["pairs"] or 0) for row in rows}
        return cls(points, start, pairs, *trained[:1])


@lru_cache(maxsize=1)
def shipped_weights() -> Weights:
    """The points table of the package."""
    return Weights.from_csv(files("syncd.matching").joinpath("points.csv").read_text(encoding="utf-8"))
