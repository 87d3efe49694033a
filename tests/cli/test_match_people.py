"""`match refresh` and `match contradictions`, as people call them."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from syncd.app import load_config, open_store
from syncd.cli.main import run
from syncd.jobs.frozen import count_now
from syncd.matching import PARSER_VERSION, keys, parse, query_keys
from syncd.model import Account, Actor, Decision, DecisionKind, Ref
from syncd.store import decisions, graph, outcomes
from syncd.store.database import Store

REPOSITORY = Path(__file__).parents[2]
FILED, DIRECT = Ref("prm1", "companies", "7"), Ref("crm1", "Account", "001")
NOW = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    for name in ("CRM_CLIENT_ID", "CRM_CLIENT_SECRET", "PRM_TOKEN"):
        monkeypatch.setenv(name, "x")
    shutil.copytree(REPOSITORY / "config", tmp_path / "config")
    path = tmp_path / "config" / "syncd.yaml"
    store = opened(path)
    store.upgrade()
    put(store, Account(FILED, "=Acme Widgets"), Account(DIRECT, "Acme Widgets Ltd"))
    with store.append() as tx:
        frozen = count_now(tx)
        outcomes.freeze_statistics(tx, frozen.version, frozen.to_json(), NOW)
    store.close()
    return str(path)


def opened(path: Path | str) -> Store:
    return open_store(load_config(path).settings)


def put(store: Store, *accounts: Account) -> None:
    records = [parse(account) for account in accounts]
    rows = [(r.ref, "filed" if r.ref == FILED else "direct", r.to_json(), keys(r)) for r in records]
    with store.append() as tx:
        graph.put_parsed(tx, rows, PARSER_VERSION, {FILED: query_keys(records[0])} if records[0].ref == FILED else {})


def test_a_refresh_is_looked_at_first_and_then_done(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["-c", config, "match", "refresh"]) == 0
    assert "nothing would change" in capsys.readouterr().out
    store = opened(config)
    put(store, Account(Ref("crm1", "Account", "002"), "Bolt Works Ltd"))
    store.close()
    assert run(["-c", config, "match", "refresh", "--json"]) == 0
    looked = json.loads(capsys.readouterr().out)
    assert (looked["changed"], looked["protecting"]) == (False, 0)
    assert run(["-c", config, "match", "refresh", "--yes"]) == 0
    assert "The next cycle links everything again" in capsys.readouterr().out
    assert run(["-c", config, "match", "refresh", "--yes", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"changed": False}


def test_what_people_said_is_checked_against_what_they_said_before(
    config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["-c", config, "match", "contradictions"]) == 0
    assert "Nothing that people said is contradicted" in capsys.readouterr().out
    store = opened(config)
    with store.append() as tx:
        for kind in (DecisionKind.SAME, DecisionKind.DIFFERENT):
            made = Decision(kind=kind, subject=FILED, other=DIRECT, actor=Actor.person("kim"), at=NOW,
                            effective_at=NOW, policy_version="p", rule="person", reason="they said so")  # fmt: skip
            decisions.record(tx, [made], None)
    store.close()
    assert run(["-c", config, "match", "contradictions", "--json"]) == 3
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["judgement"], found["against"]) == ("different", "kim said same on 2026-11-24 00:00 UTC")
