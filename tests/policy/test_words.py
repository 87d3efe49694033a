"""Every code has words for every audience, and nothing accuses, forbids or leaks (DESIGN 2; domain.md 7)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from syncd.model import Application, Code, StampStatus
from syncd.policy import APPLICATIONS, CODES, Audience, reason_words
from syncd.policy.words import BANNERS, REASONS, shown_to_partner

ROOM = Path(__file__).parents[2] / "syncd" / "policy"
EVERYTHING = [w.to(a) for w in REASONS.values() for a in Audience] + [*CODES.values(), *APPLICATIONS.values()]


def test_every_code_state_and_status_has_words() -> None:
    assert set(CODES) == set(Code)
    assert set(APPLICATIONS) == set(Application)
    assert set(BANNERS) == set(StampStatus)


def test_every_reason_in_the_code_has_words() -> None:
    source = "\n".join(p.read_text("utf-8") for p in ROOM.glob("*.py") if p.name != "words.py")
    used = set(re.findall(r'"[a-z_]+", "([a-z_]+)", filing\.ready_at', source))
    used |= set(re.findall(r'Application\.[A-Z]+, "([a-z_]+)", None', source))
    assert len(used) > 8
    assert used - set(REASONS) - {"first_registered"} == set()


@pytest.mark.parametrize("audience", Audience)
def test_every_reason_speaks_to_every_audience(audience: Audience) -> None:
    assert all(words.to(audience).endswith(".") for words in REASONS.values())


def test_nothing_accuses_or_forbids_talking_to_a_customer() -> None:
    banned = re.compile(
        r"\b(violat|steal|stole|poach|illegal|forbid|must not|do not contact|do not talk|cheat|fraud)", re.I
    )
    texts = EVERYTHING + [t for pair in BANNERS.values() for t in pair]
    assert [t for t in texts if banned.search(t)] == []


def test_a_partner_reads_nothing_about_customers_direct_deals_or_other_partners() -> None:
    secret = re.compile(r"customer|direct|opportunit|named|other partner|another|pipeline|tie\b|rival|lost", re.I)
    assert [w.partner for w in REASONS.values() if secret.search(w.partner)] == []
    shown = {w.shown for w in REASONS.values()}
    assert not shown & {
        "named_account",
        "existing_customer",
        "direct_engaged",
        "ruled_against",
        "tie",
        "recently_lost",
        "ruled",
    }


def test_causes_that_a_partner_must_not_tell_apart_read_the_same() -> None:
    hidden = ("named_account", "existing_customer", "direct_engaged", "ruled_against")
    assert len({(reason_words(c).shown, reason_words(c).partner) for c in hidden}) == 1
    looked_at = ("recently_lost", "match_unsure", "tie", "needs_approval", "not_visible", "partner_unknown", "outside")
    assert len({(reason_words(c).shown, reason_words(c).partner) for c in looked_at}) == 1


def test_no_reason_claims_that_somebody_was_told() -> None:
    """In shadow mode nothing is written, so only what a stamp itself shows may say so."""
    assert [text for text in EVERYTHING if "told" in text] == []


def test_an_unknown_code_tells_a_partner_nothing() -> None:
    assert shown_to_partner("competitor_acme_was_first") == "in_review"
    assert "acme" not in reason_words("competitor_acme_was_first").to(Audience.PARTNER)
    assert shown_to_partner("") == ""
