"""Streams that no rule reads yet are pulled, staged with what they hang on, and kept; removed ones are ignored."""

from __future__ import annotations

from copy import deepcopy
from datetime import timedelta
from typing import Any

import pytest

from syncd.jobs.parents import hangs_on
from syncd.jobs.work import Side
from syncd.model import (
    Activity,
    CanonicalRecord,
    Change,
    Contact,
    Contract,
    Document,
    ExceptionRequest,
    Lead,
    LineItem,
    ListEntry,
    Rate,
    Ref,
    Stage,
    Stream,
    Territory,
)
from syncd.store import graph, records
from syncd.store.tables import record

from .conftest import Make
from .world import CRM_MAPPING, PRM_MAPPING, World, compiled, crm_ref

MORE: dict[str, Any] = {
    "line_items": {"object": "Line", "fields": {"opportunity_id": "Deal", "product": "Product"}},
    "leads": {"object": "Lead", "fields": {"company": "Company", "account_id": "Account", "is_converted": "Done"}},
    "contacts": {"object": "Contact", "fields": {"account_id": "Account", "name": "Name"}},
    "activities": {"object": "Task", "fields": {"account_id": "Account", "happened_at": "Day"}},
    "history": {
        "object": "History",
        "fields": {"record_id": "Deal", "field": "Field", "after": "New", "changed_at": "Day"},
    },
    "territories": {"object": "Territory", "fields": {"name": "Name", "account_id": "Account"}},
    "contracts": {"object": "Contract", "fields": {"account_id": "Account", "status": "Status"}},
    "documents": {"object": "Document", "fields": {"record_id": "Deal", "name": "Name"}},
    "exceptions": {"object": "Exception", "fields": {"record_id": "Deal", "reason": "Why"}},
    "lists": {"object": "List", "fields": {"kind": "Kind", "account_id": "Account"}},
    "stages": {"object": "Stage", "fields": {"key": "Key", "name": "Name", "is_closed": "Done", "is_won": "Done"}},
    "rates": {"object": "Rate", "fields": {"currency": "Code", "rate": "Rate"}},
}
DAY = "2026-11-01T00:00:00+00:00"
SAID = {
    "Deal": "o1", "Account": "a1", "Product": "PLAN", "Company": "Acme", "Name": "A name", "Day": DAY, "Field": "Stage",
    "New": "Won", "Status": "live", "Why": "please", "Kind": "house", "Key": "won", "Done": True, "Code": "EUR",
    "Rate": "0.9",
}  # fmt: skip
PARENT = {
    "line_items": "Opportunity/o1", "leads": "Account/a1", "contacts": "Account/a1", "activities": "Account/a1",
    "history": "Opportunity/o1", "territories": "Account/a1", "contracts": "Account/a1", "documents": "Opportunity/o1",
    "exceptions": "Opportunity/o1", "lists": "Account/a1", "stages": None, "rates": None,
}  # fmt: skip


def whole() -> dict[str, Any]:
    made = deepcopy(CRM_MAPPING)
    made["streams"] |= deepcopy(MORE)
    return made


def test_every_stream_is_pulled_staged_and_kept_with_what_it_hangs_on(make: Make) -> None:
    world = make(crm_mapping=whole())
    world.opportunity("o1")
    for about in MORE.values():
        natives = about["fields"].values()
        world.crm.put(about["object"], "x1", {native: SAID[native] for native in natives})
    report = world.cycle()
    assert report.errors == []
    with world.store.read() as tx:
        staged = graph.get_staged(tx, [crm_ref("x1", about["object"]) for about in MORE.values()])
    found = {item.stream.value: (item.state, item.parent) for item in staged.values()}
    assert found == {
        stream: ("taken", Ref("00D1", *parent.split("/")) if parent else None) for stream, parent in PARENT.items()
    }
    assert (world.cycle().staged, world.cycle().decisions) == (0, 0)


def test_what_no_rule_reads_makes_nothing_be_decided_again(make: Make) -> None:
    world = make(crm_mapping=whole())
    world.deal()
    world.cycle()
    world.crm.put("Task", "t1", {"Account": "a1", "Day": DAY})
    world.crm.put("Contact", "k1", {"Account": "a1", "Name": "Zoë"})
    report = world.cycle()
    assert report.staged == 2
    with world.store.read() as tx:
        assert graph.dirty_organizations(tx) == []


def test_a_stream_that_is_not_mapped_any_more_is_ignored_and_kept(make: Make) -> None:
    world = make(crm_mapping=whole())
    world.crm.put("Task", "t1", {"Account": "a1", "Day": DAY})
    world.cycle()
    world.crm_mapping = CRM_MAPPING
    world.restart()
    assert world.cycle().errors == []
    with world.store.read() as tx:
        assert graph.get_staged(tx, [crm_ref("t1", "Task")]) == {}
        assert [row.ref.id for row in records.of_stream(tx, Stream.ACTIVITIES)] == ["t1"]


def test_a_stream_of_a_newer_syncd_is_ignored(make: Make) -> None:
    world = make()
    world.cycle()
    with world.store.begin() as tx:
        tx.execute(record.update().where(record.c.id == "a2").values(stream="telepathy", change=10_000))
    assert world.cycle().staged == 1
    with world.store.read() as tx:
        assert graph.get_staged(tx, [crm_ref("a2")]) == {}


@pytest.fixture
def side() -> Side:
    streams = {**compiled(CRM_MAPPING, "salesforce").streams}
    streams[Stream.REGISTRATIONS] = compiled(PRM_MAPPING, "hubspot").streams[Stream.REGISTRATIONS]
    return Side(
        "crm", "salesforce", frozenset({"direct"}), None, streams, "syncd", True, "off", True, None, timedelta(0), "u"
    )  # type: ignore[arg-type]


REF = Ref("u", "X", "x1")


@pytest.mark.parametrize(
    ("record", "parent"),
    [
        (LineItem(REF, opportunity_id="o1"), "Opportunity/o1"),
        (Lead(REF, account_id="a1"), "Account/a1"),
        (Lead(REF), None),
        (Contact(REF, account_id="a1"), "Account/a1"),
        (Activity(REF, account_id="a1", opportunity_id="o1"), "Opportunity/o1"),
        (Activity(REF, account_id="a1"), "Account/a1"),
        (Activity(REF, contact_id="k1"), None),
        (Change(REF, record_id="o1"), "Opportunity/o1"),
        (Territory(REF, account_id="a1"), "Account/a1"),
        (Contract(REF, account_id="a1"), "Account/a1"),
        (Document(REF, record_id="r1"), "deals/r1"),
        (ExceptionRequest(REF, record_id="o1"), "Opportunity/o1"),
        (ListEntry(REF, account_id="a1"), "Account/a1"),
        (ListEntry(REF, kind="house"), None),
        (Stage(REF, key="won"), None),
        (Rate(REF, currency="EUR"), None),
    ],
    ids=str,
)
def test_what_a_record_hangs_on(side: Side, record: CanonicalRecord, parent: str | None) -> None:
    assert hangs_on(record, side) == (Ref("u", *parent.split("/")) if parent else None)


def test_a_world_without_any_of_them_is_as_before(world: World) -> None:
    world.deal()
    assert world.cycle().errors == []
    assert world.application() == "approved"
