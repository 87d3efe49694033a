"""What administrators build: validation rules, triggers, assignment and duplicate rules, locks, features."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import requests

from syncd.emulator import EmulatorRefusal

from .conftest import ACME, ADA, BETA, IDA, Served

ACCOUNT = f"sobjects/Account/{ACME}"
API = "integration@example.com"
OFF = {"Sforce-Auto-Assign": "FALSE"}


def row(served: Served, id_: str = ACME, name: str = "Account") -> dict[str, Any]:
    return next(one for one in served.emu.salesforce.rows(name) if one["Id"] == id_)


def update(served: Served, values: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    records = [{"attributes": {"type": "Account"}, "id": id_, **fields} for id_, fields in values.items()]
    results: list[dict[str, Any]] = served.sf.patch("composite/sobjects", {"records": records}).json()
    return results


def code(answer: requests.Response) -> str | None:
    return None if answer.status_code < 400 else str(answer.json()[0]["errorCode"])


def changes(served: Served) -> list[tuple[str, str, Any]]:
    return [(one.by, one.field, one.after) for one in served.emu.changes]


# --- validation, required fields, picklists


def test_sf_validation_rule_refuses_in_its_own_words(fresh: Served) -> None:
    fresh.emu.salesforce.add_validation_rule(
        "Account", "No_Small_Score", "Score__c", "less", 1, "Score must be 1 or more.", shown_at="Score__c"
    )
    answer = fresh.sf.patch(ACCOUNT, {"Score__c": 0.5})
    assert (answer.status_code, answer.json()) == (
        400, [{"message": "Score must be 1 or more.", "errorCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION",
               "fields": ["Score__c"]}],
    )  # fmt: skip
    assert code(fresh.sf.post("sobjects/Account", {"Name": "x", "Score__c": 0})) == "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    assert fresh.sf.patch(ACCOUNT, {"Score__c": 1}).status_code == 204
    with pytest.raises(EmulatorRefusal, match="FIELD_CUSTOM_VALIDATION_EXCEPTION: Score must"):
        fresh.emu.salesforce.edit("Account", ACME, {"Score__c": 0})


CONDITIONS = [
    ("Name", "equals", "Acme plc", {"Name": "Acme plc"}, {"Name": "Acme AG"}),
    ("Name", "not_equals", "Acme Ltd", {"Name": "x"}, {"Site": "x"}),
    ("Website", "blank", None, {"Website": None}, {"Website": "x.com"}),
    ("Site", "not_blank", None, {"Site": "x"}, {"Website": "x.com"}),
    ("NumberOfEmployees", "less", 100, {"NumberOfEmployees": 99}, {"NumberOfEmployees": 100}),
    ("NumberOfEmployees", "greater", "200", {"NumberOfEmployees": 201}, {"NumberOfEmployees": None}),
    ("Name", "contains", "PLC", {"Name": "Acme plc"}, {"Name": "Acme"}),
    ("Status__c", "in", ["Closed"], {"Status__c": "Closed"}, {"Site": "x"}),
    ("OwnerId", "changed", None, {"OwnerId": "integration"}, {"Site": "x"}),
]


@pytest.mark.parametrize(
    ("field", "operator", "value", "refused", "passes"), CONDITIONS, ids=[c[1] for c in CONDITIONS]
)
def test_conditions_hold_for_what_they_say(
    fresh: Served, field: str, operator: str, value: Any, refused: dict[str, Any], passes: dict[str, Any]
) -> None:
    fresh.emu.salesforce.add_validation_rule("Account", "R", field, operator, value)
    if "OwnerId" in refused:
        refused = {"OwnerId": fresh.sf.get("/services/oauth2/userinfo").json()["user_id"]}
    assert code(fresh.sf.patch(ACCOUNT, refused)) == "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    assert fresh.sf.patch(ACCOUNT, passes).status_code == 204


def test_sf_one_record_that_breaks_a_rule_does_not_stop_the_others(fresh: Served) -> None:
    fresh.emu.salesforce.add_validation_rule("Account", "R", "Site", "equals", "bad")
    records = [
        {"attributes": {"type": "Account"}, "id": id_, "Site": site} for id_, site in ((ACME, "bad"), (BETA, "ok"))
    ]
    results = fresh.sf.patch("composite/sobjects", {"records": records}).json()
    assert [one["success"] for one in results] == [False, True]
    assert results[0]["errors"][0]["statusCode"] == "FIELD_CUSTOM_VALIDATION_EXCEPTION"


def test_sf_field_may_be_made_required(fresh: Served) -> None:
    fresh.emu.salesforce.require_field("Account", "Website")
    assert code(fresh.sf.post("sobjects/Account", {"Name": "x"})) == "REQUIRED_FIELD_MISSING"
    assert code(fresh.sf.patch(ACCOUNT, {"Website": None})) == "REQUIRED_FIELD_MISSING"
    assert code(fresh.sf.patch(f"sobjects/Account/{BETA}", {"Site": "x"})) == "REQUIRED_FIELD_MISSING"
    assert fresh.sf.patch(f"sobjects/Account/{BETA}", {"Site": "x", "Website": "b.com"}).status_code == 204
    fields = {one["name"]: one for one in fresh.sf.get("sobjects/Account/describe").json()["fields"]}
    assert fields["Website"]["nillable"] is False


def test_sf_picklist_may_be_restricted_later(fresh: Served) -> None:
    fresh.emu.salesforce.set_picklist("Account", "Industry", ["Energy", "Retail"])
    assert code(fresh.sf.patch(ACCOUNT, {"Industry": "Banking"})) == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
    assert fresh.sf.patch(ACCOUNT, {"Site": "x"}).status_code == 204  # its own old value stays
    assert fresh.sf.patch(ACCOUNT, {"Industry": "Retail"}).status_code == 204
    with pytest.raises(EmulatorRefusal, match="not a picklist"):
        fresh.emu.salesforce.set_picklist("Account", "Name", [])


def test_sf_new_owner_must_be_able_to_read(fresh: Served) -> None:
    fresh.emu.salesforce.forbid_ownership("Account", "ada@example.com")
    answer = fresh.sf.patch(f"sobjects/Account/{BETA}", {"OwnerId": ADA})
    assert (answer.status_code, code(answer)) == (400, "TRANSFER_REQUIRES_READ")
    assert fresh.sf.patch(ACCOUNT, {"OwnerId": ADA, "Site": "x"}).status_code == 204  # the owner it has


# --- locks


def test_sf_record_lock_refuses_until_it_is_released(fresh: Served) -> None:
    fresh.emu.salesforce.lock("Account", ACME, 10)
    answer = fresh.sf.patch(ACCOUNT, {"Site": "x"})
    assert (answer.status_code, code(answer)) == (400, "UNABLE_TO_LOCK_ROW")
    assert answer.json()[0]["message"].endswith(f"1 records: {ACME}")
    assert code(fresh.sf("DELETE", ACCOUNT)) == "UNABLE_TO_LOCK_ROW"
    deal = {"Name": "x", "AccountId": ACME, "StageName": "Prospecting", "CloseDate": "2027-01-01"}
    assert code(fresh.sf.post("sobjects/Opportunity", deal)) == "UNABLE_TO_LOCK_ROW"  # the parent is locked
    assert fresh.sf.patch(f"sobjects/Account/{BETA}", {"Site": "x"}).status_code == 204
    assert fresh.sf.get(ACCOUNT).status_code == 200
    fresh.clock.advance(timedelta(seconds=10))
    assert fresh.sf.patch(ACCOUNT, {"Site": "x"}).status_code == 204


def test_sf_parallel_requests_contend_for_the_parent(fresh: Served) -> None:
    fresh.emu.salesforce.hold_parents(0.5)
    first, second = "sobjects/Opportunity/006000000000001AAA", "sobjects/Opportunity/006000000000002AAA"
    assert fresh.sf.patch(second, {"AccountId": ACME}).status_code == 204
    assert code(fresh.sf.patch(first, {"NextStep": "x"})) == "UNABLE_TO_LOCK_ROW"
    fresh.clock.advance(timedelta(seconds=1))
    records = [{"attributes": {"type": "Opportunity"}, "id": path[-18:], "NextStep": "y"} for path in (first, second)]
    results = fresh.sf.patch("composite/sobjects", {"records": records}).json()
    assert [one["success"] for one in results] == [True, True]  # one request does not contend with itself


def test_sf_record_in_approval_is_locked(fresh: Served) -> None:
    fresh.emu.salesforce.lock_for_approval("Account", ACME)
    answer = fresh.sf.patch(ACCOUNT, {"Site": "x"})
    assert (answer.status_code, code(answer)) == (400, "ENTITY_IS_LOCKED")
    fresh.emu.salesforce.unlock("Account", ACME)
    assert fresh.sf.patch(ACCOUNT, {"Site": "x"}).status_code == 204


# --- duplicates


def test_sf_duplicate_alert_may_be_saved_over(fresh: Served) -> None:
    fresh.emu.salesforce.add_duplicate_rule("Account", "Same_Name", ["Name"])
    answer = fresh.sf.post("sobjects/Account", {"Name": "ACME LTD"})
    (error,) = answer.json()
    assert (answer.status_code, error["errorCode"]) == (400, "DUPLICATES_DETECTED")
    result = error["duplicateResult"]
    assert (result["allowSave"], result["duplicateRule"], result["duplicateRuleEntityType"]) == (
        True, "Same_Name", "Account",
    )  # fmt: skip
    (match,) = result["matchResults"]
    assert (match["size"], match["matchRecords"][0]["record"]["Id"]) == (1, ACME)
    allow = {"Sforce-Duplicate-Rule-Header": "allowSave=true; runAsCurrentUser=true"}
    assert fresh.sf.post("sobjects/Account", {"Name": "Acme Ltd"}, headers=allow).status_code == 201


def test_duplicates_come_with_their_fields_on_request(fresh: Served) -> None:
    fresh.emu.salesforce.add_duplicate_rule("Account", "Same_Name", ["Name"])
    headers = {"Sforce-Duplicate-Rule-Header": "includeRecordDetails=true"}
    answer = fresh.sf.post("/services/data/v60.0/sobjects/Account", {"Name": "Acme Ltd"}, headers=headers)
    record = answer.json()[0]["duplicateResult"]["matchResults"][0]["matchRecords"][0]["record"]
    assert (record["Website"], record["attributes"]["url"]) == (
        "acme.com", f"/services/data/v60.0/sobjects/Account/{ACME}",
    )  # fmt: skip


def test_sf_duplicate_block_stays(fresh: Served) -> None:
    fresh.emu.salesforce.add_duplicate_rule("Account", "Same", ["Name", "Website"], blocks=True)
    allow = {"Sforce-Duplicate-Rule-Header": "allowSave=true"}
    answer = fresh.sf.post("sobjects/Account", {"Name": "Acme Ltd", "Website": "acme.com"}, headers=allow)
    assert (code(answer), answer.json()[0]["duplicateResult"]["allowSave"]) == ("DUPLICATES_DETECTED", False)
    assert fresh.sf.post("sobjects/Account", {"Name": "Acme Ltd", "Website": "x.com"}).status_code == 201
    assert fresh.sf.patch(ACCOUNT, {"Site": "x"}).status_code == 204  # none of the rule's fields changes
    twin = fresh.emu.salesforce.insert("Account", {"Name": "Twin", "Website": "acme.com"})
    assert code(fresh.sf.patch(f"sobjects/Account/{twin}", {"Name": "acme ltd"})) == "DUPLICATES_DETECTED"


def test_sf_duplicates_in_collections_have_no_details(fresh: Served) -> None:
    fresh.emu.salesforce.add_duplicate_rule("Account", "Same_Name", ["Name"])
    records = [{"attributes": {"type": "Account"}, "Name": "Acme Ltd"}]
    (result,) = fresh.sf.post("composite/sobjects", {"records": records}).json()
    assert result["errors"] == [
        {"statusCode": "DUPLICATES_DETECTED", "message": "Use one of these records?", "fields": []}
    ]


# --- triggers


def test_sf_trigger_overwrites_a_field_after_each_write(fresh: Served) -> None:
    fresh.emu.salesforce.add_trigger("Account", "keep_open", {"Status__c": "Open"})
    assert fresh.sf.patch(ACCOUNT, {"Status__c": "Closed", "Site": "x"}).status_code == 204
    assert changes(fresh) == [
        (API, "Status__c", "Closed"), (API, "Site", "x"), ("trigger:keep_open", "Status__c", "Open"),
    ]  # fmt: skip
    user = fresh.sf.get("/services/oauth2/userinfo").json()["user_id"]
    assert (row(fresh)["Status__c"], row(fresh)["LastModifiedById"]) == ("Open", user)
    assert len({one.request for one in fresh.emu.changes}) == 1


def test_sf_before_trigger_changes_what_is_saved(fresh: Served) -> None:
    fresh.emu.salesforce.add_trigger("Account", "tidy", {"Site": "HQ"}, before=True, field="Name", operator="changed")
    fresh.sf.patch(ACCOUNT, {"Website": "x.com"})
    assert row(fresh)["Site"] is None
    fresh.sf.patch(ACCOUNT, {"Name": "Acme plc"})
    made = fresh.sf.post("sobjects/Account", {"Name": "New"}).json()["id"]
    assert (row(fresh)["Site"], row(fresh, made)["Site"]) == ("HQ", "HQ")
    assert ("trigger:tidy", "Site", "HQ") in changes(fresh)
    assert (API, "Site", "HQ") not in changes(fresh)


def test_a_write_that_a_trigger_undoes_is_neither_a_change_nor_redundant(fresh: Served) -> None:
    fresh.emu.salesforce.add_trigger("Account", "freeze", {"Name": "Acme Ltd"}, before=True)
    assert fresh.sf.patch(ACCOUNT, {"Name": "Acme plc"}).status_code == 204
    assert (fresh.emu.changes, fresh.emu.redundant_writes) == ([], 0)
    assert (row(fresh)["Name"], row(fresh)["SystemModstamp"]) == ("Acme Ltd", "2026-11-23T09:00:00.000+0000")


def test_sf_trigger_that_throws_undoes_the_write(fresh: Served) -> None:
    fresh.emu.salesforce.add_trigger("Account", "Guard", {"Site": "never"}, on=["insert"])
    fresh.emu.salesforce.add_trigger("Account", "Fail", throws="NullPointerException: null", field="Name",
                                     operator="contains", value="bad")  # fmt: skip
    answer = fresh.sf.post("sobjects/Account", {"Name": "bad one"})
    assert (answer.status_code, code(answer)) == (400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY")
    assert "System.NullPointerException" in answer.json()[0]["message"]
    records = [
        {"attributes": {"type": "Account"}, "id": id_, "Name": name} for id_, name in ((ACME, "bad"), (BETA, "B"))
    ]
    results = fresh.sf.patch("composite/sobjects", {"records": records}).json()
    assert [one["success"] for one in results] == [False, True]
    assert (row(fresh)["Name"], len(fresh.emu.salesforce.rows("Account"))) == ("Acme Ltd", 3)
    assert changes(fresh) == [(API, "Name", "B")]


def test_sf_trigger_may_refuse_a_deletion(fresh: Served) -> None:
    fresh.emu.salesforce.add_trigger("Account", "Keep", throws="DmlException: keep", on=["delete"])
    assert code(fresh.sf("DELETE", ACCOUNT)) == "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"
    assert row(fresh)["IsDeleted"] is False
    with pytest.raises(EmulatorRefusal, match="INVALID_EVENT"):
        fresh.emu.salesforce.add_trigger("Account", "Odd", on=["undelete"])


def test_sf_trigger_may_bump_the_parent(fresh: Served) -> None:
    fresh.emu.salesforce.add_trigger("Opportunity", "rollup", bumps="AccountId")
    fresh.sf.patch("sobjects/Opportunity/006000000000001AAA", {"NextStep": "x"})
    assert row(fresh)["SystemModstamp"] == "2026-11-23T09:00:00.000+0000"
    assert changes(fresh) == [(API, "NextStep", "x")]


def test_a_trigger_on_a_persons_edit_is_told_apart_as_well(fresh: Served) -> None:
    fresh.emu.salesforce.add_trigger("Account", "keep_open", {"Status__c": "Open"})
    fresh.emu.salesforce.edit("Account", ACME, {"Status__c": "Closed"}, user="ada@example.com")
    assert [(one.by, one.request) for one in fresh.emu.changes] == [
        ("ada@example.com", None), ("trigger:keep_open", None),
    ]  # fmt: skip


def test_rules_can_be_taken_out(fresh: Served) -> None:
    fresh.emu.salesforce.add_validation_rule("Account", "R", "Name", "not_blank")
    fresh.emu.salesforce.remove_rules()
    assert fresh.sf.patch(ACCOUNT, {"Site": "x"}).status_code == 204


# --- assignment and ownership


def test_sf_assignment_rule_re_owns_unless_told_not_to(fresh: Served) -> None:
    fresh.emu.salesforce.set_assignment_rule("Account", "ada@example.com")
    path = f"sobjects/Account/{BETA}"
    owner = row(fresh, BETA)["OwnerId"]
    for headers in (OFF, {"sforce-auto-assign": "false"}):
        fresh.sf.patch(path, {"Site": str(headers)}, headers=headers)
        assert row(fresh, BETA)["OwnerId"] == owner
    fresh.sf.patch(path, {"Site": "x"})
    assert row(fresh, BETA)["OwnerId"] == ADA
    assert changes(fresh)[-1] == ("assignment:Account", "OwnerId", ADA)
    fresh.emu.salesforce.edit("Account", BETA, {"OwnerId": owner})
    assert row(fresh, BETA)["OwnerId"] == owner  # a person's edit in the user interface
    assert row(fresh, fresh.sf.post("sobjects/Account", {"Name": "N"}).json()["id"])["OwnerId"] == ADA


def test_sf_assignment_rules_exist_for_three_objects(fresh: Served) -> None:
    fresh.emu.salesforce.set_assignment_rule("Lead", "ada@example.com", "Company", "contains", "acme")
    for company, owned in (("Acme", True), ("Other", False)):
        made = fresh.sf.post("sobjects/Lead", {"LastName": "x", "Company": company}).json()["id"]
        assert (row(fresh, made, "Lead")["OwnerId"] == ADA) is owned
    with pytest.raises(EmulatorRefusal, match="no assignment rules"):
        fresh.emu.salesforce.set_assignment_rule("Opportunity", "ada@example.com")


def test_an_owner_write_back_can_be_undone_by_the_orgs_own_rule(fresh: Served) -> None:
    fresh.emu.salesforce.set_assignment_rule("Account", "ada@example.com")
    user = fresh.sf.get("/services/oauth2/userinfo").json()["user_id"]
    fresh.sf.patch(ACCOUNT, {"OwnerId": user})
    assert row(fresh)["OwnerId"] == ADA
    assert changes(fresh) == [(API, "OwnerId", user), ("assignment:Account", "OwnerId", ADA)]


def test_sf_owner_change_moves_what_the_org_says(fresh: Served) -> None:
    fresh.emu.salesforce.set_owner_change_effects(drop_account_team=True, transfer_opportunities=True)
    user = fresh.sf.get("/services/oauth2/userinfo").json()["user_id"]
    open_deal = fresh.emu.salesforce.insert(
        "Opportunity", {"Name": "o", "AccountId": ACME, "StageName": "Prospecting", "CloseDate": "2027-01-01",
                        "OwnerId": ADA}
    )  # fmt: skip
    fresh.sf.patch(ACCOUNT, {"OwnerId": user}, headers=OFF)
    assert row(fresh, open_deal, "Opportunity")["OwnerId"] == user
    assert row(fresh, "006000000000001AAA", "Opportunity")["OwnerId"] == ADA  # closed
    assert changes(fresh)[-1] == ("owner change", "OwnerId", user)


# --- features


def test_sf_person_accounts_are_named_by_their_parts(fresh: Served) -> None:
    fresh.emu.salesforce.enable_person_accounts()
    made = fresh.sf.post("sobjects/Account", {"FirstName": "Kim", "LastName": "Lee", "PersonEmail": "k@x.com"})
    person = row(fresh, made.json()["id"])
    assert (person["IsPersonAccount"], person["Name"]) == (True, "Kim Lee")
    contact = row(fresh, person["PersonContactId"], "Contact")
    assert (contact["Name"], contact["Email"], contact["AccountId"]) == ("Kim Lee", "k@x.com", person["Id"])
    path = f"sobjects/Account/{person['Id']}"
    assert code(fresh.sf.patch(path, {"Name": "x"})) == "INVALID_FIELD_FOR_INSERT_UPDATE"
    assert fresh.sf.patch(path, {"LastName": "Park"}).status_code == 204
    assert row(fresh, person["Id"])["Name"] == row(fresh, contact["Id"], "Contact")["Name"] == "Kim Park"
    assert code(fresh.sf.patch(ACCOUNT, {"LastName": "x"})) == "INVALID_FIELD_FOR_INSERT_UPDATE"
    assert fresh.sf.patch(ACCOUNT, {"Name": "Acme plc"}).status_code == 204


def test_sf_currencies_must_be_known(fresh: Served) -> None:
    assert code(fresh.sf.patch(ACCOUNT, {"CurrencyIsoCode": "EUR"})) == "INVALID_FIELD"
    fresh.emu.salesforce.enable_currencies({"EUR": 1.0, "USD": 1.1}, corporate="EUR")
    assert (row(fresh)["CurrencyIsoCode"], fresh.emu.changes) == ("EUR", [])
    assert fresh.sf.patch(ACCOUNT, {"CurrencyIsoCode": "USD"}).status_code == 204
    assert code(fresh.sf.patch(ACCOUNT, {"CurrencyIsoCode": "CHF"})) == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
    made = fresh.sf.post("sobjects/Account", {"Name": "x"}).json()["id"]
    assert row(fresh, made)["CurrencyIsoCode"] == "EUR"
    assert {one["IsoCode"] for one in fresh.emu.salesforce.rows("CurrencyType")} == {"EUR", "USD"}


def test_names_in_rules_are_checked(fresh: Served) -> None:
    sf = fresh.emu.salesforce
    for wrong in (
        lambda: sf.add_validation_rule("Nothing__c", "R", "Name", "blank"),
        lambda: sf.add_validation_rule("Account", "R", "Nothing", "blank"),
        lambda: sf.add_trigger("Account", "T", {"Score__c": "many"}),
        lambda: sf.lock("Account", "001000000000009AAA", 1),
        lambda: sf.set_assignment_rule("Account", "nobody"),
    ):
        with pytest.raises(EmulatorRefusal):
            wrong()
    with pytest.raises(ValueError, match="unknown operator"):
        sf.add_validation_rule("Account", "R", "Name", "resembles")


def test_rules_can_be_made_over_the_admin_api(fresh: Served) -> None:
    rule = {"object": "Account", "name": "R", "field": "Site", "operator": "equals", "value": "bad", "message": "No."}
    assert fresh.admin.post("/do/salesforce/add_validation_rule", rule).status_code == 200
    assert fresh.sf.patch(ACCOUNT, {"Site": "bad"}).json()[0]["message"] == "No."
    wrong = fresh.admin.post("/do/salesforce/add_validation_rule", {**rule, "field": "Nothing"})
    assert (wrong.status_code, "Nothing" in wrong.json()["error"]) == (400, True)
    assert IDA not in {one.id for one in fresh.emu.changes}
