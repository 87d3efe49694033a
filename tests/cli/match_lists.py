"""What the tests of `match` share: files from the generated universe, written and read."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from bench.universe import accounts, registrations

COLUMNS = ("id", "name", "legal name", "website", "email", "phone", "street", "city", "postcode", "country", "vat")

Three = tuple[str, str, str]


def as_csv(path: Path, columns: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """Write a table; returns its path."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8")
    return str(path)


def table(path: str | Path) -> list[dict[str, str]]:
    """The rows of a table."""
    with Path(path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def generated(folder: Path, seed: int, ours: int, filed: int, more: tuple[tuple[str, ...], ...] = ()) -> Three:
    """LEFT.csv, RIGHT.csv and TRUTH.csv in a folder; `more` are further rows (side, id, name)."""
    direct, theirs = list(accounts(seed, ours)), list(registrations(seed, filed, ours))
    of_company: dict[int, list[str]] = {}
    for row in direct:
        of_company.setdefault(row.company, []).append(row.id)
    truth = [(row.id, meant) for row in theirs for meant in of_company.get(row.company, ())]
    extra = {side: [(id_, name, *[""] * (len(COLUMNS) - 2)) for s, id_, name in more if s == side] for side in "LR"}
    return (
        as_csv(folder / "LEFT.csv", COLUMNS, [*(row.fields for row in theirs), *extra["L"]]),
        as_csv(folder / "RIGHT.csv", COLUMNS, [*(row.fields for row in direct), *extra["R"]]),
        as_csv(folder / "TRUTH.csv", ("id_left", "id_right"), truth),
    )
