"""Each bent rule of claims is missed by a test that is named here."""

from __future__ import annotations

from pathlib import Path

import pytest

from .bugs_claims import BUGS
from .planting import ROOT, Bug, plant, run


@pytest.mark.deep
@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_bent_rule_of_claims_is_caught_by_name(bug: Bug, tmp_path: Path) -> None:
    done = run(bug.tests, plant(bug, tmp_path))
    assert done.returncode == 1, f"{bug.tests} did not fail:\n{done.stdout[-3000:]}{done.stderr[-2000:]}"
    assert "failed" in done.stdout.splitlines()[-1]


def test_what_each_of_them_changes_stands_in_its_place_once() -> None:
    misplaced = [bug.name for bug in BUGS if (ROOT / bug.file).read_text().count(bug.before) != 1]
    assert misplaced == []
    assert len({bug.name for bug in BUGS}) == len(BUGS) >= 25
