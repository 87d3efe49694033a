"""Organizations: minted once, kept over merges and splits; who belongs to which, and which to decide again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

from syncd.model import Ref
from syncd.store import counters
from syncd.store.refs import chunks, delete_refs, in_refs, row_of
from syncd.store.tables import dirty, member, organization, organization_alias


def assign_organizations(
    tx: sa.Connection,
    groups: Sequence[frozenset[Ref]],
    anchor_first: Mapping[Ref, int],
    aliases: Mapping[Ref, Ref],
    now: datetime,
    confirmed: Mapping[Ref, int] | None = None,
) -> dict[Ref, int]:
    """Give each group its organization: the one whose anchor it holds, else a new one.

    `anchor_first` ranks records (lowest first) as anchors of new organizations. A group that holds several anchors
    is a merge, and the others become aliases of the one that stays: the one that is known to have taken them in
    before, else one anchored on a record that comes first, then the one with most records that people have `confirmed`,
    then with most records, then the oldest.
    An alias whose anchor has left lives again. An anchor that was merged into another record is that one. A new
    organization remembers which one most of its records come from.
    """
    refs = sorted({ref for group in groups for ref in group})
    anchors = _anchors(tx, refs, aliases)
    old_alias = _alias_rows(tx, {number for numbers in anchors.values() for number in numbers})
    before = membership(tx, refs)
    result: dict[Ref, int] = {}
    for group in sorted(groups, key=min):
        held = sorted(number for ref in group for number in anchors.get(ref, ()))
        if held:
            first = {n: anchor_first.get(ref, 9) for ref in group for n in anchors.get(ref, ())}
            number = _survivor(group, held, first, old_alias, before, confirmed or {})
        else:
            number = _mint(tx, min(group, key=lambda ref: (anchor_first.get(ref, 9), ref)), _origin(group, before), now)
        for other in held:
            target = number
            if old_alias.get(other, other) != target:
                _alias(tx, other, target, "split" if other == target else "merged", now, known=other in old_alias)
        result.update(dict.fromkeys(group, number))
    return result


def _anchors(tx: sa.Connection, refs: Sequence[Ref], aliases: Mapping[Ref, Ref]) -> dict[Ref, list[int]]:
    """The organizations that are anchored on these records, or on what was merged into them."""
    wanted = set(refs)
    merged = [source for source, target in aliases.items() if target in wanted]
    found: dict[Ref, list[int]] = {}
    for condition in in_refs(organization, [*refs, *(ref for ref in merged if ref not in wanted)], "anchor_"):
        for r in tx.execute(sa.select(organization).where(condition)):
            anchor = Ref(r.anchor_connection, r.anchor_object, r.anchor_id)
            found.setdefault(aliases.get(anchor, anchor), []).append(r.number)
    return found


def _alias_rows(tx: sa.Connection, numbers: Iterable[int]) -> dict[int, int]:
    found: dict[int, int] = {}
    for part in chunks(sorted(numbers)):
        rows = tx.execute(sa.select(organization_alias).where(organization_alias.c.number.in_(list(part))))
        found.update({r.number: r.to_number for r in rows})
    return found


def _survivor(
    group: frozenset[Ref],
    held: Sequence[int],
    first: Mapping[int, int],
    alias: Mapping[int, int],
    before: Mapping[Ref, int],
    confirmed: Mapping[Ref, int],
) -> int:
    """Which organization of a merge stays; what was decided by an earlier merge is not decided again."""
    roots = [number for number in held if alias.get(number, number) == number or alias[number] not in held] or held

    def rank(number: int) -> tuple[int, int, int, int]:
        own = [ref for ref in group if before.get(ref) == number]
        return -first[number], sum(confirmed.get(ref, 0) for ref in own), len(own), -number

    return max(roots, key=rank)


def _origin(group: frozenset[Ref], before: Mapping[Ref, int]) -> int | None:
    """The organization that most records of a new one come from; the oldest of several."""
    counts: dict[int, int] = {}
    for ref in group:
        if ref in before:
            counts[before[ref]] = counts.get(before[ref], 0) + 1
    return max(counts, key=lambda number: (counts[number], -number), default=None)


def _mint(tx: sa.Connection, anchor: Ref, origin: int | None, now: datetime) -> int:
    values = {**row_of(anchor, "anchor_"), "minted_at": now, "split_from": origin}
    return int(tx.execute(organization.insert().values(**values).returning(organization.c.number)).scalar_one())


def _alias(tx: sa.Connection, number: int, to: int, cause: str, now: datetime, *, known: bool) -> None:
    values = {"to_number": to, "cause": cause, "at": now}
    if known:
        tx.execute(organization_alias.update().where(organization_alias.c.number == number).values(**values))
    else:
        tx.execute(organization_alias.insert().values(number=number, **values))


def members(tx: sa.Connection) -> dict[Ref, int]:
    """The organization of each record that belongs to one."""
    return {Ref(r.connection, r.object, r.id): r.organization for r in tx.execute(sa.select(member))}


def members_of(tx: sa.Connection, number: int) -> list[Ref]:
    """The records of one organization, in a fixed order."""
    query = sa.select(member.c.connection, member.c.object, member.c.id).where(member.c.organization == number)
    return sorted(Ref(*row) for row in tx.execute(query))


def put_members(tx: sa.Connection, new: Mapping[Ref, int], among: Sequence[Ref] | None = None) -> set[int]:
    """Make this the membership, of all records or `among` these, touching only what differs.

    Returns the organizations that lost or won a record.
    """
    old = members(tx) if among is None else membership(tx, among)
    moved = [ref for ref in {*old, *new} if old.get(ref) != new.get(ref)]
    delete_refs(tx, member, moved)
    rows = [{**row_of(ref), "organization": new[ref]} for ref in sorted(moved) if ref in new]
    if rows:
        tx.execute(member.insert(), rows)
    return {number for ref in moved for number in (old.get(ref), new.get(ref)) if number is not None}


def mark_dirty(tx: sa.Connection, numbers: Iterable[int]) -> None:
    """These organizations have to be decided again."""
    known = {row[0] for row in tx.execute(sa.select(dirty.c.organization))}
    counters.add_missing(tx, dirty, [{"organization": number} for number in sorted(set(numbers) - known)])


def dirty_organizations(tx: sa.Connection) -> list[int]:
    """The organizations to decide again, in order."""
    return sorted(row[0] for row in tx.execute(sa.select(dirty.c.organization)))


def mark_clean(tx: sa.Connection, numbers: Sequence[int]) -> None:
    """These organizations have been decided."""
    for part in chunks(numbers):
        tx.execute(dirty.delete().where(dirty.c.organization.in_(list(part))))


def members_of_all(tx: sa.Connection, numbers: Iterable[int]) -> dict[Ref, int]:
    """The records of these organizations, each with its organization."""
    found: dict[Ref, int] = {}
    for part in chunks(sorted(set(numbers))):
        for row in tx.execute(sa.select(member).where(member.c.organization.in_(list(part)))):
            found[Ref(row.connection, row.object, row.id)] = row.organization
    return found


def membership(tx: sa.Connection, refs: Sequence[Ref]) -> dict[Ref, int]:
    """The organization of each of these accounts that belongs to one."""
    found: dict[Ref, int] = {}
    for condition in in_refs(member, refs):
        for row in tx.execute(sa.select(member).where(condition)):
            found[Ref(row.connection, row.object, row.id)] = row.organization
    return found


def organizations_of(tx: sa.Connection, refs: Sequence[Ref]) -> set[int]:
    """The organizations that these accounts belong to."""
    return set(membership(tx, refs).values())
