"""The vendor's Salesforce: accounts (some twice), direct opportunities, and what the portal has pushed into it."""

from datetime import date, datetime, timedelta

from syncd.demo.universe import spelling
from syncd.demo.universe.catalog import DIRECT_SOURCES, LOST, OPEN_STAGES, PRODUCTS, TYPES, WON
from syncd.demo.universe.portal import Filing
from syncd.demo.universe.world import Customer, World
from syncd.demo.universe.write import Row, sf_time

DUPLICATES = 350
BACKGROUND_OPPORTUNITIES = 1450
NAMED_BACKGROUND = 60
PARTNER_SOURCED_BACKGROUND = 20
CHILDREN = 250


class Vendor:
    """Rows of Account and Opportunity, and which account is which company."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.accounts: list[Row] = []
        self.opportunities: list[Row] = []
        self.by_customer: dict[str, list[Row]] = {}
        self.origin: dict[str, str] = {}
        """Account id → how it came to be there: `entered`, `pushed`, or the kind of duplicate."""
        self._created: dict[str, datetime] = {}
        for customer in world.known:
            self._enter(customer)
        for customer in world.rng.sample(world.known, DUPLICATES):
            self._enter_again(customer)

    # -- accounts ------------------------------------------------------------------------------------------------

    def account(self, customer: Customer) -> Row:
        """One of the accounts of that company, if the vendor has it more than once."""
        return self.world.rng.choice(self.by_customer[customer.key])

    def is_second(self, account: Row) -> bool:
        return self.origin[account["Id"]] != "entered"

    def _enter(self, customer: Customer) -> None:
        rng, known = self.world.rng, customer.known or customer.typed
        where = spelling.address(known.address, known.postcode)
        row = {
            "Name": known.name,
            "Website": _website(self.world, known.website),
            "Phone": spelling.phone(customer.phone, rng.choice((0, 0, 1, 1, 2))) if self.world.chance(0.6) else "",
            "BillingStreet": where.street,
            "BillingCity": where.city,
            "BillingPostalCode": known.postcode,
            "NumberOfEmployees": str(customer.employees),
        }
        self._keep(customer, row, self.world.ago(300, 2900), "entered")

    def _enter_again(self, customer: Customer) -> None:
        """Somebody did not find the account and typed it a second time."""
        world, rng = self.world, self.world.rng
        company = customer.known or customer.typed
        kinds = {k: v for k, v in spelling.DUPLICATES.items() if k != "older_record" or customer.typed is not company}
        name, kind = spelling.spell(company.name, kinds, rng)
        if kind == "older_record":
            company = customer.typed
            name = company.name
        row = {"Name": name, "NumberOfEmployees": str(customer.employees) if world.chance(0.4) else ""}
        if kind == "phone_only":
            first = self.by_customer[customer.key][0]
            first["Phone"] = first["Phone"] or spelling.phone(customer.phone, 0)
            row["Phone"] = spelling.phone(customer.phone, rng.choice((1, 2, 3, 4)))
        else:
            where = spelling.address(company.address, company.postcode)
            row["Website"] = _website(world, company.website) if world.chance(0.6) else ""
            row["BillingStreet"] = where.street if world.chance(0.7) else ""
            row["BillingCity"] = where.city
            row["BillingPostalCode"] = company.postcode
        older = self._created[self.by_customer[customer.key][0]["Id"]]
        self._keep(customer, row, world.between(older, world.ago(60, 200)), kind)

    def _push_account(self, filing: Filing, created: datetime) -> Row:
        """The portal did not find the customer in the CRM and made an account from what the partner typed."""
        company = filing.company
        row = {
            "Name": company["name"],
            "Website": company["website"],
            "Phone": company["phone"],
            "BillingStreet": company["address"],
            "BillingCity": company["city"],
            "BillingPostalCode": company["zip"],
            "NumberOfEmployees": company["numberofemployees"],
        }
        row = self._keep(filing.customer, row, created, "pushed")
        row |= {"CreatedById": self.world.staff.integration, "OwnerId": filing.partner.manager}
        return row

    def _keep(self, customer: Customer, row: Row, created: datetime, origin: str) -> Row:
        world = self.world
        changed = world.between(created, world.now)
        owners = world.staff.leavers if world.chance(0.06) else world.staff.reps
        row = {
            "Id": world.ids.salesforce("001"),
            "BillingCountry": world.rng.choices(("United Kingdom", "UK", "GB"), (88, 8, 4))[0],
            "Industry": customer.industry,
            "Type": "Prospect",
            "OwnerId": world.rng.choice(owners),
            "Named_Account__c": "false",
            "CreatedDate": sf_time(created),
            "LastModifiedDate": sf_time(changed),
            "SystemModstamp": sf_time(world.between(changed, changed + timedelta(days=3))),
            "CreatedById": world.rng.choice(world.staff.reps),
            **row,
        }
        self.accounts.append(row)
        self.by_customer.setdefault(customer.key, []).append(row)
        self.origin[row["Id"]] = origin
        self._created[row["Id"]] = created
        return row

    def _older_than(self, account: Row, moment: datetime) -> None:
        """An account is there before its first opportunity."""
        if self._created[account["Id"]] > moment:
            self._created[account["Id"]] = moment - self.world.days(0.1, 40)
            account["CreatedDate"] = sf_time(self._created[account["Id"]])

    def named(self, customer: Customer) -> Row:
        account = self.account(customer)
        account["Named_Account__c"] = "true"
        return account

    def bought(self, account: Row, on: date, customer_type: bool = True) -> None:
        """The account shows its last order, and usually that it is a customer."""
        account["Last_Order_Date__c"] = max(account.get("Last_Order_Date__c", ""), on.isoformat())
        if customer_type:
            account["Type"] = "Customer"

    # -- opportunities -------------------------------------------------------------------------------------------

    def direct(
        self,
        account: Row,
        created: datetime,
        products: tuple[str, ...],
        *,
        active: datetime | None = None,
        closed: datetime | None = None,
        won: bool = False,
        quiet: bool = False,
    ) -> Row:
        """A direct rep's opportunity: open unless `closed`; `quiet` ones were not touched after the last activity."""
        world, rng = self.world, self.world.rng
        self._older_than(account, created)
        active = closed or active or world.between(created, world.now)
        changed = active if quiet else world.between(max(active, created), active + timedelta(days=8))
        label = PRODUCTS[products[0]] if products else rng.choice(("New project", "Renewal", "Platform"))
        row = {
            "Id": world.ids.salesforce("006"),
            "AccountId": account["Id"],
            "Name": f"{account['Name'][:80]} - {label}",
            "StageName": (WON if won else LOST) if closed else rng.choice(OPEN_STAGES),
            "Amount": world.amount(),
            "CurrencyIsoCode": rng.choices(("GBP", "EUR", "USD"), (90, 6, 4))[0],
            "CloseDate": (closed or world.now + world.days(5, 200)).date().isoformat(),
            "Type": rng.choices(TYPES, (80, 15, 5))[0],
            "LeadSource": rng.choice(DIRECT_SOURCES),
            "Products__c": _labels(products),
            "OwnerId": rng.choice(world.staff.reps),
            "Channel_Owner__c": rng.choice(world.staff.managers) if world.chance(0.05) else "",
            "LastActivityDate": active.date().isoformat(),
            "Closed_At__c": sf_time(closed) if closed else "",
            "CreatedById": rng.choice(world.staff.reps),
            **self._audit(created, changed),
        }
        self.opportunities.append(row)
        return row

    def push(self, filing: Filing, with_id: bool, won: bool = False, new_account: bool = False) -> Row:
        """The registration's own opportunity.

        With the registration's id it was created by the portal's integration user after the approval. Without, a rep
        typed it within three days of the submission: partner, lead source, account and products still tell.
        """
        world, rng = self.world, self.world.rng
        assert filing.submitted
        assert filing.approved
        start = filing.approved if with_id else filing.submitted
        created = world.between(start + timedelta(minutes=1), start + timedelta(days=1 if with_id else 3))
        if new_account or filing.customer.key not in self.by_customer:
            account = self._push_account(filing, created - timedelta(seconds=2))
        else:
            account = self.account(filing.customer)
            self._older_than(account, created)
        closed = world.between(created + timedelta(days=2), world.now) if won else None
        active = closed or world.between(created, world.now)
        row = {
            "Id": world.ids.salesforce("006"),
            "AccountId": account["Id"],
            "Name": filing.row["dealname"] if with_id else f"{account['Name'][:80]} ({filing.partner.name})",
            "StageName": WON if won else rng.choice(OPEN_STAGES),
            "Amount": filing.row["amount"],
            "CurrencyIsoCode": filing.row["deal_currency_code"],
            "CloseDate": closed.date().isoformat() if closed else filing.row["closedate"][:10],
            "Type": "New Business",
            "LeadSource": "Partner",
            "Products__c": _labels(filing.products),
            "Partner_Name__c": filing.partner.name,
            "PRM_Registration_Id__c": filing.id if with_id else "",
            "OwnerId": account["OwnerId"] if account["OwnerId"] in world.staff.reps else filing.partner.manager,
            "Channel_Owner__c": filing.partner.manager,
            "LastActivityDate": active.date().isoformat(),
            "Closed_At__c": sf_time(closed) if closed else "",
            "CreatedById": world.staff.integration if with_id else rng.choice(world.staff.reps),
            **self._audit(created, world.between(active, world.now)),
        }
        self.opportunities.append(row)
        world.own_deals.append((filing.id, row["Id"]))
        return row

    def _audit(self, created: datetime, changed: datetime) -> Row:
        world = self.world
        return {
            "CreatedDate": sf_time(created),
            "LastModifiedDate": sf_time(changed),
            "SystemModstamp": sf_time(world.between(changed, changed + timedelta(hours=20))),
        }

    # -- the rest of the year ------------------------------------------------------------------------------------

    def background(self) -> None:
        """Business that no registration touches, on companies that no scenario uses."""
        world = self.world
        others = [customer for customer in world.known if customer.key not in world.taken]
        for number in range(BACKGROUND_OPPORTUNITIES):
            row = self._some_opportunity(self.account(world.rng.choice(others)))
            if number < PARTNER_SOURCED_BACKGROUND:  # brought by a partner who never registered it
                row |= {"LeadSource": "Partner", "Partner_Name__c": world.rng.choice(world.partners).name}
        for customer in world.rng.sample(others, NAMED_BACKGROUND):
            self.named(customer)
        for customer in world.rng.sample(others, 150):
            self.bought(self.account(customer), world.ago(20, 1500).date())
        self._parents(others)

    def _some_opportunity(self, account: Row) -> Row:
        world = self.world
        created = world.ago(2, 1000)
        products = () if world.chance(0.08) else world.products()
        if world.chance(0.42):
            return self.direct(account, created, products)
        closed = world.between(created + timedelta(days=1), created + timedelta(days=240))
        won = world.chance(0.5)
        if won:
            self.bought(account, closed.date())
        return self.direct(account, created, products, closed=closed, won=won)

    def _parents(self, others: list[Customer]) -> None:
        """Companies with one website are a group; the one that says so, or the shortest name, is the parent."""
        groups: dict[str, list[Row]] = {}
        for customer in others:
            if customer.known and customer.known.website:
                groups.setdefault(spelling.host(customer.known.website), []).append(self.by_customer[customer.key][0])
        children = 0
        for members in groups.values():
            if not 2 <= len(members) <= 6 or children >= CHILDREN:
                continue
            parent = min(members, key=lambda row: (not _is_holding(row["Name"]), len(row["Name"]), row["Id"]))
            for member in members:
                if member is not parent:
                    member["ParentId"] = parent["Id"]
                    children += 1


def _is_holding(name: str) -> bool:
    return any(word in name.upper() for word in ("HOLDING", "GROUP", " PLC"))


def _website(world: World, website: str) -> str:
    return f"https://{website}/" if website and world.chance(0.2) else website


def _labels(products: tuple[str, ...]) -> str:
    return ";".join(PRODUCTS[code] for code in products)
