"""What an admin sets up: owners and teams, pipelines, properties, labels, custom types, currencies, and limits."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import requests

from syncd.emulator import Emulator, EmulatorClock, EmulatorDataError, EmulatorRefusal

from .conftest import Served

BIG = "9007199254740993"
DEALS, PROPERTIES = "/crm/pipelines/2026-09/deals", "/crm/properties/2026-09/companies"


def errors(answer: requests.Response) -> str:
    """The message of a refusal, or an empty text."""
    return str(answer.json()["message"]) if answer.status_code >= 400 else ""


# --- owners


def test_hs_deactivated_owners_keep_their_records(fresh: Served) -> None:
    hub = fresh.emu.hubspot
    hub.set_owner_archived("11")
    assert fresh.hs.get("/crm/owners/2026-09").json()["results"] == []
    gone = fresh.hs.get("/crm/owners/2026-09?archived=true").json()["results"][0]
    assert (gone["id"], gone["userId"], gone["userIdIncludingInactive"]) == ("11", None, 911)
    assert gone["updatedAt"] == "2026-11-23T09:00:00.000Z"
    assert fresh.hs.get("/crm/owners/2026-09/11").status_code == 404
    assert fresh.hs.get("/crm/owners/2026-09/11?archived=true").status_code == 200
    assert fresh.hs.get(f"deals/{BIG}?properties=hubspot_owner_id").json()["properties"]["hubspot_owner_id"] == "11"
    assert "INVALID_OWNER_ID" in errors(fresh.hs.patch("deals/302", {"properties": {"hubspot_owner_id": "11"}}))
    hub.set_owner_archived("11", False)
    assert fresh.hs.patch("deals/302", {"properties": {"hubspot_owner_id": "11"}}).status_code == 200


def test_hs_queues_are_owners_and_users_have_teams(fresh: Served) -> None:
    hub = fresh.emu.hubspot
    user = hub.add_owner("nora@example.com", "Nora", "New", teams=["West", "Key accounts"])
    queue = hub.add_owner("", "Inbound", queue=True)
    found = {one["id"]: one for one in fresh.hs.get("/crm/owners/2026-09").json()["results"]}
    assert [(one["name"], one["primary"]) for one in found[user]["teams"]] == [("West", True), ("Key accounts", False)]
    assert (found[queue]["type"], found[queue]["userId"], found[user]["type"]) == ("QUEUE", None, "PERSON")
    for owner in (user, queue):
        assert fresh.hs.patch("deals/302", {"properties": {"hubspot_owner_id": owner}}).status_code == 200
    fresh.hs.patch("deals/302", {"properties": {"hubspot_owner_id": user}})
    team = fresh.hs.get("deals/302?properties=hubspot_team_id").json()["properties"]["hubspot_team_id"]
    assert team == found[user]["teams"][0]["id"]
    with pytest.raises(EmulatorRefusal, match="no owner '99'"):
        hub.set_owner_archived("99")


def test_owner_pages_follow_the_last_id(fresh: Served) -> None:
    for number in range(4):
        fresh.emu.hubspot.add_owner(f"o{number}@example.com")
    first = fresh.hs.get("/crm/owners/2026-09?limit=3").json()
    after = first["paging"]["next"]["after"]
    second = fresh.hs.get(f"/crm/owners/2026-09?limit=3&after={after}").json()
    assert len(first["results"]) + len(second["results"]) == 5
    assert "paging" not in second
    assert fresh.hs.get("/crm/owners/2026-09?after=x").status_code == 400


# --- pipelines


def test_hs_pipelines_can_be_edited(fresh: Served) -> None:
    stages = [{"label": "Filed", "displayOrder": 0, "metadata": {"probability": "0.1"}},
              {"label": "Sold", "displayOrder": 1, "metadata": {"probability": "1.0"}}]  # fmt: skip
    made = fresh.hs.post(DEALS, {"label": "Partner", "displayOrder": 1, "stages": stages})
    assert made.status_code == 201
    pipeline, (filed, sold) = made.json()["id"], [one["id"] for one in made.json()["stages"]]
    body = {"properties": {"dealname": "N", "pipeline": pipeline, "dealstage": sold}}
    deal = fresh.hs.post("deals", body).json()["id"]
    values = fresh.hs.get(f"deals/{deal}?properties=hs_is_closed_won").json()["properties"]
    assert values["hs_is_closed_won"] == "true"
    assert "INVALID_OPTION" in errors(fresh.hs.patch(f"deals/{deal}", {"properties": {"dealstage": "closedwon"}}))
    options = fresh.hs.get("/crm/properties/2026-09/deals/dealstage").json()["options"]
    assert filed in [one["value"] for one in options]
    renamed = fresh.hs.patch(f"{DEALS}/{pipeline}/stages/{filed}", {"label": "Submitted", "metadata": {}})
    assert (renamed.json()["label"], renamed.json()["metadata"]["probability"]) == ("Submitted", "0.1")
    assert fresh.hs("DELETE", f"{DEALS}/{pipeline}?validateReferencesBeforeDelete=true").status_code == 400
    assert fresh.hs("DELETE", f"{DEALS}/{pipeline}").status_code == 204
    assert fresh.hs.get(f"{DEALS}/{pipeline}").status_code == 404
    audit = fresh.hs.get(f"{DEALS}/{pipeline}/audit").json()["results"]
    assert [one["action"] for one in audit] == ["DELETE", "CREATE"]
    assert fresh.hs.post(DEALS, {"label": "X", "stages": [{"label": "S", "metadata": {}}]}).status_code == 400
    assert fresh.hs.post(DEALS, {"label": "Sales Pipeline", "stages": []}).status_code == 400


def test_hs_stage_in_use_is_not_removed(fresh: Served) -> None:
    path = f"{DEALS}/default/stages"
    answer = fresh.hs("DELETE", f"{path}/contractsent")
    assert (answer.status_code, answer.json()["subCategory"]) == (400, "PipelineError.STAGE_ID_IN_USE")
    assert fresh.hs("DELETE", f"{path}/qualifiedtobuy").status_code == 204
    assert fresh.hs("DELETE", f"{path}/qualifiedtobuy").status_code == 404


def test_a_stage_that_means_something_else_changes_its_deals(fresh: Served) -> None:
    fresh.clock.advance(timedelta(minutes=1))
    fresh.emu.hubspot.change_stage("deals", "default", "contractsent", metadata={"probability": "1.0"})
    after = fresh.hs.get("deals/302?properties=hs_is_closed_won,hs_deal_stage_probability").json()
    values = after["properties"]
    assert (values["hs_is_closed_won"], values["hs_deal_stage_probability"]) == ("true", "1.0")
    assert after["updatedAt"] == "2026-11-23T09:01:00.000Z"
    assert fresh.hs.get(f"{DEALS}/default/stages/contractsent").json()["metadata"]["isClosed"] == "true"


def test_people_edit_pipelines_too(fresh: Served) -> None:
    hub = fresh.emu.hubspot
    stage = {"label": "Open", "stageId": "open", "metadata": {"probability": "0.5"}}
    pipeline = hub.add_pipeline("deals", "House", [stage], user="11")
    hub.add_stage("deals", pipeline, "Won", "won", {"probability": "1.0"}, user="11")
    hub.insert("deals", {"dealname": "N", "pipeline": pipeline, "dealstage": "won"})
    assert [one["id"] for one in fresh.hs.get(f"{DEALS}/{pipeline}/stages").json()["results"]] == ["open", "won"]
    hub.remove_stage("deals", pipeline, "open")
    with pytest.raises(EmulatorRefusal, match="Stage won is still used"):
        hub.remove_stage("deals", pipeline, "won")
    hub.remove_pipeline("deals", pipeline)
    assert fresh.hs.get(f"{DEALS}/{pipeline}/audit").json()["results"][-1]["fromUserId"] == 911
    with pytest.raises(EmulatorRefusal, match="there is no nonsense"):
        hub.remove_pipeline("deals", "nonsense")


# --- properties


def definition(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "label": name, "type": "string", "fieldType": "text", "groupName": "companyinformation",
            **more}  # fmt: skip


def test_hs_unique_only_at_creation(fresh: Served) -> None:
    assert fresh.hs.post(PROPERTIES, definition("key", hasUniqueValue=True)).json()["hasUniqueValue"] is True
    assert fresh.hs.post(PROPERTIES, definition("plain")).status_code == 201
    changed = fresh.hs.patch(f"{PROPERTIES}/plain", {"hasUniqueValue": True, "label": "Plain"}).json()
    assert (changed["hasUniqueValue"], changed["label"]) == (False, "Plain")
    upsert = {"inputs": [{"idProperty": "key", "id": "k-1", "properties": {"name": "K"}}]}
    assert fresh.hs.post("companies/batch/upsert", upsert).json()["results"][0]["new"] is True
    assert fresh.hs.patch("companies/101", {"properties": {"key": "K-1"}}).status_code == 409
    upsert["inputs"][0]["idProperty"] = "plain"
    assert fresh.hs.post("companies/batch/upsert", upsert).status_code == 400


def test_hs_room_for_properties_is_limited(fresh: Served) -> None:
    hub = fresh.emu.hubspot
    for number in range(9):  # one is there already
        assert fresh.hs.post(PROPERTIES, definition(f"key{number}", hasUniqueValue=True)).status_code == 201
    assert "limit of 10" in errors(fresh.hs.post(PROPERTIES, definition("key9", hasUniqueValue=True)))
    own = sum(not one["hubspotDefined"] for one in fresh.hs.get(PROPERTIES).json()["results"])
    hub.set_slots(unique=10, custom=own + 1)
    two = {"inputs": [definition("one"), definition("two")]}
    assert "limit of" in errors(fresh.hs.post(f"{PROPERTIES}/batch/create", two))
    assert fresh.hs.post(PROPERTIES, definition("one")).status_code == 201
    limits = fresh.hs.get("/crm/limits/2026-09/custom-properties").json()["byObjectType"]
    companies = next(one for one in limits if one["objectTypeId"] == "0-2")
    assert (companies["usage"], companies["limit"], companies["percentage"]) == (own + 1, own + 1, 100.0)


@pytest.mark.parametrize(
    "wrong",
    [{"type": "number", "fieldType": "text"}, {"type": "string", "fieldType": "select"}, {"name": "Upper"},
     {"name": "1st"}, {"groupName": "nowhere"}, {"label": ""}, {"type": "enumeration", "fieldType": "text"},
     {"type": "number", "fieldType": "calculation_equation"}, {"hasUniqueValue": True, "type": "bool",
                                                               "fieldType": "booleancheckbox"}],
)  # fmt: skip
def test_hs_definitions_are_checked(shared: Served, wrong: dict[str, Any]) -> None:
    assert shared.hs.post(PROPERTIES, definition("new") | wrong).status_code == 400
    assert shared.hs.get(f"{PROPERTIES}/new").status_code == 404


def test_hs_archived_properties_are_gone_until_restored(fresh: Served) -> None:
    assert fresh.hs("DELETE", f"{PROPERTIES}/level").status_code == 204
    assert fresh.hs.get(f"{PROPERTIES}/level").status_code == 404
    assert fresh.hs.get(f"{PROPERTIES}/level?archived=true").json()["archivedAt"] == "2026-11-23T09:00:00.000Z"
    assert [one["name"] for one in fresh.hs.get(f"{PROPERTIES}?archived=true").json()["results"]] == ["level"]
    assert "PROPERTY_DOESNT_EXIST" in errors(fresh.hs.patch("companies/101", {"properties": {"level": "gold"}}))
    assert "level" not in fresh.hs.get("companies/101?properties=level").json()["properties"]
    fresh.emu.hubspot.archive_property("companies", "level", archived=False)
    fresh.emu.hubspot.change_property("companies", "level", {"label": "Tier"})
    assert fresh.hs.get(f"{PROPERTIES}/level").json()["label"] == "Tier"
    assert fresh.hs.patch("companies/101", {"properties": {"level": "gold"}}).status_code == 200
    assert fresh.hs("DELETE", f"{PROPERTIES}/name").status_code == 400  # HubSpot's own


def test_options_that_go_stay_in_the_records(fresh: Served) -> None:
    fresh.hs.patch("companies/101", {"properties": {"level": "gold"}})
    fresh.hs.patch(f"{PROPERTIES}/level", {"options": [{"label": "Silver", "value": "silver"}]})
    assert fresh.hs.get("companies/101?properties=level").json()["properties"]["level"] == "gold"
    assert fresh.hs.patch("companies/102", {"properties": {"level": "gold"}}).status_code == 400


def test_hs_checkboxes_add_with_a_leading_semicolon(fresh: Served) -> None:
    options = [{"label": one, "value": one} for one in "abc"]
    fresh.emu.hubspot.add_property(
        "companies", {"name": "many", "type": "enumeration", "fieldType": "checkbox", "options": options}
    )

    def after(value: str) -> Any:
        fresh.hs.patch("companies/101", {"properties": {"many": value}})
        return fresh.hs.get("companies/101?properties=many").json()["properties"]["many"]

    assert after("a;b") == "a;b"
    assert after(";c") == "a;b;c"
    assert after(";a") == "a;b;c"
    assert after("c") == "c"
    assert after(";x") == "c"  # refused: no such option


def test_owner_properties_of_ones_own_take_owners(fresh: Served) -> None:
    body = definition("channel_manager", type="enumeration", fieldType="select", referencedObjectType="OWNER")
    assert fresh.hs.post(PROPERTIES, body).json()["externalOptions"] is True
    assert fresh.hs.patch("companies/101", {"properties": {"channel_manager": "11"}}).status_code == 200
    for wrong in ("12", "911", "nonsense"):
        answer = fresh.hs.patch("companies/101", {"properties": {"channel_manager": wrong}})
        assert "INVALID_OWNER_ID" in errors(answer)


def test_groups_are_renamed_and_removed_when_empty(fresh: Served) -> None:
    assert fresh.hs.post(f"{PROPERTIES}/groups", {"name": "syncd", "label": "s"}).status_code == 201
    assert fresh.hs.patch(f"{PROPERTIES}/groups/syncd", {"label": "syncd"}).json()["label"] == "syncd"
    fresh.hs.post(PROPERTIES, definition("mine", groupName="syncd"))
    assert fresh.hs("DELETE", f"{PROPERTIES}/groups/syncd").status_code == 400
    fresh.hs("DELETE", f"{PROPERTIES}/mine")
    assert fresh.hs("DELETE", f"{PROPERTIES}/groups/syncd").status_code == 204
    assert fresh.hs.get(f"{PROPERTIES}/groups/syncd").status_code == 404


# --- labels


def test_hs_labels_of_people_have_ids_of_their_own(fresh: Served) -> None:
    path = "/crm/associations/2026-09/deals/companies/labels"
    body = {"label": "Reseller", "name": "reseller", "inverseLabel": "Sold by"}
    made = fresh.hs.post(path, body)
    assert made.status_code == 200
    here, there = made.json()["results"]
    assert (here["category"], here["label"], there["label"]) == ("USER_DEFINED", "Reseller", "Sold by")
    assert fresh.hs.post(path, body).status_code == 400
    spec = [{"associationCategory": "USER_DEFINED", "associationTypeId": here["typeId"]}]
    put = fresh.hs("PUT", "deals/302/associations/companies/103", json=spec)
    assert (put.status_code, put.json()["labels"]) == (201, ["Reseller"])

    def types(kind: str, target: str, id_: str) -> set[tuple[str, int, str | None]]:
        read = fresh.hs.post(f"/crm/associations/2026-09/{kind}/{target}/batch/read", {"inputs": [{"id": id_}]}).json()
        kinds = read["results"][0]["to"][0]["associationTypes"]
        return {(one["category"], one["typeId"], one["label"]) for one in kinds}

    own = {("HUBSPOT_DEFINED", 341, None), ("HUBSPOT_DEFINED", 5, "Primary")}
    assert types("deals", "companies", "302") == own | {("USER_DEFINED", here["typeId"], "Reseller")}
    assert ("USER_DEFINED", there["typeId"], "Sold by") in types("companies", "deals", "103")
    inputs = {"inputs": [{"from": {"id": "302"}, "to": {"id": "103"}, "types": spec}]}
    assert fresh.hs.post(path.replace("labels", "batch/labels/archive"), inputs).status_code == 200
    assert types("deals", "companies", "302") == own
    assert fresh.emu.hubspot.associated("deals", "302", "companies") == ["103"]


def test_labels_are_renamed_and_removed(fresh: Served) -> None:
    path = "/crm/v4/associations/deals/companies/labels"
    type_id = fresh.emu.hubspot.add_label("deals", "companies", "Reseller", "Sold by")[0]
    fresh.emu.hubspot.associate("deals", "302", "companies", "103", label="Reseller")
    renamed = {"associationTypeId": type_id, "label": "Partner", "inverseLabel": "Deal of"}
    assert fresh.hs("PUT", path, json=renamed).status_code == 204
    assert "Partner" in [one["label"] for one in fresh.hs.get(path).json()["results"]]
    assert fresh.hs("DELETE", f"{path}/{type_id}").status_code == 204
    assert fresh.hs("DELETE", f"{path}/{type_id}").status_code == 404
    assert fresh.hs("PUT", path, json=renamed).status_code == 404
    assert len(fresh.hs.get(path).json()["results"]) == 2
    assert fresh.emu.hubspot.associated("deals", "302", "companies") == ["103"]
    with pytest.raises(EmulatorRefusal, match="no label 'Partner'"):
        fresh.emu.hubspot.associate("deals", "302", "companies", "101", label="Partner")


# --- custom types


SCHEMA = {
    "name": "exception", "labels": {"singular": "Exception", "plural": "Exceptions"},
    "primaryDisplayProperty": "title", "requiredProperties": ["title"], "searchableProperties": ["title"],
    "properties": [{"name": "title", "label": "Title", "type": "string", "fieldType": "text"},
                   {"name": "percent", "label": "Percent", "type": "number", "fieldType": "number"}],
    "associatedObjects": ["DEAL"],
}  # fmt: skip


def test_hs_custom_types_can_be_made(fresh: Served) -> None:
    path = "/crm-object-schemas/2026-09/schemas"
    made = fresh.hs.post(path, SCHEMA)
    assert made.status_code == 201
    assert made.json()["fullyQualifiedName"] == "p140000000_exception"
    type_id = made.json()["objectTypeId"]
    assert {one["toObjectTypeId"] for one in made.json()["associations"]} == {"0-3", type_id}
    assert fresh.hs.post(path, SCHEMA).status_code == 409
    assert "Some required properties were not set" in errors(fresh.hs.post(type_id, {"properties": {"percent": "5"}}))
    record = fresh.hs.post("p_exception", {"properties": {"title": "Half off", "percent": "50"}}).json()["id"]
    assert fresh.hs.post(f"{type_id}/search", {"query": "half"}).json()["total"] == 1
    assert fresh.hs("PUT", f"{type_id}/{record}/associations/default/deals/302").status_code == 200
    assert fresh.emu.hubspot.associated("deals", "302", "p_exception") == [record]
    patched = fresh.hs.patch(f"{path}/{type_id}", {"requiredProperties": [], "labels": {"singular": "Waiver"}}).json()
    assert (patched["labels"], "properties" in patched) == ({"singular": "Waiver", "plural": "Exceptions"}, False)
    assert fresh.hs.post(type_id, {"properties": {"percent": "5"}}).status_code == 201
    assert fresh.hs("DELETE", f"{path}/{type_id}").status_code == 400  # it has records
    both = fresh.hs.post(f"{path}/batch/read", {"inputs": [type_id, "p_registration"]}).json()["results"]
    assert [one["name"] for one in both] == ["exception", "registration"]


def test_a_custom_type_without_records_can_be_removed(fresh: Served) -> None:
    path = "/crm-object-schemas/v3/schemas"
    type_id = fresh.hs.post(path, SCHEMA).json()["objectTypeId"]
    assert fresh.hs("DELETE", f"{path}/{type_id}").status_code == 204
    assert fresh.hs.get(type_id).status_code == 400
    again = fresh.hs.post(path, SCHEMA).json()["objectTypeId"]
    assert again != type_id
    wrong = SCHEMA | {"name": "other", "properties": [{"name": "No", "type": "string"}]}
    assert fresh.hs.post(path, wrong).status_code == 400
    assert fresh.hs.get("p_other").status_code == 400  # nothing of it is left
    assert fresh.hs("DELETE", f"{path}/0-2").status_code == 400


# --- currencies


def test_hs_currencies_and_rates(fresh: Served) -> None:
    path = "/settings/currencies/2026-09"
    assert {"currencyCode": "EUR", "currencyName": "Euro"} in fresh.hs.get(f"{path}/codes").json()["results"]
    assert fresh.hs.get(f"{path}/exchange-rates").json() == {"results": []}
    made = fresh.hs.post(f"{path}/exchange-rates", {"fromCurrencyCode": "EUR", "conversionRate": 1.1})
    assert (made.status_code, made.json()["toCurrencyCode"]) == (200, "USD")
    later = {"fromCurrencyCode": "EUR", "conversionRate": 1.2, "effectiveAt": "2027-01-01T00:00:00Z"}
    fresh.hs.post(f"{path}/exchange-rates", later)
    assert [one["conversionRate"] for one in fresh.hs.get(f"{path}/exchange-rates").json()["results"]] == [1.1, 1.2]
    assert [one["conversionRate"] for one in fresh.hs.get(f"{path}/exchange-rates/current").json()["results"]] == [1.1]
    assert "EUR" in fresh.hs.get("/account-info/2026-09/details").json()["additionalCurrencies"]
    rate = f"{path}/exchange-rates/{made.json()['id']}"
    assert fresh.hs.patch(rate, {"conversionRate": 1.15}).json()["conversionRate"] == 1.15
    assert fresh.hs.get(rate).json()["conversionRate"] == 1.15
    for wrong in ({"fromCurrencyCode": "USD", "conversionRate": 1}, {"fromCurrencyCode": "EUR", "conversionRate": 0},
                  {"fromCurrencyCode": "???", "conversionRate": 1}):  # fmt: skip
        assert fresh.hs.post(f"{path}/exchange-rates", wrong).status_code == 400
    assert fresh.hs.get(f"{path}/exchange-rates/1").status_code == 404


def test_hs_deal_currency_must_be_enabled(fresh: Served) -> None:
    body = {"properties": {"deal_currency_code": "EUR"}}
    message = errors(fresh.hs.patch("deals/302", body))
    assert "is not a part of the current effective currency codes for portal 140000000" in message
    fresh.emu.hubspot.set_rate("EUR", 1.1)
    assert fresh.hs.patch("deals/302", body).status_code == 200
    options = fresh.hs.get("/crm/properties/2026-09/deals/deal_currency_code").json()["options"]
    assert [one["value"] for one in options] == ["USD", "EUR"]


# --- counts


def test_hs_limits_count_live_records(fresh: Served) -> None:
    fresh.emu.hubspot.archive("companies", "101")
    counts = fresh.hs.get("/crm/limits/2026-09/records").json()
    usage = {one["objectTypeId"]: one["usage"] for one in counts["hubspotDefinedObjectTypes"]}
    assert (usage["0-2"], usage["0-3"], usage["0-1"]) == (2, 2, 1)
    assert [one["usage"] for one in counts["customObjectTypes"]["byObjectType"]] == [1]
    pipelines = fresh.hs.get("/crm/limits/2026-09/pipelines").json()["hubspotDefinedObjectTypes"]
    assert {one["objectTypeId"]: one["usage"] for one in pipelines} == {"0-3": 1, "0-5": 1, "0-136": 1}
    assert fresh.hs.get("/crm/limits/2026-09/custom-object-types").json()["usage"] == 1


def test_what_an_account_cannot_be_told(fresh: Served) -> None:
    with pytest.raises(EmulatorRefusal, match="cannot be set: portalId, nonsense"):
        fresh.emu.hubspot.set_account({"portalId": 1, "nonsense": 2})
    fresh.emu.hubspot.set_account({"accountType": "SANDBOX"})
    assert fresh.hs.get("/account-info/v3/details").json()["accountType"] == "SANDBOX"


# --- loading


def test_rates_teams_and_archived_records_are_loaded(load: Any) -> None:
    emu: Emulator = load({
        "hubspot/exchange_rates.csv": "currency,rate,effective_at\nEUR,1.5,2026-01-01T00:00:00Z\n",
        "hubspot/owners.csv": "id,email,teams\n7,a@example.com,West;North\n8,b@example.com,North\n",
        "hubspot/deals.csv": "id,dealname,amount,deal_currency_code,archivedAt\n1,A,10,EUR,\n2,B,10,GBP,\n"
                             "3,C,10,,2026-11-01T00:00:00Z\n",
        "hubspot/line_items.csv": "id,price,quantity,amount\n4,2,3,\n5,2,3,5\n",
    })  # fmt: skip
    deals = {row["hs_object_id"]: row for row in emu.hubspot.rows("deals")}
    assert (deals["1"]["amount_in_home_currency"], deals["2"]["amount_in_home_currency"]) == ("15", None)
    assert deals["3"]["archived"] is True
    emu.hubspot.edit("deals", "1", {"deal_currency_code": "GBP"})  # what the records hold is enabled
    assert [row["amount"] for row in emu.hubspot.rows("line_items")] == ["6", "5"]
    assert isinstance(emu.clock, EmulatorClock)
    emu.clock.advance(timedelta(days=70))
    assert "3" not in [row["hs_object_id"] for row in emu.hubspot.rows("deals")]
    with pytest.raises(EmulatorDataError, match=r"exchange_rates\.csv:2"):
        load({"hubspot/exchange_rates.csv": "currency,rate\nEUR,many\n"})
