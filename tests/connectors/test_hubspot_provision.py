"""Provisioning a HubSpot portal: what is missing is made once, and nothing at all while anything is unfit."""

from __future__ import annotations

import json
from typing import Any
from urllib.request import Request, urlopen

import pytest

from syncd.connectors.credentials import StaticToken
from syncd.connectors.hubspot.provision import HEARTBEAT_NAME
from syncd.errors import Retry, Stop
from syncd.model import FieldWanted, Fit, HeartbeatWanted, Provisioned, StampType

from .worlds_hubspot import HubSpotWorld, hubspot_world

STATUS = FieldWanted("deals", "syncd_status", StampType.PICKLIST, "syncd status", "State.", values=("pending", "ended"))
UNTIL = FieldWanted("deals", "syncd_until", StampType.DATETIME, "syncd until", "End.")
PARTNER = FieldWanted("deals", "syncd_partner", StampType.TEXT, "syncd partner", "Who.", 255)
COUNT = FieldWanted("companies", "syncd_count", StampType.NUMBER, "syncd count", "How many.")
WANTED = (STATUS, UNTIL, PARTNER, COUNT)
NOT_YET = HeartbeatWanted()


def provision(portal: HubSpotWorld, *wanted: FieldWanted, make: bool = True, **about: Any) -> Provisioned:
    return portal.connector(**about).provision(wanted or WANTED, NOT_YET, make)


def definitions(portal: HubSpotWorld, object_: str = "deals") -> dict[str, dict[str, Any]]:
    """Every property as the portal tells of it."""
    url = f"{portal.endpoint['base_url']}/crm/properties/2026-09/{object_}"
    asked = Request(url, headers={"Authorization": f"Bearer {portal.endpoint['access_token']}"})
    with urlopen(asked, timeout=10) as answer:
        told = json.load(answer)["results"]
    return {
        p["name"]: {
            "type": p["type"],
            "group": p["groupName"],
            "options": [o["value"] for o in p["options"]],
            "labels": [o["label"] for o in p["options"]],
        }
        for p in told
    }


def changes(portal: HubSpotWorld) -> list[str]:
    """What was asked for since, reading and empty questions aside."""
    asked = [(r.method, r.path) for r in portal.emulator.requests[portal.before :]]
    return [f"{m} {p}" for m, p in asked if m != "GET" and not p.endswith("batch/read")]


@pytest.mark.parametrize(
    "version",
    [pytest.param(v, marks=pytest.mark.counts if v != "2026-09" else ()) for v in ("v3", "2026-03", "2026-09")],
)
def test_a_second_run_makes_no_change(version: str) -> None:
    with hubspot_world(version) as portal:
        portal.emulator.hubspot.archive_property("companies", portal.key)
        assert provision(portal).having(Fit.CONFLICT), "an archived property of that name is restored by hand"
        portal.emulator.hubspot.archive_property("companies", portal.key, archived=False)
        first = provision(portal)
        assert {p.name for p in first.having(Fit.MADE)} == {
            "syncd_status", "syncd_until", "syncd_partner", "syncd_count", "syncd_last_seen", "syncd", HEARTBEAT_NAME,
        }  # fmt: skip
        made = definitions(portal)
        choice = {"options": ["pending", "ended"], "labels": ["Pending", "Ended"]}
        assert made["syncd_status"] == {"type": "enumeration", "group": "syncd", **choice}
        assert (made["syncd_until"]["type"], made["syncd_partner"]["type"]) == ("datetime", "string")
        before, portal.before = portal.emulator.hubspot.rows("companies"), len(portal.emulator.requests)
        second = provision(portal)
        assert {p.fit for p in second.parts} == {Fit.FITS}
        assert second.heartbeat == first.heartbeat != NOT_YET
        assert changes(portal) == []
        assert (definitions(portal), portal.emulator.hubspot.rows("companies")) == (made, before)
        assert [row["name"] for row in before] == [HEARTBEAT_NAME]


def test_what_is_unfit_is_listed_whole_and_nothing_is_made(portal: HubSpotWorld) -> None:
    hubspot = portal.emulator.hubspot
    hubspot.add_property("deals", {"name": "syncd_until", "type": "number", "fieldType": "number"})
    hubspot.add_property("deals", {"name": "syncd_partner", "hasUniqueValue": True})
    hubspot.add_property("deals", {"name": "syncd_status", "type": "enumeration", "fieldType": "select",
                                   "options": [{"label": "Mine", "value": "mine"}]})  # fmt: skip
    hubspot.add_property("companies", {"name": "syncd_count"})
    hubspot.archive_property("companies", "syncd_count")
    before = definitions(portal), definitions(portal, "companies")
    found = provision(portal)
    said = [part.said for part in found.having(Fit.CONFLICT)]
    assert len(said) == 3
    assert any("deals.syncd_until is of type number" in sentence for sentence in said)
    assert any("deals.syncd_partner must be different on each record" in sentence for sentence in said)
    assert any("companies.syncd_count is archived. Restore it" in sentence for sentence in said)
    assert found.having(Fit.MISSING)
    assert not found.having(Fit.MADE)
    assert (definitions(portal), definitions(portal, "companies")) == before
    assert hubspot.rows("companies") == []


def test_options_are_added_and_none_is_taken_away(portal: HubSpotWorld) -> None:
    mine = [{"label": "ended", "value": "mine"}, {"label": "P", "value": "pending"}]
    portal.emulator.hubspot.add_property(
        "deals", {"name": "syncd_status", "type": "enumeration", "fieldType": "select", "options": mine}
    )
    assert {p.what for p in provision(portal, STATUS).having(Fit.MADE)} == {"field", "options", "group", "record"}
    shown = definitions(portal)["syncd_status"]
    assert shown["options"] == ["mine", "pending", "ended"]
    assert shown["labels"] == ["ended", "P", "Ended (syncd)"]


@pytest.mark.counts
def test_a_stamp_may_be_shown_in_a_text_of_ones_own(portal: HubSpotWorld) -> None:
    portal.emulator.hubspot.add_property("deals", {"name": "syncd_status"})
    assert not provision(portal, STATUS, make=False).having(Fit.CONFLICT)


def test_too_few_free_slots_are_told_before_anything_is_made(portal: HubSpotWorld) -> None:
    portal.emulator.hubspot.set_slots(10, 2)
    found = provision(portal)
    assert "deals has room for 2 more properties, and 3 are needed" in found.having(Fit.CONFLICT)[0].said
    assert "syncd_until" not in definitions(portal)


def test_a_right_that_is_missing_is_named_and_nothing_is_made(portal: HubSpotWorld) -> None:
    scopes = ["crm.schemas.deals.read", "crm.schemas.companies.read", "crm.schemas.companies.write",
              "crm.objects.companies.read", "crm.objects.companies.write"]  # fmt: skip
    token = portal.emulator.hubspot.add_token("app", scopes)
    found = provision(portal, credentials=StaticToken(token))
    (left,) = found.having(Fit.BY_HAND)
    assert "crm.schemas.deals.write" in left.said or "crm.objects.deals.write" in left.said
    assert "syncd_count" not in definitions(portal, "companies")


@pytest.mark.counts
def test_looking_makes_nothing(portal: HubSpotWorld) -> None:
    before = definitions(portal)
    assert provision(portal, make=False).having(Fit.MISSING)
    assert definitions(portal) == before


def test_a_lost_answer_leads_to_no_second_company(portal: HubSpotWorld) -> None:
    portal.emulator.fail("hubspot", "apply_then_drop", path_prefix="/crm/objects/2026-09/companies/batch/upsert")
    with pytest.raises(Retry):
        provision(portal)
    again = provision(portal)
    assert [row["name"] for row in portal.emulator.hubspot.rows("companies")] == [HEARTBEAT_NAME]
    assert again.heartbeat is not None


@pytest.mark.counts
def test_a_heartbeat_that_names_no_record_is_told(portal: HubSpotWorld) -> None:
    beat = HeartbeatWanted("companies", "syncd_last_seen", portal.absent_id)
    found = portal.connector().provision(WANTED, beat, True)
    assert [part.what for part in found.having(Fit.BY_HAND)] == ["record"]


def test_a_connection_that_is_read_only_is_looked_at(portal: HubSpotWorld) -> None:
    from syncd.connectors.wrappers import ReadOnly

    guarded = ReadOnly(portal.connector())
    assert guarded.provision(WANTED, NOT_YET, False).having(Fit.MISSING)
    with pytest.raises(Stop):
        guarded.provision(WANTED, NOT_YET, True)
