"""A partner asks beforehand: linked like a filing, limited, logged, and answered after the same time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from syncd.errors import UserError
from syncd.jobs.precheck import ASKED, Question, ask
from syncd.model import Account, DecisionKind
from syncd.policy import Policy

from .conftest import Make
from .world import World

POLICY = Policy.model_validate({"required": ["company.name"], "precheck": {"per_day": 4}})


def asked(world: World, name: str = "Fenwick Instruments Ltd.", partner: str = "P02", product: str = "PLAN") -> str:
    """What the partner reads."""
    about = Account(ref=ASKED, name=name, website=f"{name.split()[0].lower()}.example", city="Leeds", country="GB")
    before = world.clock.now()
    found = ask(world.work, Question(partner, about, frozenset({product})))
    assert (world.clock.now() - before, found.at) == (timedelta(seconds=2), world.clock.now())
    assert found.text == found.answer.words
    return found.answer


def test_a_question_is_linked_like_a_filing_and_answered_for_a_company_that_nobody_filed_for(make: Make) -> None:
    world = make(policy=POLICY)
    world.account("a3", "Quillfeather Paper Ltd", Named__c=True)
    world.deal("r1")
    world.cycle()
    assert asked(world) == "no", "another partner holds it"
    assert asked(world, product="BOARD") == "yes"
    assert asked(world, "Quillfeather Paper Limited") == "no", "a named account without any filing"
    assert asked(world, "Nobody Knows Them SpA") == "yes"


def test_questions_are_counted_logged_and_refused_beyond_the_limit(make: Make) -> None:
    world = make(policy=POLICY)
    world.cycle()
    for _ in range(4):
        asked(world)
    with pytest.raises(UserError, match="has asked 4 times in 24 hours"):
        asked(world)
    assert asked(world, partner="P01") == "yes", "each partner has its own"
    world.clock.advance(hours=24)
    assert asked(world) == "yes"
    logged = [made for made in world.decisions() if made.kind is DecisionKind.PRECHECKED]
    assert len(logged) == 6
    assert {made.evidence["answer"] for made in logged} == {"yes"}
    entries = [entry for entry in world.ledger("decision") if entry["what"] == "prechecked"]
    assert len(entries) == 6
    assert "Fenwick" not in str(entries), "the ledger holds a commitment in place of the company"


def test_without_the_key_or_the_partner_nothing_is_answered(make: Make) -> None:
    world = make()
    world.cycle()
    with pytest.raises(UserError, match="has no pre-check"):
        asked(world)
    world.policy = POLICY
    world.restart()
    with pytest.raises(UserError, match="There is no partner P77"):
        asked(world, partner="P77")
