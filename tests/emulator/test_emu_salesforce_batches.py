"""sObject Collections and composite calls."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .conftest import ACME, ADA, BETA, GONE, IDA, Served, serving

V = "/services/data/v68.0"


def account(id_: str | None = None, **values: Any) -> dict[str, Any]:
    return {"attributes": {"type": "Account"}, **({"id": id_} if id_ else {}), **values}


def update(served: Served, *records: dict[str, Any], all_or_none: bool = False) -> list[dict[str, Any]]:
    answer = served.sf.patch("composite/sobjects", {"allOrNone": all_or_none, "records": list(records)})
    assert answer.status_code == 200, answer.text
    results: list[dict[str, Any]] = answer.json()
    return results


def calls_left(served: Served) -> int:
    """What GET /limits says, itself counted."""
    left: int = served.sf.get("limits").json()["DailyApiRequests"]["Remaining"]
    return left


def codes(results: list[dict[str, Any]]) -> list[str | None]:
    return [None if one["success"] else one["errors"][0]["statusCode"] for one in results]


def names(served: Served) -> dict[str, Any]:
    return {one["Id"]: one["Name"] for one in served.emu.salesforce.rows("Account")}


def test_sf_collections_results_keep_the_order_and_failures_have_no_id(fresh: Served) -> None:
    results = update(
        fresh, account("001000000000009AAA", Name="x"), account(ACME, Name="Acme plc"), account(BETA, Nonsense__c=1),
        account(BETA, OwnerId=IDA), account(GONE, Name="x"), account(None, Name="x"), account("bad", Name="x"),
        {"id": ACME, "Name": "x"}, account(BETA, Name="y" * 300),
    )  # fmt: skip
    assert codes(results) == [
        "INVALID_CROSS_REFERENCE_KEY", None, "INVALID_FIELD", "DUPLICATE_VALUE", "ENTITY_IS_DELETED",
        "MISSING_ARGUMENT", "MALFORMED_ID", "INVALID_TYPE", "DUPLICATE_VALUE",
    ]  # fmt: skip
    assert [one.get("id") for one in results] == [None, ACME] + [None] * 7
    assert results[1] == {"id": ACME, "success": True, "errors": []}
    assert results[2]["errors"][0] == {
        "statusCode": "INVALID_FIELD", "message": "No such column 'Nonsense__c' on sobject of type Account",
        "fields": [],
    }  # fmt: skip
    assert names(fresh)[ACME] == "Acme plc"


def test_one_bad_row_does_not_stop_the_others(fresh: Served) -> None:
    results = update(fresh, account(ACME, OwnerId=IDA), account(BETA, OwnerId=ADA))
    assert codes(results) == ["INACTIVE_OWNER_OR_USER", None]


def test_sf_all_or_none_rolls_back(fresh: Served) -> None:
    results = update(fresh, account(ACME, Name="x"), account(BETA, OwnerId=IDA), all_or_none=True)
    assert codes(results) == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "INACTIVE_OWNER_OR_USER"]
    assert names(fresh)[ACME] == "Acme Ltd"
    assert fresh.emu.changes == []


def test_sf_collections_take_200_records(fresh: Served) -> None:
    created = fresh.sf.post(
        "composite/sobjects", {"records": [account(Name=f"N{number}") for number in range(200)]}
    ).json()
    assert all(one["success"] for one in created)
    results = update(fresh, *[account(one["id"], Site="HQ") for one in created])
    assert [one["id"] for one in results] == [one["id"] for one in created]
    answer = fresh.sf.post("composite/sobjects", {"records": [account(Name="x")] * 201})
    assert answer.status_code == 400
    assert answer.json()[0]["errorCode"] == "EXCEEDED_ID_LIMIT"


def test_sf_collections_take_ten_runs_of_types(fresh: Served) -> None:
    contact = {"attributes": {"type": "Contact"}, "LastName": "Lee"}
    mixed = [account(Name="x"), contact] * 5
    assert all(one["success"] for one in fresh.sf.post("composite/sobjects", {"records": mixed}).json())
    assert fresh.sf.post("composite/sobjects", {"records": [*mixed, account(Name="x")]}).status_code == 400


def test_a_broken_envelope_is_400(shared: Served) -> None:
    for body in ({}, {"records": "x"}, {"records": [1]}):
        assert shared.sf.patch("composite/sobjects", body).status_code == 400


def test_sf_collections_retrieve_has_null_for_what_is_not_there(shared: Served) -> None:
    body = {"ids": [BETA, "001000000000009AAA", ACME, GONE], "fields": ["Name", "Website"]}
    found = shared.sf.post("composite/sobjects/Account", body).json()
    assert [one and one["Name"] for one in found] == ["beta gmbh", None, "Acme Ltd", None]
    assert list(found[0]) == ["attributes", "Name", "Website"]
    bad = shared.sf.post("composite/sobjects/Account", {"ids": [ACME], "fields": ["Nonsense"]})
    assert bad.json()[0]["errorCode"] == "INVALID_FIELD"


def test_sf_collections_upsert_says_created(fresh: Served) -> None:
    body = {"records": [account(Number__c="A-1", Name="Acme plc"), account(Number__c="new", Name="New"),
                        account(Name="x"),
                        account(Number__c="new", Name="Again")]}  # fmt: skip
    results = fresh.sf.patch("composite/sobjects/Account/Number__c", body).json()
    assert [one.get("created") for one in results] == [False, True, None, None]
    assert codes(results) == [None, None, "MISSING_ARGUMENT", "DUPLICATE_VALUE"]
    assert names(fresh)[ACME] == "Acme plc"


def test_sf_collections_delete(fresh: Served) -> None:
    answer = fresh.sf("DELETE", f"composite/sobjects?ids={ACME},{GONE},001000000000009AAA&allOrNone=false")
    assert codes(answer.json()) == [None, "ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY"]


def test_redundant_rows_are_counted_one_by_one(fresh: Served) -> None:
    update(fresh, account(ACME, Name="Acme Ltd"), account(BETA, Name="beta gmbh", Site="HQ"))
    assert (fresh.emu.redundant_writes, len(fresh.emu.changes)) == (1, 1)
    assert fresh.emu.redundant[0].id == ACME


# --- composite


def composite(served: Served, *subs: dict[str, Any], **more: Any) -> Any:
    return served.sf.post("composite", {"compositeRequest": list(subs), **more})


def sub(reference: str, method: str, url: str, **more: Any) -> dict[str, Any]:
    return {"referenceId": reference, "method": method, "url": f"{V}/{url}", **more}


def test_sf_composite_takes_conditional_rows(fresh: Served) -> None:
    stale = {"If-Unmodified-Since": "Fri, 20 Nov 2026 09:00:00 GMT"}
    good = {"If-Unmodified-Since": "Sun, 22 Nov 2026 10:00:00 GMT"}
    answer = composite(
        fresh,
        sub("r0", "PATCH", f"sobjects/Account/{ACME}", body={"Name": "x"}, httpHeaders=stale),
        sub("r1", "PATCH", f"sobjects/Account/{BETA}", body={"Name": "Beta AG"}, httpHeaders=good),
    ).json()["compositeResponse"]
    assert [one["httpStatusCode"] for one in answer] == [412, 204]
    assert answer[1] == {"body": None, "httpHeaders": {}, "httpStatusCode": 204, "referenceId": "r1"}
    assert (names(fresh)[ACME], names(fresh)[BETA]) == ("Acme Ltd", "Beta AG")


def test_sf_composite_of_five_collections_is_one_call(fresh: Served) -> None:
    ids = [fresh.emu.salesforce.insert("Account", {"Name": f"N{number}"}) for number in range(10)]
    left = calls_left(fresh)
    subs = [
        sub(
            f"c{part}",
            "PATCH",
            "composite/sobjects",
            body={"records": [account(one, Site="HQ") for one in ids[part::5]]},
        )
        for part in range(5)
    ]
    answer = composite(fresh, *subs)
    assert [len(one["body"]) for one in answer.json()["compositeResponse"]] == [2] * 5
    assert calls_left(fresh) == left - 2  # the composite call and this one
    assert sum(1 for one in fresh.emu.salesforce.rows("Account") if one["Site"] == "HQ") == 10
    sixth = sub("c5", "GET", "query?q=SELECT+Id+FROM+Account")
    assert composite(fresh, *subs, sixth).status_code == 400


def test_sf_composite_takes_25(fresh: Served) -> None:
    subs = [sub(f"r{number}", "GET", f"sobjects/Account/{ACME}?fields=Name") for number in range(26)]
    assert composite(fresh, *subs).status_code == 400
    answer = composite(fresh, *subs[:25]).json()["compositeResponse"]
    assert {one["body"]["Name"] for one in answer} == {"Acme Ltd"}


def test_sf_composite_references_and_queries(fresh: Served) -> None:
    answer = composite(
        fresh,
        sub("new", "POST", "sobjects/Account", body={"Name": "Parent"}),
        sub("child", "POST", "sobjects/Account", body={"Name": "Child", "ParentId": "@{new.id}"}),
        sub("found", "GET", "query?q=SELECT+Parent.Name+FROM+Account+WHERE+Id='@{child.id}'"),
        sub("lost", "GET", "sobjects/Account/@{nobody.id}"),
    ).json()["compositeResponse"]
    assert [one["httpStatusCode"] for one in answer] == [201, 201, 200, 400]
    assert answer[0]["httpHeaders"]["Location"].endswith(answer[0]["body"]["id"])
    assert answer[2]["body"]["records"][0]["Parent"]["Name"] == "Parent"


def test_sf_composite_all_or_none_halts(fresh: Served) -> None:
    answer = composite(
        fresh,
        sub("a", "PATCH", f"sobjects/Account/{ACME}", body={"Name": "x"}),
        sub("b", "PATCH", f"sobjects/Account/{BETA}", body={"Nonsense__c": "x"}),
        sub("c", "PATCH", f"sobjects/Account/{BETA}", body={"Name": "x"}),
        allOrNone=True,
    ).json()["compositeResponse"]
    assert [one["body"][0]["errorCode"] for one in answer] == [
        "PROCESSING_HALTED",
        "INVALID_FIELD",
        "PROCESSING_HALTED",
    ]
    assert names(fresh)[ACME] == "Acme Ltd"


def test_a_broken_composite_is_400(shared: Served) -> None:
    twice = [sub("same", "GET", "limits")] * 2
    for subs in ([], [{"method": "GET"}], [sub("_x", "GET", "limits")], twice):
        assert composite(shared, *subs).status_code == 400


def test_sf_composite_conditions(fresh: Served, tmp_path: Path) -> None:
    stale = {"If-Unmodified-Since": "Fri, 20 Nov 2026 09:00:00 GMT"}

    def write(served: Served) -> int:
        one = sub("r0", "PATCH", f"sobjects/Account/{ACME}", body={"Name": "x"}, httpHeaders=stale)
        status: int = composite(served, one).json()["compositeResponse"][0]["httpStatusCode"]
        return status

    assert (write(fresh), names(fresh)[ACME]) == (412, "Acme Ltd")
    for value, status, name in (("ignored", 204, "x"), ("refused", 400, "Acme Ltd")):
        with serving(tmp_path, salesforce_composite_conditions=value) as other:
            assert (write(other), names(other)[ACME]) == (status, name)


def test_sf_composite_headers_are_not_inherited(fresh: Served) -> None:
    fresh.emu.salesforce.set_assignment_rule("Account", IDA)
    one = sub("r0", "PATCH", f"sobjects/Account/{ACME}", body={"Site": "A"})
    fresh.sf.post("composite", {"compositeRequest": [one]}, headers={"Sforce-Auto-Assign": "FALSE"})
    assert owner(fresh, ACME) == IDA
    two = sub(
        "r0", "PATCH", f"sobjects/Account/{BETA}", body={"Site": "A"}, httpHeaders={"Sforce-Auto-Assign": "FALSE"}
    )
    composite(fresh, two)
    assert owner(fresh, BETA) != IDA
    three = sub("r0", "GET", "limits", httpHeaders={"Accept": "text/plain"})
    assert composite(fresh, three).status_code == 400


def owner(served: Served, id_: str) -> str:
    return next(str(one["OwnerId"]) for one in served.emu.salesforce.rows("Account") if one["Id"] == id_)


def test_sf_composite_overrides_all_or_none_of_collections(fresh: Served) -> None:
    records = [account(ACME, Name="x"), account(BETA, OwnerId=IDA)]
    answer = composite(
        fresh,
        sub("a", "PATCH", f"sobjects/Account/{BETA}", body={"Name": "x"}),
        sub("b", "PATCH", "composite/sobjects", body={"allOrNone": False, "records": records}),
        sub("c", "GET", "limits"),
        allOrNone=True,
    ).json()["compositeResponse"]
    assert [one["httpStatusCode"] for one in answer] == [400, 200, 400]
    # the collection still says success for a record that was rolled back with everything else
    assert codes(answer[1]["body"]) == [None, "INACTIVE_OWNER_OR_USER"]
    assert (names(fresh)[ACME], names(fresh)[BETA], fresh.emu.changes) == ("Acme Ltd", "beta gmbh", [])


def test_sf_composite_null_references_stay_null(fresh: Served) -> None:
    answer = composite(
        fresh,
        sub("beta", "GET", f"sobjects/Account/{BETA}?fields=Website,Protected__c"),
        sub("write", "PATCH", f"sobjects/Account/{ACME}", body={"Website": "@{beta.Website}",
                                                                "Site": "<@{beta.Protected__c}>"}),
    ).json()["compositeResponse"]  # fmt: skip
    assert [one["httpStatusCode"] for one in answer] == [200, 204]
    after = next(one for one in fresh.emu.salesforce.rows("Account") if one["Id"] == ACME)
    assert (after["Website"], after["Site"]) == (None, "<false>")


def test_sf_batch_runs_requests_one_by_one(fresh: Served) -> None:
    left = calls_left(fresh)
    requests = [
        {"method": "PATCH", "url": f"v68.0/sobjects/Account/{ACME}", "richInput": {"Name": "Acme plc"}},
        {"method": "GET", "url": f"v68.0/sobjects/Account/{ACME}?fields=Name"},
        {"method": "GET", "url": "v68.0/sobjects/Account/001000000000009AAA"},
        {"method": "PATCH", "url": f"v68.0/sobjects/Account/{BETA}", "richInput": {"Name": "Beta AG"}},
    ]
    answer = fresh.sf.post("composite/batch", {"batchRequests": requests}).json()
    assert [one["statusCode"] for one in answer["results"]] == [204, 200, 404, 204]
    assert (answer["hasErrors"], answer["results"][0]["result"]) == (True, None)
    assert answer["results"][1]["result"]["Name"] == "Acme plc"
    assert names(fresh)[BETA] == "Beta AG"
    assert calls_left(fresh) == left - 5  # each of the four counts, and this one


def test_sf_batch_may_halt_on_error(fresh: Served) -> None:
    requests = [
        {"method": "GET", "url": "v68.0/sobjects/Account/001000000000009AAA"},
        {"method": "PATCH", "url": f"v68.0/sobjects/Account/{BETA}", "richInput": {"Name": "Beta AG"}},
    ]
    answer = fresh.sf.post("composite/batch", {"batchRequests": requests, "haltOnError": True}).json()
    assert [one["statusCode"] for one in answer["results"]] == [404, 412]
    assert answer["results"][1]["result"][0]["errorCode"] == "BATCH_PROCESSING_HALTED"
    assert names(fresh)[BETA] == "beta gmbh"


def test_wrong_batches_are_400(shared: Served) -> None:
    one = {"method": "GET", "url": "v68.0/limits"}
    for body in ({}, {"batchRequests": [1]}, {"batchRequests": [one] * 26},
                 {"batchRequests": [{"method": "POST", "url": "v68.0/composite/batch"}]}):  # fmt: skip
        assert shared.sf.post("composite/batch", body).status_code == 400


def test_sf_collections_create_takes_no_id(fresh: Served) -> None:
    (result,) = fresh.sf.post("composite/sobjects", {"records": [account(ACME, Name="x")]}).json()
    assert result["errors"][0]["statusCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"


def test_collections_upsert_by_id(fresh: Served) -> None:
    records = [account(ACME, Site="HQ"), account(Name="New"), account("001000000000009AAA", Site="x")]
    results = fresh.sf.patch("composite/sobjects/Account/Id", {"records": records}).json()
    assert [one.get("created") for one in results] == [False, True, None]
    assert codes(results) == [None, None, "INVALID_CROSS_REFERENCE_KEY"]
