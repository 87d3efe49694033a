"""The tables of cases name tests that there are, and leave no code and no case out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs").glob("cases*.md"))
CLAIMS = (ROOT / "docs" / "cases-claims.md").read_text("utf-8")


def rows(page: str) -> list[list[str]]:
    """The cells of each row of the tables, without their heads."""
    lines = [line for line in page.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if row[0] not in ("code", "case")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_test_that_a_page_of_cases_names_is_there(page: Path) -> None:
    there = {
        name
        for file in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^\s*def (test_\w+)", file.read_text("utf-8"), re.M)
    }
    named = set(re.findall(r"\btest_\w+", page.read_text("utf-8")))
    assert named - there == set()
    assert len(named) > 50


def test_every_code_has_its_row_in_order() -> None:
    codes = [row[0] for row in rows(CLAIMS) if re.fullmatch(r"C\d\d", row[0])]
    assert codes == [f"C{i:02}" for i in range(54)]


def test_every_case_of_claims_has_its_row() -> None:
    numbers = [int(n) for row in rows(CLAIMS) if row[0][0].isdigit() for n in row[0].split(", ")]
    assert numbers == [*range(37, 71), 122, *range(128, 131)]


def test_a_row_names_a_test_or_says_why_not() -> None:
    for row in rows(CLAIMS):
        says_why = re.search(r"does not apply|not yet|see C\d\d", row[1])
        assert len(row) == 3, row
        assert "test_" in row[2] or says_why, row
