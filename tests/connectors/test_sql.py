"""Tables as other programs keep them: clocks, stamps, pages, types, names, rights, and rows that are refused."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from syncd.connectors.sql.client import SqlConnector
from syncd.errors import IncompleteRead, Retry, Stop, UserError
from syncd.model import Edition, ReadSpec, ReceiptKind, Ref, Stream, Upsert, Window, Write, WriteGroup
from syncd.settings import SqlSource

from .contract import rows_of
from .worlds import START
from .worlds_sql import SqlWorld, sql_world

HOUR = timedelta(hours=1)


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlWorld]:
    if request.param == "sqlite":
        with sql_world(f"sqlite:///{tmp_path / 'crm.db'}") as made:
            yield made
    else:
        with sql_world(request.getfixturevalue("crm_database"), schema="crm") as made:
            yield made


@pytest.fixture
def postgres(crm_database: str) -> Iterator[SqlWorld]:
    with sql_world(crm_database, schema="crm") as made:
        yield made


# --- stamps and pages -----------------------------------------------------------------------------------------------


def local(tmp_path: Path, zone: str = "Europe/London", **table: Any) -> tuple[SqlConnector, sa.Engine, sa.Table]:
    """A table of deals whose times are what the clocks of a zone showed."""
    url = f"sqlite:///{tmp_path / 'local.db'}"
    engine = sa.create_engine(url)
    deals = sa.Table(
        "deals", sa.MetaData(), sa.Column("id", sa.String(20)), sa.Column("name", sa.String(20)),
        sa.Column("changed", sa.DateTime), sa.Column("created", sa.DateTime),
    )  # fmt: skip
    deals.metadata.create_all(engine)
    said = {"table": "deals", "id": "id", "stamp": ["changed", "created"], **table}
    source = SqlSource.model_validate({"account": "x", "url": url, "zone": zone, "tables": {"Deal": said}})
    return SqlConnector(source, page_size=3), engine, deals


def shown(*parts: int) -> datetime:
    """What a clock shows."""
    return datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001


def add(engine: sa.Engine, table: sa.Table, *rows: dict[str, Any]) -> None:
    with engine.begin() as db:
        db.execute(table.insert(), [{column.name: row.get(column.name) for column in table.c} for row in rows])
    engine.dispose()


DEALS = ReadSpec(Stream.REGISTRATIONS, "Deal", ("name",))


def test_times_without_a_zone_are_what_the_clocks_of_the_settings_showed(tmp_path: Path) -> None:
    """F37, F56."""
    connector, engine, deals = local(tmp_path)
    add(
        engine,
        deals,
        {"id": "summer", "changed": shown(2026, 7, 1, 9, 15)},
        {"id": "winter", "created": shown(2026, 1, 5, 9)},
    )
    found = rows_of(list(connector.sweep(DEALS)))
    assert found["summer"].stamp == datetime(2026, 7, 1, 8, 15, tzinfo=UTC)
    assert found["winter"].stamp == datetime(2026, 1, 5, 9, tzinfo=UTC), "the second stamp, where the first is empty"
    window = Window(datetime(2026, 7, 1, 8, 15, tzinfo=UTC), datetime(2026, 7, 1, 8, 15, tzinfo=UTC))
    assert set(rows_of(list(connector.pull(DEALS, window)))) == {"summer"}
    connector.close()


def test_the_hour_that_the_clocks_show_twice_is_read_whole(tmp_path: Path) -> None:
    """F37. On 25 October 2026 London's clocks go from 02:00 back to 01:00, which is 01:00 in UTC."""
    connector, engine, deals = local(tmp_path)
    add(engine, deals, *({"id": f"{minute}", "changed": shown(2026, 10, 25, 1, minute)} for minute in range(60)))
    # rows of the second pass: written from 01:00Z on, under stamps that were already there an hour before
    window = Window(datetime(2026, 10, 25, 0, 50, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC))
    found = set(rows_of(list(connector.pull(DEALS, window))))
    assert {str(minute) for minute in range(31)} <= found
    connector.close()


def test_a_row_without_a_stamp_comes_first_and_check_says_that_its_changes_are_not_seen(tmp_path: Path) -> None:
    """F08. Nothing is left out because it has no date."""
    connector, engine, deals = local(tmp_path)
    add(engine, deals, {"id": "a", "changed": shown(2026, 7, 1)}, {"id": "b"})
    found = rows_of(list(connector.pull(DEALS, Window(None, datetime(2026, 8, 1, tzinfo=UTC)))))
    assert set(found) == {"a", "b"}
    assert found["b"].stamp.year == 1970
    (problem,) = connector.check([DEALS], {}).problems
    assert problem == "1 rows of Deal have no changed, created; their changes are not seen. Fill it, or name another."
    connector.close()


def test_more_rows_with_one_stamp_than_a_page_holds_come_once_each(world: SqlWorld) -> None:
    """F01, F03, F07, F39."""
    ids = {world.create(f"C{n}") for n in range(250)}
    connector = world.connector()
    pages = list(connector.pull(world.spec, Window(START, world.clock.now())))
    assert set(rows_of(pages)) == ids
    assert sum(len(page.rows) for page in pages) == 250
    assert [page.expected for page in pages] == [250, 250, 250]


def test_rows_that_are_changed_while_pages_are_read_are_not_lost(world: SqlWorld) -> None:
    """F05, F06. They leave the window, which is no failure, and are in the next."""
    ids = [world.create(f"C{n}") for n in range(250)]
    connector = world.connector()
    upper = connector.now()
    pages = connector.pull(world.spec, Window(START, upper))
    seen = rows_of([next(pages)])
    world.clock.wait(60)
    late = [id_ for id_ in ids if id_ not in seen][-3:]
    for id_ in late:
        world.rename(id_, "late")
    rest = list(pages)
    assert rest[-1].last
    assert not set(late) & {*seen, *rows_of(rest)}
    following = rows_of(list(connector.pull(world.spec, Window(upper, connector.now()))))
    assert {id_ for id_, row in following.items() if row.fields["name"] == "late"} == set(late)


def test_a_row_without_an_id_is_told_and_stops_no_other(tmp_path: Path) -> None:
    connector, engine, deals = local(tmp_path)
    add(engine, deals, {"name": "nobody", "changed": shown(2026, 7, 1)}, {"id": "a", "changed": shown(2026, 7, 1)})
    (page,) = connector.pull(DEALS, Window(None, datetime(2026, 8, 1, tzinfo=UTC)))
    assert [row.id for row in page.rows] == ["a"]
    assert page.unreadable == (("?", "1 rows of deals have no id, by which they would be known."),)
    connector.close()


def test_a_value_that_is_not_of_its_columns_type_is_the_users_to_fix(tmp_path: Path) -> None:
    """SQLite keeps any text in any column; what it says is not repeated."""
    connector, engine, deals = local(tmp_path)
    add(engine, deals, {"id": "a", "changed": shown(2026, 7, 1)})
    with engine.begin() as db:
        db.exec_driver_sql("UPDATE deals SET changed = 'some day soon'")
    engine.dispose()
    with pytest.raises(UserError, match="A value of deals is not what its column says") as caught:
        list(connector.sweep(DEALS))
    assert "some day" not in str(caught.value)
    connector.close()


def test_rows_that_cannot_be_told_apart_are_no_endless_loop(tmp_path: Path) -> None:
    """F07. A full page of rows without an id has nothing behind which to go on."""
    connector, engine, deals = local(tmp_path)
    add(engine, deals, *({"name": f"N{n}", "changed": shown(2026, 7, 1)} for n in range(7)))
    for window in (Window(None, START), Window(datetime(2026, 6, 1, tzinfo=UTC), START)):
        with pytest.raises(IncompleteRead, match="cannot be told apart"):
            list(connector.pull(DEALS, window))
    connector.close()


def test_the_clock_is_the_databases_own_where_no_table_of_loads_is_named(world: SqlWorld) -> None:
    before = datetime.now(UTC) - timedelta(seconds=2)
    assert before <= world.connector(clock=None).now() <= datetime.now(UTC)


def test_nothing_is_read_before_the_first_load(world: SqlWorld) -> None:
    world.run(world.loads.delete())
    with pytest.raises(Stop, match="does not say yet"):
        world.connector().now()
    with pytest.raises(UserError, match=r"has no column nope .* `sql.clock`"):
        world.connector(clock={"table": world.name_of("loads"), "column": "nope"}).now()


# --- values and names -----------------------------------------------------------------------------------------------


def test_values_come_as_json_and_exact(postgres: SqlWorld) -> None:
    table = sa.Table(
        "deals", sa.MetaData(schema="crm"), sa.Column("id", sa.Uuid), sa.Column("at", sa.DateTime(timezone=True)),
        sa.Column("amount", sa.Numeric(20, 4)), sa.Column("close_on", sa.Date), sa.Column("is_won", sa.Boolean),
        sa.Column("products", postgresql.ARRAY(sa.String)), sa.Column("raw", postgresql.JSONB),
        sa.Column("n", sa.BigInteger),
    )  # fmt: skip
    id_ = UUID("6f2b9f0e-2a7e-4c7e-9f61-0c7a6a1c3b11")
    table.metadata.create_all(postgres.admin)
    postgres.run(
        table.insert().values(
            id=id_, at=START, amount=Decimal("12345678901234.5600"), close_on=date(2026, 12, 1), is_won=True,
            products=["core", None], raw={"a": [1]}, n=2**60,
        )
    )  # fmt: skip
    names = ("amount", "close_on", "is_won", "products", "raw", "n")
    tables = {"Deal": {"table": "crm.deals", "id": "id", "stamp": "at", "write": list(names)}}
    connector = postgres.connector(tables=tables)
    (row,) = connector.fetch(ReadSpec(Stream.REGISTRATIONS, "Deal", names), [str(id_), "no uuid"])
    assert (row.id, row.stamp) == (str(id_), START)
    assert row.fields == {
        "amount": "12345678901234.5600", "close_on": "2026-12-01", "is_won": True, "products": ["core", None],
        "raw": {"a": [1]}, "n": 2**60,
    }  # fmt: skip
    ref = Ref("u", "Deal", str(id_))
    writes = [
        Write(1, ref, WriteGroup.STAMP, {"amount": "0.1", "close_on": "2027-01-02T00:00:00Z", "is_won": "false"}),
        Write(2, ref, WriteGroup.STAMP, {"n": "seven"}),
        Write(3, ref, WriteGroup.STAMP, {"is_won": "perhaps"}),
        Write(4, ref, WriteGroup.STAMP, {"close_on": "soon"}),
        Write(5, ref, WriteGroup.STAMP, {"n": 2**70}),
    ]
    receipts = connector.write("Deal", writes)
    assert [receipt.kind for receipt in receipts] == [ReceiptKind.APPLIED, *[ReceiptKind.FAILED] * 4]
    assert [receipt.code for receipt in receipts[1:4]] == ["not_a_number", "not_yes_or_no", "not_a_value"]
    (row,) = connector.fetch(ReadSpec(Stream.REGISTRATIONS, "Deal", ("amount", "close_on", "is_won")), [str(id_)])
    assert row.fields == {"amount": "0.1000", "close_on": "2027-01-02", "is_won": False}


def test_names_are_quoted_and_never_become_sql(world: SqlWorld) -> None:
    """A table and a column with the worst of names, and filters with the worst of values."""
    nasty = 'x"; DROP TABLE companies; --'
    table = sa.Table(
        nasty.replace(".", ""), sa.MetaData(schema=world.schema), sa.Column("id", sa.Integer, primary_key=True),
        sa.Column('na"me; --', sa.String(80)), sa.Column("at", sa.DateTime(timezone=world.is_postgres)),
    )  # fmt: skip
    table.metadata.create_all(world.admin)
    world.run(table.insert().values({"id": 1, 'na"me; --': "O'Hara; DROP", "at": world.kept(START)}))
    said = SqlSource.model_validate({
        "account": "x", "url": world.url,
        "tables": {"Deal": {"table": "placeholder", "id": "id", "stamp": "at", "write": ['na"me; --']}},
    })  # fmt: skip
    renamed = said.tables["Deal"].model_copy(update={"table": world.name_of(nasty)})
    source = said.model_copy(update={"tables": {"Deal": renamed}})
    connector = SqlConnector(source)
    spec = ReadSpec(Stream.ACCOUNTS, "Deal", ('na"me; --',), where={'na"me; --': ("O'Hara; DROP", "' OR 1=1 --")})
    (page,) = connector.pull(spec, Window(None, datetime.now(UTC)))
    assert [row.fields['na"me; --'] for row in page.rows] == ["O'Hara; DROP"]
    write = Write(1, Ref("u", "Deal", "1"), WriteGroup.STAMP, {'na"me; --': "'); DROP TABLE companies; --"})
    assert connector.write("Deal", [write])[0].kind is ReceiptKind.APPLIED
    assert world.create("still there")
    connector.close()
    table.drop(world.admin)


# --- writing --------------------------------------------------------------------------------------------------------


def test_a_refused_row_has_the_databases_code_and_no_value_in_its_words(world: SqlWorld) -> None:
    """F62, F69. The savepoint keeps the others; the text of the database would repeat the row."""
    ids = [world.create(f"C{n}") for n in range(5)]
    writes = [world.write(id_, f"v{n}", n) for n, id_ in enumerate(ids)]
    writes[2] = world.write(ids[2], "forbidden", 2, "region")
    writes[3] = world.write(ids[3], "x" * 500, 3) if world.is_postgres else writes[3]
    receipts = world.connector().write(world.object, writes)
    assert receipts[2].code == ("23514" if world.is_postgres else "SQLITE_CONSTRAINT_CHECK")
    assert ("no_forbidden_region" in receipts[2].message) is world.is_postgres
    assert all("forbidden'" not in r.message and "xxx" not in r.message for r in receipts)
    assert [world.shown(ids[n]) for n in (0, 1, 4)] == ["v0", "v1", "v4"]
    assert receipts[3].kind is (ReceiptKind.FAILED if world.is_postgres else ReceiptKind.APPLIED)


def test_a_connection_that_ends_before_the_commit_has_changed_nothing(postgres: SqlWorld) -> None:
    """F27. Surely not applied, so it may be sent again."""
    id_ = postgres.create("Acme")
    connector = postgres.connector()

    def end(db: sa.Connection, cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("UPDATE"):
            postgres.break_(db)

    sa.event.listen(connector._engine, "before_cursor_execute", end)
    (receipt,) = connector.write(postgres.object, [postgres.write(id_, "v")])
    assert (receipt.kind, receipt.code) == (ReceiptKind.RETRY, "not_sent")
    sa.event.remove(connector._engine, "before_cursor_execute", end)
    assert postgres.shown(id_) is None
    assert connector.write(postgres.object, [postgres.write(id_, "v")])[0].kind is ReceiptKind.APPLIED


def test_a_locked_table_is_tried_again(world: SqlWorld) -> None:
    """F60. By PostgreSQL's own time limit for locks, and by SQLite's for the file."""
    id_ = world.create("Acme")
    connector = world.connector()
    connector.fetch(world.spec, [id_])
    holding = world.admin.connect()
    if world.is_postgres:
        sa.event.listen(connector._engine, "begin", lambda db: db.exec_driver_sql("SET LOCAL lock_timeout = '50ms'"))
        holding.execute(sa.select(world.table).with_for_update())
    else:
        world.lock()
    (receipt,) = connector.write(world.object, [world.write(id_, "v")])
    assert (receipt.kind, receipt.code) == (ReceiptKind.RETRY, "not_sent")
    holding.close()
    world.released()
    assert connector.write(world.object, [world.write(id_, "v")])[0].kind is ReceiptKind.APPLIED


def test_a_row_that_is_marked_as_deleted_is_not_written(world: SqlWorld) -> None:
    id_ = world.create("gone")
    world.delete(id_)
    (receipt,) = world.connector().write(world.object, [world.write(id_, "v")])
    assert (receipt.kind, receipt.code) == (ReceiptKind.FAILED, "no_record")
    assert world.shown(id_) is None


def test_a_table_without_columns_to_write_is_read_only(world: SqlWorld) -> None:
    id_ = world.create("Acme")
    tables = {"Company": {"table": world.name_of("companies"), "id": "id", "stamp": "updated_at"}}
    connector = world.connector(tables=tables)
    with pytest.raises(UserError, match="read-only"):
        connector.write(world.object, [world.write(id_, "v")])
    with pytest.raises(UserError, match="read-only"):
        connector.upsert(world.object, world.key, [Upsert(1, "k", {})])
    checked = connector.check([world.spec], {world.object: [world.stamp]})
    assert checked.edition is Edition.STAMPS_ONLY
    assert [problem for problem in checked.problems if "may not be written" in problem]
    assert connector.facts.reports_deletes is False


def test_only_the_named_columns_are_written(world: SqlWorld) -> None:
    id_ = world.create("Acme")
    (receipt,) = world.connector().write(world.object, [world.write(id_, "stolen", field="name")])
    assert (receipt.kind, receipt.code) == (ReceiptKind.FAILED, "not_writable")
    assert world.connector().fetch(world.spec, [id_])[0].fields["name"] == "Acme"


def test_an_upsert_meets_a_row_that_somebody_else_has_just_made(
    world: SqlWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F64. The key is taken by then: it is the same record, and nothing is made twice."""
    from syncd.connectors.sql import writing

    connector = world.connector()
    real, asked = writing.Writing._by_key, []

    def blind(self: Any, db: Any, key: Any, value: Any) -> Any:
        asked.append(value)
        return None if len(asked) == 1 else real(self, db, key, value)

    world.run(world.table.insert().values(key_no="k1", updated_at=world.kept(START)))
    monkeypatch.setattr(writing.Writing, "_by_key", blind)
    (receipt,) = connector.upsert(world.object, world.key, [Upsert(1, "k1", {world.stamp: "v"})])
    assert (receipt.kind, receipt.created) == (ReceiptKind.APPLIED, False)
    assert world.run(sa.select(sa.func.count()).select_from(world.table)) == 1
    assert world.shown(receipt.record_id) == "v"


# --- check and errors -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"table": "nowhere"}, "no table or view nowhere"),
        ({"id": "Id"}, "It is written id there"),
        ({"stamp": "name"}, "holds no date with its time"),
        ({"deleted": "gone"}, "no column gone"),
        ({"write": ["Syncd_Status"]}, "It is written syncd_status there"),
    ],
)
def test_what_is_wrong_with_a_table_is_said_with_its_key(world: SqlWorld, change: dict[str, Any], words: str) -> None:
    said = {"table": world.name_of("companies"), "id": "id", "stamp": "updated_at", **change}
    connector = world.connector(tables={"Company": said})
    (problem,) = connector.check([world.spec], {}).problems
    assert words in problem
    with pytest.raises(UserError):
        connector.fetch(world.spec, ["1"])


def test_check_says_whether_the_database_hides_rows(postgres: SqlWorld) -> None:
    """F36. Row-level security applies to the user of the connection, not to the owner who looks."""
    postgres.create("Acme")
    spec = postgres.spec
    assert postgres.connector().check([spec], {}).access[0].sees_all is True
    for statement in (
        "CREATE ROLE syncd_reader LOGIN",
        "GRANT USAGE ON SCHEMA crm TO syncd_reader",
        "GRANT SELECT ON crm.companies, crm.loads TO syncd_reader",
        "ALTER TABLE crm.companies ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY west_only ON crm.companies USING (region = 'west')",
    ):
        postgres.run(sa.text(statement))
    try:
        url = sa.make_url(postgres.url).set(username="syncd_reader").render_as_string(hide_password=False)
        reader = SqlConnector(postgres.source(url=url))
        (access,) = reader.check([spec], {}).access
        assert (access.sees_all, access.records) == (False, 0)
        receipt = reader.check([spec], {postgres.object: ["syncd_status"]})
        assert receipt.problems == ()
        with pytest.raises(Stop, match="42501"):
            reader.write(postgres.object, [postgres.write("1", "v")])
        reader.close()
    finally:
        postgres.run(sa.text("DROP OWNED BY syncd_reader"))
        postgres.run(sa.text("DROP ROLE syncd_reader"))


def test_a_view_can_be_read_and_says_that_it_may_leave_something_out(world: SqlWorld) -> None:
    ids = {world.create(f"C{n}") for n in range(3)}
    view = world.name_of("named")
    world.run(sa.text(f"CREATE VIEW {view} AS SELECT * FROM {world.name_of('companies')}"))
    tables = {"Company": {"table": view, "id": "id", "stamp": "updated_at"}}
    connector = world.connector(tables=tables)
    assert set(rows_of(list(connector.sweep(world.spec)))) == ids
    (access,) = connector.check([world.spec], {}).access
    assert (access.sees_all, access.records) == (None, 3)


def test_a_database_that_is_away_is_asked_again_and_its_password_shown_nowhere() -> None:
    """F26, F27."""
    url = "postgresql+psycopg://syncd:${env:PW}@127.0.0.1:1/crm?connect_timeout=2"
    tables = {"Company": {"id": "id", "stamp": "at"}}
    source = SqlSource.model_validate({"account": "x", "url": url, "tables": tables}, context={"env": {"PW": "s3cr3t"}})
    connector = SqlConnector(source)
    with pytest.raises(Retry) as caught:
        connector.now()
    assert "s3cr3t" not in f"{caught.value!r}{caught.value}{connector!r}{[repr(v) for v in vars(connector).values()]}"


def test_a_driver_that_is_not_there_is_the_users_to_install() -> None:
    for url, words in (("mysql+pymysql://h/d", "pymysql is not installed"), ("nosuch://h/d", "no dialect nosuch")):
        source = SqlSource.model_validate({"account": "x", "url": url, "tables": {"A": {"id": "i", "stamp": "s"}}})
        with pytest.raises(UserError, match=words):
            SqlConnector(source)
