"""What a mapping leaves out: records on which nothing is written, and syncd's own record of its heartbeat."""

from __future__ import annotations

from typing import Any

import pytest

from syncd.mapping import Mapping, MappingFile
from syncd.model import Ref, Stream, WriteGroup

FILE: dict[str, Any] = {
    "streams": {
        "accounts": {
            "object": "companies",
            "fields": {"name": "name"},
            "stamps": {"status": "syncd_status"},
            "owner": "channel_owner",
            "stamp_where": {"region": ["EMEA", "APAC"], "kind": ["customer"]},
            "owner_where": {"hubspot_team_id": [7, ""]},
        }
    }
}


def mapping(file: dict[str, Any] = FILE) -> Any:
    return Mapping.compile(MappingFile.model_validate(file), "hubspot").streams[Stream.ACCOUNTS]


@pytest.mark.parametrize(
    ("fields", "group", "reason"),
    [
        ({"region": "EMEA", "kind": "customer"}, WriteGroup.STAMP, ""),
        ({"region": "APAC", "kind": "customer"}, WriteGroup.STAMP, ""),
        ({"region": "EMEA", "kind": "prospect"}, WriteGroup.STAMP, "kind to be customer, and it is prospect"),
        ({"region": "AMER", "kind": "customer"}, WriteGroup.STAMP, "region to be EMEA or APAC, and it is AMER"),
        ({"region": None, "kind": "customer"}, WriteGroup.STAMP, "region to be EMEA or APAC, and it is empty"),
        ({"hubspot_team_id": "7"}, WriteGroup.OWNER, ""),
        ({"hubspot_team_id": None}, WriteGroup.OWNER, ""),
        ({"hubspot_team_id": "8"}, WriteGroup.OWNER, "hubspot_team_id to be 7 or empty, and it is 8"),
    ],
)
def test_a_record_is_written_only_where_every_field_says_so(
    fields: dict[str, Any], group: WriteGroup, reason: str
) -> None:
    said = mapping().outside(fields, group)
    assert said.endswith(reason)
    assert bool(said) is bool(reason)


def test_what_narrows_is_read_and_a_mapping_without_it_is_as_before() -> None:
    assert {"region", "kind", "hubspot_team_id"} <= set(mapping().read_spec().fields)
    plain = {n: v for n, v in FILE["streams"]["accounts"].items() if not n.endswith("_where")}
    wide = mapping({"streams": {"accounts": plain}})
    assert wide.outside({"region": "AMER"}, WriteGroup.STAMP) == ""
    assert wide.version != mapping().version


def test_the_record_of_the_heartbeat_is_no_company() -> None:
    without = mapping().keeping_out("42")
    assert without.to_canonical(Ref("hubspot-1", "companies", "42"), {"name": "syncd heartbeat"}).record is None
    assert without.to_canonical(Ref("hubspot-1", "companies", "43"), {"name": "Acme"}).record is not None
    assert without.version != mapping().version, "what was staged before is staged again"
