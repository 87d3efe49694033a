"""What portals decided otherwise than the rules would have: computed when asked, from what is recorded."""

from __future__ import annotations

import sqlalchemy as sa

from syncd.jobs.decide import gather, shared_facts
from syncd.jobs.work import Work
from syncd.policy import Disagreement, disagreements
from syncd.store import outcomes

_BATCH = 200


def found(work: Work, tx: sa.Connection) -> list[Disagreement]:
    """Every registration that a portal with `authority: source` decided otherwise, by connection and id."""
    theirs = {side.uid for side in work.sides if side.authority == "source"}
    numbers = sorted({c.organization for c in outcomes.claims(tx) if c.state.ref.connection in theirs})
    shared, now = shared_facts(work, tx), work.clock.now()
    listed: list[Disagreement] = []
    for start in range(0, len(numbers), _BATCH):
        groups = gather(work, tx, shared, numbers[start : start + _BATCH])
        for group in groups.values():
            listed += disagreements(group, work.policy, now)
    return sorted(listed, key=lambda item: item.ref)
