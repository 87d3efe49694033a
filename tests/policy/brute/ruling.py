"""One pass of the second implementation: adopt, withdraw, carry out, grant, judge until nothing changes, expire."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from .claims import Claim, owners
from .rules import Rules
from .words import DAY, NEVER, Facts


class Pass(Rules):
    """One claim group at one instant. `memory` is carried from one pass to the next."""

    def run(self) -> None:
        """All steps, in their order."""
        for claim in self.claims:
            self.adopt(claim)
            self.withdraw(claim)
            self.come_back(claim)
        for claim in self.claims:
            self.grant(claim)
        refused = []
        while (decided := self.judge_next()) is not None:
            refused += [decided] if decided.app == "rejected" and decided.found else []
        for claim in refused:  # a twin whose turn came later, and which was refused then, never stood beside it
            for f in (f for f in claim.memory["found"] if f.get("code") == "C01"):
                gone = [c.ref for c in self.claims if c.left_at() <= claim.ready]
                f["others"] = [ref for ref in f["others"] if ref not in gone]
        for claim in self.claims:
            over = claim.end is not None and claim.end <= self.now
            noted = any(e["kind"] == "expired" and e["eff"] == claim.end for e in claim.log)
            if over and not noted and claim.cut is None:
                claim.say("expired", "rule", claim.end or NEVER)

    # what the source says ---------------------------------------------------------------------------------------
    def adopt(self, claim: Claim) -> None:
        """Take over what the source has decided."""
        filed, old = claim.filed, claim.before_go_live
        said = [filed["status"], filed["approved_at"], filed["protected_until"]]
        if claim.received is None or not (old or claim.source) or filed["status"] in ("draft", "withdrawn"):
            return
        last = claim.memory.get("adopted")
        if last == said or (last is not None and old):
            return
        start = filed["approved_at"] or claim.received
        if filed["status"] == "approved":
            end = filed["protected_until"] or start + self.policy["protection"]["days"] * DAY
            self._adopted(claim, said, start, end)
        elif filed["status"] == "expired":
            known = [t for t in (filed["protected_until"], filed["modified_at"]) if t]
            self._adopted(claim, said, start, min(known) if known else start)
        elif filed["status"] == "rejected":
            claim.memory["adopted"] = said
            at = max(claim.received, filed["modified_at"] or claim.received)
            claim.say("rejected", "source", at, reason="rejected_by_source", adopted_before=old)

    def _adopted(self, claim: Claim, said: list[Any], start: datetime, end: datetime) -> None:
        claim.memory["adopted"] = said
        claim.say("approved", "source", start, reason="adopted")
        products = [] if self.policy["scope"] == "company" else claim.filed["products"]
        end = max(start, end)
        claim.say("granted", "source", start, start=start, end=end, products=products, adopted=True, taken=start)

    def withdraw(self, claim: Claim) -> None:
        """The source says that it was withdrawn."""
        if claim.filed["status"] != "withdrawn" or claim.received is None or claim.app in ("withdrawn", "rejected"):
            return
        if claim.before_go_live and not claim.grant:
            return
        at = max(claim.filed["modified_at"] or claim.received, claim.received)
        if claim.grant:
            at = max(at, claim.grant["start"])
            if claim.is_over(at):
                return
        claim.say("withdrawn", "source", at)

    def come_back(self, claim: Claim) -> None:
        """Withdrawn and filed again, or returned and answered: judged again, from the edit on."""
        word, filed = claim.decided, claim.filed
        if word is None or claim.grant or filed["status"] in ("draft", "withdrawn") or claim.received is None:
            return
        changed: datetime = filed["modified_at"] or claim.received
        if word["kind"] == "withdrawn" and (word["by"] == "source" or changed > word["eff"]):
            claim.memory["received"] = max(claim.received, filed["received_at"])
            claim.say("back", "source", changed)
        if word["kind"] == "returned" and self._answered(claim, word, changed):
            claim.say("back", "source", changed)

    @staticmethod
    def _answered(claim: Claim, word: Facts, changed: datetime) -> bool:
        if word["by"] != "rule":
            return changed > word["eff"]
        return any(claim.value_of(name) != value for name, value in word["asked"].items())

    # protection -------------------------------------------------------------------------------------------------
    def grant(self, claim: Claim) -> None:
        """What was approved and has no protection of its own yet gets one, as soon as nobody else's is in force."""
        word = claim.decided
        if claim.app != "approved" or word is None or (claim.grant and self._after(claim, word)):
            return
        start: datetime = word["eff"]
        others = [c for c in self.claims if c is not claim and c.grant and claim.meets(c.scope)]
        if word["by"] != "rule":
            in_force = [c for c in others if c.in_force(start) and not c.is_adopted]
            if any(not c.is_over(self.now) for c in in_force):
                return
            start = max([start, *(c.end for c in in_force if c.end)])
        taken = start
        if self.policy["protection"]["starts"] == "received" and claim.received:
            start = max([claim.received, *(c.end for c in others if c.end and c.end <= start)])
        end = start + self.policy["protection"]["days"] * DAY
        products = claim.filed_for
        claim.say("granted", word["by"], taken, start=start, end=end, products=products, adopted=False, taken=taken)

    @staticmethod
    def _after(claim: Claim, word: Facts) -> bool:
        return claim.grant is not None and claim.log.index(claim.grant) > claim.log.index(word)

    # the application --------------------------------------------------------------------------------------------
    def judge_next(self) -> Claim | None:
        """Judge everything undecided, and record the one word that takes effect first; None when there is none."""
        self.owner = owners(self.claims, self.world["opportunities"], self.world, self.policy)
        words = []
        for claim in (c for c in self.claims if c.app == "open"):
            verdict = claim.verdict = self.verdict(claim)
            claim.found = verdict.get("found", [])
            if verdict["app"] in ("approved", "rejected", "returned"):
                words.append((verdict.get("eff", claim.ready), claim))
        if not words:
            return None
        eff, claim = min(words, key=lambda word: (self.by_itself(word[1]), word[0], word[1].key))
        asked = {name: claim.value_of(name) for name in claim.verdict.get("asked", [])}
        claim.say(claim.verdict["app"], "rule", eff, reason=claim.verdict["reason"], asked=asked)
        claim.memory["found"] = claim.found
        if claim.verdict["app"] == "approved":
            self.grant(claim)
        return claim

    @staticmethod
    def by_itself(claim: Claim) -> int:
        """First what is refused whatever the others do, and so never stood in their way."""
        refused = claim.verdict["app"] in ("rejected", "returned")
        return 0 if refused and claim.verdict["reason"] not in ("duplicate", "cooldown") else 1
