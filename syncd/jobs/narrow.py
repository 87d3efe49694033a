"""Narrow: which records of a live connection are written at all, and when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from syncd.jobs.arrival import in_order
from syncd.jobs.work import Side, Work
from syncd.mapping import StreamMapping
from syncd.model import WriteGroup
from syncd.policy.quiet import takes_back
from syncd.store.outbox import Intent, Outgoing
from syncd.store.records import Stored

Reasoned = tuple[Mapping[str, Any], Mapping[str, Any]]
_LEFT_OUT: Reasoned = ({}, {"rule": "outside"})


def narrowed(
    mapping: StreamMapping, row: Stored, group: WriteGroup, wanted: Reasoned, past: Sequence[Outgoing]
) -> tuple[Reasoned, str]:
    """What is wanted where the mapping narrows what is written, and why nothing is written there, if so.

    On a record that has left what is written, what syncd wrote before is taken off again: it would go stale.
    """
    reason = mapping.outside(row.fields, group)
    if not reason:
        return wanted, ""
    return (_LEFT_OUT, "") if in_order(past) else (wanted, reason)


def quiet(work: Work, side: Side, mapping: StreamMapping, row: Stored, intent: Intent) -> str:
    """Why a write waits for the end of quiet hours; empty when it does not. What takes something back never waits."""
    if side.quiet is None or not side.quiet.hold(work.clock.now()):
        return ""
    if intent.group is WriteGroup.OWNER:
        return "" if intent.because.get("rule") == "given_back" else str(side.quiet)
    now, then = mapping.shown(row.shown), mapping.shown({**row.shown, **intent.fields})
    return "" if takes_back(now, then) else str(side.quiet)
