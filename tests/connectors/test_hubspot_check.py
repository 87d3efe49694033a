"""What a check of a HubSpot connection finds: rights by name, properties that stamps fit into, proofs of visibility."""

from __future__ import annotations

from typing import Any

import pytest

from syncd.connectors.credentials import StaticToken
from syncd.model import Checked, Edition, MissingField, ReadSpec, Stream

from .stub import Say, Stub
from .worlds import FakeClock
from .worlds_hubspot import DEALS, OBJECTS, HubSpotWorld, hubspot_world
from .worlds_hubspot import stub_connector as connector

COMPANIES = ReadSpec(Stream.ACCOUNTS, "companies", ("name",))
OWNERS = ReadSpec(Stream.USERS, "owners", ("email",))
ALL = ("crm.objects.companies.read", "crm.objects.deals.read", "crm.objects.owners.read", "crm.objects.companies.write",
       "crm.objects.deals.write")  # fmt: skip


def check(portal: HubSpotWorld, specs: Any, writable: Any = None, scopes: Any = None) -> Checked:
    """The check of a token with these scopes; without, of one that may do everything."""
    if scopes is None:
        return portal.connector().check(specs, writable or {})
    token = portal.emulator.hubspot.add_token("app", scopes)
    return portal.connector(credentials=StaticToken(token)).check(specs, writable or {})


# --- rights


@pytest.mark.parametrize(
    ("without", "sentence"),
    [
        ("crm.objects.companies.read", "companies cannot be read: "),
        ("crm.objects.owners.read", "owners cannot be read: "),
        ("crm.objects.deals.write", "deals cannot be written: "),
    ],
)
@pytest.mark.parametrize("version", ["v3", "2026-03", "2026-09"])
def test_a_scope_that_is_missing_is_named(version: str, without: str, sentence: str) -> None:
    with hubspot_world(version) as portal:
        scopes = [scope for scope in ALL if scope != without]
        problems = check(portal, [COMPANIES, DEALS, OWNERS], {"deals": ["description"]}, scopes).problems
        (problem,) = problems
        assert problem.startswith(sentence)
        assert f"give the app {without}." in problem


def test_with_every_scope_nothing_is_missing(portal: HubSpotWorld) -> None:
    checked = check(portal, [COMPANIES, DEALS, OWNERS], {"deals": ["description", "hubspot_owner_id"]}, ALL)
    assert checked.problems == ()
    assert (checked.edition, checked.edition_reason) == (
        Edition.FULL,
        "The token reads and writes everything that is mapped.",
    )


def test_asking_whether_writing_is_allowed_changes_nothing(portal: HubSpotWorld) -> None:
    id_ = portal.create("Acme")
    before = portal.emulator.hubspot.rows("companies")
    check(portal, [COMPANIES], {"companies": ["description"]})
    assert portal.emulator.hubspot.rows("companies") == before
    assert portal.shown(id_) is None


@pytest.mark.parametrize(
    ("scopes", "edition", "words"),
    [
        (ALL, Edition.FULL, "everything"),
        (ALL[:2] + ALL[3:], Edition.STAMPS_ONLY, "owners.read"),
        (ALL[:4], Edition.STAMPS_ONLY, "only some"),
        (ALL[:3], Edition.FILES_ONLY, "write none"),
        (("crm.objects.owners.read",), Edition.FILES_ONLY, "read none"),
    ],
)
def test_the_edition_follows_from_the_rights(portal: HubSpotWorld, scopes: Any, edition: Edition, words: str) -> None:
    writable = {"deals": ["description", "hubspot_owner_id"], "companies": ["description"]}
    checked = check(portal, [COMPANIES, DEALS], writable, scopes)
    assert checked.edition is edition
    assert words in checked.edition_reason
    assert checked.edition_reason.endswith(".")


# --- properties


@pytest.mark.parametrize(
    ("definition", "words"),
    [
        ({"type": "json", "fieldType": "text"}, "of type json"),
        ({"type": "string", "hasUniqueValue": True}, "different on each record"),
        ({"type": "enumeration", "fieldType": "select", "options": []}, "without options"),
        ({"calculated": True}, "calculated or read-only"),
        ({"modificationMetadata": {"readOnlyValue": True}}, "calculated or read-only"),
    ],
)
def test_a_property_that_no_stamp_fits_into_is_named(
    stub: Stub, clock: FakeClock, definition: dict[str, Any], words: str
) -> None:
    stub.on("GET /account-info/2026-09/details", Say(body={"portalId": 7}))
    stub.on(
        "GET /crm/properties/2026-09/deals", Say(body={"results": [{"name": "ours", "type": "string", **definition}]})
    )
    stub.on(f"POST {OBJECTS}/batch/update", Say(400, {"category": "VALIDATION_ERROR"}))
    (problem,) = connector(stub, clock).check([], {"deals": ["ours"]}).problems
    assert problem.startswith("deals.ours ")
    assert words in problem
    assert problem.count(". ") == 1


def test_the_options_of_a_choice_are_told(portal: HubSpotWorld) -> None:
    options = [{"label": "Protected", "value": "protected"}, {"label": "Ended", "value": "ended"}]
    definition = {"name": "syncd_status", "type": "enumeration", "fieldType": "select", "options": options}
    portal.emulator.hubspot.add_property("companies", definition)
    checked = check(portal, [], {"companies": ["syncd_status", "description", "hubspot_owner_id"]})
    assert checked.problems == ()
    assert checked.facts["choices"] == {"companies.syncd_status": ["protected", "ended"]}


def test_a_property_under_its_label_is_a_slip_of_the_pen(portal: HubSpotWorld) -> None:
    (problem,) = check(portal, [ReadSpec(Stream.REGISTRATIONS, "deals", ("DealStage",))]).problems
    assert isinstance(problem, MissingField)
    assert "is called dealstage in this portal" in problem


def test_associations_to_a_type_that_is_not_there_are_a_problem(portal: HubSpotWorld) -> None:
    spec = ReadSpec(Stream.REGISTRATIONS, "deals", ("dealname",), associations=("companies", "p_nothing"))
    (problem,) = check(portal, [spec]).problems
    assert "p_nothing" in problem


def test_histories_and_lists_cannot_be_written(portal: HubSpotWorld) -> None:
    problems = check(portal, [], {"deals_history": ["value"], "owners": ["email"]}).problems
    assert [p.partition(";")[0] for p in problems] == ["deals_history cannot be written", "owners cannot be written"]


# --- what is visible


def test_equal_counts_prove_that_nothing_is_hidden(portal: HubSpotWorld) -> None:
    """F36."""
    for n in range(3):
        portal.create(f"C{n}")
    companies, owners = check(portal, [COMPANIES, OWNERS]).access
    assert (companies.object, companies.sees_all, companies.records) == ("companies", True, 3)
    assert "counts 3 records in the account and shows as many" in companies.evidence
    assert "changes of associations alone may not" in companies.evidence
    assert companies.formulas == ()
    assert (owners.sees_all, owners.records) == (True, len(list(portal.emulator.hubspot._portal.owners)))


def test_fewer_records_than_the_account_counts_prove_nothing(portal: HubSpotWorld) -> None:
    """F36, F41."""
    portal.create("seen")
    portal.emulator.hubspot.set_index_lag(3_600)
    portal.create("not yet")
    (access,) = check(portal, [COMPANIES]).access
    assert (access.sees_all, access.records) == (None, 2)
    assert "counts 2 records in the account, and search shows 1" in access.evidence


def test_without_a_count_of_the_account_nothing_is_proved(stub: Stub, clock: FakeClock) -> None:
    """F36."""
    stub.on("GET /account-info/2026-09/details", Say(body={"portalId": 7}))
    known = [{"name": "dealname"}, {"name": "hs_lastmodifieddate"}]
    stub.on("GET /crm/properties/2026-09/deals", Say(body={"results": known}))
    stub.on(f"POST {OBJECTS}/search", Say(body={"total": 3, "results": []}))
    checked = connector(stub, clock).check([DEALS], {})
    (access,) = checked.access
    assert checked.problems == ()
    assert (access.sees_all, access.records) == (None, None)
    assert "nothing proves" in access.evidence


def test_what_cannot_be_read_is_told_as_such(portal: HubSpotWorld) -> None:
    nonsense, hidden = check(
        portal, [ReadSpec(Stream.ACCOUNTS, "nonsense", ("name",)), COMPANIES], scopes=["crm.objects.deals.read"]
    ).access
    assert nonsense.sees_all is hidden.sees_all is None
    assert "no object type nonsense" in nonsense.evidence
    assert "companies cannot be read" in hidden.evidence


def test_each_thing_is_asked_once_whatever_the_number_of_streams(portal: HubSpotWorld) -> None:
    hubspot = portal.connector()
    partners = ReadSpec(Stream.PARTNERS, "companies", ("domain",), where={"name": ("x",)})
    hubspot.check([COMPANIES, partners, DEALS, OWNERS], {"companies": ["description", "hubspot_owner_id"]})
    paths = portal.paths()
    assert len(paths) == hubspot.calls
    assert {path: paths.count(path) for path in set(paths) if paths.count(path) > 1} == {
        "GET /crm/owners/2026-09": 2  # the active ones and the deactivated ones
    }
    assert not any("api-usage" in path for path in paths)


def test_the_check_tells_which_portal_and_which_version() -> None:
    with hubspot_world("2026-03") as portal:
        portal.emulator.hubspot.set_account({"accountType": "SANDBOX", "timeZone": "Europe/Berlin"})
        checked = portal.connector().check([], {})
        assert checked.uid == f"hubspot-{checked.facts['portal_id']}"
        assert checked.label == f"HubSpot portal {checked.facts['portal_id']} (sandbox)"
        assert (checked.facts["api_version"], checked.facts["timeZone"]) == ("2026-03", "Europe/Berlin")


def test_a_check_tells_types_and_options_so_that_a_later_one_can_see_what_changed(portal: HubSpotWorld) -> None:
    """F21, F22."""
    spec = ReadSpec(Stream.ACCOUNTS, "companies", ("name", "industry"))
    schema = portal.connector().check([spec], {}).facts["schema"]["companies"]
    assert schema["name"] == {"type": "string"}
    assert schema["industry"]["type"] == "enumeration"
