"""What the direct CRM showed when a claim was received: evidence counts as it stood then (C53; docs/rulings.md 5)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from itertools import pairwise
from typing import TypeVar

from syncd.model import Account, Activity, ClaimGroup, Contract, ListEntry, Opportunity, Ref, Version

_Record = TypeVar("_Record", Account, Opportunity, Activity, ListEntry, Contract)


class Past:
    """The records of one group as they stood at an instant."""

    def __init__(self, group: ClaimGroup) -> None:
        self._versions: Mapping[Ref, tuple[Version, ...]] = group.past
        self._activities = group.activities
        self._lists = group.lists

    def __contains__(self, ref: Ref) -> bool:
        """Has the record said something else before?"""
        return ref in self._versions

    def at(self, record: _Record, moment: datetime) -> tuple[_Record, bool]:
        """The record as it stood at `moment`, and whether that was read at the time.

        Where nothing is held from before `moment`, the earliest version stands in for it.
        """
        versions = self._versions.get(record.ref)
        if not versions:
            modified = record.modified_at
            return record, modified is not None and modified <= moment
        found = bisect_right(versions, moment, key=lambda version: version.since) - 1
        version = versions[max(found, 0)]
        assert isinstance(version.record, type(record))
        return version.record, found >= 0 and version.observed

    def observed(self, record: _Record, moment: datetime) -> bool:
        """Is what it said at `moment` what was read at the time?"""
        return self.at(record, moment)[1]

    def owner_changed(self, opportunity: Opportunity, since: datetime) -> datetime | None:
        """When the owner of an opportunity changed for the first time after `since`; None if it did not."""
        owner = self.at(opportunity, since)[0].owner_id
        for version in self._versions.get(opportunity.ref, ()):
            if version.since > since and isinstance(version.record, Opportunity) and version.record.owner_id != owner:
                return version.since
        return None

    def key_since(self, opportunity: Opportunity) -> datetime | None:
        """Since when it carries its registration key; its creation where nothing says that it ever carried another."""
        since = opportunity.created_at
        known = self._versions.get(opportunity.ref, ())
        said = [(v.since, v.record.registration_key) for v in known if isinstance(v.record, Opportunity)]
        for (_, before), (changed, after) in pairwise(said):
            since = changed if before != after else since
        return since

    def knows_activities(self, ref: Ref) -> bool:
        """Was something read of what people did on this record?"""
        return ref in self._activities

    def activities(self, ref: Ref, moment: datetime) -> Iterator[tuple[Activity, datetime]]:
        """What people had done on a record by `moment` and had entered by then, with the time at which they did it.

        An activity whose time of entry is not known proves nothing about `moment`.
        """
        for now in self._activities.get(ref, ()):
            then, _ = self.at(now, moment)
            happened, entered = then.happened_at, then.created_at
            if then.is_human and happened is not None and entered is not None and max(happened, entered) <= moment:
                yield then, happened

    def last_active(self, ref: Ref, moment: datetime) -> date | None:
        """The last day on which people had done something on a record, as far as was entered by `moment`."""
        return max((happened.date() for _, happened in self.activities(ref, moment)), default=None)

    def said_active(self, ref: Ref, moment: datetime) -> date | None:
        """The last day by `moment` on which people did something on a record, by what is said today."""
        said = (a.happened_at for a in self._activities.get(ref, ()) if a.is_human and a.happened_at is not None)
        return max((at.date() for at in said if at <= moment), default=None)

    def listed(self, kinds: frozenset[str], moment: datetime) -> list[ListEntry]:
        """The entries of these lists that were in force on the day of `moment`, in the order of their ids.

        An entry without a first day is in force from its last change, so that one made later adds nothing.
        """
        entries = (self.at(entry, moment)[0] for entry in sorted(self._lists, key=lambda e: (e.ref.id, e.ref)))
        return [e for e in entries if (e.kind or "").strip().casefold() in kinds and _in_force(e, moment)]


def _in_force(entry: ListEntry, moment: datetime) -> bool:
    if entry.until_on is not None and entry.until_on <= moment.date():
        return False
    if entry.from_on is not None:
        return entry.from_on <= moment.date()
    return entry.modified_at is None or entry.modified_at <= moment
