"""Small things in which two systems write the same in different ways."""

from __future__ import annotations

import pytest

from syncd.mapping import Mapping, MappingFile
from syncd.model import FiledStatus, Ref, Registration, Stream
from syncd.settings import parse_yaml, validate

MAP = """\
streams:
  accounts:
    object: companies
    fields: {name: name}
    stamps: {count: syncd_count}
  registrations:
    object: filings
    fields: {partner_id: partner, status: {field: stage, values: {New: submitted, Done: approved}}}
    company: {name: firm}
"""


@pytest.fixture(scope="module")
def compiled() -> Mapping:
    file, problems = validate(parse_yaml(MAP, "map.yaml"), MappingFile)
    assert file is not None, problems
    return Mapping.compile(file, "hubspot")


@pytest.mark.parametrize("stage", ["New", "NEW", "new", " nEw "])
def test_a_value_map_knows_a_value_in_any_case(compiled: Mapping, stage: str) -> None:
    found = compiled.streams[Stream.REGISTRATIONS].to_canonical(Ref("p", "filings", "1"), {"stage": stage, "firm": "A"})
    assert isinstance(found.record, Registration)
    assert (found.record.status, found.problems) == (FiledStatus.SUBMITTED, ())


def test_an_empty_number_that_hubspot_shows_is_no_difference_from_none(compiled: Mapping) -> None:
    """F46, F66."""
    accounts = compiled.streams[Stream.ACCOUNTS]
    shown = accounts.shown({"syncd_count": ""})
    assert shown == {"count": None}
    assert accounts.differs({"count": None}, shown) == {}
