"""`undo` and the forms of a plan, as a person and a script meet them."""

from __future__ import annotations

import json
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from jobs.world import World

from syncd.cli.plans import page

Ask = Callable[..., Any]


@pytest.fixture
def run(world: World, tmp_path: Path) -> str:
    """A run that has stamped one account, of a connection that may be written."""
    settings = tmp_path / "syncd.yaml"
    settings.write_text(settings.read_text().replace("mapping: crm.yaml", "mapping: crm.yaml\n    mode: live"))
    world.deal()
    world.cycle()
    return str(next(e["run"] for e in world.ledger() if e["ref"].endswith("Account/a1")))


def test_the_plan_is_shown_first_and_what_is_taken_back_is_written_by_the_next_cycle(
    world: World, ask: Ask, run: str, tmp_path: Path
) -> None:
    code, _, err = ask("undo", "--run", "nosuch")
    assert (code, "`syncd runs` lists them" in err) == (2, True)
    file = tmp_path / "undo.html"
    code, out, _ = ask("undo", "--run", run, "-o", str(file))
    assert (code, "Account/a1" in out, "Nothing was changed." in out) == (0, True, True)
    assert "Account/a1" in file.read_text()
    assert world.cycle().writes == 0
    code, out, _ = ask("undo", "--run", run, "--yes", "--reason", "a mistake", "--json")
    told = json.loads(out)
    assert (code, told["recorded"], told["left"]) == (0, 1, [])
    assert world.shows() == "protected"
    world.cycle()
    assert world.shows() is None
    code, out, _ = ask("why", "a1", "--json")
    assert [d["what"] for d in json.loads(out)["decisions"] if d["by"] == "person:kim"] == ["overridden"]


def test_a_reviewed_file_is_taken_back_and_what_moved_is_told(world: World, ask: Ask, run: str, tmp_path: Path) -> None:
    file = tmp_path / "undo.json"
    assert ask("undo", "--run", run, "-o", str(tmp_path / "nosuch" / "undo.json"))[0] == 2
    assert ask("undo", "--run", run, "-o", str(file))[0] == 0
    rows = json.loads(file.read_text())
    rows[0]["before"]["status__c"] = "another"
    file.write_text(json.dumps(rows))
    code, _, err = ask("undo", "--run", run, "--plan", str(file), "--reason", "a mistake")
    assert code == 3
    assert "left alone: it is not, or not so, in the plan" in err
    assert world.cycle().writes == 0


class _Reader(HTMLParser):
    """Notes what a page would load or run, and its headings."""

    def __init__(self) -> None:
        super().__init__()
        self.active: list[str] = []
        self.heads: list[str] = []
        self._head = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        bad = [name for name, _ in attrs if name in ("src", "href") or name.startswith("on")]
        self.active += [tag] * (tag in ("script", "img", "iframe", "link")) + bad
        self._head = tag in ("h2", "h3")

    def handle_data(self, data: str) -> None:
        if self._head and data.strip():
            self.heads.append(data)


def test_the_page_groups_by_connection_and_reason_and_nothing_from_a_crm_becomes_markup() -> None:
    hostile = "<img src=x onerror=alert(1)>\x1b[31m\u2028"
    rows = [
        {"connection": c, "record": f"Account/{hostile}", "group": "stamp", "before": {"a": None},
         "after": {"a": hostile},
         "because": {"rule": rule}, "why": hostile, "refused": refused}
        for c, rule, refused in (("prm", "protected", ""), ("crm", "ended", ""), ("crm", "protected", "held & why"),
                                 ("crm", "ended", ""))
    ]  # fmt: skip
    reader, text = _Reader(), page(rows, "A <plan>")
    reader.feed(text)
    assert reader.active == []
    assert reader.heads == ["crm", "ended (2)", "held & why (1)", "prm", "protected (1)"]
    assert "\x1b" not in text
    assert "default-src 'none'" in text
