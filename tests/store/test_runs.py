"""Runs and connections: each execution has its row, each connection its org for ever."""

from __future__ import annotations

import pytest

from syncd.errors import UserError
from syncd.model import Checked, Stream, Window
from syncd.store import cursors, runs
from syncd.store.database import Store

from .helpers import at


def bind(store: Store, name: str, uid: str, minutes: float = 0) -> None:
    with store.append() as tx:
        runs.bind(tx, name, "salesforce", Checked(uid, f"Org {uid}"), at(minutes))


def bound(store: Store) -> dict[str, str]:
    with store.read() as tx:
        return runs.bound(tx)


def test_a_connection_is_bound_to_its_org_at_the_first_check(store: Store) -> None:
    bind(store, "crm", "00D1")
    bind(store, "crm", "00D1", 5)
    bind(store, "prm", "4711")
    assert bound(store) == {"crm": "00D1", "prm": "4711"}


def test_a_connection_that_reaches_another_org_is_refused_with_the_remedy(store: Store) -> None:
    bind(store, "crm", "00D1")
    with pytest.raises(UserError, match=r"crm now reaches 00D2 .*but its records come from 00D1. Point it back"):
        bind(store, "crm", "00D2")
    assert bound(store) == {"crm": "00D1"}


def test_a_connection_may_get_another_name(store: Store) -> None:
    bind(store, "crm", "00D1")
    bind(store, "salesforce", "00D1")
    assert bound(store) == {"salesforce": "00D1"}


def test_a_run_is_kept_with_its_counts_newest_first(store: Store) -> None:
    with store.begin() as tx:
        runs.start(tx, "r1", "pull", at(0), connection="crm", stream="accounts")
        runs.finish(tx, "r1", at(1), "ok", {"read": 5})
        runs.start(tx, "r2", "stage", at(2))
    with store.read() as tx:
        newest, oldest = runs.recent(tx, 5)
        assert [r["id"] for r in runs.recent(tx, 1)] == ["r2"]
    assert (newest["status"], newest["finished_at"]) == ("running", None)
    assert (oldest["status"], oldest["counts"], oldest["connection"]) == ("ok", {"read": 5}, "crm")


def test_the_runs_of_a_daemon_that_died_are_closed(store: Store) -> None:
    with store.begin() as tx:
        runs.start(tx, "r1", "pull", at(0))
        runs.start(tx, "r2", "pull", at(0))
        runs.finish(tx, "r2", at(1), "ok", {})
        assert runs.abandon_running(tx, at(9)) == 1
        assert runs.abandon_running(tx, at(9)) == 0
    with store.read() as tx:
        assert {r["id"]: r["status"] for r in runs.recent(tx, 5)} == {"r1": "failed", "r2": "ok"}


def test_a_policy_version_is_kept_once_with_its_text(store: Store) -> None:
    with store.begin() as tx:
        runs.keep_policy(tx, "p1", {"approval": "automatic"}, at(0))
        runs.keep_policy(tx, "p1", {"approval": "manual"}, at(1))


def test_the_heartbeat_of_a_connection_is_remembered(store: Store) -> None:
    bind(store, "crm", "00D1")
    with store.begin() as tx:
        assert runs.heartbeat_at(tx, "00D1") is None
        runs.set_heartbeat(tx, "00D1", at(3))
        assert runs.heartbeat_at(tx, "00D1") == at(3)


def test_freshness_tells_how_far_each_stream_was_read(store: Store) -> None:
    bind(store, "crm", "00D1")
    with store.begin() as tx:
        cursors.open_window(tx, "00D1", Stream.USERS, Window(None, at(5)), "s", "r1")
        cursors.close_window(tx, "00D1", Stream.USERS, at(5), at(4))
        (found,) = runs.freshness(tx)
    assert (found["name"], found["stream"], found["watermark"], found["complete_through"]) == (
        "crm",
        "users",
        at(5),
        at(4),
    )
