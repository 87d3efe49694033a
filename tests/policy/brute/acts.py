"""What people do, in the second implementation: one entry in the log of a claim, or of two."""

from __future__ import annotations

from typing import Any

from .claims import Claim
from .ruling import Pass
from .words import DAY, Facts


def carry_out(made: Facts, done: Pass) -> None:
    """Record one person's act, which has been allowed."""
    claim, by, at, kind = done.by_ref[made["ref"]], made["by"], made["at"], made["kind"]
    if kind == "approved":
        _approve(claim, by, at, "approved_by_person")
    elif kind == "rejected":
        claim.say("rejected", by, at, reason="rejected_by_person")
    elif kind == "returned":
        claim.say("returned", by, at, reason="returned_by_person", asked={})
    elif kind == "withdrawn":
        claim.say("withdrawn", by, at)
    elif kind == "extended":
        claim.say("moved", by, at, to=claim.end + done.policy["extension"]["days"] * DAY)  # type: ignore[operator]
    elif kind == "suspended":
        claim.say("suspended", by, at)
    elif kind == "reinstated":
        _reinstate(claim, by, at, done)
    elif kind in ("revoked", "released"):
        claim.say(kind, by, at)
    elif kind == "ruled":
        _rule(claim, made, done)


def _approve(claim: Claim, by: str, at: object, reason: str) -> None:
    if claim.app == "approved":
        return
    claim.say("approved", by, at, reason=reason)  # type: ignore[arg-type]


def _reinstate(claim: Claim, by: str, at: object, done: Pass) -> None:
    if claim.is_over(at):  # type: ignore[arg-type]
        end = at + done.policy["extension"]["days"] * DAY  # type: ignore[operator]
        products, taken = (claim.grant["products"], claim.grant["taken"]) if claim.grant else ([], at)
        claim.say("granted", by, at, start=at, end=end, products=products, adopted=False, taken=taken)  # type: ignore[arg-type]
    claim.say("resumed", by, at)  # type: ignore[arg-type]


def _rule(claim: Claim, made: Facts, done: Pass) -> None:
    by, at = made["by"], made["at"]
    rival = done.by_ref.get(made["against"])
    claim.memory.setdefault("ruled", []).append(made)
    if made["winner"] == claim.ref:
        if rival and rival.app == "approved" and not rival.is_over(at):
            rival.say("rejected", by, at, reason="ruled_against")
        _approve(claim, by, at, "ruled")
    else:
        if not (claim.app == "rejected" or claim.is_over(at)):
            claim.say("rejected", by, at, reason="ruled_against")
        if rival:
            _approve(rival, by, at, "ruled")


def allowed(made: Facts, done: Pass) -> bool | None:
    """Would a person's approval, rejection, ruling or extension be recorded? None: these pages say too little."""
    claim, at = done.by_ref[made["ref"]], made["at"]
    if made["kind"] == "ruled":
        winner = done.by_ref.get(made["winner"])
        if winner is None or winner.app == "approved":
            return True
        loser = made["against"] if winner is claim else claim.ref
        return _approvable(winner) and _room(winner, at, done, loser)
    if made["kind"] in ("approved", "rejected", "extended") and claim.source:
        return False
    if made["kind"] == "approved":
        return _approvable(claim) and _room(claim, at, done, None)
    if made["kind"] == "rejected":
        return claim.app not in ("draft", "rejected", "withdrawn") and not claim.is_over(at)
    if made["kind"] == "extended":
        return _extendable(claim, at, done)
    return None


def _approvable(claim: Claim) -> bool:
    gone = claim.filed["status"] == "withdrawn" or claim.app in ("draft", "withdrawn", "approved")
    return not gone and not claim.is_unsure and claim.partner is not None


def _room(claim: Claim, at: Any, done: Pass, giving_way: str | None) -> bool:
    """No protection of anybody that meets it lasts beyond now, and its own would not be over at once."""
    asked = {**claim.scope, "products": claim.filed_for}
    others = [c for c in done.claims if c is not claim and c.grant and c.meets(asked)]
    if any(c.end and c.end > at for c in others if c.ref != giving_way):
        return False
    if done.policy["protection"]["starts"] == "approved" or claim.received is None:
        return True
    start = max([claim.received, *(c.end for c in others if c.end and c.end <= at)])
    return bool(start + done.policy["protection"]["days"] * DAY > at)


def _extendable(claim: Claim, at: Any, done: Pass) -> bool:
    terms = done.policy["extension"]
    if claim.app != "approved" or claim.grant is None or claim.is_over(at):
        return False
    since = claim.log[claim.log.index(claim.grant) :]
    if sum(e["kind"] == "moved" for e in since) >= terms["most"]:
        return False
    waits = any(c.app == "open" and c.verdict.get("behind") == claim.ref for c in done.claims)
    others = [c for c in done.claims if c is not claim and c.in_force(claim.end) and claim.meets(c.scope)]
    return not others and (terms["while_others_wait"] or not waits)
