"""T28: a full disk, a file that somebody else holds, a server that throws everybody out: nothing lost or doubled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any

import pytest
import sqlalchemy as sa

from syncd.jobs.cycle import cycle
from syncd.store.database import Store

from .crashes import MortalStore
from .test_crashes import Story, without_names

Fresh = Callable[[], Story]


@pytest.fixture
def on_sqlite(sqlite_url: str, clock: Any) -> Iterator[Fresh]:
    yield from stories(sqlite_url, clock)


@pytest.fixture
def on_postgresql(postgres_url: str, clock: Any) -> Iterator[Fresh]:
    yield from stories(postgres_url, clock)


def stories(url: str, clock: Any) -> Iterator[Fresh]:
    """Begins the story anew, each time at the same moment."""
    began = clock.now()
    with closing(MortalStore(url)) as store:
        store.upgrade()

        def make() -> Story:
            clock._now = began
            return Story(store, clock)

        yield make


@contextmanager
def only_room_for(store: Store, pages: int) -> Iterator[None]:
    """The file may grow by so many pages, and no more."""

    def limit(connection: sa.Connection) -> None:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {base}")

    with store.read() as tx:
        base = tx.exec_driver_sql("PRAGMA page_count").scalar_one() + pages
    sa.event.listen(store._writing, "begin", limit)
    try:
        yield
    finally:
        sa.event.remove(store._writing, "begin", limit)
        store._writing.dispose()  # each connection has a limit of its own


def come_to_rest(story: Story) -> None:
    """What was half read when the trouble came is complete only a cycle later."""
    for _ in range(2):
        story.clock.advance(minutes=5)
        story.run()


def judge(story: Story, undisturbed: Story) -> None:
    """The same end; nothing written twice or for nothing; and the ledger equal to the systems' own logs."""
    assert story.shown() == undisturbed.shown()
    assert story.decided[:2] == undisturbed.decided[:2]
    assert story.world.crm.redundant == story.world.prm.redundant == []
    assert without_names(story.told()) == without_names(story.changes())


def grow(story: Story) -> None:
    """More than the free pages of an emptied file can hold."""
    for n in range(60):
        story.world.account(f"x{n}", f"Company number {n} Ltd", City="Hull " * 800)


@pytest.mark.parametrize("pages", [0, 2, 5])
def test_a_full_disk_stops_the_work_and_room_lets_it_go_on(on_sqlite: Fresh, pages: int) -> None:
    """T28."""
    undisturbed = on_sqlite()
    grow(undisturbed)
    undisturbed.run()
    story = on_sqlite()
    grow(story)
    with story.store.append() as tx:
        tx.exec_driver_sql("PRAGMA max_page_count = 2147483646")
    with closing(story.store._writing.raw_connection()) as raw:
        raw.execute("VACUUM")
    failures = []
    with only_room_for(story.store, pages):
        story.world.restart()
        try:
            failures += cycle(story.world.work).errors
        except sa.exc.OperationalError as error:
            failures.append(str(error))
    assert any("full" in said for said in failures), "the disk was not full"
    come_to_rest(story)
    judge(story, undisturbed)


def test_a_file_that_somebody_else_holds_is_waited_for_and_then_told(on_sqlite: Fresh) -> None:
    """T28."""
    undisturbed = on_sqlite()
    undisturbed.run()
    story = on_sqlite()
    sa.event.listen(story.store._writing, "connect", lambda raw, _: raw.execute("PRAGMA busy_timeout=20"))
    story.store._writing.dispose()
    with closing(Store(str(story.store.url))) as foreign, foreign.begin() as tx:
        tx.exec_driver_sql("SELECT 1")
        with pytest.raises(sa.exc.OperationalError, match="locked"):
            cycle(story.world.work)
    come_to_rest(story)
    judge(story, undisturbed)


@pytest.mark.parametrize("step", ["stage", "link", "decide", "plan", "write"])
def test_a_server_that_throws_everybody_out_is_found_again(on_postgresql: Fresh, step: str) -> None:
    """T28."""
    undisturbed = on_postgresql()
    undisturbed.run()
    story = on_postgresql()

    def thrown_out(name: str) -> None:
        if name == step:
            with (
                closing(Store(str(story.store.url.render_as_string(hide_password=False)))) as other,
                other.append() as tx,
            ):
                tx.exec_driver_sql(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )

    story.world.restart()
    with suppress(sa.exc.OperationalError):  # the tick is lost, and the next one works
        cycle(story.world.work, step=thrown_out)
    come_to_rest(story)
    judge(story, undisturbed)
