"""`retire`, `rekey` and `suppression`, as a person and a script meet them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jobs.world import World

Ask = Callable[..., Any]


@pytest.fixture
def live(world: World, tmp_path: Path) -> World:
    """A stamped account, of a connection that may be written."""
    settings = tmp_path / "syncd.yaml"
    settings.write_text(settings.read_text().replace("mapping: crm.yaml", "mapping: crm.yaml\n    mode: live"))
    world.account(Website="www.fenwick-instruments.co.uk", Name="=Fenwick Instruments Ltd")
    world.deal()
    world.cycle()
    return world


def test_retiring_shows_first_and_does_it_with_yes(live: World, ask: Ask, tmp_path: Path) -> None:
    code, out, _ = ask("retire", "crm")
    assert (code, "1 stamps to clear" in out, "Nothing was changed" in out) == (3, True, True)
    code, _, err = ask("retire", "crm", "--yes", "--reason", "the end")
    assert (code, "--export FOLDER" in err) == (2, True)
    code, out, _ = ask("retire", "crm", "--yes", "--reason", "the end", "--export", str(tmp_path / "out"), "--json")
    told = json.loads(out)
    assert (code, told["retired"], told["stamps"]) == (0, True, 1)
    assert told["exported"]["records.jsonl"] >= 1
    live.cycle()
    assert live.shows() is None
    code, out, _ = ask("retire", "crm")
    assert (code, "nothing of syncd is left" in out) == (0, True)
    assert ask("retire", "crm", "--back", "--reason", "we stay")[0] == 0
    live.cycle()
    assert live.shows() == "protected"


def test_the_suppression_list_is_a_file_without_formulas_and_without_partners(
    live: World, ask: Ask, tmp_path: Path
) -> None:
    file = tmp_path / "list.csv"
    assert ask("suppression", "-o", str(file))[0] == 0
    (row,) = csv.DictReader(io.StringIO(file.read_text()))
    assert (row["account_id"], row["domain"], row["status"]) == ("a1", "fenwick-instruments.co.uk", "protected")
    assert row["account"].startswith("'=")
    assert "Wychwood" not in file.read_text()
    assert [path.name for path in tmp_path.glob(".list*")] == []
    code, out, _ = ask("suppression", "--domains", "--json")
    assert (code, json.loads(out)) == (0, [{"domain": "fenwick-instruments.co.uk"}])


def test_rekeying_says_what_is_wrong_with_the_file_or_the_settings(live: World, ask: Ask, tmp_path: Path) -> None:
    file = tmp_path / "ids.csv"
    code, _, err = ask("rekey", "prm", "--map", str(file))
    assert (code, "cannot be read" in err) == (2, True)
    file.write_text("from,to\n1,2\n")
    code, _, err = ask("rekey", "prm", "--map", str(file))
    assert (code, "old_id and new_id" in err) == (2, True)
