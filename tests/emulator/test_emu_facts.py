"""The list of facts that the emulators rest on is whole, and each fact has its test."""

from __future__ import annotations

import dataclasses
import json
import re
from importlib import resources
from pathlib import Path
from typing import Any

import syncd.emulator
from syncd.emulator import Variants

HERE = Path(__file__).parent
FACTS: list[dict[str, Any]] = json.loads((resources.files(syncd.emulator) / "facts.json").read_text(encoding="utf-8"))


def test_every_fact_is_complete_and_told_once() -> None:
    ids = [fact["id"] for fact in FACTS]
    assert len(ids) == len(set(ids))
    for fact in FACTS:
        assert set(fact) - {"variant"} == {"id", "system", "statement", "section", "evidence"}
        assert fact["system"] in ("salesforce", "hubspot")
        assert fact["evidence"] in ("R", "L", "D", "S", "X", "C", "M")
        assert re.fullmatch(r"[A-G](\.\d+)?", fact["section"])


def test_every_fact_has_a_test_of_its_name_or_a_switch() -> None:
    tests = "\n".join(path.read_text(encoding="utf-8") for path in HERE.glob("test_*.py"))
    known = set(re.findall(r"def test_(\w+)", tests))
    assert [fact["id"] for fact in FACTS if fact["id"] not in known and "variant" not in fact] == []


def test_the_manuals_list_of_tests_names_tests_for_every_part() -> None:
    manual = (HERE.parents[1] / "docs" / "emulator.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([CSH]\d?) \| [^|]+ \| (.+) \|$", manual, re.MULTILINE)
    assert {part for part, _ in rows} == {"C", *(f"S{n}" for n in range(1, 10)), *(f"H{n}" for n in range(1, 9))}
    tests = "\n".join(path.read_text(encoding="utf-8") for path in HERE.glob("test_*.py"))
    known = set(re.findall(r"def test_(\w+)", tests))
    assert [name for _, names in rows for name in re.findall(r"`(\w+)`", names) if name not in known] == []


def test_every_switch_belongs_to_a_fact() -> None:
    assert {field.name for field in dataclasses.fields(Variants)} == {
        fact["variant"] for fact in FACTS if "variant" in fact
    }


def test_the_emulator_imports_nothing_else_of_syncd() -> None:
    room = Path(str(resources.files(syncd.emulator)))
    for path in room.rglob("*.py"):
        imported = re.findall(r"^\s*(?:from|import) (syncd[\w.]*)", path.read_text(encoding="utf-8"), re.MULTILINE)
        assert [name for name in imported if not name.startswith("syncd.emulator")] == [], path
