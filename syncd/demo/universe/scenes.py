"""Plays the scenarios of `scenarios`: draws companies, writes their records, notes down what is to be expected."""

from collections.abc import Callable
from datetime import datetime, timedelta

from syncd.demo.universe.portal import Filing, Portal
from syncd.demo.universe.scenarios import COUNTS, DRAFTED_BEFORE, LOCATION, REQUIRED, WITHOUT_ID
from syncd.demo.universe.vendor import Vendor
from syncd.demo.universe.world import FIRST_CONTACT_DAYS, Customer, World
from syncd.demo.universe.write import Row


class Scenes:
    """Plays the scenarios; each takes fresh companies and writes down what is to be expected."""

    def __init__(self, world: World, vendor: Vendor, portal: Portal) -> None:
        self.world, self.vendor, self.portal = world, vendor, portal
        self._pushed = 0
        self._drafted_before = 0

    def play(self) -> None:
        for scenario, count in COUNTS.items():
            scene: Callable[[str, int], None] = getattr(self, f"_{scenario}")
            scene(scenario, count)

    # -- nothing in the way --------------------------------------------------------------------------------------

    def _clean_known(self, scenario: str, count: int) -> None:
        for customer in self.world.cast(count):
            self._expect(self.portal.file(customer, self.world.lately()), scenario)

    def _clean_unknown(self, scenario: str, count: int) -> None:
        for customer in self.world.cast_unknown(count):
            self._expect(self.portal.file(customer, self.world.lately()), scenario)

    def _old_customer(self, scenario: str, count: int) -> None:
        for customer in self.world.cast(count):
            account = self.vendor.account(customer)
            closed = self.world.ago(1500, 2200)
            opened = closed - self.world.days(30, 200)
            won = self.vendor.direct(account, opened, self.world.products(), closed=closed, won=True, quiet=True)
            self.vendor.bought(account, closed.date(), customer_type=False)
            self._expect(self.portal.file(customer, self.world.lately()), scenario, other=won["Id"])

    def _settling(self, scenario: str, count: int) -> None:
        for customer in self.world.cast(count):
            submitted = self.world.now - timedelta(milliseconds=self.world.rng.randint(10_000, 170_000))
            drafted = submitted - timedelta(minutes=self.world.rng.randint(5, 90))
            filing = self.portal.file(customer, submitted, drafted=drafted, stage="submitted")
            self._expect(filing, scenario, note="within the settlement time")

    # -- before go-live, and what the PRM pushed -----------------------------------------------------------------

    def _adopted(self, scenario: str, count: int) -> None:
        unknown = self.world.cast_unknown(8)
        for number, customer in enumerate([*unknown, *self.world.cast(count - len(unknown))]):
            filing = self._approved(customer, self.world.ago(32, 82))
            self._maybe_push(filing, scenario, push=number < 68, won=8 <= number < 14, again=20 <= number < 26)

    def _adopted_ending(self, scenario: str, count: int) -> None:
        for customer in self.world.cast(count):
            self._maybe_push(self._approved(customer, self.world.ago(83.2, 89.8)), scenario, push=True)

    def _adopted_ended(self, scenario: str, count: int) -> None:
        for number, customer in enumerate(self.world.cast(count)):
            approved = self.world.ago(90.5, 96.5) if number % 2 else self.world.ago(98, 200)
            self._maybe_push(self._approved(customer, approved), scenario, push=number < 8)

    def _approved_after_go_live(self, scenario: str, count: int) -> None:
        unknown = self.world.cast_unknown(4)
        for number, customer in enumerate([*unknown, *self.world.cast(count - len(unknown))]):
            submitted = self.world.lately(1.5)
            approved = self.world.between(submitted + timedelta(hours=2), submitted + timedelta(days=3))
            filing = self.portal.file(customer, submitted, stage="approved", approved=approved)
            self._maybe_push(filing, scenario, push=True, again=10 <= number < 14)

    def _undecided_before_go_live(self, scenario: str, count: int) -> None:
        for customer in self.world.cast(count):
            submitted = self.world.go_live - self.world.days(0.1, 20)
            self._expect(self.portal.file(customer, submitted), scenario, note="outside: never judged")

    def _history(self, scenario: str, count: int) -> None:
        for number, customer in enumerate(self.world.cast(count)):
            if number % 2:
                filing = self.portal.file(customer, self.world.ago(45, 400), stage="rejected")
            else:
                filing = self._approved(customer, self.world.ago(125, 400), stage="expired")
            self._expect(filing, scenario, note=f"{filing.row['dealstage']} before go-live")

    def _approved(self, customer: Customer, approved: datetime, stage: str = "approved") -> Filing:
        """A registration that the PRM approved a few hours to days after its submission."""
        submitted = approved - self.world.days(0.1, 6)
        return self.portal.file(customer, submitted, approved=approved, stage=stage)

    def _maybe_push(self, filing: Filing, scenario: str, push: bool, won: bool = False, again: bool = False) -> None:
        own = self._push(filing, won=won, again=again) if push else None
        notes = ["own deal" if own else "not pushed"]
        if own:
            notes += ["no registration id in the CRM"] if not own["PRM_Registration_Id__c"] else []
            notes += ["the push made the account"] if again or filing.customer.known is None else []
            notes += ["won"] if won else []
        self._expect(filing, scenario, other=own["Id"] if own else "", note=", ".join(notes))

    def _push(self, filing: Filing, won: bool = False, again: bool = False) -> Row:
        """Every fifth own deal on an account that was there before lacks the registration's id, up to 25."""
        made = again or filing.customer.known is None
        self._pushed += not made
        with_id = made or self._pushed % 5 != 0 or self._pushed > 5 * WITHOUT_ID
        return self.vendor.push(filing, with_id, won=won, new_account=again)

    # -- partner and direct --------------------------------------------------------------------------------------

    def _earlier_direct(self, scenario: str, count: int) -> None:
        for number, customer in enumerate(self.world.cast(count)):
            submitted, products = self.world.lately(), self.world.products()
            close = number % 10 == 0
            opened = submitted - (self.world.days(0.01, 0.2) if close else self.world.days(2, 220))
            opp = self._active(customer, submitted, opened, self.world.shared(products))
            filing = self.portal.file(customer, submitted, products=products)
            note = "opened hours before the submission" if close else ""
            self._expect(filing, scenario, "C08", opp["Id"], self._where(opp, note))

    def _direct_blank_products(self, scenario: str, count: int) -> None:
        for customer in self.world.cast(count):
            submitted = self.world.lately()
            opp = self._active(customer, submitted, submitted - self.world.days(2, 150), ())
            note = self._where(opp, "no products named: scope unknown")
            self._expect(self.portal.file(customer, submitted), scenario, "C08", opp["Id"], note)

    def _direct_dormant(self, scenario: str, count: int) -> None:
        for customer in self.world.cast(count):
            submitted, products = self.world.lately(), self.world.products()
            active = submitted - self.world.days(65, 200)
            opened, shared = active - self.world.days(5, 200), self.world.shared(products)
            opp = self.vendor.direct(self.vendor.account(customer), opened, shared, active=active, quiet=True)
            filing = self.portal.file(customer, submitted, products=products)
            self._expect(filing, scenario, other=opp["Id"], note=self._where(opp, "dormant"))

    def _direct_disjoint(self, scenario: str, count: int) -> None:
        for customer in self.world.cast(count):
            submitted, products = self.world.lately(), self.world.products()
            opened = submitted - self.world.days(2, 150)
            opp = self._active(customer, submitted, opened, self.world.disjoint(products))
            filing = self.portal.file(customer, submitted, products=products)
            self._expect(filing, scenario, other=opp["Id"], note=self._where(opp, "disjoint products"))

    def _later_direct(self, scenario: str, count: int) -> None:
        for number, customer in enumerate(self.world.cast(count)):
            filing = self._approved(customer, self.world.ago(32, 75))
            opened = self.world.between(self.world.go_live + timedelta(hours=1), self.world.now - timedelta(hours=2))
            opp = self.vendor.direct(self.vendor.account(customer), opened, self.world.shared(filing.products))
            note = "adopted"
            if number % 3 == 0:
                note += ", own deal " + self._push(filing)["Id"]
            self._expect(filing, scenario, "C09", opp["Id"], self._where(opp, note))

    def _direct_before_decision(self, scenario: str, count: int) -> None:
        for number, customer in enumerate(self.world.cast(count)):
            filing = self.portal.file(customer, self.world.lately(2))
            assert filing.submitted
            late = self.world.days(0.02, 0.4) if number % 6 == 0 else self.world.days(0.5, 14)
            opened = self.world.between(filing.submitted + min(late, timedelta(days=1)), filing.submitted + late)
            opp = self.vendor.direct(self.vendor.account(customer), opened, self.world.shared(filing.products))
            self._expect(filing, scenario, "C10", opp["Id"], self._where(opp, ""))

    def _lost_recently(self, scenario: str, count: int) -> None:
        for customer in self.world.cast(count):
            self._lost(customer, scenario, "C13", self.world.days(1.1, 24.9))

    def _lost_long_ago(self, scenario: str, count: int) -> None:
        for customer in self.world.cast(count):
            self._lost(customer, scenario, "", self.world.days(95, 700))

    def _lost(self, customer: Customer, scenario: str, code: str, before: timedelta) -> None:
        submitted, products = self.world.lately(), self.world.products()
        closed = submitted - before
        account, shared = self.vendor.account(customer), self.world.shared(products)
        opp = self.vendor.direct(account, closed - self.world.days(20, 200), shared, closed=closed, quiet=True)
        filing = self.portal.file(customer, submitted, products=products)
        self._expect(filing, scenario, code, opp["Id"], self._where(opp, f"lost {before.days} days before"))

    def _existing_customer(self, scenario: str, count: int) -> None:
        """A third by type and last order, a third by a won opportunity too, a third by that alone."""
        for number, customer in enumerate(self.world.cast(count)):
            account, bought = self.vendor.account(customer), self.world.ago(45, 1000)
            opp_id, note = "", "Type and last order"
            if number % 3:
                opened = bought - self.world.days(20, 200)
                opp = self.vendor.direct(account, opened, self.world.products(), closed=bought, won=True, quiet=True)
                opp_id, note = opp["Id"], "won opportunity" if number % 3 == 2 else "Type, last order, won opportunity"
            if number % 3 != 2:
                self.vendor.bought(account, bought.date())
            filing = self.portal.file(customer, self.world.lately())
            self._expect(filing, scenario, "C14", opp_id or account["Id"], note)

    def _named_account(self, scenario: str, count: int) -> None:
        for customer in self.world.cast(count):
            account = self.vendor.named(customer)
            note = "the flag is on the second account" if self.vendor.is_second(account) else ""
            self._expect(self.portal.file(customer, self.world.lately()), scenario, "C17", account["Id"], note)

    def _active(self, customer: Customer, submitted: datetime, opened: datetime, products: tuple[str, ...]) -> Row:
        """An open direct opportunity somebody worked on shortly before the submission or since."""
        active = self.world.between(max(opened, submitted - timedelta(days=25)), self.world.now)
        return self.vendor.direct(self.vendor.account(customer), opened, products, active=active)

    def _where(self, opportunity: Row, note: str) -> str:
        second = self.vendor.origin[opportunity["AccountId"]] != "entered"
        return ", ".join(part for part in (note, "on the vendor's second account" if second else "") if part)

    # -- partner and partner -------------------------------------------------------------------------------------

    def _partner_partner(self, scenario: str, count: int) -> None:
        for number, customer in enumerate(self.world.cast(count // 2)):
            first = self._approved(customer, self.world.ago(32, 75))
            note = "first was approved before go-live"
            if number % 2 == 0:
                note += ", own deal " + self._push(first)["Id"]
            self._pair(scenario, "C03", first, self.world.lately(), self.world.shared(first.products), note)

    def _partner_partner_undecided(self, scenario: str, count: int) -> None:
        for number, customer in enumerate(self.world.cast(count // 2)):
            first = self.portal.file(customer, self.world.lately(3))
            assert first.submitted
            gap = self.world.days(0.1, 0.9) if number % 3 == 0 else self.world.days(1, 21)
            after = self.world.between(first.submitted + min(gap, timedelta(days=2)), first.submitted + gap)
            after = min(after, self.world.now - timedelta(hours=1, milliseconds=number))
            self._pair(scenario, "C07", first, after, self.world.shared(first.products), "", found=number % 9 == 5)

    def _simultaneous(self, scenario: str, count: int) -> None:
        for customer in self.world.cast(count // 2):
            first = self.portal.file(customer, self.world.lately())
            assert first.submitted
            after = first.submitted + timedelta(milliseconds=self.world.rng.randint(0, 950))
            self._pair(scenario, "C06", first, after, self.world.shared(first.products), "a tie")

    def _partner_partner_disjoint(self, scenario: str, count: int) -> None:
        for customer in self.world.cast(count // 2):
            first = self.portal.file(customer, self.world.lately(3))
            assert first.submitted
            after = self.world.between(first.submitted + timedelta(hours=3), self.world.now - timedelta(hours=1))
            self._pair(scenario, "", first, after, self.world.disjoint(first.products), "C04: both stand")

    def _same_partner_twice(self, scenario: str, count: int) -> None:
        for number, customer in enumerate(self.world.cast(count // 2)):
            first = self.portal.file(customer, self.world.lately(3))
            assert first.submitted
            after = self.world.between(first.submitted + timedelta(hours=3), self.world.now - timedelta(hours=1))
            company = first.company if number % 2 else None
            second = self.portal.file(customer, after, partner=first.partner, products=first.products, company=company)
            self._expect(first, scenario, other=second.id, note="first")
            self._expect(second, scenario, "C01", first.id, "same company record" if company else "typed again")

    def _pair(
        self,
        scenario: str,
        code: str,
        first: Filing,
        after: datetime,
        products: tuple[str, ...],
        note: str,
        found: bool = False,
    ) -> None:
        """Another partner files for the same company, typed in his own way; under its new name if it has one.

        If he `found` the company in the portal, he did not type it at all.
        """
        assert first.submitted
        world, customer = self.world, first.customer
        new_name = not found and customer.renamed and customer.known is not None and customer.known.address != ""
        early = code == "C07" and not found and self._drafted_before < DRAFTED_BEFORE
        self._drafted_before += early
        second = self.portal.file(
            customer,
            after,
            partner=world.partner(first.partner),
            products=products,
            typed=customer.known if new_name else None,
            company=first.company if found else None,
            drafted=first.submitted - world.days(2.1, 4) if early else None,
        )
        more = ", typed under the new name" if new_name else ""
        more += ", same company record" if found else ""
        more += ", drafted before the first" if early else ""
        self._expect(first, scenario, other=second.id, note=", ".join(part for part in ("first", note) if part))
        self._expect(second, scenario, code, first.id, f"second{more}")

    # -- not eligible --------------------------------------------------------------------------------------------

    def _incomplete(self, scenario: str, count: int) -> None:
        for number, customer in enumerate(self.world.cast(count)):
            filing = self.portal.file(customer, self.world.lately())
            missing = {REQUIRED[number % len(REQUIRED)]}
            if number % 2:
                missing.add(self.world.rng.choice(REQUIRED))
            for name in missing:
                _blank(filing, name)
            self._expect(filing, scenario, note="missing: " + ", ".join(sorted(missing)))

    def _first_contact_old(self, scenario: str, count: int) -> None:
        for customer in self.world.cast(count):
            submitted = self.world.lately()
            spoke = submitted - self.world.days(FIRST_CONTACT_DAYS + 2, 300)
            filing = self.portal.file(customer, submitted, first_contact=spoke)
            self._expect(filing, scenario, note=f"first contact {(submitted - spoke).days} days before")

    def _first_contact_future(self, scenario: str, count: int) -> None:
        for customer in self.world.cast(count):
            submitted = self.world.ago(13, 29)
            spoke = submitted + self.world.days(2, 12)
            filing = self.portal.file(customer, submitted, first_contact=spoke)
            self._expect(filing, scenario, note="first contact after the submission")

    def _partner_suspended(self, scenario: str, count: int) -> None:
        for customer in self.world.cast(count):
            filing = self.portal.file(customer, self.world.lately(), partner=self.world.suspended)
            self._expect(filing, scenario, note="C32: the partner is suspended")

    def _draft(self, scenario: str, count: int) -> None:
        for customer in self.world.cast(count):
            self._expect(self.portal.file(customer, None), scenario)

    def _malformed(self, scenario: str, count: int) -> None:
        customers = [*self.world.cast_unknown(1), *self.world.cast(count - 1)]
        nameless, dated, absurd, long = (self.portal.file(customer, self.world.lately()) for customer in customers)
        nameless.company["name"] = ""
        dated.row["first_contact_date"] = "1900-01-01"
        absurd.row["amount"] = "40000000000000000000"
        long.row["activities_done"] = "We called the customer again and again. " * 500
        for filing, note in (
            (nameless, "blank company name"),
            (dated, "first contact in 1900"),
            (absurd, "an absurd amount"),
            (long, "a text of 20 kB"),
        ):
            self._expect(filing, scenario, note=note)

    def _expect(self, filing: Filing, scenario: str, code: str = "", other: str = "", note: str = "") -> None:
        renamed = "renamed between the lists" if filing.customer.renamed else ""
        self.world.expect(filing.id, scenario, code, other, "; ".join(part for part in (note, renamed) if part))


def _blank(filing: Filing, name: str) -> None:
    if name == "location":
        filing.company.update(dict.fromkeys(LOCATION, ""))
    elif name in filing.company:
        filing.company[name] = ""
    else:
        filing.row[name] = ""
        if name == "proof_of_relationship":
            filing.row["proof_type"] = ""
