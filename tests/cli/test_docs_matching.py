"""Every command in docs/matching.md works as it is written there, and the helps list the exit codes."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from syncd.cli.main import run
from tests.cli.match_lists import generated

PAGE = Path(__file__).parents[2] / "docs" / "matching.md"
ABOUT_THE_STATE = ("syncd match links",)  # tried in test_match.py on a state database
NAMED = (("L", "L1", "Acme"), ("L", "L2", "Zephyr"), ("R", "R1", "Acme Ltd"), ("R", "R2", "Boreas"))


def commands() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    lines = [line.split("  #")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line.startswith("syncd ")]


def test_the_commands_of_the_page_run_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    generated(tmp_path, 6, 300, 90, NAMED)
    asked = [line for line in commands() if not line.startswith(ABOUT_THE_STATE)]
    assert len(asked) >= 8
    for line in asked:
        assert run(shlex.split(line)[1:]) == 0, (line, capsys.readouterr().err)
    made = {path.name for path in tmp_path.iterdir()}
    assert {"LINKS.csv", "REPORT.html", "ANSWERS.csv", "points.csv", "adapted.csv", "LINKS2.csv"} <= made


@pytest.mark.parametrize("command", ["", "files", "evaluate", "explain", "review", "train", "adapt", "links"])
def test_helps_list_the_exit_codes(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["match", *([command] if command else []), "--help"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "Exit codes: 0 done; 1 failed; 2 wrong usage or configuration; 3 done" in told
