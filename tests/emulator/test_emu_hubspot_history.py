"""Who wrote what: sources of property histories, imports, workflows, and values that HubSpot computes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import requests

from syncd.emulator import EmulatorRefusal

from .conftest import Served

BIG = "9007199254740993"
MINUTE = timedelta(minutes=1)


def sources(served: Served, id_: str, name: str, kind: str = "companies") -> list[tuple[str, str, str | None]]:
    """Value, source type and source id of a property, newest first, as the API shows them."""
    body = {"inputs": [{"id": id_}], "propertiesWithHistory": [name]}
    (one,) = served.hs.post(f"{kind}/batch/read", body).json()["results"]
    return [(e["value"], e["sourceType"], e.get("sourceId")) for e in one["propertiesWithHistory"][name]]


def write(served: Served, headers: dict[str, str] | None = None, id_: str = "101", **properties: str) -> Any:
    return served.hs.patch(f"companies/{id_}", {"properties": properties}, headers=headers)


def test_hs_sources_of_history(fresh: Served) -> None:
    hub, endpoint = fresh.emu.hubspot, fresh.endpoints["hubspot"]
    hub.edit("companies", "101", {"level": "gold"}, user="11")
    hub.import_records("companies", [{"hs_object_id": "101", "level": "silver"}])
    write(fresh, level="gold")
    form = {"grant_type": "refresh_token", "refresh_token": endpoint["refresh_token"],
            "client_id": endpoint["client_id"], "client_secret": endpoint["client_secret"]}  # fmt: skip
    token = requests.post(f"{endpoint['base_url']}/oauth/v1/token", data=form, timeout=20).json()["access_token"]
    write(fresh, {"Authorization": f"Bearer {token}"}, level="silver")
    found = sources(fresh, "101", "level")
    assert [(value, source) for value, source, _ in found] == [
        ("silver", "INTEGRATION"), ("gold", "INTEGRATION"), ("silver", "IMPORT"), ("gold", "CRM_UI"),
    ]  # fmt: skip
    assert found[1][2] == endpoint["app_id"]
    assert found[0][2] not in (None, endpoint["app_id"])  # another app
    assert found[3][2] == "userId:911"


def test_imports_update_by_a_unique_property_and_create_the_rest(fresh: Served) -> None:
    ids = fresh.emu.hubspot.import_records("companies", [{"ref": "C-1", "name": "By ref"}, {"ref": "n-1"}], by="ref")
    assert ids[0] == "101"
    assert fresh.hs.get("companies/101").json()["properties"]["name"] == "By ref"
    assert sources(fresh, ids[1], "ref") == [("n-1", "IMPORT", "importId:1")]
    assert len(fresh.emu.hubspot.rows("companies")) == 4


def test_hs_workflow_writes_after_the_app(fresh: Served) -> None:
    hub = fresh.emu.hubspot
    number = hub.add_workflow("companies", {"level": "silver"}, watched=["level"], seconds=60)
    write(fresh, level="gold")
    assert fresh.hs.get("companies/101?properties=level").json()["properties"]["level"] == "gold"
    fresh.clock.advance(MINUTE + timedelta(seconds=5))
    after = fresh.hs.get("companies/101?properties=level").json()
    assert after["properties"]["level"] == "silver"
    assert after["updatedAt"] == "2026-11-23T09:01:00.000Z"  # when it was due, not when somebody looked
    assert sources(fresh, "101", "level")[0] == ("silver", "AUTOMATION", f"workflowId:{number}")
    assert [(one.after, one.by, one.request is None) for one in fresh.emu.changes] == [
        ("gold", "integration", False), ("silver", "workflow 1", True),
    ]  # fmt: skip
    write(fresh, name="not watched")
    fresh.clock.advance(MINUTE)
    write(fresh, level="gold")
    fresh.clock.advance(MINUTE)
    assert fresh.hs.get("companies/101?properties=level").json()["properties"]["level"] == "silver"
    assert fresh.emu.redundant_writes == 0


def test_a_workflow_starts_for_apps_and_the_records_it_is_for(fresh: Served) -> None:
    hub = fresh.emu.hubspot
    hub.add_workflow("companies", {"description": "touched"}, where={"industry": "RETAIL"})
    hub.edit("companies", "103", {"phone": "1"})
    write(fresh, id_="101", phone="1")
    assert [row["description"] for row in hub.rows("companies")] == [None, None, None]
    write(fresh, id_="103", phone="2")
    assert [row["description"] for row in hub.rows("companies")] == [None, None, "touched"]
    hub.clear_workflows()
    write(fresh, id_="103", description="mine")
    assert hub.rows("companies")[2]["description"] == "mine"


def test_a_workflow_does_not_start_itself_and_survives_its_record(fresh: Served) -> None:
    hub = fresh.emu.hubspot
    hub.add_workflow("companies", {"phone": "0"}, seconds=10)
    write(fresh, id_="101", name="a")
    write(fresh, id_="102", name="b")
    hub.archive("companies", "101")
    survivor = hub.merge("companies", "103", "102")
    fresh.clock.advance(MINUTE)
    rows = {row["hs_object_id"]: row["phone"] for row in hub.rows("companies")}
    assert rows == {"101": None, survivor: "0"}
    with pytest.raises(EmulatorRefusal, match="there is no nonsense"):
        hub.add_workflow("companies", {"nonsense": "x"})


def test_who_created_and_updated_is_noted_beside(fresh: Served) -> None:
    id_ = fresh.emu.hubspot.insert("deals", {"dealname": "N", "hubspot_owner_id": "11"}, user="11")
    names = "hs_object_source,hs_created_by_user_id,hs_updated_by_user_id,hubspot_owner_assigneddate,hubspot_team_id"
    values = fresh.hs.get(f"deals/{id_}?properties={names}").json()["properties"]
    assert (values["hs_object_source"], values["hs_created_by_user_id"]) == ("CRM_UI", "911")
    assert values["hubspot_owner_assigneddate"] == "2026-11-23T09:00:00.000Z"
    assert values["hubspot_team_id"] is None
    app = fresh.hs.post("deals", {"properties": {"dealname": "A"}}).json()["id"]
    assert fresh.hs.get(f"deals/{app}?properties={names}").json()["properties"]["hs_object_source"] == "INTEGRATION"


def test_hs_rates_make_deals_change_by_themselves(fresh: Served) -> None:
    hub = fresh.emu.hubspot

    def shown() -> tuple[str | None, str]:
        one = fresh.hs.get("deals/302?properties=amount_in_home_currency").json()
        return one["properties"]["amount_in_home_currency"], one["updatedAt"]

    before = shown()[1]
    hub.set_rate("EUR", "1.25")
    fresh.clock.advance(MINUTE)
    assert fresh.hs.patch("deals/302", {"properties": {"deal_currency_code": "EUR"}}).status_code == 200
    assert shown() == ("6250", "2026-11-23T09:01:00.000Z")
    fresh.clock.advance(MINUTE)
    hub.set_rate("EUR", "1.1")
    assert shown() == ("5500", "2026-11-23T09:02:00.000Z")  # nobody touched the deal
    assert before < shown()[1]
    assert sources(fresh, "302", "amount_in_home_currency", "deals")[0] == ("5500", "CALCULATED", None)
    refused = fresh.hs.patch("deals/302", {"properties": {"amount_in_home_currency": "1"}})
    assert '"error":"READ_ONLY_VALUE"' in refused.json()["message"]
