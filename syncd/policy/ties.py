"""Tie rules: which of two filings of one moment stands, by a list that the policy names (docs/rulings.md 5.11)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from syncd.model import DecisionKind
from syncd.policy.book import Book, Filing
from syncd.policy.eligibility import sold_last
from syncd.policy.fields import filled
from syncd.policy.schema import TieRule


def tie_winner(one: Filing, two: Filing, book: Book) -> tuple[Filing, str] | None:
    """The filing that stands by the first decisive rule of the policy, and that rule; None: a person decides."""
    for rule in book.policy.tie_rules:
        ours, theirs = (_SCORES[rule](filing, book) for filing in (one, two))
        if ours != theirs:
            return (one if ours > theirs else two), rule.value
    return None


def earlier(filing: Filing, book: Book) -> Any:
    """The earlier instant goes first, however close; of use where one clock stamped both."""
    return -filing.received_at.timestamp()


def more_complete(filing: Filing, book: Book) -> Any:
    """The filing in which more was filled in when it was first read; what is added later adds nothing."""
    said = next((d.evidence.get("filled") for d in filing.decisions if d.kind is DecisionKind.SUBMITTED), None)
    return said if said is not None else filled(filing.registration, filing.company)


def incumbent(filing: Filing, book: Book) -> Any:
    """The partner who brought the last deal that was won here for these products goes first."""
    last = sold_last(filing, book)
    return last is not None and last[1]


_SCORES: dict[TieRule, Callable[[Filing, Book], Any]] = {
    TieRule.EARLIER: earlier,
    TieRule.MORE_COMPLETE: more_complete,
    TieRule.INCUMBENT: incumbent,
}
