"""The daemon: it works at each tick, outlives what fails, and stops when it is told to or has lost its role."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import syncd.jobs.daemon
from syncd.errors import LeaseLost, Retry
from syncd.jobs.daemon import Daemon
from syncd.store.tables import lease

from .conftest import Make
from .world import World

NEVER_AGAIN = timedelta(hours=10)


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """A daemon takes the signals of its process; the tests' process gets its own back."""
    before = {name: signal.getsignal(name) for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    yield
    for name, handler in before.items():
        signal.signal(name, handler)


def after_cycle(daemon: Daemon, monkeypatch: pytest.MonkeyPatch, do: Any) -> None:
    """Do something in the daemon's own thread when a cycle is over, so that nobody has to wait."""
    told = daemon._tell

    def tell(report: Any) -> None:
        told(report)
        do()

    monkeypatch.setattr(daemon, "_tell", tell)


@pytest.mark.parametrize("name", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_after_the_cycle(make: Make, monkeypatch: pytest.MonkeyPatch, name: int) -> None:
    world = make()
    world.deal()
    world.clock.advance(seconds=10)
    daemon = Daemon(world.work, NEVER_AGAIN)
    after_cycle(daemon, monkeypatch, lambda: os.kill(os.getpid(), name))
    daemon.run()
    assert daemon.cycles == 1
    assert world.shows() == "protected"


def test_a_signal_in_the_middle_of_a_cycle_ends_it_after_the_page_under_way(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make(page_size=1)
    real = world.crm.pull

    def signalled(*call: Any) -> Any:
        for page in real(*call):
            os.kill(os.getpid(), signal.SIGTERM)
            assert world.work.stopping.wait(20)
            yield page

    monkeypatch.setattr(world.crm, "pull", signalled)
    daemon = Daemon(world.work, NEVER_AGAIN)
    daemon.run()
    assert daemon.cycles == 0
    monkeypatch.setattr(world.crm, "pull", real)
    world.restart()
    assert world.cycle().pulled["crm"]["accounts"].new == 1, "one page was kept"


def test_a_daemon_that_has_lost_its_role_says_so_and_ends(make: Make) -> None:
    world = make()
    world.store.enter("old")
    with world.store.append() as tx:
        tx.execute(lease.update().values(token=9, holder="new"))
    with pytest.raises(LeaseLost):
        Daemon(world.work, NEVER_AGAIN).run()


def test_the_role_is_kept_between_two_cycles_and_its_loss_is_noticed_there(make: Make) -> None:
    world = make()
    world.store.enter("old")
    daemon = Daemon(world.work, NEVER_AGAIN)
    with world.store.append() as tx:
        tx.execute(lease.update().values(expires_at=0))
    daemon._keep()
    assert not world.work.stopping.is_set()
    with world.store.append() as tx:
        tx.execute(lease.update().values(token=9, holder="new"))
    daemon._keep()
    assert world.work.stopping.is_set()


def test_a_connection_that_cannot_be_reached_is_asked_again_by_the_next_tick(make: Make) -> None:
    world = make()
    world.work.bound = False
    daemon = Daemon(world.work, NEVER_AGAIN)
    world.crm.fail(Retry("down"))
    daemon._tick()
    assert (daemon.cycles, world.work.bound) == (1, False)
    daemon._tick()
    assert (daemon.cycles, world.work.bound) == (2, True)


def test_what_the_check_finds_is_no_reason_not_to_work(make: Make) -> None:
    world: World = make()
    world.work.bound = False
    world.crm._columns["Account"].discard("City")
    daemon = Daemon(world.work, NEVER_AGAIN)
    daemon._tick()
    assert daemon.cycles == 1


def test_a_hint_brings_the_next_cycle_forward_and_a_swarm_of_them_only_one(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(syncd.jobs.daemon, "HURRIED_AFTER", timedelta(0))
    world = make()
    daemon = Daemon(world.work, NEVER_AGAIN)

    def after() -> None:
        if daemon.cycles == 1:
            for _ in range(20):
                daemon.hurry("a webhook")
        else:
            world.work.stopping.set()

    after_cycle(daemon, monkeypatch, after)
    daemon.run()
    assert daemon.cycles == 2


def test_the_hangup_signal_begins_a_cycle_that_reads_the_configuration(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(syncd.jobs.daemon, "HURRIED_AFTER", timedelta(0))
    world, asked = make(), list[bool]()
    daemon = Daemon(world.work, NEVER_AGAIN, lambda anyway: asked.append(anyway))

    def after() -> None:
        if daemon.cycles == 1:
            os.kill(os.getpid(), signal.SIGHUP)
        else:
            world.work.stopping.set()

    after_cycle(daemon, monkeypatch, after)
    daemon.run()
    assert asked == [False, True]


def test_it_is_alive_as_long_as_its_loop_turns(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    daemon = Daemon(make().work, NEVER_AGAIN)
    assert daemon.alive()
    began = daemon._beat
    monkeypatch.setattr(syncd.jobs.daemon.time, "monotonic", lambda: began + 31)
    assert not daemon.alive()
    daemon._keep()
    assert daemon.alive()


def test_systemd_hears_that_it_is_ready_alive_and_stopping(
    make: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(20)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        world = make()
        daemon = Daemon(world.work, NEVER_AGAIN)
        after_cycle(daemon, monkeypatch, lambda: (daemon._keep(), world.work.stopping.set()))
        daemon.run()
        heard = {manager.recv(64).decode() for _ in range(3)}
    assert heard == {"READY=1", "WATCHDOG=1", "STOPPING=1"}


def test_a_service_manager_that_is_gone_does_not_stop_it(
    make: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    daemon = Daemon(make().work, NEVER_AGAIN)
    daemon._keep()
    assert daemon.alive()
