"""Rebuild: drop everything that is derived and make it again from the facts."""

from __future__ import annotations

from syncd.jobs.cycle import Step
from syncd.jobs.decide import decide
from syncd.jobs.link import link
from syncd.jobs.stage import stage
from syncd.jobs.work import Work
from syncd.store import outcomes
from syncd.store.tables import derived_tables


def rebuild(work: Work, step: Step | None = None) -> dict[str, int]:
    """Reproduce every derived table; calls no CRM and writes nothing to one. Returns what each step handled."""
    tell = step or (lambda _: None)
    tell("drop")
    with work.store.begin() as tx:
        outcomes.forget_derived(tx, derived_tables())
    done = {}
    for name, job in (("stage", stage), ("link", link), ("decide", decide)):
        tell(name)
        done[name] = job(work)
    return done
