"""Both implementations over one situation: what was read by each instant, the same people's acts, and what differs."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from syncd.model import (
    Account,
    Activity,
    Actor,
    Band,
    ClaimGroup,
    Contract,
    Decision,
    DecisionKind,
    FiledCompany,
    FiledStatus,
    Link,
    ListEntry,
    Money,
    Opportunity,
    Outcome,
    Partner,
    Ref,
    Registration,
    User,
    Version,
    WriteGroup,
)
from syncd.policy import Policy, act, approve, check_person, decide, reject, rule

from ..factories import recorded, registration
from .acts import allowed, carry_out
from .ruling import Pass
from .shown import seen_first, show
from .situations import GO_LIVE, LAG, PARTNERS, Facts
from .words import whole

KINDS = {"account": Account, "opportunity": Opportunity, "activity": Activity, "list": ListEntry, "contract": Contract}
SYNCD_LIKE = {"prm": "syncd", "source": "source"}
MANAGER = User(Ref("crm", "User", "u1"), "Mia Manager", "mia@vendor.example")
AUTOMATIC = ("approved", "rejected", "returned", "granted", "withdrawn", "expired", "adopted")


# what was read ------------------------------------------------------------------------------------------------------
def claim_group(given: Facts, now: datetime, decisions: tuple[Decision, ...]) -> ClaimGroup:
    """What had been read of a situation by `now`."""
    read: dict[str, list[Any]] = {name: [] for name in (*KINDS, "registration")}
    past: dict[Ref, tuple[Version, ...]] = {}
    alone = given["band"] in ("review", "none")
    for record in given["records"]:
        hidden = record["hidden"] if given["late"] else min(record["hidden"], LAG)
        told = [(since, fields) for since, fields in record["told"] if since + hidden <= now]
        if not told:
            continue
        if record["type"] == "registration":
            read["registration"].append(_filed(record, told))
            continue
        if alone and record["type"] in ("account", "opportunity", "activity", "list", "contract"):
            continue
        versions = _versions(record, told)
        read[record["type"]].append(versions[-1].record)
        if len(versions) > 1:
            past[versions[-1].record.ref] = tuple(versions)
    activities: dict[Ref, tuple[Activity, ...]] = {}
    for a in read["activity"]:
        on = Ref("crm", "Opportunity", a.opportunity_id) if a.opportunity_id else Ref("crm", "Account", a.account_id)
        activities[on] = (*activities.get(on, ()), a)
    filings = read["registration"][:1] if given["band"] == "review" else read["registration"]
    return ClaimGroup(
        id="g1",
        accounts=tuple(read["account"]),
        opportunities=tuple(read["opportunity"]),
        registrations=tuple(filings),
        companies={r.ref: _company(given["band"]) for r in filings},
        partners={
            k: Partner(Ref("prm", "company", k), k, name, given["statuses"][k], manager_email="MIA@vendor.example")
            for k, name in PARTNERS.items()
        },
        managers={"mia@vendor.example": MANAGER},
        decisions=decisions,
        horizon=now - LAG,
        go_live=GO_LIVE,
        authority=SYNCD_LIKE,
        clock_error={"prm": float(given["error"])},
        visible=given["visible"],
        past=past,
        activities=activities,
        lists=tuple(read["list"]),
        contracts=tuple(read["contract"]),
    )


def _filed(record: Facts, told: list[Any]) -> Registration:
    fields: Facts = {}
    for _, more in told:
        fields |= more
    first, last = told[0][0], told[-1][0]
    if isinstance(fields.get("value"), tuple):
        fields["value"] = Money(*fields["value"])
    fields["products"] = frozenset(fields["products"])
    fields["status"] = FiledStatus(fields.get("status", "submitted"))
    return registration(record["id"], first, **{"modified_at": last, **fields})


def _versions(record: Facts, told: list[Any]) -> list[Version]:
    made, fields = [], {"ref": Ref("crm", record["type"].capitalize(), record["id"])}
    for since, more in told:
        fields = {**fields, **more, "modified_at": since}
        if record["type"] == "activity":
            fields["account_id"] = "a1"
        if "products" in fields:
            fields["products"] = frozenset(fields["products"])
        made.append(Version(since, KINDS[record["type"]](**fields)))
    return made


def _company(band: str) -> FiledCompany:
    made = Account(Ref("prm", "company", "c1"), name="Fenwick Limited", city="Leeds", country="GB", employees=10)
    if band == "none":
        return FiledCompany(made, None)
    return FiledCompany(made, Link(made.ref, Ref("crm", "Account", "a1"), 0.9, 9.0, Band(band)))


# plain values -------------------------------------------------------------------------------------------------------
def plain(value: Any) -> Any:
    """Any record as plain values; its ref as text, with the parts beside it."""
    if value is None or type(value) in (str, bool, int, datetime):
        return value
    if isinstance(value, Ref):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        made = {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
        ref = getattr(value, "ref", None)
        if ref is not None:
            made |= {"connection": ref.connection, "id": ref.id, "ref_id": ref.id}
        if isinstance(value, Registration):
            made["received_at"] = value.received_at
        return made
    if isinstance(value, (list, tuple, frozenset, set)):
        return sorted(plain(v) for v in value) if isinstance(value, (frozenset, set)) else [plain(v) for v in value]
    return value


def world_of(group: ClaimGroup, now: datetime) -> Facts:
    """A claim group as plain values, without what was decided."""
    return {
        "now": now, "horizon": group.horizon, "go_live": group.go_live, "visible": group.visible,
        "authority": dict(group.authority), "clock_error": dict(group.clock_error),
        "partners": {k: plain(p) for k, p in group.partners.items()},
        "managers": {k: plain(u) for k, u in group.managers.items()},
        "accounts": plain(group.accounts), "opportunities": plain(group.opportunities),
        "registrations": plain(group.registrations), "lists": plain(group.lists), "contracts": plain(group.contracts),
        "companies": {
            str(ref): {
                "account": plain(c.account), "band": c.best.band.value if c.best else "none",
            }
            for ref, c in group.companies.items()
        },
        "past": {str(ref): [plain(v) for v in versions] for ref, versions in group.past.items()},
        "activities": {str(ref): [plain(a) for a in found] for ref, found in group.activities.items()},
    }  # fmt: skip


# both, step by step -------------------------------------------------------------------------------------------------
def differences(given: Facts) -> Iterator[str]:
    """Everything that the two do not agree about, instant by instant."""
    for step in played(given):
        yield from [step] if isinstance(step, str) else _differ(*step)


Step = tuple[datetime, ClaimGroup, Outcome, Pass] | str
"""What both say at an instant; or that they do not agree whether a person may do something."""


def played(given: Facts) -> Iterator[Step]:
    """What each of the two says, at each instant and after each act of a person that the core allows."""
    policy = Policy.model_validate(given["policy"])
    rules = whole({**given["policy"], "tie_window": policy.tie_window.total_seconds()})
    rules["minimum"] = [{"amount": m.amount, "currency": m.currency} for m in policy.minimum]
    decisions: tuple[Decision, ...] = ()
    memory: Facts = {}
    for now, acts in given["instants"]:
        group = claim_group(given, now, decisions)
        outcome = decide(group, policy, now)
        group = recorded(group, outcome)
        done = run(group, now, rules, memory)
        yield now, group, outcome, done
        for wish in acts:
            made = made_of(wish, group, outcome, policy, now)
            if made is None:
                continue
            refused = check_person(group, policy, now, made)
            expected = allowed(plain_act(made), done)
            if expected is not None and expected is bool(refused):
                yield f"{now}: {made.kind.value} of {made.subject.id}: core {refused or 'allows it'}"
            if refused:
                continue
            group = dataclasses.replace(
                group, decisions=(*group.decisions, dataclasses.replace(made, seq=len(group.decisions)))
            )
            carry_out(plain_act(made), done)
            outcome = decide(group, policy, now)
            group = recorded(group, outcome)
            done = run(group, now, rules, memory)
            yield now, group, outcome, done
        decisions = group.decisions


def run(group: ClaimGroup, now: datetime, rules: Facts, memory: Facts) -> Pass:
    """One pass of the second implementation."""
    done = Pass(world_of(group, now), rules, memory)
    seen_first(done.claims, now)
    done.run()
    return done


def plain_act(made: Decision) -> Facts:
    """What a person did, without what the core worked out for it."""
    return {
        "kind": made.kind.value, "ref": str(made.subject), "by": str(made.actor), "at": made.at,
        "winner": str(made.other) if made.other else None,
        "against": made.evidence.get("against"), "code": made.evidence.get("code"),
    }  # fmt: skip


def made_of(wish: Facts, group: ClaimGroup, outcome: Outcome, policy: Policy, now: datetime) -> Decision | None:
    kim = Actor.person("kim")
    if wish["kind"] == "ruled":
        if not outcome.collisions:
            return None
        collision = outcome.collisions[int(wish["pick"] * len(outcome.collisions))]
        winner = collision.registration if wish["side"] == "registration" else collision.other
        return rule(collision, winner, kim, now, policy)
    if not outcome.states:
        return None
    state = outcome.states[int(wish["pick"] * len(outcome.states))]
    if wish["kind"] == "approved":
        return approve(state, kim, now, policy)
    if wish["kind"] == "rejected":
        return reject(state, kim, now, policy)
    return act(DecisionKind(wish["kind"]), state.ref, kim, now, group, policy, "because")


# what differs -------------------------------------------------------------------------------------------------------
def _differ(now: datetime, group: ClaimGroup, outcome: Outcome, done: Pass) -> Iterator[str]:
    mine = show(done)
    for state in outcome.states:
        brute = mine["states"][str(state.ref)]
        theirs = {
            "app": state.application.value, "protection": state.protection.value, "since": state.since,
            "until": state.until, "reason": state.reason, "behind": str(state.behind) if state.behind else None,
        }  # fmt: skip
        if brute["protection"] == "expired" or brute["app"] in ("draft", "withdrawn", "outside", "approved"):
            del theirs["reason"]  # what partners and reps read of it is compared with the stamps
        yield from _compare(now, f"state {state.ref.id}", theirs, brute)
    theirs_c = {
        (c.code.value, str(c.registration), str(c.other)): {
            "state": c.state, "winner": str(c.winner) if c.winner else None, "rule": c.rule,
        }
        for c in outcome.collisions
    }  # fmt: skip
    for key in sorted(theirs_c.keys() | mine["collisions"].keys()):
        one, two = theirs_c.get(key), mine["collisions"].get(key)
        if one is None or two is None:
            yield f"{now}: collision {key} only in the {'core' if two is None else 'brute force'}: {one or two}"
        else:
            between = key[0] in ("C03", "C06", "C07") and two.get("rule") not in ("late_fact", None)
            rule = {"rule": one["rule"]} if between or "rule" not in two else {}
            yield from _compare(now, f"collision {key}", one, {**two, **rule})
    for want in outcome.wanted:
        if want.group is WriteGroup.OWNER:
            yield from _compare(now, f"owner {want.ref.id}", want.fields, {"owner": mine["owners"].get(str(want.ref))})
        else:
            brute = mine["wanted"][str(want.ref)]
            names = [n for n in brute if n in want.fields]
            yield from _compare(now, f"stamp {want.ref.id}", {n: _cut(want.fields[n]) for n in names}, brute)
    yield from _decisions(now, group, done)


def _decisions(now: datetime, group: ClaimGroup, done: Pass) -> Iterator[str]:
    """When the protections and the words about each registration took effect."""
    for claim in done.claims:
        core = sorted(
            (d.kind.value, d.effective_at) for d in group.decisions
            if str(d.subject) == claim.ref and d.kind.value in ("approved", "rejected", "returned", "expired")
            and d.actor.kind == "rule"
        )  # fmt: skip
        mine = sorted(
            (e["kind"], e["eff"]) for e in claim.log
            if e["by"] == "rule" and e["kind"] in ("approved", "rejected", "returned", "expired")
        )  # fmt: skip
        if core != mine:
            yield f"{now}: decisions {claim.id}: core {core}, brute force {mine}"


def _cut(value: Any) -> Any:
    return value if value != "" else None


def _compare(now: datetime, what: str, theirs: Any, mine: Facts) -> Iterator[str]:
    for name, value in theirs.items():
        other = _second(mine[name])
        if _second(value) != other:
            yield f"{now}: {what}: {name}: core {value!r}, brute force {mine[name]!r}"


def _second(value: Any) -> Any:
    """Times are shown cut to the second."""
    return value.replace(microsecond=0) if isinstance(value, datetime) else value


# smaller ------------------------------------------------------------------------------------------------------------
def smallest(given: Facts) -> Facts:
    """The situation with everything left out that is not needed for the two to differ."""
    changed = True
    while changed:
        changed = False
        for smaller in _smaller(given):
            if next(iter(differences(smaller)), None) is not None:
                given, changed = smaller, True
                break
    return given


def _smaller(given: Facts) -> Iterator[Facts]:
    for name in ("records", "instants"):
        for i in range(len(given[name])):
            if name == "instants" or given[name][i]["id"] != "a1":
                yield {**given, name: given[name][:i] + given[name][i + 1 :]}
    for i, (now, acts) in enumerate(given["instants"]):
        if acts:
            yield {**given, "instants": [*given["instants"][:i], (now, []), *given["instants"][i + 1 :]]}
    for i, record in enumerate(given["records"]):
        for j in range(1, len(record["told"])):
            less = {**record, "told": record["told"][:j] + record["told"][j + 1 :]}
            yield {**given, "records": [*given["records"][:i], less, *given["records"][i + 1 :]]}
        if record["hidden"] > timedelta(0):
            seen = {**record, "hidden": timedelta(0)}
            yield {**given, "records": [*given["records"][:i], seen, *given["records"][i + 1 :]]}
    for key in given["policy"]:
        if key != "required":
            yield {**given, "policy": {k: v for k, v in given["policy"].items() if k != key}}


def told(given: Facts) -> str:
    """A situation in lines."""
    lines = [f"seed {given['seed']}", *(f"  policy {k}: {v}" for k, v in given["policy"].items())]
    lines += [f"  {k}: {given[k]}" for k in ("statuses", "band", "visible", "late", "error")]
    for record in given["records"]:
        lines.append(f"  {record['type']} {record['id']}, hidden for {record['hidden']}:")
        lines += [f"    {since}: {fields}" for since, fields in record["told"]]
    lines += [f"  at {now}: {acts}" for now, acts in given["instants"]]
    return "\n".join(lines)
