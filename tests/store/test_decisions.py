"""Decisions are facts: a rule records once, persons may repeat, the newest judgement stands, all are in the ledger."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
import sqlalchemy as sa

from syncd.model import Actor, Decision, DecisionKind, Judgement, Ref
from syncd.store import decisions, graph, ledger
from syncd.store.database import Store

from .helpers import T0, at, decided, ref

KIM = Actor.person("kim")


def record(store: Store, *made: Decision, run: str | None = "run-1") -> int:
    with store.append() as tx:
        entries = decisions.record(tx, made, run)
        ledger.append(tx, T0, entries, None)
        return len(entries)


def everything(store: Store) -> list[Decision]:
    with store.read() as tx:
        return decisions.everything(tx)


def test_a_decision_comes_back_as_it_was_made(store: Store) -> None:
    made = decided(other=ref("o1"), reason="it came first", evidence={"ahead": ["r0"], "n": 1.5})
    record(store, made)
    assert everything(store) == [replace(made, seq=1)]


def test_a_rule_decides_once(store: Store) -> None:
    assert record(store, decided()) == 1
    assert record(store, decided(at=at(5), policy_version="p2", evidence={"n": 2})) == 0
    assert record(store, decided(), decided(DecisionKind.EXPIRED, rule="expiry")) == 1
    assert [d.kind for d in everything(store)] == [DecisionKind.APPROVED, DecisionKind.EXPIRED]
    assert everything(store)[0].policy_version == "p1", "a changed policy does not decide again"


def test_the_database_itself_refuses_that_a_rule_decides_twice(store: Store) -> None:
    with pytest.raises(sa.exc.IntegrityError):
        record(store, decided(), decided())
    assert everything(store) == []


def test_a_rule_may_decide_again_with_effect_at_another_time(store: Store) -> None:
    assert record(store, decided(), decided(effective_at=at(5))) == 2


def test_persons_may_say_the_same_again(store: Store) -> None:
    assert record(store, decided(actor=KIM), decided(actor=KIM), decided(actor=Actor("source", "prm"))) == 3
    assert record(store, decided()) == 1, "and a rule may say what a person has said"


def test_decisions_about_some_records_come_oldest_first(store: Store) -> None:
    record(store, decided(id_="r2"), decided(id_="r1"), decided(DecisionKind.EXPIRED, "r2"), decided(id_="r3"))
    with store.read() as tx:
        about = decisions.about(tx, [ref("r2", "deal", "prm"), ref("r1", "deal", "prm"), ref("r1", "deal", "other")])
        assert decisions.about(tx, []) == []
        expired = decisions.everything(tx, [DecisionKind.EXPIRED])
    assert [(d.subject.id, d.seq) for d in about] == [("r2", 1), ("r1", 2), ("r2", 3)]
    assert [d.seq for d in expired] == [3]


def test_each_decision_has_its_entry_in_the_ledger(store: Store) -> None:
    record(store, decided(reason="it came first", other=ref("o1")), run="run-7")
    with store.read() as tx:
        (entry,) = ledger.entries(tx)
    expected = {
        "decision": 1, "what": "approved", "subject": "prm/deal/r1", "other": "00D1/Account/o1", "run": "run-7",
        "actor": "rule:first_registered", "policy": "p1", "reason": "it came first", "evidence": {"n": 1},
    }  # fmt: skip
    assert {name: entry[name] for name in expected} == expected


# --- judgements ------------------------------------------------------------------------------------------------------


def judged(kind: DecisionKind, one: str = "a", other: str = "b") -> Decision:
    return decided(kind, subject=ref(one), other=ref(other), actor=KIM, rule="person")


def judgements(store: Store, aliases: dict[Ref, Ref] | None = None) -> dict[tuple[Ref, Ref], Judgement]:
    with store.read() as tx:
        return decisions.judgements(tx, aliases or {})


def test_the_newest_word_on_a_pair_stands_whichever_way_round_it_was_said(store: Store) -> None:
    record(store, judged(DecisionKind.SAME), judged(DecisionKind.UNSURE, "c", "d"), judged(DecisionKind.APPROVED))
    record(store, judged(DecisionKind.DIFFERENT, "b", "a"))
    pair, other = (ref("a"), ref("b")), (ref("c"), ref("d"))
    assert judgements(store) == {pair: Judgement.DIFFERENT, other: Judgement.UNSURE}
    record(store, judged(DecisionKind.SAME))
    assert judgements(store)[pair] is Judgement.SAME


def test_a_judgement_holds_for_the_record_that_survives_a_merge(store: Store) -> None:
    record(store, judged(DecisionKind.DIFFERENT, "a", "b"), judged(DecisionKind.SAME, "a", "z"))
    assert judgements(store, {ref("a"): ref("z")}) == {(ref("b"), ref("z")): Judgement.DIFFERENT}


# --- beside a running daemon -----------------------------------------------------------------------------------------


def by_person(store: Store, made: Decision) -> None:
    with store.append() as tx:
        decisions.by_person(tx, made, None, T0, None)


def test_a_persons_decision_marks_the_organizations_it_touches(store: Store) -> None:
    with store.append() as tx:
        graph.put_members(tx, {ref("a"): 1, ref("b"): 2, ref("c"): 3})
    by_person(store, judged(DecisionKind.SAME))
    by_person(store, judged(DecisionKind.SAME, "b", "a"))
    with store.read() as tx:
        assert graph.dirty_organizations(tx) == [1, 2]
        assert len(list(ledger.entries(tx))) == 2


def test_a_person_and_the_daemon_may_mark_the_same_organization_at_once(store: Store) -> None:
    with store.append() as tx:
        graph.put_members(tx, {ref("a"): 1, ref("b"): 2})
    failures = list[BaseException]()

    def person() -> None:
        try:
            for _ in range(5):
                by_person(store, judged(DecisionKind.SAME))
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=person)
    thread.start()
    for _ in range(5):
        with store.append() as tx:
            graph.mark_dirty(tx, [1, 2])
        with store.append() as tx:
            decisions.alone(tx)
            graph.mark_clean(tx, [1, 2])
    thread.join(60)
    assert failures == []
    assert len(everything(store)) == 5


def waiting_for_locks(store: Store) -> int:
    """How many sessions of this database wait for another one."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    with store.read() as tx:
        return int(tx.exec_driver_sql(query).scalar_one())


def test_a_decision_made_while_the_daemon_decides_is_not_forgotten(postgres_url: str) -> None:
    """The daemon has read the claims and will mark the organization clean: the person's word comes after it."""
    store = Store(postgres_url)
    with store.append() as tx:
        graph.put_members(tx, {ref("a"): 1, ref("b"): 1})
        graph.mark_dirty(tx, [1])
    person = threading.Thread(target=by_person, args=(store, judged(DecisionKind.SAME)))
    with store.append() as tx:
        decisions.alone(tx)
        seen = decisions.everything(tx)
        person.start()
        while not waiting_for_locks(store):
            assert person.is_alive(), "a person waits until the batch is decided"
        graph.mark_clean(tx, [1])
    person.join(20)
    with store.read() as tx:
        assert (seen, graph.dirty_organizations(tx)) == ([], [1])
    store.close()
