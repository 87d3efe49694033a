"""What stands about one registration: the words recorded about it, in their order, and what follows from them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from .words import DAY, FOREVER, NEVER, Facts, folded, number_of, scopes_meet

REQUIRABLE = (
    "company.name", "company.location", "company.country", "company.industry", "company.employees", "decision_makers",
    "current_vendor", "products", "value", "timeline", "buying_stage", "competition", "how_identified",
    "first_contact_on", "activities", "next_steps", "proof", "close_on", "proof_kind", "submitter",
)  # fmt: skip


class Claim:
    """One registration. `log` is a list of plain entries {kind, by, at, eff, …}; it outlives every pass."""

    def __init__(self, registration: Facts, world: Facts, policy: Facts, memory: Facts) -> None:
        self.filed, self.world, self.policy = registration, world, policy
        self.ref, self.id = registration["ref"], registration["id"]
        self.number = number_of(registration)
        first = {"received": registration["received_at"], "complete": self._filled(), "log": []}
        self.memory = memory.setdefault(self.ref, first)
        self.log: list[Facts] = self.memory["log"]
        self.partner = world["partners"].get(registration["partner_id"])
        self.partner_id = registration["partner_id"]
        self.company = world["companies"][self.ref]
        self.source = world["authority"][registration["connection"]] == "source"
        self.found: list[Facts] = []
        self.verdict: Facts = {"app": "pending", "reason": ""}

    # what was filed ---------------------------------------------------------------------------------------------
    @property
    def received(self) -> datetime | None:
        """The priority time, as it was first read."""
        at: datetime | None = self.memory["received"]
        return at

    @property
    def key(self) -> tuple[Any, ...]:
        """The order of priority."""
        return (self.received or FOREVER, self.id)

    @property
    def before_go_live(self) -> bool:
        """Was it received before go-live?"""
        return self.received is not None and self.received < self.world["go_live"]

    @property
    def settled_at(self) -> datetime:
        """From when everything that came earlier is known."""
        assert self.received
        error = self.world["clock_error"].get(self.filed["connection"], 0)
        return self.received + timedelta(seconds=self.policy["tie_window"] + error)

    @property
    def is_settled(self) -> bool:
        """Has that been reached?"""
        horizon = self.world["horizon"]
        return horizon is not None and min(horizon, self.world["now"]) >= self.settled_at

    @property
    def ready(self) -> datetime:
        """The earliest instant at which a rule can decide."""
        back = [e["eff"] for e in self.log if e["kind"] == "back"]
        return max([self.settled_at, *back])

    @property
    def is_unsure(self) -> bool:
        """Is the link to a company in review?"""
        return bool(self.company["band"] == "review")

    def value_of(self, name: str) -> Any:
        """One field as it may be required."""
        account = self.company["account"]
        if name == "company.location":
            return account["street"] or account["city"] or account["postcode"]
        if name == "company.country":
            return account["country"] or self.filed["country"]
        value = account[name.removeprefix("company.")] if name.startswith("company.") else self.filed[name]
        return value.strip() or None if isinstance(value, str) else value

    def _filled(self) -> int:
        self.company = self.world["companies"][self.ref]
        return sum(1 for name in REQUIRABLE if self.value_of(name))

    # what was said about it -------------------------------------------------------------------------------------
    def say(self, kind: str, by: str, eff: datetime, **more: Any) -> None:
        """Write one word down."""
        self.log.append({"kind": kind, "by": by, "at": self.world["now"], "eff": eff, **more})

    def last(self, *kinds: str) -> Facts | None:
        """The last word of some kinds."""
        return next((e for e in reversed(self.log) if e["kind"] in kinds), None)

    @property
    def decided(self) -> Facts | None:
        """The last word about the application itself; None while there is none that stands."""
        word = self.last("approved", "rejected", "returned", "withdrawn", "back")
        return None if word is None or word["kind"] == "back" else word

    @property
    def grant(self) -> Facts | None:
        """The last protection that was granted."""
        return self.last("granted")

    @property
    def end(self) -> datetime | None:
        """When the protection ends, as far as it is known."""
        grant = self.grant
        if grant is None:
            return None
        end: datetime = grant["end"]
        after = self.log[self.log.index(grant) + 1 :]
        for entry in after:
            if entry["kind"] == "moved":
                end = entry["to"]
            elif entry["kind"] in ("rejected", "withdrawn", "revoked", "released") and entry["eff"] < end:
                end = max(entry["eff"], grant["start"])
        return end

    @property
    def cut(self) -> Facts | None:
        """What ended the protection before its time."""
        grant, end = self.grant, self.end
        after = self.log[self.log.index(grant) + 1 :] if grant else []
        kinds = ("rejected", "withdrawn", "revoked", "released")
        return next((e for e in after if e["kind"] in kinds and grant and end == max(e["eff"], grant["start"])), None)

    def is_over(self, at: datetime) -> bool:
        """Has its protection ended by an instant?"""
        return self.end is not None and self.end <= at

    def in_force(self, at: datetime) -> bool:
        """Does its protection keep its place at an instant? (Suspended ones do.)"""
        grant = self.grant
        return grant is not None and self.end is not None and grant["start"] <= at < self.end

    @property
    def is_suspended(self) -> bool:
        """Is its protection suspended?"""
        word = self.last("suspended", "resumed", "granted")
        return word is not None and word["kind"] == "suspended"

    @property
    def is_adopted(self) -> bool:
        """Was its protection taken over from the source?"""
        return self.grant is not None and self.grant["adopted"]

    @property
    def app(self) -> str:
        """`open`, or what the last word says; drafts, withdrawn, undated and old ones apart."""
        word = self.decided
        if word and word["kind"] != "returned":
            return str(word["kind"])
        if self.filed["status"] == "draft":
            return "draft"
        if self.received is None:
            return "outside"
        if self.before_go_live:
            return "withdrawn" if self.filed["status"] == "withdrawn" else "outside"
        return "returned" if word else "open"

    @property
    def is_live(self) -> bool:
        """Does it stand in the way of others now?"""
        return self.app == "open" or (self.app == "approved" and not self.is_over(self.world["now"]))

    def left_at(self) -> datetime:
        """When it stopped to stand in anybody's way; NEVER (the first instant) where it never stood there."""
        if self.app == "open":
            return FOREVER
        if self.app == "approved":
            return max(self.end, self.approved_eff) if self.end and self.approved_eff else FOREVER
        word = self.decided
        if self.grant is None and (self.before_go_live or self._held_no_place()):
            return NEVER
        if self.app == "withdrawn" and word:
            eff: datetime = self.end or word["eff"]
            return eff
        if self.app in ("rejected", "returned") and word and word["by"] != "rule" and not word.get("adopted_before"):
            return max(self.end, word["eff"]) if self.end and self.end > word["eff"] else (self.end or word["eff"])
        return self.end or NEVER

    def _held_no_place(self) -> bool:
        """Did a rule send it back, and was that never answered, whatever was said since?"""
        for entry in reversed(self.log):
            if entry["kind"] == "back":
                return False
            if entry["kind"] == "returned":
                return bool(entry["by"] == "rule")
        return False

    # what it claims ---------------------------------------------------------------------------------------------
    @property
    def scope(self) -> Facts:
        """Products and country that it claims."""
        country = self.filed["country"] or self.company["account"]["country"]
        if self.grant:
            return {"products": self.grant["products"], "country": country}
        return {"products": self.filed_for, "country": country}

    @property
    def filed_for(self) -> list[str]:
        """The products that the filing names today; none is the whole company."""
        products: list[str] = [] if self.policy["scope"] == "company" else self.filed["products"]
        return products

    def meets(self, other: Facts) -> bool:
        """Does it meet another scope?"""
        return scopes_meet(self.scope, other, self.policy)

    @property
    def by_person(self) -> bool:
        """Was the word that stands a person's?"""
        word = self.decided
        return word is not None and word["by"].startswith("person:")

    @property
    def approved_eff(self) -> datetime | None:
        """When the approval that its protection rests on took effect."""
        return self.grant["taken"] if self.grant else None


def owners(claims: list[Claim], opportunities: list[Facts], world: Facts, policy: Facts) -> dict[str, str]:
    """Of each opportunity: the ref of the registration whose own deal it is, `partner`, or `direct`."""
    return {opp["ref"]: _owner(opp, claims, world, policy) for opp in opportunities}


def _owner(opp: Facts, claims: list[Claim], world: Facts, policy: Facts) -> str:
    key = opp["registration_key"]
    in_order = sorted(claims, key=lambda c: c.key)
    if key:
        named = [c for c in in_order if c.id == key] or [c for c in in_order if c.number == key]
        if named:
            return named[0].ref
    from_partner = is_from_partner(opp, policy)
    if from_partner and any(a["ref_id"] == opp["account_id"] for a in world["accounts"]):
        fits = [c for c in claims if _fits(opp, c, policy)]
        if fits:
            return max(fits, key=lambda c: (c.received, [-ord(x) for x in c.id])).ref
    return "partner" if key or from_partner else "direct"


def is_from_partner(opp: Facts, policy: Facts) -> bool:
    """Does it carry a partner's name, or one of the lead sources?"""
    sources = {folded(s) for s in policy["own_deals"]["lead_sources"]}
    return bool(folded(opp["partner_name"])) or folded(opp["lead_source"]) in sources


def _fits(opp: Facts, claim: Claim, policy: Facts) -> bool:
    if claim.received is None or opp["created_at"] is None or claim.app in ("draft", "withdrawn"):
        return False
    if claim.filed["status"] == "withdrawn":
        return False
    name = folded(opp["partner_name"])
    if name and (claim.partner is None or folded(claim.partner["name"]) != name):
        return False
    age = opp["created_at"] - claim.received
    return claim.meets(opp) and timedelta(0) <= age < policy["own_deals"]["within_days"] * DAY
