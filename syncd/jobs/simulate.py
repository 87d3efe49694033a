"""Another policy tried on what is recorded: nothing is decided and nothing is written."""

from __future__ import annotations

import sqlalchemy as sa

from syncd.jobs.decide import gather, shared_facts
from syncd.jobs.work import Work
from syncd.policy import Policy
from syncd.policy.simulate import Difference, differences
from syncd.store import outcomes

_BATCH = 200


def simulated(work: Work, tx: sa.Connection, other: Policy) -> tuple[int, list[Difference]]:
    """How many registrations were tried, and those that the other policy would put elsewhere."""
    claims = outcomes.claims(tx)
    numbers = sorted({item.organization for item in claims})
    shared, now = shared_facts(work, tx), work.clock.now()
    found: list[Difference] = []
    for start in range(0, len(numbers), _BATCH):
        groups = gather(work, tx, shared, numbers[start : start + _BATCH])
        for group in groups.values():
            found += differences(group, work.policy, other, now)
    return len(claims), sorted(found, key=lambda item: item.ref)
