"""Compared: of the true pairs of two files, which ones the keys bring together, and where the others are lost."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from syncd.jobs.explain import Files
from syncd.model import Ref

Two = tuple[Ref, Ref]

REASONS: Mapping[str, str] = {
    "absent": "one of the records is not in the files",
    "no_key": "no key that is rare enough brings them together",
    "crowded_out": "they share a key, but others share more",
    "not_linked": "they were compared, and found too unlikely or beaten by a rival",
}
"""Where a true pair can be lost, in the order in which it is tested."""


@dataclass(frozen=True)
class Compared:
    """How many true pairs were candidates, and for every other one where it was lost."""

    pairs: int
    candidates: int
    lost: Mapping[Two, str] = field(default_factory=dict)

    @property
    def recall(self) -> float:
        """The share of true pairs that were compared at all: no score can be better than that."""
        return self.candidates / self.pairs if self.pairs else 0.0


def compared(files: Files, truth: Collection[Two]) -> Compared:
    """Which true pairs were compared when the files were linked, in either order."""
    lost: dict[Two, str] = {}
    for pair in truth:
        if not files.has(pair):
            lost[pair] = "absent"
        elif pair not in files.compared and (pair[1], pair[0]) not in files.compared:
            lost[pair] = "crowded_out" if files.keys(pair).find else "no_key"
    return Compared(len(truth), len(truth) - len(lost), lost)
