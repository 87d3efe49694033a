"""A daemon takes up a changed configuration between two cycles; a wrong one is told and changes nothing."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from jobs.world import World

from syncd.app import Reloader, build, load_config
from syncd.errors import UserError
from syncd.jobs.daemon import Daemon
from syncd.jobs.work import Work


@pytest.fixture
def work(world: World, tmp_path: Path) -> Work:
    return build(load_config(tmp_path / "syncd.yaml"), world.store, world.clock)


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_files_that_say_what_they_said_are_not_read_again(work: Work, tmp_path: Path) -> None:
    reload = Reloader(tmp_path / "syncd.yaml", work)
    assert reload() is None
    (tmp_path / "policy.yaml").touch()
    assert reload() is None


@pytest.mark.parametrize(
    ("file", "old", "new", "attribute"),
    [
        ("policy.yaml", "company.name]", "company.name, products]", "policy_version"),
        ("syncd.yaml", "authority: syncd", "authority: source", "config_hash"),
    ],
)
def test_a_changed_file_is_taken_up(work: Work, tmp_path: Path, file: str, old: str, new: str, attribute: str) -> None:
    reload, before = Reloader(tmp_path / "syncd.yaml", work), getattr(work, attribute)
    change(tmp_path / file, old, new)
    changed = reload()
    assert changed is not None
    work.take_up(changed)
    assert getattr(work, attribute) != before
    assert not work.bound, "every connection is checked anew"
    assert reload() is None, "once"


def test_what_belongs_to_the_process_stays(work: Work, tmp_path: Path) -> None:
    watcher: Any = object()
    work.watchers.append(watcher)
    kept = work.store, work.clock, work.stopping
    changed = Reloader(tmp_path / "syncd.yaml", work)(True)
    assert changed is not None
    work.take_up(changed)
    assert (work.store, work.clock, work.stopping) == kept
    assert work.watchers == [watcher]


def test_another_database_needs_a_restart(work: Work, tmp_path: Path) -> None:
    reload = Reloader(tmp_path / "syncd.yaml", work)
    change(tmp_path / "syncd.yaml", "state.db", "other.db")
    with pytest.raises(UserError, match="`database` has changed: that needs a restart"):
        reload()


def test_a_wrong_configuration_is_told_and_the_one_before_stays(
    work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[tuple[str, dict[str, Any]]] = []

    class Log:
        def info(self, event: str, **about: Any) -> None:
            said.append((event, about))

        warning = error = info

    monkeypatch.setattr("syncd.jobs.daemon.log", Log())
    daemon, before = Daemon(work, timedelta(minutes=1), Reloader(tmp_path / "syncd.yaml", work)), work.config_hash
    right = (tmp_path / "policy.yaml").read_text()
    (tmp_path / "policy.yaml").write_text("requred: [company.name]\n")
    for _ in range(3):
        daemon._take_up_configuration()
    assert work.config_hash == before
    assert [event for event, _ in said] == ["configuration_refused"], "once, and not with each cycle"
    assert "policy.yaml:1: requred" in said[0][1]["error"]
    (tmp_path / "policy.yaml").write_text(right.replace("company.name", "company.name, products"))
    daemon._take_up_configuration()
    assert said[-1][0] == "configuration_changed"
    assert work.config_hash == before, "the settings say what they said"
    assert "products" in work.policy.required


def test_another_interval_holds_from_the_next_tick_on(work: Work, tmp_path: Path) -> None:
    daemon = Daemon(work, timedelta(minutes=1), Reloader(tmp_path / "syncd.yaml", work))
    (tmp_path / "syncd.yaml").write_text((tmp_path / "syncd.yaml").read_text() + "schedule: {every: 5m}\n")
    daemon._take_up_configuration()
    assert work.every == timedelta(minutes=5)
