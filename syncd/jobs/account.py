"""Account for what was filed: each filing that a sweep has shown, partner by partner, has a line in the intake book."""

from __future__ import annotations

from collections import Counter
from typing import Any

from syncd.errors import SyncdError
from syncd.jobs.feeds import Feed
from syncd.jobs.work import Side, Work, running
from syncd.store import sweeps
from syncd.store.sweeps import Sweep

_NAMED = 5


class Unaccounted(SyncdError):
    """Something was filed that the intake book does not know of."""


def account(work: Work, side: Side) -> None:
    """After a sweep, once what it brought was staged: filed = taken + explained. Raises Unaccounted."""
    feed = side.filings
    if feed is None:
        return
    with work.store.read() as tx:
        swept = sweeps.get(tx, side.uid, feed.object)
    if swept is None or swept.state != sweeps.DONE or swept.counts.get("accounted") is not False:
        return
    with running(work, "account", side, feed.name) as run:
        wrong = _compare(work, side, feed, swept, run.counts)
        with work.store.begin() as tx:
            sweeps.accounted(tx, side.uid, feed.object, {**swept.counts, "accounted": True})
        if wrong:
            raise Unaccounted(f"{' '.join(wrong)} Run  syncd sync --sweep ; what stays missing is a fault to report.")


def _compare(work: Work, side: Side, feed: Feed, swept: Sweep, counts: dict[str, Any]) -> list[str]:
    with work.store.read() as tx:
        filed = sweeps.filed(tx, side.uid, feed.object)
        lost = sweeps.without_line(tx, side.uid, feed.object)
    total, told = sum(filed.values()), swept.counts.get("counted")
    counts.update(filed=total, accounted=total - len(lost), partners=len(filed))
    wrong = []
    if told is not None and told > total:
        wrong.append(f"The system counts {told} filings, and the sweep has shown {total}.")
    missing = Counter(partner for partner, _ in lost)
    for partner, n in sorted(missing.items(), key=lambda item: (-item[1], item[0] or ""))[:_NAMED]:
        ids = [id_ for who, id_ in lost if who == partner][:_NAMED]
        named = f"Partner {partner}" if partner else "Nobody in particular"
        wrong.append(f"{named} has filed {filed[partner]}, and {n} of them have no line: {', '.join(ids)}.")
    return wrong
