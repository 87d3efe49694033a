"""Benefits are data: promised with the grant, gone with it, honoured on quotes that were issued before."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from syncd.model import Actor, ClaimGroup, DecisionKind
from syncd.policy import Policy, act
from syncd.policy.benefits import benefits_of, of_tier
from syncd.policy.standing import fold

from .factories import T0, WYCH, days, decision, group, registration, run

GOLD = replace(WYCH, tier="Gold")
POLICY = Policy.model_validate(
    {
        "benefits": [
            {"tier": "gold", "discount_points": 15, "mdf_percent": "2.5", "pre_sales": True},
            {"discount_points": 5},
        ]
    }
)
PROMISED = {"tier": "Gold", "discount_points": "15", "mdf_percent": "2.5", "pre_sales": True}


def granted() -> ClaimGroup:
    """A gold partner's protection."""
    return run(group(registration(), partners={"P01": GOLD}), policy=POLICY)[0]


def acted(claims: ClaimGroup, kind: DecisionKind, day: float) -> ClaimGroup:
    """Something done to it so many days after the filing."""
    made = act(kind, registration().ref, Actor.person("kim"), T0 + days(day), claims, POLICY, "because")
    return replace(claims, decisions=(*claims.decisions, made))


def test_the_grant_promises_what_the_tier_of_the_partner_brings() -> None:
    _, outcome = run(group(registration(), partners={"P01": GOLD}), policy=POLICY)
    assert decision(outcome, DecisionKind.GRANTED).evidence["benefits"] == PROMISED
    _, outcome = run(group(registration()), policy=POLICY)
    assert decision(outcome, DecisionKind.GRANTED).evidence["benefits"] == {"tier": None, "discount_points": "5"}
    _, outcome = run(group(registration()))
    assert "benefits" not in decision(outcome, DecisionKind.GRANTED).evidence


def test_a_tier_that_is_not_listed_gets_what_everybody_else_gets_and_nothing_without_an_entry() -> None:
    found = of_tier("Silver", POLICY)
    assert found is not None
    assert found.discount_points == Decimal(5)
    only_gold = Policy.model_validate({"benefits": [{"tier": "gold", "discount_points": 15}]})
    assert of_tier("Silver", only_gold) is None


def test_a_later_policy_or_tier_changes_nothing_that_was_promised() -> None:
    claims = replace(granted(), partners={"P01": replace(GOLD, tier="Silver")})
    claims, _ = run(claims, T0 + days(10), Policy())
    assert benefits_of(fold(claims.decisions), T0 + days(10)) == PROMISED


def test_benefits_go_with_the_protection_and_are_honoured_on_quotes_issued_before() -> None:
    claims = acted(granted(), DecisionKind.REVOKED, 20)
    standing = fold(claims.decisions)
    assert benefits_of(standing, T0 + days(10)) == PROMISED
    assert benefits_of(standing, T0 + days(30)) == {}
    assert benefits_of(standing, T0 + days(30), quoted_at=T0 + days(19)) == PROMISED
    assert benefits_of(standing, T0 + days(30), quoted_at=T0 + days(20)) == {}
    assert benefits_of(standing, T0, quoted_at=T0 - days(1)) == {}, "a quote from before the protection has none"


def test_while_suspended_no_quote_gets_them_and_afterwards_they_are_back() -> None:
    claims = acted(granted(), DecisionKind.SUSPENDED, 20)
    standing = fold(claims.decisions)
    assert benefits_of(standing, T0 + days(21)) == {}
    assert benefits_of(standing, T0 + days(21), quoted_at=T0 + days(19)) == PROMISED
    assert benefits_of(fold(acted(claims, DecisionKind.REINSTATED, 25).decisions), T0 + days(26)) == PROMISED


def test_an_extension_keeps_them_until_the_new_end() -> None:
    standing = fold(acted(granted(), DecisionKind.EXTENDED, 80).decisions)
    assert benefits_of(standing, T0 + days(119)) == PROMISED
    assert benefits_of(standing, T0 + days(121)) == {}
