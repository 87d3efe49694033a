"""Rules of the account's admin: on what a write of 2026-09 must bring along, and on what properties may hold."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import requests

from syncd.emulator import EmulatorRefusal

from .conftest import Served, serving

OLD, NEW = "/crm/v3/objects", "/crm/objects/2026-09"
WON = {"dealstage": "closedwon"}


def write(served: Served, base: str, id_: str = "302", kind: str = "deals", **properties: str) -> requests.Response:
    return served.hs.patch(f"{base}/{kind}/{id_}", {"properties": properties})


def batch(served: Served, base: str, **properties: str) -> requests.Response:
    """Update one deal with these properties, and one with a name only."""
    inputs = [{"id": "302", "properties": properties, "objectWriteTraceId": "a"},
              {"id": "9007199254740993", "properties": {"dealname": "Fine"}, "objectWriteTraceId": "b"}]  # fmt: skip
    return served.hs.post(f"{base}/deals/batch/update", {"inputs": inputs})


def missing(answer: requests.Response) -> list[str]:
    """The properties that a refusal asks for."""
    return [error["context"]["propertyName"][0] for error in answer.json()["errors"]]


def test_hs_rules_bind_2026_09_only(fresh: Served) -> None:
    fresh.emu.hubspot.add_write_rule("deals", "conditional_required", ["closed_won_reason"], WON)
    for base in (OLD, "/crm/objects/2026-03"):
        assert write(fresh, base, dealstage="closedwon").status_code == 200
        assert write(fresh, base, dealstage="contractsent").status_code == 200
    answer = write(fresh, NEW, dealstage="closedwon")
    assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR")
    assert missing(answer) == ["closed_won_reason"]
    assert fresh.hs.get("deals/302").json()["properties"]["dealstage"] == "contractsent"
    fresh.emu.hubspot.edit("deals", "302", WON)  # people are led by their screens, not by this


def test_hs_conditional_required_properties(fresh: Served) -> None:
    fresh.emu.hubspot.add_write_rule("deals", "conditional_required", ["closed_won_reason", "closedate"], WON)
    assert missing(write(fresh, NEW, dealstage="closedwon")) == ["closed_won_reason", "closedate"]
    assert missing(write(fresh, NEW, dealstage="closedwon", closedate="2026-12-01")) == ["closed_won_reason"]
    whole = {"dealstage": "closedwon", "closedate": "2026-12-01", "closed_won_reason": "Price"}
    assert write(fresh, NEW, **whole).status_code == 200
    assert write(fresh, NEW, dealstage="closedlost").status_code == 200  # another stage asks for nothing
    created = fresh.hs.post(f"{NEW}/deals", {"properties": {"dealname": "N", "dealstage": "closedwon"}})
    assert missing(created) == ["closed_won_reason", "closedate"]


def test_hs_required_on_create(fresh: Served) -> None:
    fresh.emu.hubspot.add_write_rule("companies", "required_on_create", ["domain"])
    body = {"properties": {"name": "N"}}
    assert missing(fresh.hs.post(f"{NEW}/companies", body)) == ["domain"]
    assert fresh.hs.post(f"{OLD}/companies", body).status_code == 201
    assert fresh.hs.post(f"{NEW}/companies", {"properties": {"name": "N", "domain": "n.com"}}).status_code == 201
    assert write(fresh, NEW, "102", "companies", name="M").status_code == 200  # not asked for at an update


def test_hs_rule_fails_its_record_alone_in_a_batch(fresh: Served) -> None:
    fresh.emu.hubspot.add_write_rule("deals", "conditional_required", ["closed_won_reason"], WON)
    answer = batch(fresh, NEW, dealstage="closedwon")
    assert (answer.status_code, answer.json()["numErrors"]) == (207, 1)
    (error,) = answer.json()["errors"]
    assert error["context"] == {"id": ["302"], "objectWriteTraceId": ["a"]}
    assert error["errors"][0]["context"] == {"propertyName": ["closed_won_reason"]}
    assert [one["objectWriteTraceId"] for one in answer.json()["results"]] == ["b"]
    assert batch(fresh, OLD, dealstage="closedwon").status_code == 200
    inputs = [{"idProperty": "email", "id": "new@x.com", "properties": {"firstname": "N"}}]
    fresh.emu.hubspot.add_write_rule("contacts", "required_on_create", ["lastname"])
    assert fresh.hs.post(f"{NEW}/contacts/batch/upsert", {"inputs": inputs}).status_code == 207
    assert fresh.hs.post(f"{OLD}/contacts/batch/upsert", {"inputs": inputs}).status_code == 200


def test_hs_association_permission_is_403_for_people(fresh: Served) -> None:
    hub = fresh.emu.hubspot
    hub.add_write_rule("deals", "association_permission", to="companies")
    body = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 341}]
    endpoint = fresh.endpoints["hubspot"]
    form = {"grant_type": "refresh_token", "refresh_token": endpoint["refresh_token"],
            "client_id": endpoint["client_id"], "client_secret": endpoint["client_secret"]}  # fmt: skip
    token = requests.post(f"{endpoint['base_url']}/oauth/2026-09/token", data=form, timeout=20).json()["access_token"]
    person = {"Authorization": f"Bearer {token}"}

    def put(base: str, target: str, headers: dict[str, str] | None = None) -> int:
        answer = fresh.hs("PUT", f"{base}/deals/302/associations/{target}", json=body, headers=headers)
        return answer.status_code

    assert put(NEW, "companies/101", person) == 403
    assert put(NEW, "companies/101") == 201  # a private app acts for no person
    assert put("/crm/v4/objects", "companies/102", person) == 201
    pair = {"inputs": [{"from": {"id": "101"}, "to": {"id": "302"}, "types": []}]}
    back = fresh.hs.post("/crm/associations/2026-09/companies/deals/batch/create", pair, headers=person)
    assert (back.status_code, back.json()["category"]) == (403, "FORBIDDEN")
    assert fresh.hs("DELETE", f"{NEW}/deals/302/associations/companies/101", headers=person).status_code == 403
    created = {"properties": {"dealname": "N"}, "associations": [{"to": {"id": "101"}, "types": body}]}
    before = len(hub.rows("deals"))
    assert fresh.hs.post(f"{NEW}/deals", created, headers=person).status_code == 403
    assert len(hub.rows("deals")) == before
    assert fresh.hs.post(f"{NEW}/deals", {"properties": {"dealname": "N"}}, headers=person).status_code == 201


def test_hs_property_validations_bind_every_version(fresh: Served) -> None:
    hub = fresh.emu.hubspot
    hub.validate_property("companies", "name", "MIN_LENGTH", [3])
    hub.validate_property("companies", "name", "REGEX", ["[A-Z].*"])
    hub.validate_property("companies", "score", "MAX_NUMBER", ["100"])
    hub.validate_property("contacts", "firstname", "ALPHANUMERIC", ["ALPHA"])
    for base in (OLD, NEW):
        answer = write(fresh, base, "101", "companies", name="x", score="101")
        assert answer.status_code == 400
        codes = re.findall(r'"error":"(\w+)"', answer.json()["message"])
        assert codes == ["INVALID_LENGTH", "INVALID_REGEX", "INVALID_NUMBER"]
        letters = write(fresh, base, "201", "contacts", firstname="K1").json()["message"]
        assert '"error":"INVALID_ALPHA","name":"firstname"' in letters
        assert write(fresh, base, "101", "companies", name="Xyz", score="100").status_code == 200


def test_rules_are_read_and_set_through_property_validations(fresh: Served) -> None:
    path = "/crm/property-validations/2026-09/0-2"
    rule = {"ruleArguments": ["3"], "shouldApplyNormalization": False}
    assert fresh.hs("PUT", f"{path}/name/rule-type/MIN_LENGTH", json=rule).status_code == 204
    listed = [{"ruleType": "MIN_LENGTH", **rule}]
    assert fresh.hs.get(f"{path}/name").json()["results"] == listed
    assert fresh.hs.get(path).json()["results"] == [{"propertyName": "name", "propertyValidationRules": listed}]
    assert fresh.hs.get(f"{path}/name/rule-type/MIN_LENGTH").json() == listed[0]
    assert fresh.hs.get(f"{path}/name/rule-type/REGEX").status_code == 404
    assert fresh.hs.get(f"{path}/nonsense").status_code == 404
    assert fresh.hs("PUT", f"{path}/name/rule-type/NONSENSE", json=rule).status_code == 400
    assert write(fresh, OLD, "101", "companies", name="x").status_code == 400
    fresh.emu.hubspot.clear_rules()
    assert write(fresh, OLD, "101", "companies", name="x").status_code == 200


def test_hs_required_rules_are_listed(tmp_path: Path, fresh: Served) -> None:
    def listed(served: Served) -> list[Any]:
        served.emu.hubspot.add_write_rule("deals", "conditional_required", ["closedate"], WON)
        found: list[Any] = served.hs.get("/crm/property-validations/2026-09/0-3/closedate").json()["results"]
        return found

    assert [(one["ruleType"], one["ruleArguments"]) for one in listed(fresh)] == [
        ("CONDITIONAL_REQUIRED", ["dealstage=closedwon"])
    ]
    with serving(tmp_path, hubspot_required_rules="hidden") as served:
        assert listed(served) == []


def test_hs_rule_error_text(tmp_path: Path) -> None:
    with serving(tmp_path, hubspot_rule_error="embedded") as served:
        served.emu.hubspot.add_write_rule("companies", "required_on_create", ["domain"])
        answer = served.hs.post(f"{NEW}/companies", {"properties": {"name": "N"}})
        assert answer.json()["message"].startswith('Property values were not valid: [{"isValid":false')
        assert "errors" not in answer.json()


def test_hs_rule_scope(tmp_path: Path, fresh: Served) -> None:
    def stamp(served: Served) -> int:
        """Write something else to a deal that was won before the rule came."""
        served.emu.hubspot.add_write_rule("deals", "conditional_required", ["closed_won_reason"], WON)
        return write(served, NEW, "9007199254740993", dealname="Big").status_code

    assert stamp(fresh) == 200
    with serving(tmp_path, hubspot_rule_scope="record") as served:
        assert stamp(served) == 400


def test_hs_rule_in_a_batch(tmp_path: Path) -> None:
    with serving(tmp_path, hubspot_rule_batch="whole") as served:
        served.emu.hubspot.add_write_rule("deals", "conditional_required", ["closed_won_reason"], WON)
        answer = batch(served, NEW, dealstage="closedwon")
        assert (answer.status_code, missing(answer)) == (400, ["closed_won_reason"])
        assert served.emu.changes == []


def test_hs_partial_failure_in_2026_09(tmp_path: Path) -> None:
    with serving(tmp_path, hubspot_partial_status="200_in_2026_09") as served:
        body = {"inputs": [{"id": "101"}, {"id": "999"}]}
        new, old = (served.hs.post(f"{base}/companies/batch/read", body) for base in (NEW, OLD))
        assert (new.status_code, new.json()["numErrors"], old.status_code) == (200, 1, 207)


def test_rules_that_make_no_sense_are_refused(fresh: Served) -> None:
    with pytest.raises(EmulatorRefusal, match="a rule is one of required_on_create"):
        fresh.emu.hubspot.add_write_rule("deals", "nonsense")
    with pytest.raises(EmulatorRefusal, match="rule type 'URL' is not one of"):
        fresh.emu.hubspot.validate_property("companies", "name", "URL", [])
    with pytest.raises(EmulatorRefusal, match="there is no nonsense"):
        fresh.emu.hubspot.validate_property("companies", "nonsense", "MIN_LENGTH", [1])
