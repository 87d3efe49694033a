"""A small group costs well under a millisecond of one core, a monstrous one stays bounded."""

from __future__ import annotations

import time
from dataclasses import replace

from syncd.model import ClaimGroup
from syncd.policy import Policy, decide

from .factories import POLICY, T0, closed, days, group, opportunity, registration, run, seconds


def seconds_of_one_core(claims: ClaimGroup, policy: Policy, times: int) -> float:
    """The best of some runs, in processor time, so that a busy machine does not count."""
    best = float("inf")
    for _ in range(times):
        start = time.process_time()
        decide(claims, policy, T0 + days(5))
        best = min(best, time.process_time() - start)
    return best


def test_a_handful_of_claims_takes_well_under_a_millisecond() -> None:
    filings = [registration(f"r{i}", T0 + days(i), partner_id=f"P0{i}") for i in (1, 2, 3)]
    claims, _ = run(group(*filings, opportunity("o1", T0 + days(4)), opportunity("o2", T0 - days(90))), T0 + days(5))
    assert seconds_of_one_core(claims, POLICY, 50) < 0.001


def test_500_registrations_and_10_000_opportunities_stay_bounded() -> None:
    products = [frozenset({f"P{i}"}) for i in range(8)]
    filings = [
        registration(f"r{i:03}", T0 + seconds(i * 40), partner_id=f"P0{i % 3 + 1}", products=products[i % 7])
        for i in range(500)
    ]
    dormant = [opportunity(f"d{i:05}", T0 - days(70 + i % 900), products=products[i % 8]) for i in range(6000)]
    later = [opportunity(f"l{i:05}", T0 + days(1 + i % 3), products=products[i % 8]) for i in range(2000)]
    lost = [
        closed(opportunity(f"x{i:05}", T0 - days(900), products=products[7]), T0 - days(1 + i % 29))
        for i in range(2000)
    ]
    claims = group(*filings, *dormant, *later, *lost)
    policy = Policy.model_validate({"max_records_per_registration": 0})
    assert seconds_of_one_core(claims, policy, 1) < 4
    assert seconds_of_one_core(run(claims, T0 + days(5), policy)[0], policy, 1) < 4


def test_many_claims_of_one_moment_are_decided_without_trying_every_order() -> None:
    """Two hundred filings of one partner that a later rule refuses, and a rival at the same instant."""
    mine = [registration(f"r{i:03}", T0, products=frozenset({"X"})) for i in range(200)]
    rival = registration("a", T0, partner_id="P02", products=frozenset({"X"}))
    claims = group(rival, *mine, opportunity(products=frozenset({"X"})))
    assert seconds_of_one_core(replace(claims), POLICY, 1) < 2
