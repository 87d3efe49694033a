"""Each guard of the lifecycle that was taken out in turn is missed by a test that is named here."""

from __future__ import annotations

from pathlib import Path

import pytest

from .bugs_lifecycle import LIFECYCLE
from .planting import ROOT, Bug, plant, run


@pytest.mark.deep
@pytest.mark.parametrize("bug", LIFECYCLE, ids=lambda bug: bug.name)
def test_a_planted_bug_of_the_lifecycle_is_caught_by_name(bug: Bug, tmp_path: Path) -> None:
    done = run(bug.tests, plant(bug, tmp_path))
    assert done.returncode == 1, f"{bug.tests} did not fail:\n{done.stdout[-3000:]}{done.stderr[-2000:]}"
    assert "failed" in done.stdout.splitlines()[-1]


def test_what_each_bug_of_the_lifecycle_changes_stands_in_its_place_once() -> None:
    misplaced = [bug.name for bug in LIFECYCLE if (ROOT / bug.file).read_text().count(bug.before) != 1]
    assert misplaced == []


def test_the_list_of_the_lifecycle_is_long_and_names_each_bug_once() -> None:
    assert len(LIFECYCLE) >= 30
    assert len({bug.name for bug in LIFECYCLE}) == len(LIFECYCLE)
