"""An invented software vendor, its twelve resellers and a month of their deals, on real companies.

`generate` writes three folders. `salesforce/` and `hubspot/` are what the emulators load: one CSV file per object,
headers are the API names of fields, times as the system prints them. `truth/` is what no CRM knows: which records are
the same company, which opportunities are a registration's own, what each registration is there for. Only the report
of the demo and the tests read it.

Real are the companies: names, web hosts and addresses, in two versions years apart (`syncd.demo.companies`). Invented
are all people, deals and dates, the industries (guessed from the name), the numbers of employees and the telephone
numbers (from the ranges that Ofcom keeps for drama). The vendor has 350 of its accounts twice. Partners type lazily,
in the shares of `spelling.TYPING`. The scenarios and their counts are the table in `scenarios`.

The same `now` (to the hour) and `seed` give the same bytes. No event lies after `now`; what people plan (close dates,
ends of protection) does. Go-live is thirty days before `now`, at midnight UTC.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from syncd.demo import companies
from syncd.demo.universe import catalog, people
from syncd.demo.universe.portal import Portal
from syncd.demo.universe.scenes import Scenes
from syncd.demo.universe.vendor import Vendor
from syncd.demo.universe.world import World
from syncd.demo.universe.write import Row, document, hs_time, table

SCENARIO_COLUMNS = ("registration_id", "scenario", "code", "other", "note")
EXTRA_COMPANIES = 100
"""Companies that partners typed into the portal without filing anything for them."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What was written, for those who start the emulators and write the configuration."""

    folder: Path
    now: datetime
    go_live: datetime
    seed: int
    vendor: str
    product_labels: Mapping[str, str]
    """Product code in HubSpot → label in Salesforce."""
    heartbeat_company: str
    """HubSpot id of the company that carries the sign of life; it takes no part in matching."""
    heartbeat_record: str
    """Salesforce id of the same."""
    integration_user: str
    """Salesforce id of the user that pushes registrations into the CRM."""
    rows: Mapping[str, int]
    """File → rows."""
    scenarios: Mapping[str, int]
    """Scenario → registrations."""
    counts: Mapping[str, int]
    """Figures in words of the sales desk: accounts, direct_opportunities, own_deals, registrations, ..."""


def generate(folder: Path, now: datetime, seed: int = 7) -> Summary:
    """Writes the universe into `folder` (made if need be; files of the same name are replaced)."""
    world = World(now, seed)
    portal = Portal(world)
    vendor = Vendor(world)
    Scenes(world, vendor, portal).play()
    vendor.background()
    _typed_only(world, portal)
    portal.number()
    heartbeat = portal.heartbeat()
    record = {"Id": world.ids.salesforce("a00"), "Name": "syncd", "Last_Seen__c": ""}
    rows = {
        **_salesforce(folder / "salesforce", world, vendor, record),
        **_hubspot(folder / "hubspot", world, portal),
        **_truth(folder / "truth", world, vendor, portal),
    }
    summary = Summary(
        folder=folder,
        now=world.now,
        go_live=world.go_live,
        seed=seed,
        vendor=people.VENDOR,
        product_labels=catalog.PRODUCTS,
        heartbeat_company=heartbeat["hs_object_id"],
        heartbeat_record=record["Id"],
        integration_user=world.staff.integration,
        rows=rows,
        scenarios=Counter(expectation.scenario for expectation in world.expected),
        counts=_counts(world, vendor, portal),
    )
    document(folder / "truth" / "summary.json", _plain(summary))
    return summary


def _typed_only(world: World, portal: Portal) -> None:
    for customer in world.cast(EXTRA_COMPANIES):
        portal.company(customer, world.ago(1, 300))


def _salesforce(folder: Path, world: World, vendor: Vendor, record: Row) -> dict[str, int]:
    return _tables(
        folder,
        {
            "User": (catalog.USER_COLUMNS, world.staff.users),
            "Account": (catalog.ACCOUNT_COLUMNS, _by("Id", vendor.accounts)),
            "Opportunity": (catalog.OPPORTUNITY_COLUMNS, _by("Id", vendor.opportunities)),
            "Syncd_Heartbeat__c": (catalog.HEARTBEAT_COLUMNS, [record]),
            "OpportunityStage": (catalog.STAGE_COLUMNS, catalog.opportunity_stages()),
            "fields": (catalog.FIELD_COLUMNS, catalog.salesforce_fields()),
        },
    )


def _hubspot(folder: Path, world: World, portal: Portal) -> dict[str, int]:
    partners = people.partner_rows(world.rng, world.ids, world.staff, world.partners, world.now)
    return _tables(
        folder,
        {
            "companies": (catalog.COMPANY_COLUMNS, _by("hs_object_id", portal.companies)),
            "deals": (catalog.DEAL_COLUMNS, _by("hs_object_id", [filing.row for filing in portal.filings])),
            "p_partners": (catalog.PARTNER_COLUMNS, partners),
            "owners": (catalog.OWNER_COLUMNS, world.staff.owners),
            "pipelines": (catalog.PIPELINE_COLUMNS, catalog.pipelines()),
            "properties": (catalog.PROPERTY_COLUMNS, catalog.hubspot_properties()),
        },
    )


def _truth(folder: Path, world: World, vendor: Vendor, portal: Portal) -> dict[str, int]:
    links = [
        {"hubspot_company_id": company, "salesforce_account_id": account["Id"]}
        for company, customer in sorted(portal.customer_of.items())
        for account in vendor.by_customer.get(customer.key, ())
    ]
    own = [{"registration_id": filing, "opportunity_id": opportunity} for filing, opportunity in world.own_deals]
    scenarios = [
        dict(zip(SCENARIO_COLUMNS, (e.registration, e.scenario, e.code, e.other, e.note), strict=True))
        for e in world.expected
    ]
    accounts = [
        {"salesforce_account_id": row["Id"], "company": key, "origin": vendor.origin[row["Id"]]}
        for key, rows in vendor.by_customer.items()
        for row in rows
    ]
    typed = [
        {
            "hubspot_company_id": company,
            "company": customer.key,
            "name_changed": str(int(customer.renamed)),
            "typing": portal.typing[company],
        }
        for company, customer in sorted(portal.customer_of.items())
    ]
    return _tables(
        folder,
        {
            "links": (("hubspot_company_id", "salesforce_account_id"), links),
            "own_deals": (("registration_id", "opportunity_id"), own),
            "scenarios": (SCENARIO_COLUMNS, scenarios),
            "accounts": (("salesforce_account_id", "company", "origin"), accounts),
            "companies": (("hubspot_company_id", "company", "name_changed", "typing"), typed),
        },
    )


def _tables(folder: Path, files: Mapping[str, tuple[Sequence[str], Sequence[Row]]]) -> dict[str, int]:
    return {
        f"{folder.name}/{name}.csv": table(folder / f"{name}.csv", columns, rows)
        for name, (columns, rows) in files.items()
    }


def _by(name: str, rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: row[name])


def _counts(world: World, vendor: Vendor, portal: Portal) -> dict[str, int]:
    pushed = {opportunity for _, opportunity in world.own_deals}
    return {
        "accounts": len(vendor.accounts),
        "duplicate_accounts": sum(1 for origin in vendor.origin.values() if origin not in ("entered", "pushed")),
        "accounts_pushed": sum(1 for origin in vendor.origin.values() if origin == "pushed"),
        "direct_opportunities": len(vendor.opportunities) - len(pushed),
        "own_deals": len(pushed),
        "own_deals_without_id": sum(
            1 for row in vendor.opportunities if row["Id"] in pushed and not row["PRM_Registration_Id__c"]
        ),
        "partners": len(world.partners),
        "registrations": len(portal.filings),
        "partner_companies": len(portal.customer_of),
    }


def _plain(summary: Summary) -> dict[str, object]:
    """For JSON; the folder is left out, so that the same universe is the same file anywhere."""
    return {
        "now": hs_time(summary.now),
        "go_live": hs_time(summary.go_live),
        "seed": summary.seed,
        "vendor": summary.vendor,
        "product_labels": dict(summary.product_labels),
        "heartbeat_company": summary.heartbeat_company,
        "heartbeat_record": summary.heartbeat_record,
        "integration_user": summary.integration_user,
        "rows": dict(summary.rows),
        "scenarios": dict(summary.scenarios),
        "counts": dict(summary.counts),
        "attribution": companies.ATTRIBUTION,
    }
