"""The partners' HubSpot: companies as partners typed them, and the registrations they filed for them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from syncd.demo.companies import Company
from syncd.demo.universe import catalog, spelling
from syncd.demo.universe.catalog import PRODUCTS
from syncd.demo.universe.people import Partner
from syncd.demo.universe.world import PROTECTION, Customer, World
from syncd.demo.universe.write import Row, hs_time

HEARTBEAT = "syncd heartbeat"


@dataclass(frozen=True, slots=True)
class Filing:
    """A registration with what the other rooms need to know about it."""

    id: str
    row: Row
    company: Row
    customer: Customer
    partner: Partner
    products: tuple[str, ...]
    submitted: datetime | None
    approved: datetime | None


class Portal:
    """Rows of companies and deals, and which company is which."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.companies: list[Row] = []
        self.filings: list[Filing] = []
        self.customer_of: dict[str, Customer] = {}
        self.typing: dict[str, str] = {}
        """Company id → how the partner spelled it."""

    def heartbeat(self) -> Row:
        """The company that carries the sign of life; it is nobody's customer."""
        created = hs_time(self.world.go_live + timedelta(hours=9))
        row = {"name": HEARTBEAT, "createdate": created, "hs_lastmodifieddate": created}
        row["hs_object_id"] = self.world.ids.hubspot(21_100_000_000)
        self.companies.append(row)
        return row

    def company(self, customer: Customer, created: datetime, typed: Company | None = None) -> Row:
        """A partner types the customer, from memory more than from the register; `typed` is what he has in mind."""
        world, rng = self.world, self.world.rng
        typed = typed or customer.typed
        name, kind = spelling.spell(typed.name, spelling.TYPING, rng)
        where = spelling.address(typed.address, typed.postcode)
        no_website = world.chance(spelling.NO_WEBSITE) and typed.postcode != ""
        no_postcode = not no_website and world.chance(spelling.NO_POSTCODE) and typed.website != ""
        website = "" if no_website else typed.website
        row = {
            "hs_object_id": world.ids.hubspot(21_100_000_000),
            "name": name,
            "domain": spelling.host(website),
            "website": f"https://{website}" if website and world.chance(0.3) else website,
            "address": "" if world.chance(spelling.NO_STREET) else where.street,
            "city": where.city,
            "zip": "" if no_postcode else _postcode(world, typed.postcode),
            "country": rng.choices(("United Kingdom", "UK", "GB", "England"), (82, 11, 4, 3))[0],
            "phone": "" if world.chance(spelling.NO_PHONE) else spelling.phone(customer.phone, rng.randrange(5)),
            "industry": customer.industry.upper().replace(" & ", "_").replace(" ", "_"),
            "numberofemployees": str(max(250, int(customer.employees * rng.uniform(0.85, 1.2)) // 10 * 10)),
            "createdate": hs_time(created),
            "hs_lastmodifieddate": hs_time(world.between(created, created + timedelta(hours=3))),
        }
        self.companies.append(row)
        self.customer_of[row["hs_object_id"]] = customer
        self.typing[row["hs_object_id"]] = kind
        return row

    def file(
        self,
        customer: Customer,
        submitted: datetime | None,
        *,
        partner: Partner | None = None,
        products: tuple[str, ...] = (),
        stage: str = "",
        approved: datetime | None = None,
        drafted: datetime | None = None,
        company: Row | None = None,
        typed: Company | None = None,
        first_contact: datetime | None = None,
    ) -> Filing:
        """A registration; what is not given is drawn. Without `submitted` it is a draft."""
        world, rng = self.world, self.world.rng
        partner = partner or world.partner()
        products = products or world.products()
        created = drafted or (submitted - world.days(0.003, 2) if submitted else world.ago(0.5, 40))
        if company:  # it was in the portal already
            created = max(created, datetime.fromisoformat(company["createdate"]) + timedelta(minutes=1))
        company = company or self.company(customer, created - world.days(0.0002, 0.01), typed)
        stage = stage or (rng.choices(("submitted", "in_review"), (70, 30))[0] if submitted else "draft")
        moved = approved + PROTECTION if approved and stage == "expired" else approved or submitted or created
        deal = world.ids.hubspot(479_000_000_000)
        contact = rng.choice(partner.contacts)
        spoke = first_contact or (submitted or created) - world.days(1, 80)
        row = {
            "hs_object_id": deal,
            "dealname": f"{company['name'][:80]} - {PRODUCTS[products[0]]}",
            "pipeline": "registrations",
            "dealstage": stage,
            "amount": world.amount(),
            "deal_currency_code": rng.choices(("GBP", "EUR", "USD"), (92, 5, 3))[0],
            "closedate": hs_time((world.now + world.days(20, 200)).replace(hour=0, minute=0, second=0, microsecond=0)),
            "createdate": hs_time(created),
            "hs_lastmodifieddate": hs_time(world.between(moved, moved + timedelta(hours=4))),
            "hubspot_owner_id": partner.owner,
            "associations.companies": company["hs_object_id"],
            "partner_id": partner.id,
            "partner_contact_email": contact,
            "submitted_at": hs_time(submitted) if submitted else "",
            "products": ";".join(products),
            "timeline": rng.choice(catalog.TIMELINES),
            "buying_stage": rng.choice(catalog.BUYING_STAGES),
            "competition": rng.choice(catalog.COMPETITION),
            "current_vendor": rng.choice(catalog.CURRENT_VENDORS),
            "decision_makers": world.names.decision_makers(),
            "how_identified": rng.choice(catalog.HOW_IDENTIFIED),
            "first_contact_date": spoke.date().isoformat(),
            "activities_done": rng.choice(catalog.ACTIVITIES),
            "next_steps": rng.choice(catalog.NEXT_STEPS),
            "proof_type": rng.choice(catalog.PROOF_TYPES),
            "proof_of_relationship": _proof(world, partner, deal),
            "approved_at": hs_time(approved) if approved else "",
            "protection_end": hs_time(approved + PROTECTION) if approved else "",
        }
        filing = Filing(deal, row, company, customer, partner, products, submitted, approved)
        self.filings.append(filing)
        return filing

    def number(self) -> None:
        """Registrations are numbered by the portal in the order of their submission; drafts have no number."""
        filed = sorted((f.submitted, f.id, f.row) for f in self.filings if f.submitted)
        for number, (submitted, _, row) in enumerate(filed, start=1):
            row["registration_number"] = f"DR-{submitted.year}-{number:05d}"


def _postcode(world: World, postcode: str) -> str:
    return world.rng.choices((postcode, postcode.replace(" ", ""), postcode.lower()), (85, 10, 5))[0]


def _proof(world: World, partner: Partner, deal: str) -> str:
    if world.chance(0.5):
        return f"https://files.{partner.domain}/registrations/{deal}.pdf"
    return world.rng.choice(catalog.PROOFS)
