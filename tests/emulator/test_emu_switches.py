"""Every value of every switch changes what a client sees: one probe for each, asked under each value."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from syncd.emulator import Variants
from syncd.emulator.variants import values_of_switches

from .conftest import ACME, BETA, GONE, Served, serving

Probe = Callable[[Served], Any]
BIG, WON = "9007199254740993", ("dealstage", "closedwon")
WAYS = ("ASC", "DESC")
STALE = {"If-Unmodified-Since": "Fri, 20 Nov 2020 09:00:00 GMT"}
HOUR = timedelta(hours=1)


# --- Salesforce


def soql(text: str, resource: str = "query") -> Probe:
    def found(served: Served) -> Any:
        answer = served.sf.query(text, resource)
        return [one.get("Name") for one in answer.json()["records"]] if answer.ok else answer.json()[0]["errorCode"]

    return found


def people(served: Served, count: int) -> None:
    for number in range(count):
        served.emu.salesforce.insert("Contact", {"LastName": f"Many {number}"})


def next_page(resource: str) -> Probe:
    def url(served: Served) -> Any:
        people(served, 205)
        small = {"Sforce-Query-Options": "batchSize=200"}
        path = served.sf.query("SELECT Id FROM Contact", resource, headers=small).json()["nextRecordsUrl"]
        return path.split("/")[4], path.split("/")[5][:3]

    return url


def ids_in_order(served: Served) -> Any:
    people(served, 60)
    ids = [one["Id"] for one in served.sf.records("SELECT Id FROM Contact ORDER BY Id")]
    return ids == sorted(ids), ids == sorted(ids, key=str.lower)


def wide_page(served: Served) -> Any:
    people(served, 300)
    fields = [one["name"] for one in served.sf.get("sobjects/Contact/describe").json()["fields"]]
    wide = ",".join(one for one in fields if one != "Description")
    return len(served.sf.records(f"SELECT {wide} FROM Contact"))


def bulk(path: str) -> Callable[[Served], requests.Response]:
    def results(served: Served) -> requests.Response:
        served.sf.patch(f"sobjects/Account/{ACME}", {"AnnualRevenue": 139_000_000})
        query = f"SELECT AnnualRevenue FROM Account WHERE Id = '{ACME}'"
        job = served.sf.post("jobs/query", {"operation": "query", "query": query}).json()["id"]
        served.clock.advance(HOUR)
        return served.sf.get(f"jobs/query/{job}/{path}")

    return results


def bulk_number(served: Served) -> Any:
    return bulk("results")(served).text.splitlines()[1]


def bulk_parts(served: Served) -> Any:
    return "resultPages" in bulk("resultPages")(served).json()


def covered(served: Served) -> Any:
    span = {"start": "2026-11-20T00:00:00Z", "end": "2026-11-23T09:00:00Z"}
    return served.sf.get("sobjects/Account/updated", params=span).json()["latestDateCovered"][11:16]


def master_of_the_first(served: Served) -> Any:
    view = served.emu.salesforce
    ids = {name: view.insert("Account", {"Name": name}) for name in ("A", "B", "C")}
    view.merge("Account", ids["B"], [ids["A"]])
    view.merge("Account", ids["C"], [ids["B"]])
    (first,) = served.sf.records(f"SELECT MasterRecordId FROM Account WHERE Id = '{ids['A']}'", "queryAll")
    return {id_: name for name, id_ in ids.items()}[first["MasterRecordId"]]


def conditional_in_composite(served: Served) -> Any:
    url = f"/services/data/v68.0/sobjects/Account/{ACME}"
    one = {"method": "PATCH", "url": url, "referenceId": "r", "httpHeaders": STALE, "body": {"Site": "A"}}
    answer = served.sf.post("composite", {"compositeRequest": [one]}).json()
    return answer["compositeResponse"][0]["httpStatusCode"]


def collections(served: Served) -> Any:
    rows = [(ACME, {"Site": "A"}), (BETA, {"Nonsense": 1})]
    records = [{"attributes": {"type": "Account"}, "id": id_, **values} for id_, values in rows]
    answer = served.sf.patch("composite/sobjects", {"records": records})
    (acme,) = served.sf.records(f"SELECT Site FROM Account WHERE Id = '{ACME}'")
    return answer.status_code, acme["Site"]


def access_token(served: Served) -> Any:
    told = served.endpoints["salesforce"]
    form = {"grant_type": "client_credentials", "client_id": told["client_id"], "client_secret": told["client_secret"]}
    answer = requests.post(f"{told['base_url']}/services/oauth2/token", data=form, timeout=20).json()
    return answer["access_token"].count(".") == 2 and len(answer["access_token"]) > 1000


def save_again(served: Served) -> Any:
    served.sf.patch(f"sobjects/Account/{ACME}", {"Name": "Acme Ltd"})
    (acme,) = served.sf.records(f"SELECT SystemModstamp FROM Account WHERE Id = '{ACME}'")
    return acme["SystemModstamp"][:10]


def identity_refusal(served: Served) -> Any:
    return served.sf.get("/services/oauth2/userinfo", headers={"Authorization": "Bearer x"}).status_code


# --- HubSpot


def portal(method: str, path: str, body: Any = None, shown: Callable[[requests.Response], Any] | None = None) -> Probe:
    def asked(served: Served) -> Any:
        answer = served.hs(method, path, json=body)
        return answer.status_code if shown is None else shown(answer)

    return asked


def missing_record(answer: requests.Response) -> Any:
    return answer.headers["Content-Type"].split(";")[0]


def link_ids(served: Served) -> Any:
    paths = [f"/crm/{version}/deals/{BIG}/associations/companies" for version in ("v4/objects", "objects/2026-03")]
    return [type(served.hs.get(path).json()["results"][0]["toObjectId"]) for path in paths]


def out_of_calls(path: str, body: Any = None) -> Callable[[Served], requests.Response]:
    def asked(served: Served) -> requests.Response:
        served.emu.hubspot.set_limits("professional")
        served.emu.hubspot.burn_quota(190, "TEN_SECONDLY_ROLLING")
        return served.hs.get(path) if body is None else served.hs.post(path, body)

    return asked


LINKS = "/crm/associations/2026-09/deals/companies/batch/read"


def retry_after(served: Served) -> Any:
    return "Retry-After" in out_of_calls("companies")(served).headers


def association_call(served: Served) -> Any:
    return out_of_calls(LINKS, {"inputs": [{"id": "302"}]})(served).status_code


def refreshed(served: Served) -> dict[str, Any]:
    told = served.endpoints["hubspot"]
    names = ("refresh_token", "client_id", "client_secret")
    form = {"grant_type": "refresh_token", **{name: told[name] for name in names}}
    found: dict[str, Any] = requests.post(f"{told['base_url']}/oauth/2026-09/token", data=form, timeout=20).json()
    return found


def expired(served: Served) -> Any:
    access = refreshed(served)["access_token"]
    served.clock.advance(HOUR)
    return served.hs.get("companies", headers={"Authorization": f"Bearer {access}"}).json()["category"]


def rotated(served: Served) -> Any:
    return refreshed(served)["refresh_token"] != served.endpoints["hubspot"]["refresh_token"]


def merged(served: Served) -> str:
    body = {"primaryObjectId": "101", "objectIdToMerge": "102"}
    return str(served.hs.post("companies/merge", body).json()["id"])


def old_id_in_a_batch(served: Served) -> Any:
    merged(served)
    return served.hs.post("companies/batch/read", {"inputs": [{"id": "102"}]}).status_code


def bumped(served: Served) -> Any:
    paths = ("deals/302", "companies/103")
    before = [served.hs.get(path).json()["updatedAt"] for path in paths]
    served.clock.advance(HOUR)
    served.hs("PUT", "deals/302/associations/default/companies/103")
    after = [served.hs.get(path).json()["updatedAt"] for path in paths]
    return [old != new for old, new in zip(before, after, strict=True)]


def order_of_results(served: Served) -> Any:
    ids = ["103", "101", "102"]
    body = {"inputs": [{"id": id_} for id_ in ids]}
    answers = [served.hs.post("companies/batch/read", body).json()["results"] for _ in range(8)]
    orders = {tuple(one["id"] for one in answer) for answer in answers}
    return "many" if len(orders) > 2 else orders


def ruled(write: Callable[[Served], requests.Response], shown: Callable[[requests.Response], Any]) -> Probe:
    def asked(served: Served) -> Any:
        when = {WON[0]: [WON[1]]}
        served.emu.hubspot.add_write_rule("deals", "conditional_required", ["closed_won_reason"], when)
        return shown(write(served))

    return asked


def win(served: Served) -> requests.Response:
    return served.hs.patch("deals/302", {"properties": dict([WON])})


def rename_a_won_deal(served: Served) -> requests.Response:
    return served.hs.patch(f"deals/{BIG}", {"properties": {"dealname": "Bigger"}})


def win_in_a_batch(served: Served) -> requests.Response:
    inputs = [{"id": "302", "properties": dict([WON])}, {"id": BIG, "properties": {"dealname": "Bigger"}}]
    return served.hs.post("deals/batch/update", {"inputs": inputs})


def read_rules(served: Served) -> requests.Response:
    return served.hs.get("/crm/property-validations/2026-09/0-3/closed_won_reason")


def status(answer: requests.Response) -> Any:
    return answer.status_code


def named_with(operator: str, *values: str) -> Any:
    filters = [{"propertyName": "name", "operator": operator, "values": list(values)}]
    return {"filterGroups": [{"filters": filters}]}


ABSENT = {"inputs": [{"id": "999"}]}
ONE_WRONG = {
    "inputs": [{"id": "101", "properties": {"name": "A"}}, {"id": "102", "properties": {"level": "tin"}}],
}

SEEN: dict[str, tuple[Probe, dict[str, Any]]] = {
    "salesforce_412_body": (
        lambda served: served.sf.patch(f"sobjects/Account/{ACME}", {"Site": "A"}, headers=STALE).content != b"",
        {"array": True, "empty": False},
    ),
    "salesforce_access_token": (access_token, {"opaque": False, "jwt": True}),
    "salesforce_bulk_numbers": (bulk_number, {"java": '"1.39E8"', "plain": '"139000000"'}),
    "salesforce_composite_conditions": (
        conditional_in_composite, {"honoured": 412, "ignored": 204, "refused": 400},
    ),
    "salesforce_datetime_fraction": (
        soql("SELECT Name FROM Account WHERE LastModifiedDate > 2026-11-22T09:00:00.999Z"),
        {"accepted": ["beta gmbh"], "refused": "MALFORMED_QUERY"},
    ),
    "salesforce_descending_nulls": (
        lambda served: [soql(f"SELECT Name FROM Account ORDER BY NumberOfEmployees {way}")(served)[0] for way in WAYS],
        {"first": ["beta gmbh", "beta gmbh"], "last": ["beta gmbh", "Acme Ltd"]},
    ),
    "salesforce_empty_text": (
        soql("SELECT Name FROM Account WHERE Industry = ''"), {"null": ["beta gmbh"], "nothing": []},
    ),
    "salesforce_id_order": (
        ids_in_order, {"case_sensitive": (True, False), "case_insensitive": (False, True)},
    ),
    "salesforce_identity_refusal": (identity_refusal, {"text_403": 403, "json_401": 401}),
    "salesforce_latest_date_covered": (covered, {"oldest_open": "09:00", "stuck": "03:00"}),
    "salesforce_locator": (next_page("query"), {"0r8": ("query", "0r8"), "01g": ("query", "01g")}),
    "salesforce_master_record": (master_of_the_first, {"next": "B", "last": "C"}),
    "salesforce_messages": (
        lambda served: served.sf.get(f"sobjects/Account/{GONE}").json()[0]["message"],
        {"english": "entity is deleted", "german": "Das Element wurde gelöscht."},
    ),
    "salesforce_page_size": (wide_page, {"full": 300, "by_width": 250}),
    "salesforce_per_app_usage": (
        lambda served: "per-app" in served.sf.get("limits").headers["Sforce-Limit-Info"],
        {"absent": False, "present": True},
    ),
    "salesforce_query_all_path": (
        next_page("queryAll"), {"query": ("query", "0r8"), "queryAll": ("queryAll", "0r8")},
    ),
    "salesforce_result_pages": (bulk_parts, {"documented": True, "observed": False}),
    "salesforce_unchanged_save": (save_again, {"silent": "2026-11-20", "stamps": "2026-11-23"}),
    "salesforce_unreadable_row": (collections, {"row": (200, "A"), "request": (400, None)}),
    "hubspot_association_bump": (
        bumped, {"none": [False, False], "from": [True, False], "both": [True, True]},
    ),
    "hubspot_association_calls": (association_call, {"counted": 429, "exempt": 200}),
    "hubspot_expired_category": (
        expired, {"expired": "EXPIRED_AUTHENTICATION", "invalid": "INVALID_AUTHENTICATION"},
    ),
    "hubspot_in_values": (
        portal("POST", "companies/search", named_with("IN", "Gamma and Sons"), lambda answer: answer.json()["total"]),
        {"lower_case": 0, "any_case": 1},
    ),
    "hubspot_invalid_value": (
        portal("POST", "companies/batch/update", ONE_WRONG), {"whole": 400, "each": 207},
    ),
    "hubspot_merge_id": (lambda served: merged(served) == "101", {"new": False, "primary": True}),
    "hubspot_merged_in_batches": (old_id_in_a_batch, {"survivor": 200, "missing": 207}),
    "hubspot_missing_record": (
        portal("GET", "companies/999", None, missing_record), {"html": "text/html", "json": "application/json"},
    ),
    "hubspot_no_associations": (
        portal("POST", LINKS, {"inputs": [{"id": "302"}]}), {"omit": 200, "error": 207},
    ),
    "hubspot_not_found_key": (
        portal("POST", "companies/batch/read", ABSENT, lambda answer: list(answer.json()["errors"][0]["context"])),
        {"ids": ["ids"], "id": ["id"]},
    ),
    "hubspot_partial_status": (
        portal("POST", "companies/batch/read", ABSENT), {"207": 207, "200_in_2026_09": 200},
    ),
    "hubspot_refresh_token": (rotated, {"same": False, "rotated": True}),
    "hubspot_required_rules": (
        ruled(read_rules, lambda answer: len(answer.json()["results"])), {"listed": 1, "hidden": 0},
    ),
    "hubspot_result_order": (
        order_of_results, {"by_id": {("101", "102", "103")}, "request": {("103", "101", "102")}, "shuffled": "many"},
    ),
    "hubspot_retry_after": (retry_after, {"absent": False, "present": True}),
    "hubspot_rule_batch": (ruled(win_in_a_batch, status), {"each": 207, "whole": 400}),
    "hubspot_rule_error": (
        ruled(win, lambda answer: "errors" in answer.json()), {"errors": True, "embedded": False},
    ),
    "hubspot_rule_scope": (ruled(rename_a_won_deal, status), {"trigger": 200, "record": 400}),
    "hubspot_to_object_id": (
        link_ids, {"by_version": [int, str], "number": [int, int], "string": [str, str]},
    ),
}  # fmt: skip


def test_every_value_of_every_switch_is_probed_and_seen_apart() -> None:
    assert {name: set(seen) for name, (_, seen) in SEEN.items()} == {
        name: set(values) for name, values in values_of_switches().items()
    }
    for name, (_, seen) in SEEN.items():
        assert all(one != other for one, other in itertools.combinations(seen.values(), 2)), name


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, (_, seen) in SEEN.items() for value in seen])
def test_a_client_sees_the_value_of_a_switch(tmp_path: Path, name: str, value: str) -> None:
    probe, seen = SEEN[name]
    with serving(tmp_path, **{name: value}) as served:
        assert probe(served) == seen[value]


def test_switches_are_told_by_name_and_value() -> None:
    assert Variants.told([]) == Variants()
    told = Variants.told(["hubspot_merge_id=primary", "salesforce_locator=01g"])
    assert told == replace(Variants(), hubspot_merge_id="primary", salesforce_locator="01g")
    with pytest.raises(ValueError, match="'nonsense' is no switch: one of salesforce_412_body, "):
        Variants.told(["nonsense=1"])
    with pytest.raises(ValueError, match="hubspot_merge_id cannot be 'old': one of new, primary"):
        Variants.told(["hubspot_merge_id=old"])
