"""Records as pulled: the current row of each, and the versions it went through."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import blake2b
from operator import itemgetter
from typing import Any, NamedTuple

import orjson
import sqlalchemy as sa

from syncd.model import Ref, Row, Stream
from syncd.store import counters, graph
from syncd.store.tables import (
    from_micros,
    record,
    record_version,
    ref_alias,
    source,
    to_micros,
    unreadable,
    unseen,
)

_SORTED = orjson.OPT_SORT_KEYS


@dataclass(frozen=True, slots=True)
class PageCounts:
    """What one page did to the store."""

    read: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    stale: int = 0
    deleted: int = 0

    def __add__(self, other: PageCounts) -> PageCounts:
        return PageCounts(*(getattr(self, f) + getattr(other, f) for f in self.__slots__))


@dataclass(frozen=True, slots=True)
class Stored:
    """The current row of one record."""

    ref: Ref
    stream: str
    fields: dict[str, Any]
    shown: dict[str, Any]
    stamp: datetime
    facts_at: datetime
    deleted: bool
    first_seen_at: datetime
    read_at: datetime
    written_at: datetime | None
    change: int


def _packed(row: Row, ours: frozenset[str]) -> tuple[bytes, bytes]:
    """A record's facts, and what it shows of us, as JSON: bytes, because most are hashed and never become text."""
    fields = row.fields
    if ours.isdisjoint(fields):
        return orjson.dumps(fields, option=_SORTED), b"{}"
    shown = {name: fields[name] for name in ours if name in fields}
    fields = {name: value for name, value in fields.items() if name not in shown}
    return orjson.dumps(fields, option=_SORTED), orjson.dumps(shown, option=_SORTED)


def _digest(fields: bytes, shown: bytes, deleted: bool) -> bytes:
    return blake2b((b"1" if deleted else b"0") + fields + shown, digest_size=16).digest()


def _marks(tx: sa.Connection, count: int) -> str:
    return ",".join(["?" if tx.dialect.name == "sqlite" else "%s"] * count)


def _unique(rows: Iterable[Row]) -> dict[str, Row]:
    """The newest row of each id: a page may carry one twice, in any order."""
    newest: dict[str, Row] = {}
    for row in rows:
        before = newest.get(row.id)
        if before is None or row.stamp >= before.stamp:
            newest[row.id] = row
    return newest


class News(NamedTuple):
    """A row that a page made new or changed. `before` is what the record said, None where it was not known.

    `same_stamp`: it changed without its stamp telling. `shown`: what it showed of us before and shows now.
    """

    row: Row
    before: str | None
    same_stamp: bool
    shown: tuple[str, str] | None = None


def apply_page(
    tx: sa.Connection,
    *,
    connection: str,
    object: str,
    stream: Stream,
    rows: Sequence[Row],
    ours: frozenset[str],
    read_at: datetime,
    run: str,
    first: bool = False,
    by_id: bool = False,
    news: list[News] | None = None,
    kept_under: Stream | None = None,
) -> PageCounts:
    """Make the rows of one page the current state, as far as they are not older than what is stored.

    `ours` are the native fields that syncd writes; `read_at` is our clock when the page was asked for. The same
    content changes nothing. A page asked for before our newest receipt does not undo what the receipt confirmed.
    `first` says that none of the rows is likely to be stored yet, which saves looking for them one by one. Rows read
    `by_id` say for certain whether the record is there, whatever their stamp. `news` is told what was new or changed.
    `kept_under` is the stream under which unreadable rows of this object are kept, if it is another one.
    """
    newest = _unique(rows)
    source_ = source_of(tx, connection, object, stream)
    if first and (counts := _all_new(tx, source_, stream, newest, ours, read_at, run)) is not None:
        _follow(tx, connection, object, newest.values(), read_at)
        _shown_again(tx, source_, connection, kept_under or stream, list(newest))
        if news is not None:
            news += [News(row, None, False) for row in newest.values()]
        return replace(counts, read=len(rows))
    known = _known(tx, source_, list(newest))
    current: list[Row] = []
    fresh: list[tuple[Any, ...]] = []
    changed: list[_Changed] = []
    unchanged = stale = 0
    when, kind = to_micros(read_at), stream.value
    for id_, row in newest.items():
        before = known.get(id_)
        stamp = to_micros(row.stamp)
        if before is not None and stamp <= before[2] and _outdated(row, stamp, before, by_id):
            stale += 1
            continue
        current.append(row)
        fields, shown = _packed(row, ours)
        if before is not None and before[3] is not None and when < before[3]:
            shown = before[4].encode()
        digest = _digest(fields, shown, row.deleted)
        if before is None:
            texts = fields.decode(), shown.decode()
            fresh.append((source_, id_, kind, *texts, digest, stamp, stamp, row.deleted, when, when, run))
            if news is not None:
                news.append(News(row, None, False))
        elif digest == before[1] and kind == before[5]:
            unchanged += 1
        else:
            changed.append(_Changed(row, fields.decode(), shown.decode(), digest, stamp == before[2]))
    if fresh:
        base = counters.advance(tx, "change", len(fresh))
        # in the order of the key, which costs SQLite a tenth less; the order of changes is the page's
        _insert(tx, sorted([(*values, base + n) for n, values in enumerate(fresh, start=1)], key=_by_id))
    place = Ref(connection, object, "")
    facts = _update(tx, source_, place, stream, changed, when, run, news) if changed else 0
    _follow(tx, connection, object, current, read_at)
    _shown_again(tx, source_, connection, kept_under or stream, list(newest))
    return PageCounts(
        read=len(rows),
        new=len(fresh),
        changed=facts,
        unchanged=unchanged + len(changed) - facts,
        stale=stale,
        deleted=sum(row.deleted for row in newest.values()),
    )


_by_id = itemgetter(1)


class _Changed(NamedTuple):
    row: Row
    fields: str
    shown: str
    digest: bytes
    same_stamp: bool


def _outdated(row: Row, stamp: int, before: Sequence[Any], by_id: bool) -> bool:
    """The row is older than what is held. What is deleted comes back only with a newer stamp, or read by id."""
    if bool(before[6]) != row.deleted:
        return not by_id and (stamp < before[2] or bool(before[6]))
    return bool(stamp < before[2])


def source_of(tx: sa.Connection, connection: str, object: str, stream: Stream) -> int:
    """The number that stands for a connection and an object in the key of a record."""
    place = tx.execute(
        sa.select(source).where(source.c.connection == connection, source.c.object == object)
    ).one_or_none()
    if place is None:
        values = {"connection": connection, "object": object, "streams": [stream.value]}
        return int(tx.execute(source.insert().values(**values).returning(source.c.number)).scalar_one())
    if stream.value not in place.streams:
        streams = sorted({*place.streams, stream.value})
        tx.execute(source.update().where(source.c.number == place.number).values(streams=streams))
    return int(place.number)


def _all_new(
    tx: sa.Connection, source_: int, stream: Stream, newest: Mapping[str, Row], ours: frozenset[str],
    read_at: datetime, run: str,
) -> PageCounts | None:  # fmt: skip
    """Store a page of which no row is known; None, and nothing stored, when one of them is."""
    when, kind = to_micros(read_at), stream.value
    fresh = []
    for row in newest.values():
        fields, shown = _packed(row, ours)
        stamp, digest = to_micros(row.stamp), _digest(fields, shown, row.deleted)
        texts = fields.decode(), shown.decode()
        fresh.append((source_, row.id, kind, *texts, digest, stamp, stamp, row.deleted, when, when, run))
    if not fresh:
        return PageCounts()
    base = counters.advance(tx, "change", len(fresh))
    rows = sorted([(*values, base + n) for n, values in enumerate(fresh, start=1)], key=_by_id)
    if not (_copied(tx, rows) if tx.dialect.name == "postgresql" else _inserted(tx, rows, base)):
        return None
    return PageCounts(new=len(fresh), deleted=sum(row.deleted for row in newest.values()))


# `shown` is long, and only rows that we have written need it
_KNOWN = (
    "SELECT id, hash, stamp, written_at, CASE WHEN written_at IS NULL THEN NULL ELSE shown END, stream, deleted "
    "FROM record"
)


def _known(tx: sa.Connection, source_: int, ids: list[str]) -> dict[str, Sequence[Any]]:
    """What `_KNOWN` selects of those that are stored, by id. Times are raw integers, because they are only compared."""
    if not ids:
        return {}
    # plain SQL, because SQLAlchemy spends more time on 2,000 bound values than the database does
    mark = _marks(tx, 1)
    query = f"{_KNOWN} WHERE source = {mark} AND id IN ({_marks(tx, len(ids))})"
    return {row[0]: row for row in tx.exec_driver_sql(query, (source_, *ids)).all()}


_COLUMNS = "source, id, stream, fields, shown, hash, stamp, facts_at, deleted, first_seen_at, read_at, run, change"
_INSERT = f"INSERT INTO record ({_COLUMNS}) VALUES "  # noqa: S608 (the names are ours)


def _copied(tx: sa.Connection, values: list[tuple[Any, ...]]) -> bool:
    """Insert rows by COPY, three times as fast as statements; False, and none inserted, when one is there already."""
    from psycopg.errors import UniqueViolation

    driver = tx.connection.driver_connection
    assert driver is not None
    try:
        copying = f"COPY record ({_COLUMNS}) FROM STDIN"
        with tx.begin_nested(), driver.cursor() as cursor, cursor.copy(copying) as copy:
            for row in values:
                copy.write_row(row)
    except UniqueViolation:
        return False
    return True


def _inserted(tx: sa.Connection, values: list[tuple[Any, ...]], base: int) -> bool:
    """Insert rows whose changes come after `base`; False, and none inserted, when one is there already.

    Without a savepoint, for which SQLite copies every page that it touches.
    """
    if _insert(tx, values) == len(values):
        return True
    tx.execute(record.delete().where(record.c.change > base))
    return False


def _insert(tx: sa.Connection, values: list[tuple[Any, ...]]) -> int:
    """Insert the rows that are not there yet; returns how many those were."""
    return tx.exec_driver_sql(f"{_INSERT}({_marks(tx, 13)}) ON CONFLICT DO NOTHING", values).rowcount


def _update(
    tx: sa.Connection,
    source_: int,
    place: Ref,
    stream: Stream,
    changed: Sequence[_Changed],
    when: int,
    run: str,
    news: list[News] | None,
) -> int:
    """Replace changed rows; returns how many say something else, or belong to another stream.

    What we stamped on a record is not one of its facts: where nothing else changed, the record keeps its place in
    the order of changes and no version is kept, but it is compared with what is wanted again. One that was restored
    is nobody else any more.
    """
    columns = (
        record.c.id, record.c.stream, record.c.fields, record.c.shown, record.c.deleted, record.c.facts_at,
        record.c.read_at,
    )  # fmt: skip
    ids = [item.row.id for item in changed]
    query = sa.select(*columns).where(record.c.source == source_, record.c.id.in_(ids))
    before = {row.id: row for row in tx.execute(query)}
    facts = {
        item.row.id: item.row
        for item in changed
        if before[item.row.id].fields != item.fields or before[item.row.id].deleted != item.row.deleted
    }
    placed = [id_ for id_ in ids if id_ in facts or before[id_].stream != stream.value]
    shown_only = set(ids).difference(placed)
    graph.mark_unplanned(tx, [place._replace(id=id_) for id_ in ids if id_ in shown_only])
    change = dict(zip(placed, range(counters.advance(tx, "change", len(placed)) + 1, 2**62), strict=False))
    tx.execute(
        record.update()
        .where(record.c.source == source_, record.c.id == sa.bindparam("b_id"))
        .values(
            stream=stream.value,
            fields=sa.bindparam("b_fields"),
            shown=sa.bindparam("b_shown"),
            hash=sa.bindparam("b_hash"),
            stamp=sa.bindparam("b_stamp"),
            facts_at=sa.func.coalesce(sa.bindparam("b_facts_at", type_=record.c.facts_at.type), record.c.facts_at),
            deleted=sa.bindparam("b_deleted"),
            read_at=from_micros(when),
            change=sa.func.coalesce(sa.bindparam("b_change"), record.c.change),
            run=run,
        ),
        [
            {
                "b_id": item.row.id,
                "b_fields": item.fields,
                "b_shown": item.shown,
                "b_hash": item.digest,
                "b_stamp": item.row.stamp,
                "b_facts_at": item.row.stamp if item.row.id in facts else None,
                "b_deleted": item.row.deleted,
                "b_change": change.get(item.row.id),
            }
            for item in changed
        ],
    )
    if facts:
        tx.execute(record_version.insert(), [_version(place, before[i], facts[i], run) for i in facts])
    restored = [i for i, row in facts.items() if before[i].deleted and not row.deleted]
    graph.delete_refs(tx, ref_alias, [place._replace(id=i) for i in restored])
    if news is not None:
        news += [News(i.row, before[i.row.id].fields, i.same_stamp, (before[i.row.id].shown, i.shown)) for i in changed]
    return len(placed)


def _version(place: Ref, old: Any, new: Row, run: str) -> dict[str, Any]:
    return {
        "connection": place.connection,
        "object": place.object,
        "id": new.id,
        "fields": old.fields,
        "deleted": old.deleted,
        "stamp": old.facts_at,
        "seen_at": old.read_at,
        "until_stamp": new.stamp,
        "run": run,
    }


def _follow(tx: sa.Connection, connection: str, object: str, rows: Iterable[Row], at: datetime) -> None:
    for row in rows:
        if row.merged_into and row.merged_into != row.id:
            add_alias(tx, Ref(connection, object, row.id), Ref(connection, object, row.merged_into), "merged", at)


_ANY_LOST = (
    "SELECT EXISTS (SELECT 1 FROM unreadable WHERE connection = ? AND stream = ?), "
    "EXISTS (SELECT 1 FROM unseen WHERE source = ?)"
)


def _shown_again(tx: sa.Connection, source_: int, connection: str, stream: Stream, ids: list[str]) -> None:
    """What came is neither unreadable nor out of our sight, whatever it was before."""
    asked = _ANY_LOST.replace("?", _marks(tx, 1))
    found = tx.exec_driver_sql(asked, (connection, stream.value, source_)).one()
    for known, table, where in (
        (found[0], unreadable, (unreadable.c.connection == connection, unreadable.c.stream == stream.value)),
        (found[1], unseen, (unseen.c.source == source_,)),
    ):
        for part in graph.chunks(ids) if known else ():
            tx.execute(table.delete().where(*where, table.c.id.in_(list(part))))


def add_alias(tx: sa.Connection, old: Ref, new: Ref, cause: str, at: datetime) -> None:
    """Remember that `old` is now `new`; a later alias of the same record replaces the earlier one."""
    where = (ref_alias.c.connection == old.connection, ref_alias.c.object == old.object, ref_alias.c.id == old.id)
    known = tx.execute(sa.select(ref_alias).where(*where)).one_or_none()
    if known is not None and (known.to_connection, known.to_object, known.to_id) == tuple(new):
        return
    tx.execute(ref_alias.delete().where(*where))
    tx.execute(
        ref_alias.insert().values(
            connection=old.connection, object=old.object, id=old.id,
            to_connection=new.connection, to_object=new.object, to_id=new.id, cause=cause, at=at,
        )
    )  # fmt: skip


def drop_alias(tx: sa.Connection, old: Ref, new: Ref, cause: str) -> bool:
    """Forget that `old` is now `new`; False when that was not known, or for another cause."""
    where = (*graph.where_ref(ref_alias, old), *graph.where_ref(ref_alias, new, "to_"), ref_alias.c.cause == cause)
    return tx.execute(ref_alias.delete().where(*where)).rowcount == 1


def moved_ids(tx: sa.Connection, ids: Sequence[str]) -> dict[str, Ref]:
    """What the records of these native ids are called in another system that took their place."""
    elsewhere = ref_alias.c.to_connection != ref_alias.c.connection
    found = {
        row.id: Ref(row.to_connection, row.to_object, row.to_id)
        for part in graph.chunks(sorted(set(ids)))
        for row in tx.execute(sa.select(ref_alias).where(ref_alias.c.id.in_(list(part)), elsewhere))
    }
    ends = aliases(tx) if found else {}
    return {id_: ends.get(ref, ref) for id_, ref in found.items()}


def moved_from(tx: sa.Connection, refs: Sequence[Ref]) -> dict[Ref, Ref]:
    """What these records were called in another system before: the old ref with the new."""
    elsewhere = ref_alias.c.to_connection != ref_alias.c.connection
    return {
        Ref(row.connection, row.object, row.id): Ref(row.to_connection, row.to_object, row.to_id)
        for condition in graph.in_refs(ref_alias, refs, "to_")
        for row in tx.execute(sa.select(ref_alias).where(condition, elsewhere))
    }


def aliases(tx: sa.Connection) -> dict[Ref, Ref]:
    """Every alias, followed to its end; a chain that bites its own tail ends where it began."""
    step = {Ref(r[0], r[1], r[2]): Ref(r[3], r[4], r[5]) for r in tx.execute(sa.select(ref_alias))}
    ends = {}
    for start in step:
        seen, here = {start}, step[start]
        while here in step and step[here] not in seen:
            seen.add(here)
            here = step[here]
        ends[start] = here
    return ends


def keep_unreadable(
    tx: sa.Connection, connection: str, stream: Stream, rows: Iterable[tuple[str, str]], at: datetime, run: str
) -> None:
    """Keep what could not be made a row, with its reason; the newest reason of a record stands."""
    for id_, reason in rows:
        where = (unreadable.c.connection == connection, unreadable.c.stream == stream, unreadable.c.id == id_)
        tx.execute(unreadable.delete().where(*where))
        tx.execute(
            unreadable.insert().values(
                connection=connection, stream=stream.value, id=id_, reason=reason, seen_at=at, run=run
            )
        )


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A receipt says that these native values are now in the CRM."""

    ref: Ref
    values: Mapping[str, Any]
    stamp: datetime | None


def confirm(tx: sa.Connection, confirmed: Sequence[Confirmed], at: datetime) -> None:
    """Show what receipts confirmed, and let no page that was asked for earlier undo it."""
    known = get(tx, [item.ref for item in confirmed])
    # a record can have several receipts at once, one for each write group
    of_record: dict[Ref, list[Confirmed]] = {}
    for one in confirmed:
        of_record.setdefault(one.ref, []).append(one)
    rows = []
    for ref, items in of_record.items():
        row = known.get(ref)
        if row is None:
            continue
        values = {name: value for item in items for name, value in item.values.items()}
        shown = orjson.dumps({**row.shown, **values}, option=_SORTED).decode()
        fields = orjson.dumps(row.fields, option=_SORTED).decode()
        rows.append(
            {
                "b_source": source_of(tx, ref.connection, ref.object, Stream(row.stream)),
                "b_id": ref.id,
                "b_shown": shown,
                "b_hash": _digest(fields.encode(), shown.encode(), row.deleted),
                "b_stamp": max([row.stamp, *(item.stamp for item in items if item.stamp)]),
            }
        )
    if rows:
        tx.execute(
            record.update()
            .where(record.c.source == sa.bindparam("b_source"), record.c.id == sa.bindparam("b_id"))
            .values(
                shown=sa.bindparam("b_shown"),
                hash=sa.bindparam("b_hash"),
                stamp=sa.bindparam("b_stamp"),
                written_at=at,
            ),
            rows,
        )


def get(tx: sa.Connection, refs: Iterable[Ref]) -> dict[Ref, Stored]:
    """The current rows of these records."""
    by_object: dict[tuple[str, str], list[str]] = {}
    for ref in refs:
        by_object.setdefault((ref.connection, ref.object), []).append(ref.id)
    found: dict[Ref, Stored] = {}
    for (connection, object), ids in by_object.items():
        for start in range(0, len(ids), 5_000):
            query = _STORED.where(
                source.c.connection == connection,
                source.c.object == object,
                record.c.id.in_(ids[start : start + 5_000]),
            )
            found.update((s.ref, s) for s in map(_stored, tx.execute(query)))
    return found


def objects_of(tx: sa.Connection, connection: str) -> list[str]:
    """The native objects that were read from a connection."""
    query = sa.select(source.c.object).where(source.c.connection == connection).order_by(source.c.object)
    return list(tx.execute(query).scalars())


def of_stream(tx: sa.Connection, stream: Stream) -> Iterator[Stored]:
    """Every current row of a stream over all connections, in a fixed order."""
    for place in tx.execute(sa.select(source).order_by(source.c.connection, source.c.object)).all():
        if stream.value in place.streams:
            query = _STORED.where(record.c.source == place.number, record.c.stream == stream.value)
            yield from map(_stored, tx.execute(query.order_by(record.c.id)))


def showing(tx: sa.Connection) -> list[Ref]:
    """Every record on which one of our fields has a value, whoever set it."""
    query = sa.select(source.c.connection, source.c.object, record.c.id, record.c.shown)
    query = query.join(source, source.c.number == record.c.source).where(record.c.shown != "{}")
    return [Ref(row[0], row[1], row[2]) for row in tx.execute(query) if any(orjson.loads(row[3]).values())]


def changed_since(tx: sa.Connection, change: int, limit: int) -> list[Stored]:
    """The next `limit` rows in the order of changes."""
    query = _STORED.where(record.c.change > change).order_by(record.c.change).limit(limit)
    return [_stored(row) for row in tx.execute(query)]


def find_id(tx: sa.Connection, id_: str) -> list[Ref]:
    """Every record with this native id, whatever system and object."""
    places = {(row.connection, row.object) for row in tx.execute(sa.select(source))}
    return sorted(get(tx, [Ref(connection, object, id_) for connection, object in places]))


_STORED = sa.select(source.c.connection, source.c.object, record).join(source, source.c.number == record.c.source)


def _stored(row: sa.Row[Any]) -> Stored:
    return Stored(
        ref=Ref(row.connection, row.object, row.id),
        stream=row.stream,
        fields=orjson.loads(row.fields),
        shown=orjson.loads(row.shown),
        stamp=row.stamp,
        facts_at=row.facts_at,
        deleted=row.deleted,
        first_seen_at=row.first_seen_at,
        read_at=row.read_at,
        written_at=row.written_at,
        change=row.change,
    )
