"""The search index follows the store late and out of order; the store itself shows everything at once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from .conftest import START, Served

SECOND = timedelta(seconds=1)


def found(served: Served, *names: str, kind: str = "companies", **body: Any) -> list[Any]:
    """What search finds: ids, or the values of the properties named."""
    results = served.hs.post(f"{kind}/search", {"limit": 200, "properties": list(names), **body}).json()["results"]
    return [tuple(one["properties"][name] for name in names) if names else one["id"] for one in results]


def test_hs_index_follows_late_and_out_of_order(fresh: Served) -> None:
    hub = fresh.emu.hubspot
    hub.set_index_lag(60, jitter=600, seed=7)
    made = []
    for number in range(12):
        made.append(hub.insert("companies", {"name": f"New {number}"}))
        fresh.clock.advance(SECOND)
    assert found(fresh) == ["101", "102", "103"]
    seen: list[str] = []
    for _ in range(70):
        fresh.clock.advance(10 * SECOND)
        seen += [one for one in found(fresh) if one not in seen and one in made]
    assert sorted(seen, key=int) == made
    assert seen != made  # a later one was seen before an earlier one
    assert hub.index_waiting("companies") == []


def test_the_same_seed_gives_the_same_order(fresh: Served) -> None:
    def arrivals() -> list[list[str]]:
        hub = fresh.emu.hubspot
        hub.set_index_lag(1, jitter=100, seed=3)
        for number in (101, 102, 103):
            hub.edit("companies", str(number), {"phone": str(fresh.clock.now())})
        waiting = []
        for _ in range(11):
            fresh.clock.advance(10 * SECOND)
            waiting.append(hub.index_waiting("companies"))
        return waiting

    assert arrivals() == arrivals()


def test_hs_consistent_store_shows_changes_at_once(fresh: Served) -> None:
    fresh.emu.hubspot.set_index_lag(300)
    fresh.hs.patch("companies/101", {"properties": {"name": "Renamed"}})
    assert fresh.hs.get("companies/101").json()["properties"]["name"] == "Renamed"
    assert fresh.hs.get("companies").json()["results"][0]["properties"]["name"] == "Renamed"
    read = fresh.hs.post("companies/batch/read", {"inputs": [{"id": "101"}], "properties": ["name"]}).json()
    assert read["results"][0]["properties"]["name"] == "Renamed"
    assert fresh.emu.hubspot.rows("companies")[0]["name"] == "Renamed"


def test_hs_search_shows_records_as_the_index_knows_them(fresh: Served) -> None:
    fresh.emu.hubspot.set_index_lag(300)
    fresh.hs.patch("companies/101", {"properties": {"name": "Renamed", "level": "gold"}})
    assert found(fresh, "name", "level", query="acme") == [("Acmé Ltd", None)]
    since = {"propertyName": "hs_lastmodifieddate", "operator": "GTE", "value": str(int(START.timestamp() * 1000))}
    changed = {"filterGroups": [{"filters": [since]}]}
    assert found(fresh, **changed) == []
    fresh.clock.advance(300 * SECOND)
    assert found(fresh, "name", "level", query="renamed") == [("Renamed", "gold")]
    assert found(fresh, **changed) == ["101"]  # its stamp is five minutes old when search shows it first


def test_each_of_two_changes_is_seen_in_its_turn(fresh: Served) -> None:
    fresh.emu.hubspot.set_index_lag(60)
    fresh.hs.patch("companies/101", {"properties": {"name": "One"}})
    fresh.clock.advance(30 * SECOND)
    fresh.hs.patch("companies/101", {"properties": {"name": "Two"}})
    assert found(fresh, "name")[0] == ("Acmé Ltd",)
    fresh.clock.advance(30 * SECOND)
    assert found(fresh, "name")[0] == ("One",)
    fresh.clock.advance(30 * SECOND)
    assert found(fresh, "name")[0] == ("Two",)


def test_an_older_state_never_replaces_a_newer_one(fresh: Served) -> None:
    hub = fresh.emu.hubspot
    hub.set_index_lag(100)
    hub.edit("companies", "101", {"name": "Old"})
    hub.set_index_lag(10)  # what changes next is indexed sooner
    hub.edit("companies", "101", {"name": "New"})
    fresh.clock.advance(10 * SECOND)
    assert found(fresh, "name")[0] == ("New",)
    fresh.clock.advance(90 * SECOND)
    assert found(fresh, "name")[0] == ("New",)


def test_archived_and_restored_records_leave_and_return_late(fresh: Served) -> None:
    hub = fresh.emu.hubspot
    hub.set_index_lag(60)
    hub.archive("companies", "102")
    assert found(fresh) == ["101", "102", "103"]
    fresh.clock.advance(60 * SECOND)
    assert found(fresh) == ["101", "103"]
    hub.restore("companies", "102")
    assert found(fresh) == ["101", "103"]
    hub.gdpr_delete("companies", "103")
    assert found(fresh) == ["101", "103"]
    assert hub.flush_index() == 2
    assert found(fresh) == ["101", "102"]


def test_merged_records_are_found_until_the_index_knows(fresh: Served) -> None:
    hub = fresh.emu.hubspot
    hub.set_index_lag(60)
    survivor = hub.merge("companies", "101", "102")
    assert found(fresh) == ["101", "102", "103"]
    assert fresh.hs.get("companies/101").json()["id"] == survivor
    fresh.clock.advance(60 * SECOND)
    assert found(fresh) == ["103", survivor]


def test_a_page_after_a_change_counts_what_search_sees(fresh: Served) -> None:
    first = fresh.hs.post("companies/search", {"limit": 2}).json()
    fresh.emu.hubspot.set_index_lag(60)
    fresh.emu.hubspot.insert("companies", {"name": "Late"})
    second = fresh.hs.post("companies/search", {"limit": 2, "after": first["paging"]["next"]["after"]}).json()
    assert (second["total"], [one["id"] for one in second["results"]]) == (3, ["103"])


def test_without_lag_search_sees_every_change(fresh: Served) -> None:
    fresh.emu.hubspot.set_index_lag(60)
    fresh.emu.hubspot.edit("companies", "101", {"name": "Late"})
    fresh.emu.hubspot.set_index_lag(0)
    fresh.emu.hubspot.edit("companies", "102", {"name": "At once"})
    assert found(fresh, "name")[:2] == [("Acmé Ltd",), ("At once",)]


def test_a_new_column_is_searched_in_old_states(fresh: Served) -> None:
    fresh.emu.hubspot.set_index_lag(60)
    fresh.emu.hubspot.edit("companies", "101", {"phone": "1"})
    fresh.emu.hubspot.edit("companies", "103", {"about_us": "first to hold it"})
    has = {"filterGroups": [{"filters": [{"propertyName": "about_us", "operator": "NOT_HAS_PROPERTY"}]}]}
    assert found(fresh, **has) == ["101", "102", "103"]


def test_hs_recomputation_moves_stamps_without_a_change(fresh: Served) -> None:
    before = fresh.hs.get("companies/101").json()
    fresh.clock.advance(SECOND)
    fresh.emu.hubspot.recompute("companies", ["101"])
    after = fresh.hs.get("companies/101").json()
    assert after["updatedAt"] > before["updatedAt"]
    assert {**after["properties"], "hs_lastmodifieddate": ""} == {**before["properties"], "hs_lastmodifieddate": ""}
    assert fresh.emu.changes == []


def test_hs_ids_compare_as_whole_numbers(fresh: Served) -> None:
    """Ids beyond 2^53 differ by less than a floating-point number tells."""
    body = {"filterGroups": [{"filters": [{"propertyName": "hs_object_id", "operator": "GT",
                                           "value": "9007199254740992"}]}]}  # fmt: skip
    assert found(fresh, kind="deals", **body) == ["9007199254740993"]


def test_many_records_of_one_import_share_a_millisecond(fresh: Served) -> None:
    ids = fresh.emu.hubspot.import_records("companies", [{"name": f"I{number}"} for number in range(300)])
    stamps = {row["hs_lastmodifieddate"] for row in fresh.emu.hubspot.rows("companies") if row["hs_object_id"] in ids}
    assert len(ids) == 300
    assert stamps == {"2026-11-23T09:00:00.000Z"}
