"""UK employers as two lists describe them years apart, and which are the same (Open Government Licence v3.0)."""

import csv
import gzip
import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources

ATTRIBUTION = "Contains public sector information licensed under the Open Government Licence v3.0."


@dataclass(frozen=True, slots=True)
class Company:
    """One employer as one of the lists has it; only `id`, `name` and `country` are never empty."""

    id: str
    name: str
    website: str
    address: str
    postcode: str
    country: str


@dataclass(frozen=True, slots=True)
class Pair:
    """A left and a right company with the same Companies House number."""

    left: str
    right: str
    name_changed: bool


@cache
def left() -> tuple[Company, ...]:
    """The employers of 2017/18: how partners typed them."""
    return tuple(Company(**row) for row in _rows("left"))


@cache
def right() -> tuple[Company, ...]:
    """The employers of 2021/22: what the vendor's CRM knows."""
    return tuple(Company(**row) for row in _rows("right"))


@cache
def truth() -> tuple[Pair, ...]:
    """The pairs that are the same employer, one to one; everybody else has no counterpart."""
    return tuple(Pair(row["id_left"], row["id_right"], row["name_changed"] == "1") for row in _rows("truth"))


def _rows(name: str) -> Iterator[dict[str, str]]:
    packed = resources.files(__name__).joinpath(f"{name}.csv.gz").read_bytes()
    yield from csv.DictReader(io.StringIO(gzip.decompress(packed).decode("utf-8"), newline=""))
