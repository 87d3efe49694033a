"""The demo's universe is what it says: complete, consistent, truthful, and the same every time."""

import csv
import os
import re
import subprocess
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from functools import cached_property
from pathlib import Path

import pytest

from syncd.demo import companies
from syncd.demo.universe import Summary, generate, scenarios
from syncd.demo.universe.write import salesforce_id

Row = dict[str, str]
AUTUMN = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
LEAP_DAY = datetime(2028, 3, 1, 3, 41, tzinfo=timezone(timedelta(hours=5, minutes=30)))
PLANS = {"closedate", "protection_end"}
"""Columns that may lie in the future; Opportunity.CloseDate only while it is open."""


@dataclass
class Universe:
    """The files as another program reads them."""

    summary: Summary
    folder: Path
    _tables: dict[str, list[Row]] = field(default_factory=dict)

    def table(self, name: str) -> list[Row]:
        if name not in self._tables:
            with (self.folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
                self._tables[name] = list(csv.DictReader(file))
        return self._tables[name]

    @cached_property
    def accounts(self) -> dict[str, Row]:
        return {row["Id"]: row for row in self.table("salesforce/Account")}

    @cached_property
    def opportunities(self) -> dict[str, Row]:
        return {row["Id"]: row for row in self.table("salesforce/Opportunity")}

    @cached_property
    def deals(self) -> dict[str, Row]:
        return {row["hs_object_id"]: row for row in self.table("hubspot/deals")}

    @cached_property
    def companies(self) -> dict[str, Row]:
        return {row["hs_object_id"]: row for row in self.table("hubspot/companies")}

    @cached_property
    def linked(self) -> dict[str, set[str]]:
        links: dict[str, set[str]] = defaultdict(set)
        for row in self.table("truth/links"):
            links[row["hubspot_company_id"]].add(row["salesforce_account_id"])
        return links

    @cached_property
    def own(self) -> dict[str, str]:
        return {row["opportunity_id"]: row["registration_id"] for row in self.table("truth/own_deals")}

    def linked_accounts(self, deal: str) -> set[str]:
        return self.linked[self.deals[deal]["associations.companies"]]

    def expected(self, *names: str) -> list[tuple[Row, Row]]:
        """Lines of the truth in these scenarios, with the registration."""
        rows = [row for row in self.table("truth/scenarios") if row["scenario"] in names]
        return [(row, self.deals[row["registration_id"]]) for row in rows]

    def products(self, opportunity: str) -> set[str]:
        codes = {label: code for code, label in self.summary.product_labels.items()}
        return {codes[label] for label in self.opportunities[opportunity]["Products__c"].split(";") if label}

    def direct_on(self, deal: str) -> list[Row]:
        """Direct opportunities on the accounts that the truth links to this registration."""
        accounts = self.linked_accounts(deal)
        rows = self.opportunities.values()
        return [row for row in rows if row["AccountId"] in accounts and row["Id"] not in self.own]


_built: dict[tuple[int, datetime], Universe] = {}


@pytest.fixture(params=[(7, AUTUMN), (8, AUTUMN), (7, LEAP_DAY), (8, LEAP_DAY)], ids=str)
def universe(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Universe:
    """Made once each, whatever the order of the tests."""
    seed, now = request.param
    if request.param not in _built:
        folder = tmp_path_factory.mktemp("universe")
        _built[request.param] = Universe(generate(folder, now, seed), folder)
    return _built[request.param]


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def submitted(deal: Row) -> datetime:
    return moment(deal["submitted_at"])


def suffix(bare: str) -> str:
    """The checksum of a Salesforce id, written down a second time."""
    blocks = [[char.isascii() and char.isupper() for char in bare[at : at + 5]] for at in (0, 5, 10)]
    numbers = [int("".join("1" if upper else "0" for upper in reversed(block)), 2) for block in blocks]
    return "".join("ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"[number] for number in numbers)


class TestCompanies:
    def test_the_lists_are_complete(self) -> None:
        assert (len(companies.left()), len(companies.right()), len(companies.truth())) == (4458, 4391, 3468)
        assert sum(pair.name_changed for pair in companies.truth()) == 276

    def test_the_truth_is_one_to_one_between_known_companies(self) -> None:
        pairs = companies.truth()
        assert len({pair.left for pair in pairs}) == len({pair.right for pair in pairs}) == len(pairs)
        assert {pair.left for pair in pairs} <= {company.id for company in companies.left()}
        assert {pair.right for pair in pairs} <= {company.id for company in companies.right()}

    def test_the_packed_data_is_small_and_names_its_licence(self) -> None:
        folder = Path(companies.__file__).parent
        assert sum(path.stat().st_size for path in folder.glob("*.gz")) < 1_000_000
        assert companies.ATTRIBUTION in (folder / "README.md").read_text(encoding="utf-8")


class TestCounts:
    def test_it_is_as_big_as_promised(self, universe: Universe) -> None:
        direct = [row for row in universe.opportunities if row not in universe.own]
        assert len(universe.accounts) >= 4000
        assert len(direct) >= 1500
        assert len(universe.table("hubspot/p_partners")) == 12
        assert len(universe.deals) >= 900
        assert 140 <= len(universe.own) <= 180

    def test_the_summary_counts_what_is_in_the_files(self, universe: Universe) -> None:
        for name, rows in universe.summary.rows.items():
            assert len(universe.table(name.removesuffix(".csv"))) == rows, name
        assert universe.summary.counts["registrations"] == len(universe.deals)
        assert universe.summary.counts["own_deals"] == len(universe.own)
        assert universe.summary.counts["direct_opportunities"] == len(universe.opportunities) - len(universe.own)

    def test_every_registration_has_one_line_in_the_truth(self, universe: Universe) -> None:
        rows = universe.table("truth/scenarios")
        assert sorted(row["registration_id"] for row in rows) == sorted(universe.deals)
        assert Counter(row["scenario"] for row in rows) == scenarios.COUNTS == universe.summary.scenarios

    def test_the_documented_table_is_the_table_played(self) -> None:
        lines = re.findall(r"^(\w+) +\| +(\d+) +\|", scenarios.__doc__ or "", re.MULTILINE)
        assert {name: int(count) for name, count in lines} == scenarios.COUNTS

    def test_the_vendor_has_hundreds_of_accounts_twice(self, universe: Universe) -> None:
        per_company = Counter(row["company"] for row in universe.table("truth/accounts"))
        assert sum(count - 1 for count in per_company.values()) >= 300
        assert {row["salesforce_account_id"] for row in universe.table("truth/accounts")} == set(universe.accounts)

    def test_every_scenario_of_real_companies_has_a_renamed_one(self, universe: Universe) -> None:
        changed = {row["hubspot_company_id"]: row["name_changed"] for row in universe.table("truth/companies")}
        renamed = {
            row["scenario"]
            for row in universe.table("truth/scenarios")
            if changed[universe.deals[row["registration_id"]]["associations.companies"]] == "1"
        }
        assert renamed == set(scenarios.COUNTS) - {"clean_unknown", "malformed"}


class TestSameEveryTime:
    def test_same_now_and_seed_same_bytes(self, universe: Universe, tmp_path: Path) -> None:
        again = generate(tmp_path, universe.summary.now, universe.summary.seed)
        assert again.counts == universe.summary.counts
        files = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*.*"))
        assert files == sorted(path.relative_to(universe.folder) for path in universe.folder.rglob("*.*"))
        for name in files:
            assert (tmp_path / name).read_bytes() == (universe.folder / name).read_bytes(), name

    def test_another_process_writes_the_same_bytes(self, tmp_path: Path) -> None:
        """Whatever the order in which Python walks through its sets there."""
        code = "import sys, datetime as d, pathlib as p; from syncd.demo.universe import generate; "
        code += "generate(p.Path(sys.argv[1]), d.datetime.fromisoformat(sys.argv[2]))"
        for salt in ("1", "2"):
            command = [sys.executable, "-c", code, str(tmp_path / salt), AUTUMN.isoformat()]
            subprocess.run(command, check=True, env={**os.environ, "PYTHONHASHSEED": salt})
        for path in (tmp_path / "1").rglob("*.*"):
            assert path.read_bytes() == (tmp_path / "2" / path.relative_to(tmp_path / "1")).read_bytes(), path.name

    def test_within_the_hour_nothing_changes(self, tmp_path: Path) -> None:
        early, late = (generate(tmp_path / str(m), AUTUMN + timedelta(minutes=m)) for m in (0, 59))
        assert early.now == late.now == AUTUMN
        assert (tmp_path / "0/hubspot/deals.csv").read_bytes() == (tmp_path / "59/hubspot/deals.csv").read_bytes()

    def test_another_seed_is_another_universe(self, tmp_path: Path) -> None:
        for seed in (1, 2):
            generate(tmp_path / str(seed), AUTUMN, seed)
        assert (tmp_path / "1/hubspot/deals.csv").read_bytes() != (tmp_path / "2/hubspot/deals.csv").read_bytes()

    def test_a_time_without_a_zone_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="time zone"):
            generate(tmp_path, datetime(2026, 11, 24))  # noqa: DTZ001


class TestReferences:
    def test_salesforce_ids_are_valid_and_unique(self, universe: Universe) -> None:
        seen: set[str] = set()
        for name, prefix in (
            ("User", "005"),
            ("Account", "001"),
            ("Opportunity", "006"),
            ("Syncd_Heartbeat__c", "a00"),
        ):
            for row in universe.table(f"salesforce/{name}"):
                assert re.fullmatch(rf"{prefix}[0-9A-Za-z]{{15}}", row["Id"])
                assert row["Id"][15:] == suffix(row["Id"][:15])
                assert row["Id"] not in seen
                seen.add(row["Id"])

    @pytest.mark.parametrize("real", ["001dM00003jU9GxQAK", "005dM00000aYf0qQAC", "003dM00001wBXYDQA4"])
    def test_the_checksum_is_that_of_real_ids(self, real: str) -> None:
        assert suffix(real[:15]) == real[15:]
        made = salesforce_id("001", 62**5 - 1)
        assert made[15:] == suffix(made[:15])

    def test_hubspot_ids_are_digits_and_unique(self, universe: Universe) -> None:
        names = ("companies", "deals", "p_partners")
        ids = [row["hs_object_id"] for name in names for row in universe.table(f"hubspot/{name}")]
        assert len(set(ids)) == len(ids)
        assert all(re.fullmatch(r"[1-9]\d{9,}", one) for one in ids)

    def test_every_salesforce_reference_resolves(self, universe: Universe) -> None:
        users = {row["Id"] for row in universe.table("salesforce/User")}
        for row in universe.accounts.values():
            assert {row["OwnerId"], row["CreatedById"]} <= users
            assert row["ParentId"] == "" or row["ParentId"] in set(universe.accounts) - {row["Id"]}
        for row in universe.opportunities.values():
            assert {row["OwnerId"], row["CreatedById"], row["Channel_Owner__c"] or row["OwnerId"]} <= users
            assert row["AccountId"] in universe.accounts
            assert row["PRM_Registration_Id__c"] in {"", *universe.deals}

    def test_every_hubspot_reference_resolves(self, universe: Universe) -> None:
        owners = {row["id"] for row in universe.table("hubspot/owners")}
        partners = {row["partner_id"]: row for row in universe.table("hubspot/p_partners")}
        stages = {
            row["stage_id"] for row in universe.table("hubspot/pipelines") if row["pipeline_id"] == "registrations"
        }
        codes = set(universe.summary.product_labels)
        for row in universe.deals.values():
            assert row["associations.companies"] in universe.companies
            assert row["partner_id"] in partners
            assert row["hubspot_owner_id"] in owners
            assert row["dealstage"] in stages
            assert set(row["products"].split(";")) <= {"", *codes}
        managers = {row["Email"] for row in universe.table("salesforce/User") if row["Title"] == "Channel Manager"}
        assert {row["channel_manager_email"] for row in partners.values()} <= managers
        assert set(partners) == {f"P{number:02d}" for number in range(1, 13)}
        assert Counter(row["status"] for row in partners.values()) == {"active": 11, "suspended": 1}

    def test_the_truth_speaks_of_records_that_exist(self, universe: Universe) -> None:
        assert set(universe.linked) <= set(universe.companies)
        assert set().union(*universe.linked.values()) <= set(universe.accounts)
        assert set(universe.own) <= set(universe.opportunities)
        assert set(universe.own.values()) <= set(universe.deals)
        others = {"", *universe.deals, *universe.opportunities, *universe.accounts}
        assert {row["other"] for row in universe.table("truth/scenarios")} <= others

    def test_values_are_those_that_the_field_tables_allow(self, universe: Universe) -> None:
        allowed = {
            row["name"]: {"", *row["values"].split(";")}
            for row in universe.table("hubspot/properties")
            if row["type"] == "enumeration"
        }
        for row in universe.deals.values():
            for name in allowed.keys() & row.keys():
                assert set(row[name].split(";")) <= allowed[name], name
        stages = {row["ApiName"] for row in universe.table("salesforce/OpportunityStage")}
        assert {row["StageName"] for row in universe.opportunities.values()} == stages

    def test_our_own_fields_are_blank_and_declared(self, universe: Universe) -> None:
        declared = {(row["object"], row["name"]) for row in universe.table("salesforce/fields")}
        for name in ("Account", "Opportunity", "Syncd_Heartbeat__c"):
            rows = universe.table(f"salesforce/{name}")
            assert {(name, column) for column in rows[0] if column.endswith("__c")} <= declared
            assert not any(row[column] for row in rows for column in row if column.startswith(("Syncd_", "Last_Seen")))
        assert not any(row[column] for row in universe.deals.values() for column in row if column.startswith("syncd_"))

    def test_the_heartbeat_company_is_nobodys_customer(self, universe: Universe) -> None:
        heartbeat = universe.summary.heartbeat_company
        assert universe.companies[heartbeat]["name"] == "syncd heartbeat"
        assert heartbeat not in universe.linked
        assert heartbeat not in {row["associations.companies"] for row in universe.deals.values()}


class TestTime:
    def test_nothing_happens_after_now(self, universe: Universe) -> None:
        now = universe.summary.now
        for name in universe.summary.rows:
            for row in universe.table(name.removesuffix(".csv")):
                for column, value in row.items():
                    if column in PLANS or (column == "CloseDate" and not row["Closed_At__c"]):
                        continue
                    if re.fullmatch(r"\d{4}-\d\d-\d\d", value):
                        assert date.fromisoformat(value) <= now.date(), (name, column)
                    elif re.match(r"\d{4}-\d\d-\d\dT", value):
                        assert moment(value) <= now, (name, column)

    def test_changes_come_after_creation(self, universe: Universe) -> None:
        for row in [*universe.accounts.values(), *universe.opportunities.values()]:
            assert moment(row["CreatedDate"]) <= moment(row["LastModifiedDate"]) <= moment(row["SystemModstamp"])
        for row in [*universe.companies.values(), *universe.deals.values()]:
            assert moment(row["createdate"]) <= moment(row["hs_lastmodifieddate"])
        for row in universe.deals.values():
            assert moment(universe.companies[row["associations.companies"]]["createdate"]) <= moment(row["createdate"])
            if row["submitted_at"]:
                assert moment(row["createdate"]) <= submitted(row) <= moment(row["hs_lastmodifieddate"])

    def test_an_account_is_older_than_its_opportunities(self, universe: Universe) -> None:
        for row in universe.opportunities.values():
            assert moment(universe.accounts[row["AccountId"]]["CreatedDate"]) <= moment(row["CreatedDate"])

    def test_go_live_is_thirty_days_ago_at_midnight(self, universe: Universe) -> None:
        go_live, now = universe.summary.go_live, universe.summary.now
        assert go_live.tzinfo is UTC
        assert (go_live.hour, go_live.minute) == (0, 0)
        assert now.date() - go_live.date() == timedelta(days=30)

    def test_what_the_prm_approved_is_protected_for_ninety_days(self, universe: Universe) -> None:
        for row in universe.deals.values():
            assert bool(row["approved_at"]) == (row["dealstage"] in ("approved", "expired"))
            if row["approved_at"]:
                assert submitted(row) < moment(row["approved_at"])
                assert moment(row["protection_end"]) - moment(row["approved_at"]) == timedelta(days=90)

    def test_only_what_is_said_to_be_older_lies_before_go_live(self, universe: Universe) -> None:
        before = {"adopted", "adopted_ending", "adopted_ended", "undecided_before_go_live", "history", "later_direct"}
        for row, deal in universe.expected(*scenarios.COUNTS):
            first = row["scenario"] == "partner_partner" and not row["code"]
            if row["scenario"] != "draft":
                old = submitted(deal) < universe.summary.go_live
                assert old == (first or row["scenario"] in before), row["scenario"]
                approved_before = deal["approved_at"] and moment(deal["approved_at"]) < universe.summary.go_live
                assert not approved_before or old


class TestScenarios:
    """What the truth says about a registration is so in the data."""

    def test_nobody_knows_the_unknown(self, universe: Universe) -> None:
        for _, deal in universe.expected("clean_unknown"):
            assert not universe.linked_accounts(deal["hs_object_id"])

    def test_clean_means_no_direct_business_and_no_other_claim(self, universe: Universe) -> None:
        clean = ("clean_known", "clean_unknown", "settling", "adopted", "approved_after_go_live", "incomplete")
        accounts = Counter(account for deal in universe.deals for account in universe.linked_accounts(deal))
        for _, deal in universe.expected(*clean):
            assert not universe.direct_on(deal["hs_object_id"])
            for account in universe.linked_accounts(deal["hs_object_id"]):
                assert accounts[account] == 1
                assert universe.accounts[account]["Type"] == "Prospect"
                assert universe.accounts[account]["Named_Account__c"] == "false"

    def test_a_complete_registration_has_every_required_field(self, universe: Universe) -> None:
        on_deal = [name for name in scenarios.REQUIRED if name not in ("industry", "numberofemployees", "location")]
        for row, deal in universe.expected(*(set(scenarios.COUNTS) - {"incomplete", "malformed"})):
            company = universe.companies[deal["associations.companies"]]
            assert all(deal[name] for name in on_deal), row
            assert all(company[name] for name in ("name", "industry", "numberofemployees", "city", "country")), row

    def test_an_incomplete_one_lacks_what_its_note_says(self, universe: Universe) -> None:
        for row, deal in universe.expected("incomplete"):
            company = universe.companies[deal["associations.companies"]]
            for name in row["note"].removeprefix("missing: ").split(";")[0].split(", "):
                assert not (company["city"] if name == "location" else {**company, **deal}[name])

    def test_the_earlier_direct_opportunity_is_open_active_and_shares_a_product(self, universe: Universe) -> None:
        for row, deal in universe.expected("earlier_direct", "direct_blank_products", "direct_disjoint"):
            opp = universe.opportunities[row["other"]]
            shared = universe.products(opp["Id"]) & set(deal["products"].split(";"))
            assert opp["AccountId"] in universe.linked_accounts(deal["hs_object_id"])
            assert moment(opp["CreatedDate"]) < submitted(deal) - timedelta(seconds=10)
            assert not opp["StageName"].startswith("Closed")
            assert date.fromisoformat(opp["LastActivityDate"]) >= submitted(deal).date() - timedelta(days=26)
            assert bool(shared) == (row["scenario"] == "earlier_direct")
            assert (opp["Products__c"] == "") == (row["scenario"] == "direct_blank_products")

    def test_a_dormant_one_was_silent_for_sixty_days(self, universe: Universe) -> None:
        for row, deal in universe.expected("direct_dormant"):
            opp = universe.opportunities[row["other"]]
            assert opp["AccountId"] in universe.linked_accounts(deal["hs_object_id"])
            assert moment(opp["SystemModstamp"]) < submitted(deal) - timedelta(days=60)
            assert date.fromisoformat(opp["LastActivityDate"]) < submitted(deal).date() - timedelta(days=60)
            assert universe.products(opp["Id"]) & set(deal["products"].split(";"))

    def test_the_later_direct_opportunity_came_after_the_approval_or_before_the_decision(
        self, universe: Universe
    ) -> None:
        for row, deal in universe.expected("later_direct", "direct_before_decision"):
            opp = universe.opportunities[row["other"]]
            opened = moment(opp["CreatedDate"])
            assert opp["AccountId"] in universe.linked_accounts(deal["hs_object_id"])
            assert universe.products(opp["Id"]) & set(deal["products"].split(";"))
            assert opened > submitted(deal) + timedelta(minutes=10)
            assert opened >= universe.summary.go_live
            assert bool(deal["approved_at"]) == (row["code"] == "C09")

    @pytest.mark.parametrize(
        ("name", "least", "most"),
        [
            ("partner_partner", timedelta(days=2), timedelta(days=90)),
            ("partner_partner_undecided", timedelta(hours=1), timedelta(days=22)),
            ("simultaneous", timedelta(0), timedelta(seconds=1)),
            ("partner_partner_disjoint", timedelta(hours=1), timedelta(days=30)),
            ("same_partner_twice", timedelta(hours=1), timedelta(days=30)),
        ],
    )
    def test_pairs_are_the_same_company_in_the_right_order(
        self, universe: Universe, name: str, least: timedelta, most: timedelta
    ) -> None:
        company = {row["hubspot_company_id"]: row["company"] for row in universe.table("truth/companies")}
        pairs = [
            (universe.deals[row["other"]], deal) for row, deal in universe.expected(name) if "second" in row["note"]
        ]
        pairs += [(universe.deals[row["other"]], deal) for row, deal in universe.expected(name) if row["code"] == "C01"]
        assert len(pairs) == scenarios.COUNTS[name] // 2
        for first, second in pairs:
            assert company[first["associations.companies"]] == company[second["associations.companies"]]
            assert least <= submitted(second) - submitted(first) <= most
            assert (first["partner_id"] == second["partner_id"]) == (name == "same_partner_twice")
            shared = set(first["products"].split(";")) & set(second["products"].split(";"))
            assert bool(shared) == (name != "partner_partner_disjoint")
            if name == "partner_partner":
                assert moment(first["approved_at"]) < universe.summary.go_live
                assert moment(first["protection_end"]) > universe.summary.now

    def test_a_lost_opportunity_was_lost_when_the_truth_says(self, universe: Universe) -> None:
        for row, deal in universe.expected("lost_recently", "lost_long_ago"):
            opp = universe.opportunities[row["other"]]
            since = submitted(deal) - moment(opp["Closed_At__c"])
            assert opp["StageName"] == "Closed Lost"
            assert opp["AccountId"] in universe.linked_accounts(deal["hs_object_id"])
            assert since < timedelta(days=25) if row["code"] else since > timedelta(days=90)
            assert since > timedelta(days=1)

    def test_existing_customers_bought_within_three_years_and_old_ones_did_not(self, universe: Universe) -> None:
        for row, deal in universe.expected("existing_customer", "old_customer"):
            accounts = [universe.accounts[account] for account in universe.linked_accounts(deal["hs_object_id"])]
            orders = [date.fromisoformat(a["Last_Order_Date__c"]) for a in accounts if a["Last_Order_Date__c"]]
            orders += [moment(opp["Closed_At__c"]).date() for opp in universe.direct_on(deal["hs_object_id"])]
            recent = max(orders) > submitted(deal).date() - timedelta(days=1095)
            assert recent == (row["code"] == "C14")

    def test_named_accounts_are_named(self, universe: Universe) -> None:
        for row, deal in universe.expected("named_account"):
            assert row["other"] in universe.linked_accounts(deal["hs_object_id"])
            assert universe.accounts[row["other"]]["Named_Account__c"] == "true"

    def test_own_deals_can_be_recognised_and_25_only_by_their_content(self, universe: Universe) -> None:
        names = {row["partner_id"]: row["partner_name"] for row in universe.table("hubspot/p_partners")}
        integration = universe.summary.integration_user
        for opportunity, registration in universe.own.items():
            opp, deal = universe.opportunities[opportunity], universe.deals[registration]
            assert opp["AccountId"] in universe.linked_accounts(registration)
            assert opp["Partner_Name__c"] == names[deal["partner_id"]]
            assert opp["LeadSource"] == "Partner"
            assert universe.products(opportunity) == set(deal["products"].split(";"))
            if opp["PRM_Registration_Id__c"]:
                assert opp["PRM_Registration_Id__c"] == registration
                assert opp["CreatedById"] == integration
                assert moment(opp["CreatedDate"]) > moment(deal["approved_at"]) - timedelta(seconds=1)
            else:
                assert opp["CreatedById"] != integration
                after = moment(opp["CreatedDate"]) - submitted(deal)
                assert timedelta(0) < after <= timedelta(days=3)
        nameless = [one for one in universe.own if not universe.opportunities[one]["PRM_Registration_Id__c"]]
        assert len(nameless) == 25
        assert len(set(universe.own.values())) == len(universe.own)

    def test_no_other_opportunity_claims_to_be_pushed(self, universe: Universe) -> None:
        for row in universe.opportunities.values():
            if row["Id"] not in universe.own:
                assert row["PRM_Registration_Id__c"] == ""
                assert row["CreatedById"] != universe.summary.integration_user

    def test_the_ineligible_are_so(self, universe: Universe) -> None:
        for row, deal in universe.expected("first_contact_old", "first_contact_future", "partner_suspended", "draft"):
            spoke = date.fromisoformat(deal["first_contact_date"])
            match row["scenario"]:
                case "first_contact_old":
                    assert submitted(deal).date() - spoke > timedelta(days=90)
                case "first_contact_future":
                    assert spoke > submitted(deal).date()
                case "partner_suspended":
                    assert deal["partner_id"] == "P07"
                case "draft":
                    assert deal["submitted_at"] == deal["registration_number"] == ""
        suspended = {
            row["scenario"] for row, deal in universe.expected(*scenarios.COUNTS) if deal["partner_id"] == "P07"
        }
        assert suspended == {"partner_suspended"}

    def test_other_first_contacts_lie_within_ninety_days_before_the_submission(self, universe: Universe) -> None:
        odd = {"first_contact_old", "first_contact_future", "draft", "malformed"}
        for row, deal in universe.expected(*(set(scenarios.COUNTS) - odd)):
            if deal["first_contact_date"]:
                age = submitted(deal).date() - date.fromisoformat(deal["first_contact_date"])
                assert timedelta(0) < age < timedelta(days=90), row

    def test_the_settling_came_within_three_minutes(self, universe: Universe) -> None:
        settling = universe.expected("settling")
        assert len(settling) == 8
        for _, deal in settling:
            assert universe.summary.now - submitted(deal) < timedelta(minutes=3)

    def test_four_are_malformed_in_four_ways(self, universe: Universe) -> None:
        nameless, dated, absurd, long = (deal for _, deal in universe.expected("malformed"))
        assert universe.companies[nameless["associations.companies"]]["name"] == ""
        assert dated["first_contact_date"] == "1900-01-01"
        assert float(absurd["amount"]) > 1e15
        assert len(long["activities_done"]) >= 20_000

    def test_registrations_are_numbered_in_the_order_of_submission(self, universe: Universe) -> None:
        filed = sorted((deal for deal in universe.deals.values() if deal["submitted_at"]), key=submitted)
        numbers = [int(deal["registration_number"].split("-")[2]) for deal in filed]
        by_time = sorted(zip([submitted(deal) for deal in filed], numbers, strict=True))
        assert [number for _, number in by_time] == list(range(1, len(filed) + 1))
