"""Merging, archiving, restoring and deleting for good, and what clients see of the records afterwards."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from syncd.emulator import EmulatorRefusal

from .conftest import Served, serving

BIG = "9007199254740993"
DAY = timedelta(days=1)


def ids(served: Served, kind: str = "companies", query: str = "limit=100") -> list[str]:
    return [one["id"] for one in served.hs.get(f"{kind}?{query}").json()["results"]]


def record(served: Served, id_: str, *names: str, kind: str = "companies") -> dict[str, Any]:
    found: dict[str, Any] = served.hs.get(f"{kind}/{id_}?properties={','.join(names)}").json()
    return found


def merged(served: Served, primary: str, other: str, kind: str = "companies") -> str:
    answer = served.hs.post(f"{kind}/merge", {"primaryObjectId": primary, "objectIdToMerge": other})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


# --- merging


def test_hs_merge_keeps_the_primary_values_and_fills_gaps(fresh: Served) -> None:
    survivor = record(fresh, merged(fresh, "102", "101"), "name", "domain", "ref", "score", "hs_merged_object_ids")
    values = survivor["properties"]
    assert (values["name"], values["ref"]) == ("Beta GmbH", "c-2")
    assert (values["domain"], values["score"]) == ("acme.com", "3.5")
    assert values["hs_merged_object_ids"] == "102;101"
    assert survivor["createdAt"] == "2026-11-20T10:00:00.500Z"  # the older of the two
    assert survivor["updatedAt"] == "2026-11-23T09:00:00.000Z"


def test_hs_reads_of_old_ids_show_the_survivor(fresh: Served) -> None:
    survivor = merged(fresh, "101", "102")
    assert survivor not in ("101", "102")
    for old in ("101", "102"):
        assert fresh.hs.get(f"companies/{old}").json()["id"] == survivor
    body = {"inputs": [{"id": "101"}, {"id": "102"}, {"id": "103"}], "properties": ["name"]}
    answer = fresh.hs.post("companies/batch/read", body)
    assert (answer.status_code, sorted(one["id"] for one in answer.json()["results"])) == (200, ["103", survivor])
    assert ids(fresh) == ["103", survivor]
    assert ids(fresh, query="archived=true") == []
    assert fresh.emu.hubspot.survivor("companies", "101") == survivor


def test_hs_writes_to_old_ids_reach_the_survivor(fresh: Served) -> None:
    survivor = merged(fresh, "101", "102")
    body = {"inputs": [{"id": "102", "properties": {"level": "gold"}, "objectWriteTraceId": "t"}]}
    (result,) = fresh.hs.post("companies/batch/update", body).json()["results"]
    assert (result["id"], result["objectWriteTraceId"]) == (survivor, "t")
    assert fresh.hs.patch("companies/101", {"properties": {"level": "silver"}}).json()["id"] == survivor
    assert record(fresh, survivor, "level")["properties"]["level"] == "silver"


def test_hs_batches_and_merged_ids(tmp_path: Path) -> None:
    with serving(tmp_path, hubspot_merged_in_batches="missing") as served:
        survivor = merged(served, "101", "102")
        read = served.hs.post("companies/batch/read", {"inputs": [{"id": "102"}, {"id": survivor}]})
        assert (read.status_code, [one["id"] for one in read.json()["results"]]) == (207, [survivor])
        body = {"inputs": [{"id": "101", "properties": {"level": "gold"}}]}
        update = served.hs.post("companies/batch/update", body)
        assert update.json()["errors"][0]["context"] == {"ids": ["101"]}
        assert served.hs.get("companies/102").json()["id"] == survivor


def test_merges_of_merges_lead_to_the_last_survivor(fresh: Served) -> None:
    first = merged(fresh, "101", "102")
    second = merged(fresh, "103", first)
    for old in ("101", "102", "103", first):
        assert fresh.hs.get(f"companies/{old}").json()["id"] == second
    listed = record(fresh, second, "hs_merged_object_ids")["properties"]["hs_merged_object_ids"]
    assert sorted(listed.split(";")) == sorted(["101", "102", "103", first])


def test_hs_associations_move_to_the_survivor(fresh: Served) -> None:
    hub = fresh.emu.hubspot
    hub.associate("companies", "103", "deals", "302")
    survivor = merged(fresh, "101", "103")
    read = "/crm/associations/2026-09/companies/deals/batch/read"
    assert fresh.hs.post(read, {"inputs": [{"id": "101"}]}).json()["results"] == []  # not a 207 either
    assert fresh.hs.get("/crm/v4/objects/companies/103/associations/deals").json() == {"results": []}
    found = fresh.hs.post(read, {"inputs": [{"id": survivor}]}).json()["results"][0]["to"]
    assert sorted(one["toObjectId"] for one in found) == ["302", BIG]
    assert hub.associated("deals", BIG, "companies") == ["102", survivor]
    deal = fresh.hs.get(f"deals/{BIG}?associations=companies").json()["associations"]["companies"]["results"]
    assert {"id": survivor, "type": "deal_to_company"} in deal  # still its primary company
    assert hub.associated("contacts", "201", "companies") == [survivor]


def test_histories_are_joined(fresh: Served) -> None:
    hub = fresh.emu.hubspot
    hub.edit("companies", "102", {"level": "gold"})
    fresh.clock.advance(DAY)
    hub.edit("companies", "101", {"level": "silver"})
    fresh.clock.advance(DAY)
    survivor = merged(fresh, "102", "101")
    told = [(one["value"], one["sourceType"]) for one in hub.history("companies", survivor, "level")]
    assert told == [("gold", "MERGE_OBJECTS"), ("silver", "CRM_UI"), ("gold", "CRM_UI")]


def test_hs_merge_makes_a_new_record(tmp_path: Path, fresh: Served) -> None:
    assert merged(fresh, BIG, "302", "deals") not in (BIG, "302")
    with serving(tmp_path, hubspot_merge_id="primary") as served:
        assert merged(served, BIG, "302", "deals") == BIG
        assert served.hs.get("deals/302").json()["id"] == BIG
        values = record(served, BIG, "dealname", "hs_merged_object_ids", kind="deals")["properties"]
        assert (values["dealname"], values["hs_merged_object_ids"]) == ("Big one", "302")
        assert served.emu.hubspot.associated("deals", BIG, "companies") == ["101", "102"]


@pytest.mark.parametrize(
    ("kind", "primary", "other", "status"),
    [("companies", "101", "101", 400), ("companies", "101", "999", 404), ("companies", "101", "", 400),
     ("line_items", "1", "2", 400), ("notes", "1", "2", 400)],
)  # fmt: skip
def test_wrong_merges_are_refused(shared: Served, kind: str, primary: str, other: str, status: int) -> None:
    answer = shared.hs.post(f"{kind}/merge", {"primaryObjectId": primary, "objectIdToMerge": other})
    assert answer.status_code == status
    assert shared.emu.changes == []


def test_people_merge_as_the_api_does(fresh: Served) -> None:
    survivor = fresh.emu.hubspot.merge("contacts", "201", fresh.emu.hubspot.insert("contacts", {"phone": "1"}))
    assert fresh.hs.get("contacts/201?properties=phone,email").json()["properties"]["phone"] == "1"
    assert fresh.hs.get("contacts/kim@acme.com?idProperty=email").json()["id"] == survivor
    with pytest.raises(EmulatorRefusal, match="no record 999"):
        fresh.emu.hubspot.merge("contacts", survivor, "999")


# --- archiving


def test_hs_archived_records_run_out_after_90_days(fresh: Served) -> None:
    fresh.hs("DELETE", "companies/101")
    fresh.clock.advance(90 * DAY)
    assert ids(fresh, query="archived=true") == ["101"]
    assert fresh.hs.get("companies/101?archived=true").json()["archivedAt"] == "2026-11-23T09:00:00.000Z"
    fresh.clock.advance(timedelta(milliseconds=1))
    assert ids(fresh, query="archived=true") == []
    assert fresh.hs.get("companies/101?archived=true").status_code == 404
    assert [row["hs_object_id"] for row in fresh.emu.hubspot.rows("companies")] == ["102", "103"]


def test_hs_people_restore_what_was_archived(fresh: Served) -> None:
    hub = fresh.emu.hubspot
    hub.archive("companies", "101")
    hub.archive("companies", "102")
    assert hub.associated("deals", BIG, "companies") == []
    fresh.clock.advance(DAY)
    hub.restore("companies", "101", user="olga@example.com")
    restored = fresh.hs.get("companies/101").json()
    assert (restored["archived"], restored["updatedAt"]) == (False, "2026-11-24T09:00:00.000Z")
    assert hub.associated("deals", BIG, "companies") == ["101"]
    fresh.clock.advance(90 * DAY)
    assert fresh.hs.get("companies/101").status_code == 200  # restored in time: it does not run out
    with pytest.raises(EmulatorRefusal, match="no record 102"):
        hub.restore("companies", "102")


def test_a_value_of_an_archived_record_is_free_again(fresh: Served) -> None:
    fresh.emu.hubspot.archive("contacts", "201")
    again = fresh.hs.post("contacts", {"properties": {"email": "kim@acme.com"}})
    assert again.status_code == 201
    assert fresh.hs.get("contacts/kim@acme.com?idProperty=email").json()["id"] == again.json()["id"]


def test_hs_gdpr_delete_is_permanent(fresh: Served) -> None:
    body = {"objectId": "kim@acme.com", "idProperty": "email"}
    assert fresh.hs.post("contacts/gdpr-delete", body).status_code == 204
    assert fresh.hs.get("contacts/201").status_code == 404
    assert fresh.hs.get("contacts/201?archived=true").status_code == 404
    assert ids(fresh, "contacts", "archived=true") == []
    assert fresh.emu.hubspot.associated("companies", "101", "contacts") == []
    assert fresh.hs.post("contacts/gdpr-delete", body).status_code == 204  # again: nothing happens
    assert fresh.hs.post("companies/gdpr-delete", {"objectId": "101"}).status_code == 400
    with pytest.raises(EmulatorRefusal, match="no record 201"):
        fresh.emu.hubspot.restore("contacts", "201")


def test_counts_of_associated_records_follow(fresh: Served) -> None:
    def count(id_: str) -> Any:
        return record(fresh, id_, "num_associated_deals")["properties"]["num_associated_deals"]

    assert (count("101"), count("103")) == ("1", None)
    before = record(fresh, "103")["updatedAt"]
    fresh.clock.advance(DAY)
    fresh.hs("PUT", "deals/302/associations/default/companies/103")
    assert (count("103"), record(fresh, "103")["updatedAt"]) == ("1", before)
    fresh.hs("DELETE", "deals/302/associations/companies/103")
    assert count("103") == "0"
    fresh.emu.hubspot.archive("deals", BIG)
    assert count("101") == "0"
    fresh.emu.hubspot.restore("deals", BIG)
    assert count("101") == "1"


def test_hs_association_change_and_the_stamp(tmp_path: Path) -> None:
    for choice, moved in (("from", [True, False]), ("both", [True, True])):
        with serving(tmp_path / choice, hubspot_association_bump=choice) as served:
            before = [served.hs.get(path).json()["updatedAt"] for path in ("deals/302", "companies/103")]
            served.clock.advance(DAY)
            served.hs("PUT", "deals/302/associations/default/companies/103")
            after = [served.hs.get(path).json()["updatedAt"] for path in ("deals/302", "companies/103")]
            assert [old != new for old, new in zip(before, after, strict=True)] == moved
