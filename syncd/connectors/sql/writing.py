"""Updates and inserts rows in one transaction for each batch; a row that is refused is set apart by a savepoint."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from syncd.connectors import batches
from syncd.connectors.sql import errors, values
from syncd.connectors.sql.tables import Known
from syncd.errors import UserError
from syncd.mapping.convert import Unfit
from syncd.model import Receipt, ReceiptKind, Upsert, Write

PER_CALL = 500

Begin = Callable[[], AbstractContextManager[sa.Connection]]
"""Opens a transaction that writes."""

Values = dict[str, Any]


class Writing:
    """Writes to one table."""

    def __init__(self, begin: Begin, known: Known) -> None:
        """Raises UserError for a table of which no column may be written."""
        if not known.writable:
            raise UserError(
                f"{known.object} is read-only: the settings name no columns that syncd may write. Add them to `write`."
            )
        self._begin, self._known = begin, known

    def receipts(self, writes: Sequence[Write]) -> list[Receipt]:
        """One receipt per write, in their order."""
        refused, fit = self._converted(writes)
        calls = (
            (batch, partial(self._send, batch, fit))
            for batch in batches.rounds([w for w in writes if w.id in fit], PER_CALL)
        )
        sent = batches.answered([w for w in writes if w.id in fit], calls)
        done = refused | {receipt.write_id: receipt for receipt in sent}
        return [done[w.id] for w in writes]

    def _converted(self, writes: Iterable[Write | Upsert]) -> tuple[dict[int, Receipt], dict[int, Values]]:
        """The values as their columns take them, and the receipts of the writes that have one which cannot be."""
        refused: dict[int, Receipt] = {}
        fit: dict[int, Values] = {}
        for write in writes:
            try:
                fit[write.id] = {name: self._value(name, value) for name, value in write.fields.items()}
            except Unfit as error:
                refused[write.id] = Receipt(write.id, ReceiptKind.FAILED, error.code, error.message)
        return refused, fit

    def _value(self, name: str, value: Any) -> Any:
        column = self._known.table.c.get(name)
        if column is None or name not in self._known.writable:
            raise Unfit("not_writable", f"{name} is no column that syncd may write. Add it to `write` in the settings.")
        return values.of_column(column, value, self._known.zone)

    def _send(self, batch: Sequence[Write], fit: Mapping[int, Values]) -> list[Receipt]:
        with self._begin() as db:
            there = self._there(db, [w.ref.id for w in batch])
            known = [w for w in batch if w.ref.id in there]
            receipts = [_no_record(w.id) for w in batch if w.ref.id not in there]
            for names, some in _grouped(known, fit).items():
                receipts += self._update(db, names, [(w.id, there[w.ref.id], fit[w.id]) for w in some])
        return receipts

    def _there(self, db: sa.Connection, ids: Sequence[str]) -> dict[str, Any]:
        """The ids that are there, as the column has them; the rows are kept from being deleted meanwhile."""
        id_ = self._known.id
        query = sa.select(id_).where(id_.in_(self._known.ids(ids)), *self._known.is_there()).order_by(id_)
        found = db.execute(query if self._known.is_view else query.with_for_update())
        return {str(values.plain(value, self._known.zone)): value for (value,) in found}

    def _update(
        self, db: sa.Connection, names: Sequence[str], rows: Sequence[tuple[int, Any, Values]]
    ) -> list[Receipt]:
        """Update some rows together; where the database refuses one of them, each by itself."""
        statement = self._known.table.update().where(self._known.id == sa.bindparam("syncd_id"))
        statement = statement.values({name: sa.bindparam(f"syncd_{name}") for name in names})
        parameters = [{"syncd_id": id_, **{f"syncd_{n}": v for n, v in said.items()}} for _, id_, said in rows]
        try:
            with db.begin_nested():
                db.execute(statement, parameters)
        except exc.DBAPIError as error:
            if errors.is_lost(error) or not errors.of_row(error):
                raise
        else:
            return [Receipt(number, ReceiptKind.APPLIED) for number, _, _ in rows]
        return [
            _alone(db, number, partial(db.execute, statement, one))
            for (number, _, _), one in zip(rows, parameters, strict=True)
        ]

    # --- upsert

    def upserted(self, key_field: str, rows: Sequence[Upsert]) -> list[Receipt]:
        """One receipt per row, in their order. Raises UserError where the key is not unique."""
        key = self._known.column(key_field)
        refused, fit = self._converted(rows)
        some = [row for row in rows if row.id in fit]
        parts = (some[start : start + PER_CALL] for start in range(0, len(some), PER_CALL))
        sent = batches.answered(some, ((part, partial(self._make, key, part, fit)) for part in parts))
        done = refused | {receipt.write_id: receipt for receipt in sent}
        return [done[row.id] for row in rows]

    def _make(self, key: sa.Column[Any], rows: Sequence[Upsert], fit: Mapping[int, Values]) -> list[Receipt]:
        with self._begin() as db:
            return [self._made(db, key, row, fit[row.id]) for row in rows]

    def _made(self, db: sa.Connection, key: sa.Column[Any], row: Upsert, said: Values) -> Receipt:
        """One record that exists afterwards: found by its key, or made with it."""
        try:
            value = values.of_column(key, row.key, self._known.zone)
        except Unfit as error:
            return Receipt(row.id, ReceiptKind.FAILED, error.code, error.message)
        found = self._by_key(db, key, value)
        if found is None:
            insert = self._known.table.insert().values({**said, key.name: value})
            receipt = _alone(db, row.id, partial(db.execute, insert))
            found = self._by_key(db, key, value)
            if receipt.kind is ReceiptKind.APPLIED and found is not None:
                return _made_receipt(row.id, found, created=True)
            if found is None:
                return receipt
        update = self._known.table.update().where(self._known.id == found).values(said)
        receipt = _alone(db, row.id, partial(db.execute, update)) if said else Receipt(row.id, ReceiptKind.APPLIED)
        return _made_receipt(row.id, found) if receipt.kind is ReceiptKind.APPLIED else receipt

    def _by_key(self, db: sa.Connection, key: sa.Column[Any], value: Any) -> Any:
        return db.execute(sa.select(self._known.id).where(key == value)).scalar()


def _made_receipt(number: int, id_: Any, created: bool = False) -> Receipt:
    return Receipt(number, ReceiptKind.APPLIED, record_id=str(id_), created=created)


def _no_record(number: int) -> Receipt:
    return Receipt(number, ReceiptKind.FAILED, "no_record", "There is no row with this id.")


def _grouped(writes: Iterable[Write], fit: Mapping[int, Values]) -> dict[tuple[str, ...], list[Write]]:
    groups: dict[tuple[str, ...], list[Write]] = {}
    for write in writes:
        groups.setdefault(tuple(sorted(fit[write.id])), []).append(write)
    return groups


def _alone(db: sa.Connection, number: int, send: Callable[[], Any]) -> Receipt:
    """Send one row behind a savepoint; what the database has against it is its receipt."""
    try:
        with db.begin_nested():
            send()
    except exc.DBAPIError as error:
        if errors.is_lost(error) or not errors.of_row(error):
            raise
        name = errors.constraint(error)
        message = f"The database refused the row{f' ({name})' if name else ''}."
        return Receipt(number, ReceiptKind.FAILED, errors.code_of(error), message)
    return Receipt(number, ReceiptKind.APPLIED)


def unique_columns(db: sa.Connection, table: sa.Table) -> Iterator[str]:
    """The columns that name at most one row each."""
    inspector = sa.inspect(db)
    keys = [inspector.get_pk_constraint(table.name, table.schema)["constrained_columns"]]
    keys += [list(one["column_names"]) for one in inspector.get_unique_constraints(table.name, table.schema)]
    for index in inspector.get_indexes(table.name, table.schema):
        if index["unique"] and not index.get("dialect_options", {}).get("postgresql_where"):
            keys.append([str(name) for name in index["column_names"]])
    yield from (key[0] for key in keys if len(key) == 1)
