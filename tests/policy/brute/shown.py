"""What the second implementation shows: states, collisions, stamps and owners, each as plain values."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from .claims import Claim
from .ruling import Pass
from .words import DAY, Facts

Found = dict[tuple[str, str, str], Facts]
UNSEEN = {"named_account", "existing_customer", "direct_engaged", "ruled_against", "house_account"}


def show(done: Pass) -> Facts:
    """Everything that can be compared, by ref."""
    states = {c.ref: state(c, done) for c in done.claims}
    collisions = listed(done, states)
    wanted = {c.ref: filing_stamp(states[c.ref]) for c in done.claims}
    opps = done.world["opportunities"]
    for account in done.world["accounts"]:
        wanted[account["ref"]] = account_stamp(done, states)
    for opp in opps:
        wanted[opp["ref"]] = opportunity_stamp(opp, done, states, collisions)
    owners = {o["ref"]: owner(o, wanted[o["ref"]], done) for o in opps}
    return {"states": states, "collisions": collisions, "wanted": wanted, "owners": owners}


# states -------------------------------------------------------------------------------------------------------------
def state(claim: Claim, done: Pass) -> Facts:
    """Application, protection, since, until, reason, and behind whom."""
    now, app, word = done.now, claim.app, claim.decided
    made: Facts = dict.fromkeys(("since", "until", "behind"))
    made |= {"app": app, "protection": "none", "reason": "", "claim": claim}
    if app == "open":
        made |= {"app": claim.verdict["app"], "reason": claim.verdict["reason"], "behind": claim.verdict.get("behind")}
    elif app == "outside":
        made["reason"] = "before_go_live" if claim.received else "not_dated"
    elif word:
        made["reason"] = word.get("reason") or ""
    if claim.grant and app in ("approved", "rejected", "withdrawn"):
        active = "suspended" if claim.is_suspended else "active"
        over = claim.is_over(now)
        made |= {"protection": "expired" if over else active, "since": claim.grant["start"], "until": claim.end}
    elif app == "approved":
        in_way = [c for c in done.claims if c is not claim and c.in_force(now) and claim.meets(c.scope)]
        made |= {"app": "waiting", "reason": "waiting", "behind": in_way[0].ref if in_way else None}
    return made


# collisions ---------------------------------------------------------------------------------------------------------
def listed(done: Pass, states: dict[str, Facts]) -> dict[tuple[str, str, str], Facts]:
    """By code, registration and other: the state (open or ruled), the winner, and the rule where it is named."""
    found: Found = {}
    for claim in done.claims:
        for ruling in reversed(claim.memory.get("ruled", [])) if _shown(claim, states) else ():
            key = (ruling["code"], claim.ref, ruling["against"])
            said = {"state": "ruled", "winner": ruling["winner"], "rule": ruling["by"]}
            if not any(k[1:] == key[1:] for k in found):
                found[key] = said
    ruled = {key[1:] for key in found}
    for claim in done.claims:
        late(claim, done, found, ruled)
    by_source = [c for c in done.claims if c.decided and c.decided["by"] == "source"]
    for claim in [c for c in done.claims if c not in by_source] + by_source:
        if claim.before_go_live:
            continue
        for finding in _found(claim, done):
            for other in finding.get("others", []) if "code" in finding else []:
                key = (finding["code"], finding.get("of", claim.ref), other)
                if not _shown(done.by_ref[key[1]], states):
                    continue
                against = other if finding.get("of", claim.ref) == claim.ref else finding["of"]
                if key[1:] not in ruled and not (other in done.by_ref and key[1:] in {k[1:] for k in found}):
                    found.setdefault(key, _state_of(claim, key, against, done))
    for claim in done.claims:
        informing(claim, done, states, found, ruled)
    return found


def _shown(claim: Claim, states: dict[str, Facts]) -> bool:
    made = states[claim.ref]
    return made["app"] in ("pending", "review", "waiting", "rejected") or (
        made["app"] == "approved" and made["protection"] != "expired"
    )


def _found(claim: Claim, done: Pass) -> list[Facts]:
    word = claim.decided
    if word is None or word["kind"] == "returned":
        return claim.found
    if word["kind"] == "withdrawn":
        return []
    if word["by"] == "rule":
        return list(claim.memory.get("found", []))
    found = done.clashes(claim)
    found = [] if found and found[0]["app"] == "pending" else [f for f in found if "code" in f]
    return found or list(done.others(claim, word["eff"]).get("found", []))


def _state_of(claim: Claim, key: tuple[str, str, str], against: str, done: Pass) -> Facts:
    """Ruled by a person who decided either side, ruled by the rules that decided, or open."""
    rival = done.by_ref.get(against)
    if rival is not None and key[0] != "C01":
        return _between(claim, rival, key, done)
    if claim.source and claim.app == "open":
        return {"state": "open", "winner": None, "rule": "source_decides"}
    word = claim.decided
    if word and claim.by_person and word["kind"] in ("approved", "rejected"):
        return {"state": "ruled", "winner": claim.ref if word["kind"] == "approved" else against, "rule": word["by"]}
    if claim.decided and claim.decided["by"] == "source":
        winner = claim.ref if claim.app == "approved" else against
        return {"state": "ruled", "winner": winner, "rule": "source_decides"}
    if claim.app == "open" and claim.verdict["app"] != "waiting":
        return {"state": "open", "winner": None}
    return {"state": "ruled", "winner": against}


def _between(claim: Claim, rival: Claim, key: tuple[str, str, str], done: Pass) -> Facts:
    """Two partners' claims: who was refused or gave up, whose protection stands, else who came first."""
    early, late_one = sorted((claim, rival), key=lambda c: c.key)
    if claim.source and claim.app == "open":
        return {"state": "open", "winner": None, "rule": "source_decides"}
    active = [c for c in (claim, rival) if c.in_force(done.now) and not c.is_suspended]
    if claim.decided and claim.decided["by"] == "source" and len(active) == 2:
        return {"state": "open", "winner": None, "rule": "source_decides"}
    for side, other in ((early, late_one), (late_one, early)):
        if side.app in ("rejected", "returned"):
            return {"state": "ruled", "winner": other.ref}
    for side, other in ((early, late_one), (late_one, early)):
        if side.app == "withdrawn" and not side.grant:
            return {"state": "ruled", "winner": other.ref}
    ended = early.end is not None and (late_one.grant is None or early.end <= late_one.grant["taken"])
    if late_one.app == "approved" and (late_one.by_person or not ended):
        return {"state": "ruled", "winner": late_one.ref}
    if key[0] != "C06" or early.app == "approved":
        return {"state": "ruled", "winner": early.ref}
    ahead = done.broken(early, late_one)
    return {"state": "ruled", "winner": ahead.ref} if ahead else {"state": "open", "winner": None}


def informing(claim: Claim, done: Pass, states: dict[str, Facts], found: Found, ruled: set[Any]) -> None:
    """C09, C10 and C53."""
    made = states[claim.ref]
    held = made["protection"] == "active"
    if claim.received is None:
        return
    for o in done.world["opportunities"]:
        if (claim.ref, o["ref"]) in ruled or not _open_direct(o, claim, done):
            continue
        if held and o["created_at"] >= claim.received:
            code = "C10" if claim.approved_eff and o["created_at"] < claim.approved_eff else "C09"
            found[code, claim.ref, o["ref"]] = {
                "state": "ruled", "winner": claim.ref, "rule": "protection_stands",
            }  # fmt: skip
        elif _may_surface(made, claim) and by_today(o, claim, done) and o["ref"] not in stood_then(claim, done):
            rule = {"state": "ruled", "winner": claim.ref, "rule": "evidence_as_received"}
            found["C53", claim.ref, o["ref"]] = rule


def _open_direct(o: Facts, claim: Claim, done: Pass) -> bool:
    direct = done.owner[o["ref"]] == "direct" and not o["is_closed"] and o["created_at"] is not None
    return direct and claim.meets(o)


def _may_surface(made: Facts, claim: Claim) -> bool:
    undecided = made["app"] in ("pending", "review", "waiting")
    return (undecided or made["protection"] in ("active", "suspended")) and not claim.before_go_live


def stood_then(claim: Claim, done: Pass) -> set[str]:
    """The direct opportunities that stood against it, by what they said at `received_at`, sure or not."""
    at = claim.received
    assert at
    return {o["ref"] for o in done.direct(claim) if claim.meets(o) and done.engaged(o, at) != "no"}


def by_today(o: Facts, claim: Claim, done: Pass) -> bool:
    """Would it be C08 by what is said today, whenever that was entered?"""
    at = claim.received
    assert at
    if o["created_at"] >= at:
        return False
    known = [d for d in [o["last_activity_on"]] if d]
    for a in done.world["activities"].get(o["ref"], []):
        if a["is_human"] and a["happened_at"] and a["happened_at"] <= at:
            known.append(a["happened_at"].date())
    last = max(known) if known else o["created_at"].date()
    return bool((at.date() - last).days <= done.policy["direct"]["dormant_after_days"])


def late(claim: Claim, done: Pass, found: Found, ruled: set[Any]) -> None:
    """What stood at `received_at` and was not known when a rule approved."""
    word = claim.decided
    if word is None or word["kind"] != "approved" or word["by"] != "rule" or not claim.in_force(done.now):
        return
    for rule in (done.c17, done.c18, done.c14, done.c08):
        for finding in rule(claim):
            for other in finding["others"] if finding["reason"] != "evidence_unsure" else []:
                if (claim.ref, other) not in ruled:
                    key = (finding["code"], claim.ref, other)
                    found.setdefault(key, {"state": "open", "winner": None, "rule": "late_fact"})
    for rival in done.claims:
        later = (
            rival.memory.get("seen", done.now) > word["at"]
            and rival.key < claim.key
            and rival.app in ("open", "approved")
        )
        other = rival.partner_id != claim.partner_id and claim.meets(rival.scope)
        if later and other and rival.left_at() > claim.ready:
            code = done.pair(claim, rival)["code"]
            if (claim.ref, rival.ref) not in ruled:
                rule = "source_decides" if rival.decided and rival.decided["by"] == "source" else "late_fact"
                found.setdefault((code, claim.ref, rival.ref), {"state": "open", "winner": None, "rule": rule})


# stamps -------------------------------------------------------------------------------------------------------------
EMPTY: Facts = {"status": None, "partner": None, "since": None, "until": None, "reason": None, "number": None}


def account_stamp(done: Pass, states: dict[str, Facts]) -> Facts:
    """What a direct account shows."""
    made = _best(list(states.values()), done) or EMPTY
    active = [s for s in states.values() if s["protection"] == "active"]
    return {**made, "count": len(active) or None}


def _best(states: list[Facts], done: Pass) -> Facts | None:
    active = [s for s in states if s["protection"] == "active"]
    if active:
        first = min(active, key=lambda s: (s["until"], s["claim"].id))
        return {**_values(first), "status": "protected", "since": first["since"], "until": first["until"]}
    for status in ("review", "pending"):
        of = [s for s in states if s["app"] == status or (status == "review" and s["protection"] == "suspended")]
        if of:
            return {**_values(min(of, key=lambda s: s["claim"].key)), "status": status}
    return _ended(states, done)


def _ended(states: list[Facts], done: Pass) -> Facts | None:
    window = done.policy["ended_notice_days"] * DAY
    gone = [s for s in states if s["protection"] == "expired" and done.now < s["until"] + window]
    if not gone:
        return None
    latest = max(s["until"] for s in gone)
    last = min((s for s in gone if s["until"] == latest), key=lambda s: s["claim"].id)
    early = last["claim"].cut is not None
    times = {"since": last["since"], "until": last["until"], "reason": "ended_early" if early else "expired"}
    return {**_values(last), **times, "status": "ended"}


def _values(made: Facts) -> Facts:
    claim: Claim = made["claim"]
    name = claim.partner["name"] if claim.partner else claim.partner_id
    reason = "suspended" if made.get("protection") == "suspended" else made.get("reason")
    return {**EMPTY, "partner": name, "number": claim.number, "reason": reason}


def opportunity_stamp(o: Facts, done: Pass, states: dict[str, Facts], collisions: dict[Any, Facts]) -> Facts:
    """What an opportunity shows."""
    owner_of = done.owner[o["ref"]]
    if owner_of in states:
        return own_stamp(states[owner_of], done)
    if owner_of == "partner" or o["is_closed"]:
        return EMPTY
    meeting = [s for s in states.values() if s["claim"].meets(o)]
    beaten = [
        states[reg]["claim"] for (code, reg, other), c in collisions.items()
        if code == "C08" and other == o["ref"] and c["winner"] == o["ref"]
    ]  # fmt: skip
    if beaten and not any(s["protection"] == "active" for s in meeting):
        first = min(beaten, key=lambda c: c.key)
        return {**EMPTY, "status": "direct", "number": first.number, "reason": "direct_engaged"}
    made = _best(meeting, done) or EMPTY
    if made["status"] == "protected" and not o["products"]:
        active = [s["claim"] for s in meeting if s["protection"] == "active"]
        if all(claim.scope["products"] for claim in active):
            return {**made, "reason": "check_products"}
    return made


def own_stamp(made: Facts, done: Pass) -> Facts:
    """What a registration's own deal shows."""
    if made["protection"] == "active":
        return _best([made], done) or EMPTY
    if made["app"] in ("review", "waiting") or made["protection"] == "suspended":
        return {**_values(made), "status": "review"}
    if made["app"] == "pending":
        return {**_values(made), "status": "pending"}
    return _ended([made], done) or EMPTY


def filing_stamp(made: Facts) -> Facts:
    """What the partner's own record shows."""
    claim: Claim = made["claim"]
    app, over = made["app"], made["protection"] == "expired"
    if app == "draft":
        return {"status": None, "reason": None, "until": None, "number": None, "received_at": None}
    status = {"outside": "review"}.get(app, "expired" if app == "approved" and over else app)
    reason = made["reason"]
    if status == "review":
        reason = "in_review"
    elif status == "waiting":
        reason = "in_queue"
    elif status == "pending":
        reason = "settling"
    elif status == "expired":
        cut = claim.cut
        reason = {"revoked": "ended_early", "released": "released"}.get(cut["kind"] if cut else "", "expired")
    elif reason == "rejected_by_source":
        reason = "adopted"
    elif status == "withdrawn":
        reason = None
    elif status == "rejected" and reason in UNSEEN:
        reason = "not_available"
    elif made["protection"] == "suspended":
        reason = "in_review"
    elif status == "approved" and reason == "ruled":
        reason = "approved_by_person"
    until = made["until"] if status in ("approved", "expired") else None
    return {"status": status, "reason": reason, "until": until, "number": claim.number, "received_at": claim.received}


def owner(o: Facts, stamp: Facts, done: Pass) -> str | None:
    """The user who should own an open opportunity: the partner's manager where it is protected."""
    if o["is_closed"] or stamp["status"] != "protected" or stamp["reason"] == "check_products":
        return None
    name = stamp["partner"]
    claim = next(c for c in done.claims if c.number == stamp["number"] and _values({"claim": c})["partner"] == name)
    email = (claim.partner or {}).get("manager_email")
    manager = done.world["managers"].get(email.lower()) if email else None
    return manager["ref_id"] if manager and manager["is_active"] else None


def seen_first(claims: list[Claim], now: datetime) -> None:
    """Remember when each registration was first read."""
    for claim in claims:
        if claim.filed["status"] != "draft":
            claim.memory.setdefault("seen", now)
