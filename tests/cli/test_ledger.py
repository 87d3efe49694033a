"""`ledger verify`, `anchor` and `erase`: what was cut off or rewritten shows, what was erased does not."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import pairwise
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import responses
import sqlalchemy as sa
from jobs.world import World

from syncd.jobs import anchor as anchoring
from syncd.jobs import persons
from syncd.jobs.cycle import cycle
from syncd.model import DecisionKind
from syncd.store import ledger
from syncd.store.tables import counter, ledger_private
from syncd.store.tables import ledger as table

Ask = Callable[..., Any]


def decided(world: World) -> None:
    world.deal("r1")
    world.cycle()
    persons.judge(world.work, "c1", "a1", DecisionKind.DIFFERENT, "kim", "Mia Chen says so")


def truncate(world: World, to: int) -> None:
    """As somebody would who knows how it is counted."""
    with world.store.append() as tx:
        tx.execute(ledger_private.delete().where(ledger_private.c.seq > to))
        tx.execute(table.delete().where(table.c.seq > to))
        tx.execute(counter.update().where(counter.c.name == "ledger").values(value=to))


def test_an_end_that_was_cut_off_is_found_against_an_anchor_alone(world: World, ask: Ask, tmp_path: Path) -> None:
    decided(world)
    place = tmp_path / "anchors.jsonl"
    code, out, _ = ask("ledger", "anchor", "--to", str(place), "--json")
    entries = json.loads(out)["entries"]
    assert (code, entries > 1) == (0, True)
    assert ask("ledger", "verify", "--anchors", str(place))[:2] == (0, f"All {entries} entries hold. 1 anchors fit.\n")
    truncate(world, entries - 1)
    assert ask("ledger", "verify")[0] == 0, "without an anchor nobody can know"
    code, _, err = ask("ledger", "verify", "--anchors", str(place))
    assert (code, f"there were {entries} entries: the end was cut off" in err) == (1, True)


def test_a_rewrite_by_a_holder_of_the_key_is_found_against_an_anchor(world: World, ask: Ask, tmp_path: Path) -> None:
    decided(world)
    place = tmp_path / "anchors.jsonl"
    ask("ledger", "anchor", "--to", str(place))
    with world.store.append() as tx:
        known = [(row.at, row.kind, dict(entry)) for row, entry in zip(
            tx.execute(sa.select(table).order_by(table.c.seq)).all(), ledger.entries(tx), strict=True)]  # fmt: skip
        for one in (ledger_private, table):
            tx.execute(one.delete())
        tx.execute(counter.update().where(counter.c.name == "ledger").values(value=0))
        for at, kind, entry in known:
            body = {name: value for name, value in entry.items() if name not in ("seq", "at", "kind", "hash")}
            ledger.append(tx, at, [ledger.Entry(kind, {**body, "by": "person:mallory"})], None)
    assert ask("ledger", "verify")[0] == 0
    code, _, err = ask("ledger", "verify", "--anchors", str(place))
    assert (code, "the chain was rewritten" in err) == (1, True)


def test_the_daemon_anchors_once_a_day_and_only_what_is_new(world: World, tmp_path: Path) -> None:
    place = tmp_path / "anchors.jsonl"
    world.work.anchor = str(place)
    world.deal("r1")
    world.cycle()
    for n in range(12):
        persons.judge(world.work, "c1", "a1", (DecisionKind.DIFFERENT, DecisionKind.SAME)[n % 2], "kim", "no")
        cycle(world.work)
        world.clock.advance(hours=7)
    told = anchoring.read(place)
    times = [datetime.fromisoformat(one.at) for one in told]
    assert [later - before for before, later in pairwise(times)] == [timedelta(hours=28)] * 2
    world.clock.advance(hours=30)
    with world.store.read() as tx:
        entries = ledger.last(tx)[0]
    assert told[-1].entries < entries
    assert anchoring.anchor_when_due(world.work) is not None
    world.clock.advance(hours=30)
    assert anchoring.anchor_when_due(world.work) is None, "nothing was entered since"
    assert [one.entries for one in anchoring.read(place)] == [*(one.entries for one in told), entries]


def test_a_place_that_takes_no_anchor_is_an_alarm_and_stops_nothing(world: World, tmp_path: Path) -> None:
    world.work.anchor = str(tmp_path / "gone" / "anchors.jsonl")
    world.deal("r1")
    report = cycle(world.work)
    assert report.writes > 0
    (alarm,) = report.alarms
    assert "ledger.anchor" in alarm


@pytest.fixture
def listener() -> Iterator[tuple[str, list[bytes]]]:
    """A URL that takes what it is sent."""
    heard: list[bytes] = []

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    with HTTPServer(("127.0.0.1", 0), Taking) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/anchors", heard
        server.shutdown()


def test_a_url_is_sent_the_anchor_as_json(world: World, ask: Ask, listener: tuple[str, list[bytes]]) -> None:
    decided(world)
    url, heard = listener
    assert ask("ledger", "anchor", "--to", url)[0] == 0
    with world.store.read() as tx:
        entries, digest = ledger.last(tx)
    assert json.loads(heard[0])["entries"] == entries
    assert json.loads(heard[0])["hash"] == digest.hex()


@responses.activate
@pytest.mark.parametrize("status", [302, 403, 500])
def test_a_url_that_does_not_take_it_is_told(world: World, ask: Ask, status: int) -> None:
    responses.post("https://audit.example.com/in", status=status, headers={"Location": "https://elsewhere.example"})
    code, _, err = ask("ledger", "anchor", "--to", "https://audit.example.com/in")
    assert (code, f"answered {status}" in err) == (1, True)
    assert len(responses.calls) == 1, "nobody is followed elsewhere"


def test_a_personal_value_is_erased_everywhere_and_the_chain_holds(world: World, ask: Ask) -> None:
    decided(world)
    code, out, _ = ask("ledger", "erase", "--value", "Mia Chen says so", "--reason", "her request", "--json")
    assert (code, json.loads(out)) == (0, {"values": 1, "erased": False})
    ask("ledger", "erase", "--value", "Mia Chen says so", "--reason", "her request", "--yes")
    with world.store.read() as tx:
        left = tx.execute(sa.select(ledger_private.c.value)).scalars().all()
        last = list(ledger.entries(tx))[-1]
    assert "Mia Chen says so" not in left
    assert (last["kind"], last["values"]) == ("erasure", 1)
    assert ask("ledger", "verify")[0] == 0
    assert "Mia Chen" not in ask("ledger", "export")[1]


def test_what_is_past_its_retention_is_erased_by_date(world: World, ask: Ask) -> None:
    decided(world)
    world.clock.advance(days=3)
    persons.judge(world.work, "c1", "a1", DecisionKind.SAME, "kim", "after all")
    day = (world.clock.now()).date().isoformat()
    ask("ledger", "erase", "--before", day, "--reason", "retention", "--yes")
    with world.store.read() as tx:
        left = set(tx.execute(sa.select(ledger_private.c.value)).scalars())
    assert left == {"after all", "retention"}
    assert ask("ledger", "verify")[0] == 0


@pytest.mark.parametrize(
    "words", [["erase", "--reason", "x"], ["erase", "--reason", "x", "--before", "soon"], ["anchor"]]
)
def test_what_is_not_said_is_asked_for(world: World, ask: Ask, words: list[str]) -> None:
    assert ask("ledger", *words)[0] == 2


def test_a_file_that_is_no_list_of_anchors_is_told_with_its_line(world: World, ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "odd.jsonl").write_text('{"at":"2026-11-25","entries":0,"hash":"00"}\n[]\n')
    code, _, err = ask("ledger", "verify", "--anchors", str(tmp_path / "odd.jsonl"))
    assert (code, "line 2" in err) == (2, True)
    assert ask("ledger", "verify", "--anchors", str(tmp_path / "none.jsonl"))[0] == 2
