"""The rules 5.1 to 5.12 of docs/rulings.md, one after the other, each asked of one claim as things stand."""

from __future__ import annotations

from datetime import datetime, timedelta

from .claims import Claim, is_from_partner
from .words import DAY, NEVER, Facts, closed_at, folded, last_before


class Rules:
    """Everything about one claim group at one instant, and what the rules say of each claim in it."""

    def __init__(self, world: Facts, policy: Facts, memory: Facts) -> None:
        self.world, self.policy, self.now = world, policy, world["now"]
        made = [Claim(r, world, policy, memory) for r in world["registrations"]]
        self.claims = sorted(made, key=lambda c: c.key)
        self.by_ref = {c.ref: c for c in self.claims}
        self.tie = timedelta(seconds=policy["tie_window"])
        self.owner: dict[str, str] = {}

    def verdict(self, claim: Claim) -> Facts:
        """What the rules say of an undecided claim, the first that decides."""
        if not claim.is_settled:
            return {"app": "pending", "reason": "settling"}
        if claim.is_unsure:
            return {"app": "review", "reason": "match_unsure"}
        if not claim.source:
            early = self.of_partner(claim) or self.of_form(claim) or self.of_time(claim)
            if early:
                return early
        found = self.clashes(claim) + self.many(claim)
        if claim.source:
            rivals = self.others(claim)
            found = self.clashes(claim) or ([] if rivals["app"] == "go" else rivals.get("found", []))
            return {"app": "pending", "reason": "source_decides", "found": found}
        if found:
            return {**found[0], "found": [] if found[0]["app"] == "pending" else found}
        verdict = self.others(claim)
        if verdict["app"] != "go":
            return verdict
        if self.policy["approval"] == "manual":
            return {"app": "review", "reason": "needs_approval"}
        if not self.world["visible"]:
            return {"app": "review", "reason": "not_visible"}
        return {**verdict, "app": "approved", "reason": "first_registered"}

    def clashes(self, claim: Claim) -> list[Facts]:
        """What the rules 6 to 10 find, the most severe first."""
        rules = (self.c17, self.c18, self.c15, self.c14, self.c01, self.c08, self.c11, self.c13)
        return [f for rule in rules for f in rule(claim)]

    def of_partner(self, claim: Claim) -> Facts | None:
        """5.3: is the partner known and active?"""
        if claim.partner is None:
            return {"app": "review", "reason": "partner_unknown"}
        if claim.partner["status"] != "active":
            return {"app": "rejected", "reason": "partner_inactive"}
        return None

    def of_form(self, claim: Claim) -> Facts | None:
        """5.4 and 5.5: required fields, first contact, smallest value."""
        missing = [name for name in self.policy["required"] if not claim.value_of(name)]
        if missing:
            return {"app": "returned", "reason": "missing_fields", "asked": missing}
        first, received = claim.filed["first_contact_on"], claim.received
        oldest = self.policy["first_contact"]["max_age_days"]
        if first and received and first > received.date():
            return {"app": "returned", "reason": "first_contact_in_future", "asked": ["first_contact_on"]}
        if first and received and oldest and (received.date() - first).days > oldest:
            return {"app": "rejected", "reason": "first_contact_too_old"}
        value = claim.filed["value"]
        if self.policy["minimum"]:
            if value is None or value["currency"] is None:
                return {"app": "returned", "reason": "value_without_currency", "asked": ["value"]}
            least = [m["amount"] for m in self.policy["minimum"] if m["currency"] == value["currency"]]
            if least and value["amount"] < least[0]:
                return {"app": "rejected", "reason": "below_minimum"}
        return None

    def of_time(self, claim: Claim) -> Facts | None:
        """5.5: time left before the close, and the cool-down."""
        received, closes, least = claim.received, claim.filed["close_on"], self.policy["least_days_before_close"]
        assert received
        if least and closes and (closes - received.date()).days < least:
            return {"app": "rejected", "reason": "too_late"}
        wait = self.policy["cooldown_days"] * DAY
        for other in self.claims:
            ended = other.end if other is not claim and other.partner_id == claim.partner_id else None
            if wait and ended and claim.meets(other.scope) and ended <= received < ended + wait:
                return {"app": "rejected", "reason": "cooldown"}
        return None

    # what stood at received_at ----------------------------------------------------------------------------------
    def then(self, record: Facts, claim: Claim) -> Facts:
        """A record as it stood at `received_at`."""
        assert claim.received
        return last_before(self.world, record, claim.received)

    def listed(self, kinds: tuple[str, ...], claim: Claim) -> list[str]:
        """The accounts that a list named on the day of `received_at`."""
        assert claim.received
        on, found = claim.received.date(), []
        for entry in self.world["lists"]:
            e = self.then(entry, claim)
            first = e["from_on"] or (e["modified_at"].date() if e["modified_at"] else None)
            if e["kind"] in kinds and (first is None or first <= on) and (e["until_on"] is None or on < e["until_on"]):
                found += [a["ref"] for a in self.world["accounts"] if a["ref_id"] == e["account_id"]]
        return found

    def c17(self, claim: Claim) -> list[Facts]:
        """5.6: a named or excluded account."""
        marked = [a["ref"] for a in self.world["accounts"] if self.then(a, claim)["is_named"]]
        on = marked + self.listed(("named", "excluded"), claim)
        return self._as_set(self.policy["named_accounts"], "C17", "named_account", on)

    def c18(self, claim: Claim) -> list[Facts]:
        """5.6: a house account."""
        return self._as_set(self.policy["house_accounts"], "C18", "house_account", self.listed(("house",), claim))

    @staticmethod
    def _as_set(what: str, code: str, reason: str, on: list[str]) -> list[Facts]:
        if not on or what == "allow":
            return []
        app = "rejected" if what == "reject" else "review"
        return [{"app": app, "reason": reason, "code": code, "others": sorted(set(on))}]

    def won_before(self, claim: Claim) -> list[tuple[datetime, Facts]]:
        """What was won at or before `received_at`, by when."""
        found = []
        for opp in self.world["opportunities"]:
            o = self.then(opp, claim)
            at = closed_at(o)
            if o["is_closed"] and o["is_won"] and at and claim.received and at <= claim.received:
                found.append((at, o))
        return sorted(found, key=lambda pair: (pair[0], pair[1]["ref"]))

    def c15(self, claim: Claim) -> list[Facts]:
        """5.7: a renewal, of its own or of another partner."""
        after, received = self.policy["customers"]["renewal_days"], claim.received
        assert received
        runs = []
        for contract in self.world["contracts"] if after else []:
            c = {**self.then(contract, claim), "country": None}
            began = c["starts_on"] is None or c["starts_on"] <= received.date()
            ends = c["ends_on"]
            if began and claim.meets(c) and (ends is None or (received.date() - ends).days < after):
                runs.append(c)
        won = [o for _, o in self.won_before(claim) if claim.meets(o)]
        seller = self.seller(won[-1]) if runs and won else None
        if seller is None:
            return []
        if seller == claim.partner_id:
            return [{"app": "review", "reason": "renewal", "code": "C15", "others": [won[-1]["ref"]]}]
        return [{"app": "rejected", "reason": "existing_customer", "code": "C15", "others": [won[-1]["ref"]]}]

    def seller(self, opp: Facts) -> str | None:
        """The key of the partner that brought an opportunity."""
        owner = self.owner[opp["ref"]]
        if owner in self.by_ref:
            return self.by_ref[owner].partner_id or "a partner without a key"
        name = folded(opp["partner_name"])
        keys = sorted(k for k, p in self.world["partners"].items() if name and folded(p["name"]) == name)
        return keys[0] if keys else (f"named {name}" if name else None)

    def c14(self, claim: Claim) -> list[Facts]:
        """5.7: a customer already."""
        window, received = self.policy["customers"]["new_logo_days"], claim.received
        assert received
        if not window:
            return []
        won = [
            (at, o["ref"]) for at, o in self.won_before(claim)
            if self.owner[o["ref"]] != claim.ref and received < at + window * DAY
        ]  # fmt: skip
        since = received.date() - timedelta(days=window)
        on = []
        for account in self.world["accounts"]:
            a = self.then(account, claim)
            recent = a["last_order_on"] is not None and a["last_order_on"] >= since
            if recent or (a["is_customer"] and a["last_order_on"] is None):
                on.append(a["ref"])
        others = sorted(on) + [ref for _, ref in won]
        if not others:
            return []
        return [{"app": "rejected", "reason": "existing_customer", "code": "C14", "others": others}]

    def c01(self, claim: Claim) -> list[Facts]:
        """5.8: filed by the same partner before."""
        twins = [
            c for c in self.claims
            if c is not claim and c.partner_id == claim.partner_id and claim.meets(c.scope)
            and c.left_at() > claim.ready and (c.key < claim.key or c.app == "approved" or c.grant)
        ]  # fmt: skip
        known = [c for c in twins if c.is_settled or c.decided]
        if known:
            return [{"app": "rejected", "reason": "duplicate", "code": "C01", "others": [c.ref for c in twins]}]
        return [{"app": "pending", "reason": "settling"}] if twins else []

    # the direct side --------------------------------------------------------------------------------------------
    def direct(self, claim: Claim) -> list[Facts]:
        """Direct opportunities as they stood: nobody's own deal, and not brought by a partner then."""
        opps = [o for o in self.world["opportunities"] if self.owner[o["ref"]] not in self.by_ref]
        then = [self.then(o, claim) for o in opps]
        return [o for o in then if not is_from_partner(o, self.policy) and not o["registration_key"]]

    def c08(self, claim: Claim) -> list[Facts]:
        """5.9: an open, active direct opportunity."""
        assert claim.received
        hits, unsure = [], []
        for o in self.direct(claim):
            how = self.engaged(o, claim.received) if claim.meets(o) else "no"
            hits += [o] if how == "yes" else []
            unsure += [o] if how == "unsure" else []
        oldest = sorted(hits, key=lambda o: (o["created_at"], o["ref"]))[:20]
        if oldest:
            others = [o["ref"] for o in oldest]
            return [{"app": "rejected", "reason": "direct_engaged", "code": "C08", "others": others}]
        if unsure:
            refs = [o["ref"] for o in sorted(unsure, key=lambda o: (o["created_at"], o["ref"]))]
            return [{"app": "review", "reason": "evidence_unsure", "code": "C08", "others": refs[:20]}]
        return []

    def engaged(self, o: Facts, at: datetime) -> str:
        """Did this opportunity stand at an instant: open, from before, active?"""
        closed = closed_at(o) if o["is_closed"] else None
        if o["created_at"] is None or o["created_at"] >= at or (o["is_closed"] and (closed is None or closed <= at)):
            return "no"
        known = [d for d in [o["last_activity_on"]] if d and d <= at.date()]
        for a in self.world["activities"].get(o["ref"], []):
            a = last_before(self.world, a, at)
            if a["is_human"] and a["happened_at"] and a["happened_at"] <= at and (a["created_at"] or at) <= at:
                known.append(a["happened_at"].date())
        last = max(known) if known else o["created_at"].date()
        if (at.date() - last).days <= self.policy["direct"]["dormant_after_days"]:
            return "yes"
        if self.world["activities"].get(o["ref"]):
            return "no"  # what people did on it was read, and none of it was before
        later = o["last_activity_on"] is not None and o["last_activity_on"] > at.date()
        return "unsure" if later and not known else "no"

    def c11(self, claim: Claim) -> list[Facts]:
        """5.9: two-way contact of the direct team."""
        window, at = self.policy["direct"]["contact_days"], claim.received
        assert at
        places = [a["ref"] for a in self.world["accounts"]] + [o["ref"] for o in self.direct(claim)]
        touched: list[str] = []
        for place in places if window else []:
            for activity in self.world["activities"].get(place, []):
                a = last_before(self.world, activity, at)
                fresh = a["happened_at"] and a["happened_at"] <= at < a["happened_at"] + window * DAY
                if fresh and a["is_human"] and a["is_two_way"] and (a["created_at"] or at) <= at:
                    touched += [x["ref"] for x in self.world["accounts"] if x["ref_id"] == a["account_id"]]
        if not touched:
            return []
        others = sorted(set(touched))
        return [{"app": "rejected", "reason": "direct_engaged", "code": "C11", "others": others}]

    def c13(self, claim: Claim) -> list[Facts]:
        """5.10: a direct opportunity lost shortly before."""
        wait, received, lost = self.policy["direct"]["lost_cooldown_days"] * DAY, claim.received, []
        assert received
        for o in self.direct(claim):
            at = closed_at(o) if o["is_closed"] and not o["is_won"] else None
            if at and at <= received < at + wait and claim.meets(o):
                lost.append((at, o["ref"]))
        others = [ref for _, ref in sorted(lost, reverse=True)][:20]
        return [{"app": "review", "reason": "recently_lost", "code": "C13", "others": others}] if lost else []

    def many(self, claim: Claim) -> list[Facts]:
        """5.10: more records than one registration may mark."""
        most = self.policy["max_records_per_registration"]
        assert claim.received
        then = [o for o in self.direct(claim) if claim.meets(o) and (o["created_at"] or NEVER) < claim.received]
        open_ = [o for o in then if not o["is_closed"] or (closed_at(o) or NEVER) > claim.received]
        if most and len(self.world["accounts"]) + len(open_) > most:
            return [{"app": "review", "reason": "too_many_records"}]
        return []

    # other partners ---------------------------------------------------------------------------------------------
    def others(self, claim: Claim, decided: datetime | None = None) -> Facts:
        """Rule 11: is anybody ahead, is anybody equal, and since when is the way free? Asked at `decided`, else now."""
        rivals = [c for c in self.claims if c.partner_id != claim.partner_id and claim.meets(c.scope)]
        ahead = [c for c in rivals if self.is_ahead(c, claim) and c.left_at() > claim.ready]
        held = [c for c in ahead if (c.left_at() > decided if decided else c.is_live)]
        if held:
            found = [self.pair(claim, held[0])]
            return {"app": "waiting", "reason": "waiting", "behind": held[0].ref, "found": found}
        near = [c for c in rivals if c.app == "open" and self.near(c, claim)]
        first = [c for c in near if self.broken(c, claim) is claim]
        if decided is None and any(not c.is_settled for c in first):
            return {"app": "pending", "reason": "settling"}
        ties = [c for c in near if self.broken(c, claim) is None]
        if ties:
            return {"app": "review", "reason": "tie", "found": [self.pair(claim, c) for c in ties]}
        if not ahead:
            return {"app": "go", "eff": claim.ready}
        last = max(ahead, key=lambda c: c.left_at())
        return {"app": "go", "eff": max(claim.ready, last.left_at()), "found": [self.pair(claim, last)]}

    def near(self, one: Claim, two: Claim) -> bool:
        """Were they received within the tie window?"""
        return bool(one.received and two.received and abs(one.received - two.received) < self.tie)

    def is_ahead(self, other: Claim, claim: Claim) -> bool:
        """Does the other claim come before this one?"""
        if other.app == "open" and self.near(other, claim):
            return self.broken(other, claim) is other
        if other.app == "approved" or other.grant or other.key < claim.key:
            return True
        word = other.decided
        return self.near(other, claim) and word is not None and (word["by"] != "rule" or other.app == "withdrawn")

    def broken(self, one: Claim, two: Claim) -> Claim | None:
        """Which of two undecided claims of one moment the tie rules put ahead."""
        for rule in self.policy["tie_rules"]:
            if rule == "earlier":
                a, b = one.received, two.received
                ahead = None if a == b else (one if a and b and a < b else two)
            elif rule == "more_complete":
                c, d = one.memory["complete"], two.memory["complete"]
                ahead = None if c == d else (one if c > d else two)
            else:
                ahead = self._incumbent(one, two)
            if ahead:
                return ahead
        return None

    def _incumbent(self, one: Claim, two: Claim) -> Claim | None:
        sold = [c for c in (one, two) if self._sold_last(c)]
        return sold[0] if len(sold) == 1 else None

    def _sold_last(self, claim: Claim) -> bool:
        won = [o for _, o in self.won_before(claim) if claim.meets(o)]
        return bool(won) and self.seller(won[-1]) == claim.partner_id

    def pair(self, one: Claim, two: Claim) -> Facts:
        """How two partners' claims meet: the code, the later one first."""
        early, late = sorted((one, two), key=lambda c: c.key)
        words = [c.decided for c in (one, two) if c.app == "approved" and c.decided]
        by_rule = any(not w["by"].startswith("person:") for w in words)
        by_person = any(c.by_person and c.app in ("approved", "rejected") for c in (one, two))
        if self.near(one, two) and not (by_rule and not by_person):
            code = "C06"
        elif early.approved_eff and late.received and early.approved_eff <= late.received:
            code = "C03"
        else:
            code = "C07"
        return {"code": code, "of": late.ref, "others": [early.ref]}
