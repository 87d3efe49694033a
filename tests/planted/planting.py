"""Plants one bug in a copy of the program and runs the tests that must find it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_LINKED = ("tests", "config", "docs", "pyproject.toml", "README.md", "bench", "Makefile")


@dataclass(frozen=True, slots=True)
class Bug:
    """One guard taken out: `before` stands once in `file` and becomes `after`; `tests` are those that must fail."""

    name: str
    file: str
    before: str
    after: str
    tests: str


def plant(bug: Bug, folder: Path) -> Path:
    """A copy of the program with the bug in it, all else linked. Raises AssertionError when it has no place."""
    shutil.copytree(ROOT / "syncd", folder / "syncd", symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    for name in _LINKED:
        (folder / name).symlink_to(ROOT / name)
    path = folder / bug.file
    text = path.read_text()
    assert text.count(bug.before) == 1, f"{bug.name}: {bug.file} has the line {text.count(bug.before)} times"
    path.write_text(text.replace(bug.before, bug.after))
    return folder


def run(tests: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run some tests on the program in a folder."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-x",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:randomly",
        *tests.split(),
    ]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    environment |= {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=280, check=False
    )
