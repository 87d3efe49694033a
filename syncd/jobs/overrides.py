"""Overrides: where a person has had a write undone, the record goes on showing what it showed before.

An override is no lock. It holds while the same is wanted as when it was given, and is over for good once something else
was decided and written.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa

from syncd.jobs.work import Side, Work
from syncd.mapping import StreamMapping
from syncd.model import STAMP_BY_NAME, Ref, WriteGroup, WriteState
from syncd.store import outbox, outcomes, records, reversals
from syncd.store.reversals import Effective, Key, Override

Reasoned = tuple[Mapping[str, Any], Mapping[str, Any]]


def effective(
    work: Work,
    tx: sa.Connection,
    refs: Sequence[Ref],
    wanted: Mapping[Key, Reasoned],
    undoing: Sequence[Override],
    retired: frozenset[str],
) -> Mapping[Key, Reasoned]:
    """What these records should show, with what people had undone; `undoing` are overrides that are being tried.

    On the records of a connection that was retired nothing is to be shown, and owners are given back.
    """
    if retired:
        nothing = {(ref, group): _RETIRED for ref in refs if ref.connection in retired for group in WriteGroup}
        wanted = {**wanted, **nothing}
    said = _holding(tx, refs, wanted, undoing, retired)
    if not said:
        return wanted
    written = reversals.of_entries(tx, (number for some in said.values() for one in some for number in one.entries))
    streams = {ref: row.stream for ref, row in records.get(tx, sorted({ref for ref, _ in said})).items()}
    made = dict(wanted)
    for (ref, group), some in said.items():
        mapping = work.mapping_of(ref, streams.get(ref, ""))
        if mapping is not None:
            values, last = dict(wanted.get((ref, group), _NOTHING)[0]), some[-1]
            for one in some:
                values |= _restored(mapping, group, [written[n] for n in one.entries if n in written])
            made[ref, group] = values, {"rule": "overridden", "run": last.run, "by": last.by}
    return made


def _holding(
    tx: sa.Connection,
    refs: Sequence[Ref],
    wanted: Mapping[Key, Reasoned],
    undoing: Sequence[Override],
    retired: frozenset[str],
) -> dict[Key, list[Override]]:
    """The overrides that hold, oldest first: a later one is about what an earlier one made the record show."""
    said = reversals.overrides(tx, refs)
    for one in undoing:
        said.setdefault(one.key, []).append(one)
    since = _decided_since(tx, sorted({ref for ref, _ in said}))
    found: dict[Key, list[Override]] = {}
    for key, some in said.items():
        same, last = digest(wanted.get(key, _NOTHING)[0]), since.get(key)
        if key[0].connection not in retired:
            holding = [one for one in some if one.instead_of == same and (last is None or one.at >= last)]
            found |= {key: holding} if holding else {}
    return found


def _decided_since(tx: sa.Connection, refs: Sequence[Ref]) -> dict[Key, datetime]:
    """When something other than an override was last written: what was taken back before that is over for good."""
    found: dict[Key, datetime] = {}
    for key, writes in outbox.of_records(tx, refs).items():
        for item in writes:
            if item.state is WriteState.APPLIED and item.intent.because.get("rule") not in _NO_DECISION:
                found[key] = max(found.get(key, item.created_at), item.created_at)
    return found


def _restored(mapping: StreamMapping, group: WriteGroup, written: Sequence[Effective]) -> dict[str, Any]:
    """What the record showed before these writes, as far as they changed it."""
    before = {name: value for item in reversed(written) for name, value in item.before.items()}
    natives = {**mapping.stamps, "owner": mapping.owner}
    return {name: value for name, value in mapping.shown(before, group).items() if natives[name] in before}


def as_retired(side: Side, retired: frozenset[str]) -> Side:
    """A connection that is being left gives owners back, whatever is asked of ownership by now."""
    return replace(side, ownership="enforce") if side.uid in retired else side


_NOTHING: Reasoned = ({}, {})
_NO_DECISION = frozenset({"overridden", "retired", "outside"})
_RETIRED: Reasoned = ({}, {"rule": "retired"})
_ASIDE = frozenset(name for name, stamp in STAMP_BY_NAME.items() if stamp.personal or not stamp.compared)


def digest(values: Mapping[str, Any]) -> str:
    """Stands for what is wanted: another one means that something else was decided. Names of people do not count."""
    said = {name: value for name, value in values.items() if value is not None and name not in _ASIDE}
    return hashlib.sha256(orjson.dumps(outcomes.plain(said), option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


def override_of(
    key: Key, numbers: tuple[int, ...], wanted: Mapping[Key, Reasoned], run: str, by: str, at: datetime
) -> Override:
    """An override of what is wanted now by what was there before these entries of the ledger."""
    return Override(*key, numbers, digest(wanted.get(key, _NOTHING)[0]), run, by, at)
