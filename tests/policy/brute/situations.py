"""Random situations from a seed: what records say over time, what is hidden for a while, who looks when and acts.

A situation is plain data, so that a failing one can be made smaller by leaving things out, and printed.
"""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

Facts = dict[str, Any]
T0 = datetime(2026, 6, 1, 12, tzinfo=UTC)
GO_LIVE = datetime(2026, 1, 1, tzinfo=UTC)
LAG = timedelta(minutes=10)
PRODUCTS = (["PLAN"], ["BOARD"], ["PLAN", "BOARD"], [])
PARTNERS = {"P01": "Wychwood Integrators", "P02": "Pellmore IT Services", "P03": "Larkrise Digital"}
ACTS = ("approved", "rejected", "returned", "withdrawn", "extended", "suspended", "reinstated", "revoked", "released")

PARTS: tuple[tuple[str, tuple[Any, ...]], ...] = (
    ("approval", ("automatic", "automatic", "automatic", "manual")),
    ("tie_window", ("2s", "2s", "1h")),
    ("protection", ({}, {"days": 10}, {"days": 20, "starts": "received"}, {"days": 3, "starts": "received"})),
    ("first_contact", ({}, {}, {"max_age_days": 30})),
    ("direct", ({}, {"dormant_after_days": 7}, {"lost_cooldown_days": 0}, {"contact_days": 20})),
    ("customers", ({}, {"new_logo_days": 0}, {"new_logo_days": 90}, {"renewal_days": 0}, {"renewal_days": 400})),
    ("named_accounts", ("reject", "reject", "review", "allow")),
    ("house_accounts", ("allow", "allow", "review", "reject")),
    ("scope", ("products", "products", "products", "company")),
    ("territory", ("anywhere", "anywhere", "country")),
    ("tie_rules", ([], [], ["earlier"], ["more_complete", "earlier"], ["incumbent"])),
    ("max_records_per_registration", (0, 0, 0, 2, 3)),
    ("own_deals", ({}, {"within_days": 2}, {"lead_sources": ["Reseller"]})),
    ("ended_notice_days", (7, 7, 0, 30)),
    ("minimum", ([], [], [{"amount": "50000", "currency": "GBP"}])),
    ("least_days_before_close", (0, 0, 0, 30)),
    ("cooldown_days", (0, 0, 5)),
    ("extension", ({}, {"days": 5, "grace_days": 3}, {"most": 1, "while_others_wait": False})),
)
REQUIRED = ["company.name", "company.country", "company.location", "products", "competition", "first_contact_on"]


def situation(seed: int) -> Facts:
    """One situation: the same seed gives the same one."""
    chance = random.Random(seed)
    policy = {key: chance.choice(values) for key, values in PARTS}
    policy["required"] = chance.choice([["company.name"], REQUIRED])
    records = [_account(chance, "a1"), *([_account(chance, "a2")] if chance.random() < 0.3 else [])]
    records += [_registration(chance, f"r{i}") for i in range(chance.choice([1, 1, 2, 2, 3, 3, 4, 5]))]
    records += [_opportunity(chance, f"o{i}") for i in range(chance.choice([0, 0, 1, 1, 2, 3, 4]))]
    records += [_activity(chance, f"t{i}") for i in range(chance.choice([0, 0, 0, 1, 2, 3]))]
    records += [_entry(chance, f"l{i}") for i in range(chance.choice([0, 0, 0, 0, 1, 2]))]
    records += [_contract(chance, f"k{i}") for i in range(chance.choice([0, 0, 0, 0, 1, 2]))]
    return {
        "seed": seed,
        "policy": policy,
        "records": records,
        "statuses": {key: chance.choice(["active"] * 9 + ["inactive"]) for key in PARTNERS},
        "band": chance.choice(["auto"] * 12 + ["review", "none"]),
        "visible": chance.random() < 0.93,
        "late": chance.random() < 0.3,
        "error": chance.choice([0, 0, 3]),
        "instants": _instants(chance),
    }


def _instants(chance: random.Random) -> list[tuple[datetime, list[Facts]]]:
    looks = {T0 + timedelta(minutes=chance.choice([0, 11, 75, 12 * 60, 1500, 2900, 7000, 14500, 16000, 20000, 29000]))
             for _ in range(chance.randint(0, 5))}  # fmt: skip
    looks |= {T0 + timedelta(days=chance.choice([1, 4, 12, 25, 70, 100]))}
    likely = chance.choice([0, 0.3, 0.8])
    return [(now, [_act(chance)] if chance.random() < likely else []) for now in sorted(looks)]


def _act(chance: random.Random) -> Facts:
    kind = chance.choice([*ACTS, "approved", "rejected", "extended", "ruled", "ruled", "ruled"])
    return {"kind": kind, "pick": chance.random(), "side": chance.choice(["registration", "other"])}


def _hidden(chance: random.Random) -> timedelta:
    """How long a fact stays unseen: within the lag of its system, or (a late fact) for days."""
    return chance.choice([timedelta(0), timedelta(0), LAG / 2, LAG, timedelta(days=3)])


def _told(chance: random.Random, first: datetime, start: Facts, edits: list[Facts], many: int) -> list[Any]:
    """What a record said first, and what it says from later instants on."""
    whens = [-timedelta(days=70), -timedelta(days=3), -timedelta(seconds=1), timedelta(0), timedelta(seconds=1),
             timedelta(seconds=4), timedelta(days=2), timedelta(days=9)]  # fmt: skip
    sinces = sorted({T0 + chance.choice(whens) for _ in range(many)})
    return [(first, start)] + [(since, chance.choice(edits)) for since in sinces if since > first]


def _account(chance: random.Random, id_: str) -> Facts:
    odd = [{"is_named": True}, {"is_customer": True}, {"last_order_on": date(2026, 4, 1)},
           {"is_customer": True, "last_order_on": date(2020, 4, 1)}]  # fmt: skip
    start = chance.choice([{}] * 12 + odd)
    edits = [{"is_named": True}, {"is_named": False}, {"last_order_on": T0.date()}, {"is_customer": True}]
    first = T0 - timedelta(days=900)
    many = chance.choice([0, 0, 0, 0, 1, 2])
    return {"type": "account", "id": id_, "hidden": timedelta(0), "told": _told(chance, first, start, edits, many)}


def _registration(chance: random.Random, id_: str) -> Facts:
    minutes = [0, 0, 0, 1, 59, 24 * 60, 9 * 24 * 60, 11 * 24 * 60]
    received = T0 + timedelta(minutes=chance.choice(minutes), seconds=chance.choice([0, 0, 1, 1.999999, 2, 7]))
    odd: list[Facts] = [
        {"competition": None}, {"first_contact_on": date(2026, 5, 1)}, {"first_contact_on": date(2026, 1, 1)},
        {"first_contact_on": date(2027, 1, 1)}, {"partner_id": "P99"}, {"status": "draft"}, {"status": "withdrawn"},
        {"status": "approved"}, {"status": "rejected"}, {"value": (Decimal(50), "GBP")}, {"value": (Decimal(50), None)},
        {"close_on": date(2026, 6, 10)}, {"country": "FR"}, {"country": None}, {"partner_id": None},
    ]  # fmt: skip
    start = {"partner_id": chance.choice(list(PARTNERS)), "products": chance.choice(PRODUCTS), "connection": "prm"}
    start |= chance.choice([{}] * 25 + odd)
    if chance.random() < 0.04:
        received = GO_LIVE - timedelta(days=3)
        start |= chance.choice([{}, {"status": "approved"}, {"status": "rejected"}, {"status": "expired"},
                                {"status": "approved", "protected_until": T0 + timedelta(days=4)}])  # fmt: skip
    elif chance.random() < 0.06:
        start |= {"connection": "source", "status": chance.choice(["submitted", "approved", "rejected"])}
    edits: list[Facts] = [
        {"products": ["PLAN", "BOARD"]}, {"products": ["BOARD"]}, {"status": "withdrawn"}, {"status": "submitted"},
        {"competition": "Abacus"}, {"first_contact_on": date(2026, 5, 20)}, {"number": "R-77"},
        {"value": (Decimal(70_000), "GBP")},
    ]  # fmt: skip
    told = [(received, start)]
    for _ in range(chance.choice([0, 0, 0, 1, 2])):
        told.append((told[-1][0] + timedelta(days=chance.choice([0.1, 1, 3, 12])), chance.choice(edits)))
    return {"type": "registration", "id": id_, "hidden": _hidden(chance), "told": told}


def _opportunity(chance: random.Random, id_: str) -> Facts:
    ages = [-200, -200, -70, -61, -60, -59, -5, -5, -2, 0, 1, 2, 8, 12]
    created = T0 + timedelta(days=chance.choice(ages), seconds=chance.choice([0, 0, 3]))
    marks: list[Facts] = [{"registration_key": "r0"}, {"registration_key": "R-77"}, {"registration_key": "gone"},
                          {"lead_source": "partner "}, {"lead_source": "Reseller"},
                          {"partner_name": PARTNERS["P02"].upper()}, {"partner_name": PARTNERS["P01"]},
                          {"partner_name": "Nobody Ltd"}]  # fmt: skip
    start = {"products": chance.choice(PRODUCTS), "created_at": created, "account_id": "a1",
             "country": chance.choice(["GB", "GB", None, "FR"])} | chance.choice([{}] * 10 + marks)  # fmt: skip
    edits = [
        {"products": ["PLAN"]}, {"products": ["BOARD"]}, {"owner_id": "u9"}, *marks,
        {"last_activity_on": (T0 - timedelta(days=1)).date()}, {"last_activity_on": (T0 + timedelta(days=2)).date()},
        {"last_activity_on": (T0 - timedelta(days=66)).date()},
        {"is_closed": True, "closed_at": T0 - timedelta(days=4)},
        {"is_closed": True, "closed_at": None, "close_on": T0.date()},
        {"is_closed": True, "closed_at": T0 + timedelta(seconds=3)},
        {"is_closed": True, "is_won": True, "closed_at": T0 - timedelta(days=4)},
        {"is_closed": True, "is_won": True, "closed_at": T0 - timedelta(days=100)},
        {"is_closed": False, "is_won": False, "closed_at": None},
    ]  # fmt: skip
    told = _told(chance, created, start, edits, chance.choice([0, 0, 1, 1, 2, 3]))
    return {"type": "opportunity", "id": id_, "hidden": _hidden(chance), "told": told}


def _activity(chance: random.Random, id_: str) -> Facts:
    happened = T0 + timedelta(days=chance.choice([-100, -61, -19, -3, -1, 0, 1, 5]))
    entered = happened + timedelta(days=chance.choice([0, 0, 0, 2, 20, 70]))
    start = {
        "opportunity_id": chance.choice([None, "o0", "o1"]), "happened_at": happened, "created_at": entered,
        "is_human": chance.random() < 0.8, "is_two_way": chance.random() < 0.6,
    }  # fmt: skip
    edits = [{"happened_at": T0 - timedelta(days=2)}, {"is_human": True, "is_two_way": True}]
    told = _told(chance, entered, start, edits, chance.choice([0, 0, 0, 1]))
    return {"type": "activity", "id": id_, "hidden": timedelta(0), "told": told}


def _entry(chance: random.Random, id_: str) -> Facts:
    first = T0 - timedelta(days=chance.choice([300, 5, 0]))
    start = {"kind": chance.choice(["named", "house", "excluded"]), "account_id": "a1",
             "from_on": chance.choice([None, date(2026, 5, 1), date(2026, 6, 1), date(2026, 6, 2)]),
             "until_on": chance.choice([None, None, date(2026, 6, 1), date(2026, 6, 2), date(2026, 9, 1)])}  # fmt: skip
    edits = [{"kind": "house"}, {"until_on": date(2026, 6, 1)}, {"until_on": None}]
    told = _told(chance, first, start, edits, chance.choice([0, 0, 1]))
    return {"type": "list", "id": id_, "hidden": timedelta(0), "told": told}


def _contract(chance: random.Random, id_: str) -> Facts:
    first = T0 - timedelta(days=chance.choice([300, 5]))
    start = {"account_id": "a1", "products": chance.choice(PRODUCTS),
             "starts_on": chance.choice([None, date(2025, 1, 1), date(2026, 6, 2)]),
             "ends_on": chance.choice([None, date(2026, 6, 1), date(2026, 5, 31), date(2026, 3, 3),
                                       date(2025, 5, 1)])}  # fmt: skip
    edits = [{"ends_on": date(2026, 12, 31)}, {"products": ["BOARD"]}]
    told = _told(chance, first, start, edits, chance.choice([0, 0, 1]))
    return {"type": "contract", "id": id_, "hidden": timedelta(0), "told": told}
