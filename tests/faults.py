"""Which test holds each known fault of reading and writing: gathered from docstrings that begin with its number.

python -m tests.faults      writes docs/faults.md anew
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/faults.md"
_IDS = re.compile(r"^\s*((?:[FT]\d\d(?:,\s*)?)+)\.")

FAULTS = {
    "F01": "records with the stamp of the watermark are skipped",
    "F02": "a record becomes visible after the watermark passed its stamp",
    "F03": "records with one creation stamp are missing, without an error",
    "F04": "one record's changes never come until everything is read again",
    "F05": "the watermark is taken at the end of the run",
    "F06": "a record changed while pages are read lifts the watermark over unread ones",
    "F07": "more records with one stamp than a page holds: an endless loop",
    "F08": "a hidden start date leaves old records out",
    "F09": "half of the records are gone and nothing says so",
    "F10": "a query that timed out counts as success",
    "F11": "paging ends early and nothing says so",
    "F12": "the cursor of a query expires",
    "F13": "more is said to come, but no address of it",
    "F14": "formulas and roll-ups change without moving the stamp",
    "F15": "a plain-looking field follows from the time",
    "F16": "deletions are missed",
    "F17": "a merge: the loser vanishes, links point to it",
    "F18": "the log of deletions was purged",
    "F19": "the proved watermark stands still for hours",
    "F20": "the stamp moves without a visible change",
    "F21": "a new field is left out until a restart",
    "F22": "a field or a right on it goes: the object cannot be read",
    "F23": "the token expires during a long read",
    "F24": "threads garble the token",
    "F25": "refused, renewed, refused again: without end",
    "F26": "a call hangs because nothing ends it",
    "F27": "a reset connection is not tried again",
    "F28": "the day's calls are used up in the middle",
    "F29": "the customer's other integrations starve",
    "F30": "the day's bulk jobs are used up",
    "F31": "a bulk job on the wrong object: no rows, no error",
    "F32": "one failed part of a bulk job is swallowed",
    "F33": "CSV: a letter cut in two, NUL, a line feed in a cell, another encoding",
    "F34": "an event stream's place expires and nobody notices for days",
    "F35": "ids that differ by case alone, or have 15 characters",
    "F36": "fewer rows because of the integration user's rights",
    "F37": "the watermark is in local time",
    "F38": "search ends at 10,000 results",
    "F39": "more than 10,000 records with one stamp: an endless loop",
    "F40": "endpoints for recent records are capped",
    "F41": "the search index does not show a record yet",
    "F42": "results come out of order",
    "F43": "a record newer than the window comes inside it",
    "F44": "archived records never come through search",
    "F45": "a merge mints a new id; old ones are stale or forgotten",
    "F46": "a cleared property lives on",
    "F47": "too many properties for one address: refused, or cut in silence",
    "F48": "contacts have another modification property",
    "F49": "a token of thirty minutes dies in the middle",
    "F50": "a storm of 429, and waits that are too short",
    "F51": "trying again for ever, never an error",
    "F52": "the list leaves out what a read by id returns",
    "F53": "the last record of a run comes again with each run",
    "F54": "what is kept to tell doubles apart grows without end",
    "F55": "a first load of days never completes",
    "F56": "seconds where milliseconds are meant",
    "F57": "associations stop coming and nothing says so",
    "F58": "a write that timed out had arrived: tried again, it doubles",
    "F59": "an error is returned and the record is there all the same",
    "F60": "a row is locked",
    "F61": "refused rows carry no id",
    "F62": "one bad row rejects its whole batch",
    "F63": "a partial answer is taken for success, or for failure",
    "F64": "already there: the whole batch is given up",
    "F65": "a success that holds no results",
    "F66": "null does not clear, or a default wipes",
    "F67": "our own write comes back as somebody's change, for ever",
    "F68": "a flag against echoes suppresses a write that was due",
    "F69": "an inactive owner is tried for ever",
    "F70": "a person's change of the same moment is overwritten",
    "F71": "a bulk job stays open after a timeout",
    "F72": "the state moves on although the work failed",
    "F73": "an empty text becomes 0",
}

NOT_OURS = {
    "F34": "syncd reads no event streams; freshness is measured, not assumed.",
}
"""Faults that cannot happen, with why."""


def held_by() -> dict[str, list[str]]:
    """The tests that hold each fault, as path::name."""
    found: dict[str, list[str]] = {number: [] for number in FAULTS}
    for path in sorted((ROOT / "tests").rglob("*.py")):
        for name, text in _documented(ast.parse(path.read_text())):
            if ids := _IDS.match(text):
                for number in re.findall(r"F\d\d", ids[1]):
                    found.setdefault(number, []).append(f"{path.relative_to(ROOT)}::{name}")
    return found


def _documented(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node.name, ast.get_docstring(node) or ""


def page() -> str:
    """docs/faults.md."""
    lines = [
        "# Known faults of reading and writing, and the tests that hold them",
        "",
        "What has gone wrong in other tools that move records between CRMs, each with the tests that keep it from",
        "going wrong here. The page is made from the tests: `python -m tests.faults`.",
        "",
        "| | fault | held by |",
        "|---|---|---|",
    ]
    for number, tests in sorted(held_by().items()):
        held = "<br>".join(f"`{test}`" for test in tests) or NOT_OURS[number]
        lines.append(f"| {number} | {FAULTS[number]} | {held} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())
