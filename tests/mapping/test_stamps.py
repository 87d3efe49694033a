"""What syncd writes is read back as what it wanted, in both CRMs, and nothing is written that is there already."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.mapping import Mapping, MappingFile, StreamMapping
from syncd.model import STAMP_FIELDS, StampType, Stream, WriteGroup
from syncd.settings import parse_yaml, validate

ACCOUNT_STAMPS = [stamp for stamp in STAMP_FIELDS if "accounts" in stamp.objects]
MAP = (
    "streams:\n  accounts:\n    object: Account\n    fields: {name: Name}\n    owner: Owner__c\n    stamps:\n"
    + "".join(f"      {stamp.name}: S_{stamp.name}__c\n" for stamp in ACCOUNT_STAMPS)
)
UNTIL = datetime(2026, 5, 6, 11, 56, 44, tzinfo=UTC)


def compiled(kind: str, text: str = MAP) -> StreamMapping:
    file, problems = validate(parse_yaml(text, "map.yaml"), MappingFile)
    assert file is not None, problems
    return Mapping.compile(file, kind).streams[Stream.ACCOUNTS]


BOTH = {kind: compiled(kind) for kind in ("salesforce", "hubspot")}

clean_text = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp"]), min_size=1)
instants = st.datetimes(  # bounds are naive by its contract
    datetime(1970, 1, 2),  # noqa: DTZ001
    datetime(2199, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=-5))]),
)


def wanted_values() -> st.SearchStrategy[dict[str, Any]]:
    each: dict[str, st.SearchStrategy[Any]] = {}
    for stamp in ACCOUNT_STAMPS:
        if stamp.type is StampType.DATETIME:
            value: st.SearchStrategy[Any] = instants.map(lambda t: t.replace(microsecond=0))
        elif stamp.type is StampType.NUMBER:
            value = st.integers(0, 10_000)
        elif stamp.type is StampType.PICKLIST:
            value = st.sampled_from(stamp.values)
        else:
            limit = stamp.length
            value = clean_text.map(lambda t, n=limit: t.strip()[:n].strip()).filter(bool)
        each[stamp.name] = st.none() | value
    return st.fixed_dictionaries(each)


@given(wanted_values(), st.sampled_from(sorted(BOTH)))
def test_what_is_written_is_read_back_as_what_was_wanted(wanted: dict[str, Any], kind: str) -> None:
    mapping = BOTH[kind]
    native = mapping.stamps_to_native(wanted)
    assert mapping.shown(native) == wanted
    assert mapping.differs(wanted, mapping.shown(native)) == {}
    if kind == "hubspot":
        assert all(isinstance(value, str) for value in native.values())


@given(wanted_values(), wanted_values(), st.sampled_from(sorted(BOTH)))
def test_writing_the_difference_leaves_no_difference(old: dict[str, Any], new: dict[str, Any], kind: str) -> None:
    mapping = BOTH[kind]
    record = mapping.stamps_to_native(old)
    difference = mapping.differs(new, mapping.shown(record))
    record.update(difference)
    assert mapping.differs(new, mapping.shown(record)) == {}
    compared = [stamp.name for stamp in ACCOUNT_STAMPS if stamp.compared]
    assert bool(difference) == any(old[name] != new[name] for name in compared)


@pytest.mark.parametrize(
    ("name", "native", "expected"),
    [
        ("until", "2026-05-06T11:56:44.000+0000", UNTIL),
        ("until", "2026-05-06T11:56:44.000Z", UNTIL),
        ("until", "2026-05-06T11:56:44.999Z", UNTIL),
        ("until", "1778068604000", UNTIL),
        ("until", 1778068604000, UNTIL),
        ("until", "", None),
        ("until", None, None),
        ("until", "never", "never"),
        ("count", "3", 3),
        ("count", "3.0", 3),
        ("count", 3.0, 3),
        ("count", "3.5", Decimal("3.5")),
        ("count", "three", "three"),
        ("count", "NaN", "NaN"),
        ("status", " protected ", "protected"),
        ("partner", "   ", None),
        ("partner", "A\x00B", "AB"),
    ],
)
def test_what_is_shown_is_compared_by_meaning(name: str, native: Any, expected: Any) -> None:
    for mapping in BOTH.values():
        assert mapping.shown({mapping.stamps[name]: native})[name] == expected


def test_both_systems_get_what_they_understand() -> None:
    wanted = {"status": "protected", "until": UNTIL, "count": 2, "contact": None, "partner": "P" * 300}
    assert BOTH["salesforce"].stamps_to_native(wanted) == {
        "S_status__c": "protected",
        "S_until__c": "2026-05-06T11:56:44.000Z",
        "S_count__c": 2,
        "S_contact__c": None,
        "S_partner__c": "P" * 255,
    }
    assert BOTH["hubspot"].stamps_to_native(wanted) == {
        "S_status__c": "protected",
        "S_until__c": "2026-05-06T11:56:44.000Z",
        "S_count__c": "2",
        "S_contact__c": "",
        "S_partner__c": "P" * 255,
    }


def test_as_of_goes_along_but_is_no_reason_to_write() -> None:
    mapping = BOTH["salesforce"]
    wanted = {"status": "protected", "as_of": UNTIL}
    shown = mapping.shown(mapping.stamps_to_native(wanted))
    later = {"status": "protected", "as_of": UNTIL + timedelta(days=1)}
    assert mapping.differs(later, shown) == {}
    assert mapping.differs(later | {"status": "ended"}, shown) == {
        "S_status__c": "ended",
        "S_as_of__c": "2026-05-07T11:56:44.000Z",
    }


def test_what_is_cut_off_is_no_difference() -> None:
    mapping = BOTH["hubspot"]
    wanted = {"contact": "x" * 254 + " and more"}
    assert mapping.differs(wanted, mapping.shown(mapping.stamps_to_native(wanted))) == {}


def test_a_stamp_that_is_not_mapped_is_left_alone() -> None:
    mapping = compiled("salesforce", MAP.replace("      until: S_until__c\n", ""))
    assert mapping.differs({"until": UNTIL, "received_at": UNTIL}, {}) == {}
    assert mapping.stamps_to_native({"until": UNTIL}) == {}


def test_the_owner_is_its_own_group() -> None:
    mapping = BOTH["salesforce"]
    assert "owner" not in mapping.shown({"Owner__c": "005"})
    shown = mapping.shown({"Owner__c": "005"}, WriteGroup.OWNER)
    assert shown == {"owner": "005"}
    assert mapping.differs({"owner": "006"}, shown) == {"Owner__c": "006"}
    assert mapping.differs({"owner": "005"}, shown) == {}
    assert compiled("salesforce", MAP.replace("    owner: Owner__c\n", "")).differs({"owner": "006"}, {}) == {}


def test_a_time_without_a_zone_is_never_written() -> None:
    with pytest.raises(ValueError, match="aware"):
        BOTH["salesforce"].stamps_to_native({"until": datetime(2026, 1, 1)})  # noqa: DTZ001


def test_what_nobody_can_read_can_still_be_compared() -> None:
    mapping = BOTH["hubspot"]
    odd = mapping.shown({"S_until__c": "never", "S_count__c": "NaN"})
    assert mapping.differs(odd, odd) == {}
    assert mapping.differs({"until": None}, odd) == {"S_until__c": ""}
