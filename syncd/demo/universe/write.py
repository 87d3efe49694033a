"""How the universe reaches the disk: record ids, times as each system prints them, CSV files with fixed columns."""

import csv
import json
import random
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Row = dict[str, str]

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
CHECK = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def salesforce_id(prefix: str, number: int) -> str:
    """The 18 characters of a Salesforce id: key prefix, instance, number in base 62, checksum of the letter case."""
    digits = ""
    while number:
        number, digit = divmod(number, 62)
        digits = BASE62[digit] + digits
    bare = prefix + "Qy00000" + digits.rjust(5, "0")
    return bare + checksum(bare)


def checksum(bare: str) -> str:
    """Three characters: for each block of five, bit k is set where character k is a capital letter."""
    blocks = (bare[start : start + 5] for start in (0, 5, 10))
    return "".join(CHECK[sum(1 << k for k, char in enumerate(block) if "A" <= char <= "Z")] for block in blocks)


class Ids:
    """Hands out record ids, never one twice and in no order: who was first is told by times, not by ids."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._used: set[int] = set()

    def salesforce(self, prefix: str) -> str:
        return salesforce_id(prefix, self._fresh(0, 62**5))

    def hubspot(self, start: int) -> str:
        """`start` is where the numbers of this object type begin."""
        return str(self._fresh(start, start))

    def _fresh(self, start: int, span: int) -> int:
        while (number := start + self._rng.randrange(span)) in self._used:
            pass
        self._used.add(number)
        return number


def sf_time(moment: datetime) -> str:
    """As Salesforce prints it: whole seconds, `+0000`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def hs_time(moment: datetime) -> str:
    """As HubSpot prints it: milliseconds, `Z`."""
    moment = moment.astimezone(UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def table(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> int:
    """Writes the rows and returns their number; a value missing from a row is empty, an unknown one is an error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow(row)
            count += 1
    return count


def document(path: Path, content: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
