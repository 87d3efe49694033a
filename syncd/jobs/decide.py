"""Decide: gather each organization that something changed for, let policy decide, record what is new."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from syncd.jobs.answers import acknowledge
from syncd.jobs.counts import partner_counts
from syncd.jobs.likely import likely_deals
from syncd.jobs.moved import Moved
from syncd.jobs.past import past_of
from syncd.jobs.policies import follow
from syncd.jobs.pushed import pushes, related_organizations
from syncd.jobs.relatives import answered_for, joined, widened, with_relatives
from syncd.jobs.work import Work, canonical_line, running
from syncd.model import (
    Account,
    Activity,
    Band,
    CanonicalRecord,
    ClaimGroup,
    Contract,
    Decision,
    DecisionKind,
    FiledCompany,
    Lead,
    Link,
    ListEntry,
    Opportunity,
    Outcome,
    Partner,
    Ref,
    Registration,
    Stream,
    User,
    Version,
)
from syncd.policy import decide as rule_on
from syncd.policy import registry
from syncd.store import cursors, decisions, graph, holds, ledger, outcomes, records, runs

_BATCH = 200


@dataclass(frozen=True, slots=True)
class Shared:
    """What every group reads: how far the streams are complete, who is who, and what is in force."""

    horizon: datetime | None
    partners: Mapping[str, Partner]
    managers: Mapping[str, User]
    authority: Mapping[str, str]
    clock_error: Mapping[str, float]
    visible: bool
    aliases: Mapping[Ref, Ref]
    moved: Moved
    counts: Mapping[str | None, Mapping[str, int]]


def decide(work: Work) -> int:
    """Decide every organization that changed or is due; returns how many decisions were recorded.

    By the policy that is in force; where there is none, what was filed is acknowledged and nothing is decided.
    """
    before = work.policy_held
    follow(work)
    if work.policy_held and work.policy_held != before:
        canonical_line("policy_held", what=work.policy_held)
    numbers = [] if work.policy_missing else _to_decide(work)
    made = _decide(work, numbers) if numbers else 0
    acknowledge(work)
    return made


def _decide(work: Work, numbers: Sequence[int]) -> int:
    with running(work, "decide") as run:
        with work.store.begin() as tx:
            runs.keep_policy(tx, work.policy_version, work.policy.model_dump(mode="json"), work.clock.now())
        with work.store.read() as tx:
            shared = shared_facts(work, tx)
        made = sum(
            _decide_batch(work, shared, numbers[start : start + _BATCH], run.id)
            for start in range(0, len(numbers), _BATCH)
        )
        with work.store.begin() as tx:
            graph.set_progress(tx, "decided", 0, _version(work))
        run.counts.update(organizations=len(numbers), decisions=made)
        return made


def _version(work: Work) -> str:
    sides = " ".join(f"{side.name}:{side.authority}:{side.sees_enough:d}" for side in work.sides)
    return f"{work.policy_version} {work.go_live.isoformat()} {sides}"


def _to_decide(work: Work) -> list[int]:
    """Changed ones, those whose time has come, those that wait for a horizon, and all when the policy is another."""
    with work.store.read() as tx:
        numbers = set(graph.dirty_organizations(tx))
        numbers |= set(outcomes.organizations_due(tx, work.clock.now()))
        numbers |= outcomes.organizations_pending(tx)
        numbers |= related_organizations(tx, numbers, records.aliases(tx)) if numbers else set()
        if graph.get_progress(tx, "decided")[1] != _version(work):
            numbers |= outcomes.decided_organizations(tx)
            numbers |= answered_for(tx, numbers)
        numbers = widened(work, tx, numbers)
    return sorted(numbers)


def shared_facts(work: Work, tx: sa.Connection) -> Shared:
    """Read what every group reads."""
    partners = [r for r in canonical(work, tx, Stream.PARTNERS) if isinstance(r, Partner)]
    users = [r for r in canonical(work, tx, Stream.USERS) if isinstance(r, User)]
    by_key = {partner.partner_id: partner for partner in partners}
    aliases = records.aliases(tx)
    moved, filing = Moved.of(aliases), [partner.ref for partner in by_key.values()]
    said = [moved.decision(made) for made in decisions.about(tx, [*filing, *moved.olds(filing)])]
    return Shared(
        horizon=horizon(work, tx),
        partners=registry(by_key, said),
        managers={user.email.lower(): user for user in users if user.email},
        authority={side.uid: side.authority for side in work.sides},
        clock_error=runs.clock_errors(tx),
        visible=all(side.sees_enough for side in work.sides),
        aliases=aliases,
        moved=moved,
        counts=partner_counts(work, tx) if work.policy.speculation.signs else {},
    )


def horizon(work: Work, tx: sa.Connection) -> datetime | None:
    """The instant up to which every stream that could contest a claim is complete; None while one was never read.

    A person may have let decisions go on without one that is stalled.
    """
    passes = holds.passes(tx)
    complete = []
    for side in work.sides:
        for feed in side.feeds:
            if side.waited_for & set(feed.streams):
                read = cursors.get(tx, side.uid, feed.head).complete_through
                known = [at for at in (read, passes.get((side.uid, feed.object))) if at is not None]
                complete.append(max(known, default=None))
    return None if not complete or None in complete else min(moment for moment in complete if moment is not None)


def canonical(work: Work, tx: sa.Connection, stream: Stream) -> list[CanonicalRecord]:
    """Every readable record of a stream, mapped."""
    found = []
    for row in records.of_stream(tx, stream):
        mapped = work.canonical(row)
        if mapped is not None and mapped.record is not None and not row.deleted:
            found.append(mapped.record)
    return found


def _decide_batch(work: Work, shared: Shared, numbers: Sequence[int], run: str) -> int:
    now = work.clock.now()
    with work.store.begin() as tx:
        decisions.alone(tx)
        groups = gather(work, tx, shared, numbers)
        made, failed = _rule_on_each(work, groups, now)
        entries = decisions.record(tx, [new for outcome in made.values() for new in outcome.decisions], run)
        graph.mark_unplanned(tx, outcomes.put_outcomes(tx, made))
        graph.mark_clean(tx, [number for number in numbers if number not in failed])
        if entries:
            ledger.append(tx, now, entries, work.ledger_key)
        return len(entries)


def _rule_on_each(work: Work, groups: Mapping[int, ClaimGroup], now: datetime) -> tuple[dict[int, Outcome], set[int]]:
    """The outcome of each group. One that cannot be decided keeps what it had, and never stops the others.

    Where several organizations are one group, one of them answers for all.
    """
    made: dict[int, Outcome] = {}
    failed: set[int] = set()
    for number, group in groups.items():
        home = int(group.id)
        if home not in made and home not in failed:
            try:
                made[home] = rule_on(group, work.policy, now)
            except Exception as error:
                failed.add(home)
                canonical_line("group_failed", organization=home, error=type(error).__name__)
        if home in failed:
            failed.add(number)
        elif number != home:
            made[number] = _NOTHING
    return made, failed


_NOTHING = Outcome((), (), (), (), None, frozenset())


@dataclass(slots=True)
class _Gathered:
    members: dict[Ref, int]
    records: dict[Ref, CanonicalRecord]
    companies: dict[Ref, Account]
    opportunities: dict[Ref, Ref]
    registrations: dict[Ref, Ref]
    links: dict[Ref, Link]
    decisions: dict[Ref, list[Decision]]
    pushed: dict[Ref, Ref]
    homes: dict[Ref, int]
    counts: Mapping[str | None, Mapping[str, int]]
    beside: dict[Ref, Ref]
    past: dict[Ref, tuple[Version, ...]]


def gather(
    work: Work, tx: sa.Connection, shared: Shared, numbers: Sequence[int], members: Mapping[Ref, int] | None = None
) -> dict[int, ClaimGroup]:
    """The claim group of each organization, read in a few queries for all of them together.

    `members` are the accounts by organization, where these are no organizations of the store.
    """
    together = joined(work, tx, numbers, members)
    members = dict(together.members)
    parents = list(members)
    old = {source: target for source, target in shared.aliases.items() if target in members}
    opportunities = graph.hanging_on(tx, Stream.OPPORTUNITIES, [*parents, *old])
    registrations = graph.hanging_on(tx, Stream.REGISTRATIONS, [*parents, *old])
    pushed = pushes(tx, list(opportunities), list(registrations))
    beside = _beside(work, tx, [*parents, *old, *opportunities])
    mapped, companies = _mapped(work, tx, {*members, *opportunities, *registrations, *pushed, *beside})
    direct = {side.uid for side in work.sides if side.role == "direct"}
    judged = [ref for ref in (*members, *opportunities, *beside) if ref.connection in direct]
    by_subject: dict[Ref, list[Decision]] = {}
    for made in map(shared.moved.decision, decisions.about(tx, [*registrations, *shared.moved.olds(registrations)])):
        if made.kind is not DecisionKind.OVERRIDDEN:  # what a record shows, not how its claim stands
            by_subject.setdefault(made.subject, []).append(made)
    gathered = _Gathered(
        members=members,
        records={ref: shared.moved.record(record) for ref, record in mapped.items()},
        companies=companies,
        opportunities={ref: old.get(parent, parent) for ref, parent in opportunities.items()},
        registrations={ref: old.get(parent, parent) for ref, parent in registrations.items()},
        links=_best_links(work, tx, parents),
        decisions=by_subject,
        pushed=pushed,
        homes={ref: together.root.get(n, n) for ref, n in _homes(tx, pushed.values(), shared.aliases).items()},
        counts=shared.counts,
        beside={ref: old.get(parent, parent) for ref, parent in beside.items()},
        past=past_of(work, tx, judged, shared.aliases),
    )
    roots = sorted({together.root[number] for number in numbers})
    apart = _apart(gathered, roots)
    groups = {root: _group(work, shared, apart[root], root, root not in together.too_large) for root in roots}
    return with_relatives(work, tx, {number: groups[together.root[number]] for number in numbers})


def _apart(gathered: _Gathered, roots: Sequence[int]) -> dict[int, _Gathered]:
    """What was gathered, organization by organization, so that none has to look through all of it."""
    nothing: dict[str, Any] = {"opportunities": {}, "registrations": {}, "pushed": {}, "beside": {}}
    apart = {
        root: replace(gathered, members={}, **{name: dict(empty) for name, empty in nothing.items()}) for root in roots
    }
    members, opportunities = gathered.members, gathered.opportunities
    for ref, number in members.items():
        if number in apart:
            apart[number].members[ref] = number
    for name in ("opportunities", "registrations", "beside"):
        for ref, parent in getattr(gathered, name).items():
            home = members.get(parent, members.get(opportunities.get(parent, parent)))
            if home in apart:
                getattr(apart[home], name)[ref] = parent
    for ref, named in gathered.pushed.items():
        lies = members.get(opportunities[ref]) if ref in opportunities else None
        for home in {gathered.homes.get(named), lies}:
            if home in apart:
                apart[home].pushed[ref] = named
    return apart


def _beside(work: Work, tx: sa.Connection, parents: Sequence[Ref]) -> dict[Ref, Ref]:
    """What hangs on these accounts and opportunities beside the claims: activities, entries of lists, contracts."""
    streams = {stream for side in work.sides if side.role == "direct" for stream in side.streams}
    found: dict[Ref, Ref] = {}
    for stream in (Stream.ACTIVITIES, Stream.LISTS, Stream.CONTRACTS, Stream.LEADS):
        if stream in streams:
            found |= graph.hanging_on(tx, stream, parents)
    return found


def _homes(tx: sa.Connection, registrations: Iterable[Ref], aliases: Mapping[Ref, Ref]) -> dict[Ref, int]:
    """The organization of each registration."""
    parents = {
        ref: aliases.get(item.parent, item.parent)
        for ref, item in graph.get_staged(tx, sorted(set(registrations))).items()
        if item.parent is not None
    }
    numbers = graph.membership(tx, sorted(set(parents.values())))
    return {ref: numbers[parent] for ref, parent in parents.items() if parent in numbers}


def _mapped(work: Work, tx: sa.Connection, refs: set[Ref]) -> tuple[dict[Ref, CanonicalRecord], dict[Ref, Account]]:
    found: dict[Ref, CanonicalRecord] = {}
    companies: dict[Ref, Account] = {}
    for ref, row in records.get(tx, sorted(refs)).items():
        mapped = work.canonical(row)
        if mapped is None:
            continue
        if mapped.record is not None:
            found[ref] = mapped.record
        if mapped.company is not None:
            companies[ref] = mapped.company
    return found, companies


def _best_links(work: Work, tx: sa.Connection, refs: Sequence[Ref]) -> dict[Ref, Link]:
    """For each filed company its best link to an account of a direct CRM, in whatever band."""
    direct = {side.uid for side in work.sides if side.role == "direct"}
    best: dict[Ref, Link] = {}
    for item in graph.links_of(tx, refs):
        if item.left.connection in direct or item.right.connection not in direct or item.band is Band.NONE:
            continue
        if item.is_same_group:
            continue  # another company of the group informs, and never holds a claim back
        if item.left not in best or _rank(item) > _rank(best[item.left]):
            best[item.left] = item
    return best


def _rank(item: Link) -> tuple[bool, float]:
    return item.band is Band.AUTO, item.score


def _evidence(gathered: _Gathered, own: set[Ref], here: set[Ref]) -> dict[str, Any]:
    """What tells of the direct side of one group how it stood, under the names that a claim group has for it."""
    activities: dict[Ref, list[Activity]] = {}
    lists: list[ListEntry] = []
    contracts: list[Contract] = []
    leads: list[Lead] = []
    for ref, parent in sorted(gathered.beside.items()):
        record = gathered.records.get(ref) if parent in own or parent in here else None
        if isinstance(record, Activity):
            activities.setdefault(parent, []).append(record)
        elif isinstance(record, ListEntry):
            lists.append(replace(record, account_id=parent.id))
        elif isinstance(record, Contract):
            contracts.append(replace(record, account_id=parent.id))
        elif isinstance(record, Lead):
            leads.append(replace(record, account_id=parent.id))
    known = {*own, *here, *(a.ref for found in activities.values() for a in found)}
    known |= {entry.ref for entry in lists} | {contract.ref for contract in contracts}
    return {
        "activities": {parent: tuple(found) for parent, found in activities.items()},
        "lists": tuple(lists),
        "contracts": tuple(contracts),
        "leads": tuple(leads),
        "past": {ref: gathered.past[ref] for ref in sorted(known & gathered.past.keys())},
    }


def _group(work: Work, shared: Shared, gathered: _Gathered, number: int, complete: bool = True) -> ClaimGroup:
    accounts = [
        record
        for ref, organization in gathered.members.items()
        if organization == number
        and isinstance(record := gathered.records.get(ref), Account)
        and work.side(ref.connection).role == "direct"
    ]
    own = {account.ref for account in accounts}
    opportunities = [
        record
        for ref, parent in gathered.opportunities.items()
        if parent in own and isinstance(record := gathered.records.get(ref), Opportunity)
    ]
    away = {ref: gathered.homes.get(named) for ref, named in gathered.pushed.items()}
    here = {o.ref for o in opportunities}
    pushed = [
        record
        for ref, home in away.items()
        if home == number and ref not in here and isinstance(record := gathered.records.get(ref), Opportunity)
    ]
    registrations, companies = [], {}
    for ref, parent in gathered.registrations.items():
        record = gathered.records.get(ref)
        if gathered.members.get(parent) != number or not isinstance(record, Registration):
            continue
        company = gathered.companies.get(ref) or gathered.records.get(parent)
        if isinstance(company, Account):
            registrations.append(record)
            companies[ref] = FiledCompany(company, gathered.links.get(parent))
    counts = {r.ref: gathered.counts[r.partner_id] for r in registrations if r.partner_id in gathered.counts}
    about = [made for registration in registrations for made in gathered.decisions.get(registration.ref, ())]
    return ClaimGroup(
        id=str(number),
        accounts=tuple(sorted(accounts, key=lambda a: a.ref)),
        opportunities=tuple(sorted(opportunities, key=lambda o: o.ref)),
        registrations=tuple(sorted(registrations, key=lambda r: r.ref)),
        companies=companies,
        partners=shared.partners,
        managers=shared.managers,
        decisions=tuple(sorted(about, key=lambda d: d.seq or 0)),
        horizon=shared.horizon,
        go_live=work.go_live,
        authority=shared.authority,
        clock_error=shared.clock_error,
        visible=shared.visible,
        pushed=tuple(sorted(pushed, key=lambda o: o.ref)),
        elsewhere=frozenset(ref for ref in here if away.get(ref) not in (None, number)),
        counts=counts,
        complete=complete,
        likely=likely_deals(work, registrations, opportunities, shared.partners),
        **_evidence(gathered, own, here),
    )
