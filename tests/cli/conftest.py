"""A state that jobs have made, with settings beside it, and a way to run commands on it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import structlog
from jobs.world import CRM_MAPPING, PRM_MAPPING, World

from syncd.cli.main import run
from syncd.cli.output import set_up_logging
from syncd.store.database import Store

SETTINGS = """
version: 1
database: sqlite:///state.db
go_live: 2026-01-01
policy: policy.yaml
connections:
  crm:
    kind: salesforce
    roles: [direct]
    host: acme.my.salesforce.com
    auth: {flow: token, token: "${file:token}"}
    mapping: crm.yaml
  prm:
    kind: hubspot
    roles: [partner]
    auth: {flow: token, token: "${file:token}"}
    mapping: prm.yaml
    authority: syncd
"""

Ask = Callable[..., Any]


@pytest.fixture(autouse=True)
def _logging() -> None:
    """Logging as a command sets it up, whatever ran in this process before."""
    set_up_logging("auto", "warning")


@pytest.fixture
def world(sqlite_url: str, tmp_path: Path, clock: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A world, and settings beside its state that name the same connections."""
    monkeypatch.setattr(structlog, "get_logger", lambda *about: structlog.wrap_logger(None, processors=[_drop]))
    monkeypatch.setattr("syncd.app.SystemClock.now", lambda self: clock.now())
    monkeypatch.setenv("SYNCD_ACTOR", "kim")
    for name, content in (("crm", CRM_MAPPING), ("prm", PRM_MAPPING)):
        (tmp_path / f"{name}.yaml").write_text(json.dumps(content))
    (tmp_path / "policy.yaml").write_text("required: [company.name]\n")
    (tmp_path / "token").write_text("pat-1234\n")
    (tmp_path / "syncd.yaml").write_text(SETTINGS)
    with closing(Store(sqlite_url)) as store:
        made = World(store, clock)
        made.everyone()
        yield made


def _drop(logger: Any, name: str, event: Any) -> Any:
    raise structlog.DropEvent


@pytest.fixture
def ask(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Ask:
    """Runs a command; returns its exit code, what it printed and what it said on standard error."""

    def asked(*words: str) -> tuple[int, str, str]:
        code = run(["-c", str(tmp_path / "syncd.yaml"), *words])
        told = capsys.readouterr()
        return code, told.out, told.err

    return asked
