"""Alerts: each thing is told once when it begins and once when it is over, and never lost because nobody listened."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from syncd.errors import Retry, UserError
from syncd.jobs.alerts import MOST_TOLD, alert, text
from syncd.jobs.cycle import CycleReport
from syncd.jobs.daemon import Daemon
from syncd.jobs.messages import Apprised
from syncd.store import alerts
from syncd.store.alerts import Alert
from syncd.store.tables import alert as table

from .conftest import Make
from .test_daemon import NEVER_AGAIN
from .world import World

AT = datetime(2026, 11, 25, 10, tzinfo=UTC)


@contextmanager
def fresh_table() -> Iterator[sa.Connection]:
    """The table of alerts alone, in memory."""
    engine = sa.create_engine("sqlite://")
    with engine.begin() as tx:
        table.create(tx)
        yield tx
    engine.dispose()


class Listener:
    """Takes messages, or does not."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []
        self.deaf = False

    def send(self, title: str, text: str) -> None:
        if self.deaf:
            raise Retry("nobody there")
        self.heard.append((title, text))

    @property
    def titles(self) -> list[str]:
        return [title for title, _ in self.heard]


def listened(world: World) -> Listener:
    world.work.messenger = listener = Listener()
    return listener


def later(world: World, report: CycleReport | None = None, failure: str = "") -> bool:
    world.clock.advance(minutes=1)
    return alert(world.work, report or (None if failure else CycleReport()), failure)


def test_nothing_is_told_when_nothing_is_wrong(world: World) -> None:
    listener = listened(world)
    world.cycle()
    assert later(world)
    assert listener.heard == []


def test_what_lasts_is_told_once_and_its_end_once(world: World) -> None:
    listener = listened(world)
    world.cycle()
    broken = CycleReport(errors=["prm deals: the sign-in was refused."])
    for _ in range(5):
        later(world, broken)
    assert listener.titles == ["syncd: 1 new"]
    assert listener.heard[0][1].startswith("prm deals: the sign-in was refused.\n")
    later(world)
    later(world)
    assert listener.titles == ["syncd: 1 new", "syncd: 1 resolved"]
    assert "Resolved after 5 minutes: prm deals: the sign-in was refused." in listener.heard[1][1]
    later(world, broken)
    assert listener.titles[2:] == ["syncd: 1 new"], "it is back"


def test_other_words_for_the_same_thing_are_no_news(world: World) -> None:
    listener = listened(world)
    world.cycle()
    for n in range(3):
        later(world, CycleReport(errors=[f"crm accounts: connection {n} was reset"]))
    assert len(listener.heard) == 1


def test_what_nobody_heard_is_told_when_somebody_listens(world: World) -> None:
    listener = listened(world)
    world.cycle()
    listener.deaf = True
    assert not later(world, CycleReport(errors=["crm accounts: gone"], alarms=["crm: Account.City has vanished."]))
    listener.deaf = False
    assert later(world, CycleReport(errors=["crm accounts: gone"]))
    assert listener.titles == ["syncd: 2 new"]
    assert "Account.City has vanished" in listener.heard[0][1], "what passes by is told too"


def test_what_came_and_went_unheard_is_not_told(world: World) -> None:
    listener = listened(world)
    world.cycle()
    listener.deaf = True
    later(world, CycleReport(errors=["crm accounts: gone"]))
    listener.deaf = False
    later(world)
    later(world)
    assert listener.heard == []


def test_what_passes_by_is_told_once_and_has_no_end(world: World) -> None:
    listener = listened(world)
    world.cycle()
    later(world, CycleReport(alarms=["crm: Account.City has vanished."]))
    later(world)
    assert listener.titles == ["syncd: 1 new"]


def test_a_stale_connection_is_told_and_that_it_is_fresh_again(world: World) -> None:
    listener = listened(world)
    world.cycle()
    world.clock.advance(minutes=20)
    later(world)
    assert listener.titles == ["syncd: 2 new"]
    world.cycle()
    later(world)
    assert listener.titles[1:] == ["syncd: 2 resolved"]


def test_a_cycle_that_breaks_off_is_told_by_the_daemon_and_so_is_its_end(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make()
    listener = listened(world)
    daemon = Daemon(world.work, NEVER_AGAIN)
    daemon._tick()
    monkeypatch.setattr(daemon, "_cycle", lambda: 1 / 0)
    daemon._tick()
    daemon._tick()
    assert listener.titles == ["syncd: 1 new"]
    assert "The last cycle broke off: ZeroDivisionError" in listener.heard[0][1]
    monkeypatch.undo()
    daemon._tick()
    assert listener.titles[1:] == ["syncd: 1 resolved"]


def test_a_messenger_that_fails_does_not_keep_the_daemon_from_its_work(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make()
    listener = listened(world)
    monkeypatch.setattr(listener, "send", lambda title, text: 1 / 0)
    world.prm.fail(*[Retry("down")] * 20)
    daemon = Daemon(world.work, NEVER_AGAIN)
    daemon._tick()
    daemon._tick()
    assert daemon.cycles == 2


def test_without_anybody_to_tell_it_is_kept_all_the_same(world: World) -> None:
    world.cycle()
    later(world, CycleReport(errors=["crm accounts: gone"]))
    with world.store.read() as tx:
        assert [one.sentence for one in alerts.lasting(tx)] == ["crm accounts: gone"]


@given(st.lists(st.sets(st.sampled_from("abcd")), max_size=12), st.lists(st.booleans(), min_size=12, max_size=12))
def test_beginnings_and_ends_alternate_whatever_comes_and_whoever_listens(
    states: list[set[str]], listening: list[bool]
) -> None:
    """Of each thing one hears: it began, it ended, it began... and at the end what is known is what is so."""
    known: dict[str, bool] = {}
    with fresh_table() as tx:
        for n, (now, heard) in enumerate([*zip(states, listening, strict=False), (set(), True), (set(), True)]):
            at = AT.replace(minute=n)
            alerts.note(tx, dict.fromkeys(now, "it"), (), at)
            new, over = alerts.untold(tx)
            if heard:
                alerts.told(tx, new, over, at)
                for one in over:
                    assert known.pop(one.key)
                for one in new:
                    assert one.key not in known
                    known[one.key] = True
                assert known.keys() == now
    assert known == {}


def test_a_flood_is_counted_and_not_told_line_by_line() -> None:
    new = [Alert(n, str(n), f"thing {n}", AT, None) for n in range(MOST_TOLD + 5)]
    said = text(new, [], AT).splitlines()
    assert said[-2] == "And 5 more: /status of the daemon lists what is wrong now."
    assert len(said) == MOST_TOLD + 2


# --- over real HTTP --------------------------------------------------------------------------------------------------


@pytest.fixture
def hook() -> Iterator[tuple[str, list[Any], list[int]]]:
    """A webhook on this machine: its address, what it got, and the codes with which it answers."""
    got: list[Any] = []
    codes: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(codes.pop(0) if codes else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *about: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"json://127.0.0.1:{server.server_port}/hook", got, codes
    server.shutdown()
    server.server_close()


def test_apprise_brings_it_to_a_webhook(hook: tuple[str, list[Any], list[int]]) -> None:
    url, got, codes = hook
    Apprised([url]).send("syncd: 1 new", "prm is <stale>\n2026-11-25 10:00 UTC")
    assert (got[0]["title"], got[0]["message"]) == ("syncd: 1 new", "prm is <stale>\n2026-11-25 10:00 UTC")
    codes.append(500)
    with pytest.raises(Retry, match="Not every address"):
        Apprised([url]).send("syncd: 1 new", "again")


def test_an_address_that_is_not_complete_is_named_without_its_secret() -> None:
    with pytest.raises(UserError, match="scheme slack is not complete") as refused:
        Apprised(["slack://T1"]).send("syncd", "text")
    assert "T1" not in str(refused.value)
