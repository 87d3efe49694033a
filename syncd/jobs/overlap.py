"""Overlap: two exports in; for each filing of the partner's, what it meets on the direct side, and why. No API."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any

from syncd.jobs.exports import Deal, Export, Row, read_export
from syncd.matching import Linker, Statistics, edges_between, parse
from syncd.matching.score import telling as telling
from syncd.model import Account, Band, Link, Ref
from syncd.policy import Policy

Progress = Callable[[str, int, int], None]
Pair = tuple[Ref, Ref]


class Kind(StrEnum):
    """What a filing meets, the gravest first; the meanings are in `KINDS`."""

    DEAL = "open_deal"
    CUSTOMER = "customer"
    LOST = "lost_deal"
    PARTNER = "partner_deal"
    ACCOUNT = "account"
    OWN = "own_deal"
    ENDED = "not_live"
    NOTHING = "nothing"


KINDS: Mapping[Kind, str] = {
    Kind.DEAL: "The direct team has an open deal there",
    Kind.CUSTOMER: "The direct team has the company as a customer",
    Kind.LOST: "The direct team has a deal there that was lost or ended",
    Kind.PARTNER: "The open deal there came from another partner or another filing",
    Kind.ACCOUNT: "The direct team knows the company and has no deal there",
    Kind.OWN: "The deal on the direct side is this filing's own deal (C00): no overlap",
    Kind.ENDED: "The filing is no longer live by its own status: no overlap today",
    Kind.NOTHING: "Nothing on the direct side means this company",
}
OVERLAPS = (Kind.DEAL, Kind.CUSTOMER, Kind.LOST, Kind.PARTNER, Kind.ACCOUNT)
"""The kinds that are overlaps; the first four are about deals or business done."""


@dataclass(frozen=True, slots=True)
class Met:
    """A direct company that a filing means or may mean, with its rows."""

    link: Link
    rows: tuple[Row, ...]


@dataclass(slots=True)
class Finding:
    """One row of the partner's export and what it meets. `band` is None where nothing was found."""

    row: Row
    kind: Kind
    band: Band | None
    met: tuple[Met, ...] = ()
    deals: tuple[Row, ...] = ()
    others: tuple[Row, ...] = ()


@dataclass(slots=True)
class Overlaps:
    """All findings, and what the answer rests on."""

    direct: Export
    partner: Export
    findings: list[Finding] = field(default_factory=list)
    not_compared: tuple[str, ...] = ()

    def count(self, band: Band) -> dict[Kind, int]:
        """Filings of one band by what they meet."""
        found = Counter(f.kind for f in self.findings if f.band is band)
        return {kind: found[kind] for kind in Kind if found[kind]}

    def of(self, *kinds: Kind, band: Band | None) -> list[Finding]:
        """The findings of some kinds in one band."""
        return [f for f in self.findings if f.kind in kinds and f.band is band]

    def against_partners(self) -> list[Finding]:
        """Live filings whose company another partner has filed as well."""
        return [f for f in self.findings if f.others]

    def worked_twice(self) -> dict[str, Decimal]:
        """The sum of open direct deals that a filing surely meets, each once, by currency."""
        deals = {row.number: row for f in self.of(Kind.DEAL, band=Band.AUTO) for row in f.deals}
        sums: dict[str, Decimal] = {}
        for row in deals.values():
            if row.deal.value is not None:
                currency = row.deal.value.currency or "no currency named"
                sums[currency] = sums.get(currency, Decimal(0)) + row.deal.value.amount
        return sums

    def missing(self) -> list[str]:
        """What would have been said, had the exports the columns for it."""
        said = [*_missing("direct", self.direct), *_missing("partner", self.partner)]
        if self.not_compared:
            shown = ", ".join(self.not_compared[:10])
            said.append(f"Products that only one export names were taken to meet any other: {shown}.")
        return said


_TELLS = {
    "direct": {
        "stage closed won": "which deals are open is not known, so every deal counts as open: add Stage",
        "created": "who came first is not known: add Created Date",
        "amount": "what is worked twice cannot be summed: add Amount",
        "owner": "whom to talk to is not known: add the owner",
        "partner source key": "own deals (C00) cannot be told from direct ones: add Lead Source, the partner's name "
        "or the PRM registration id",
        "products": "products are not compared: add Products",
    },
    "partner": {
        "created": "who came first is not known: add Submitted Date or Created Date",
        "partner": "all filings count as one partner's: add the partner's name",
        "stage": "every filing counts as live: add the registration's status",
    },
}


def _missing(side: str, export: Export) -> Iterator[str]:
    if side == "direct" and not export.has_deals:
        yield "The direct export has no deals, so an overlap means that both know the company: export opportunities."
        return
    for names, words in _TELLS[side].items():
        if not any(name in export.columns for name in names.split()):
            yield f"The {side} export: {words}."


# --- finding ---------------------------------------------------------------------------------------------------------


def find_overlaps(direct: Path, partner: Path, *, auto: float = 0.97, review: float = 0.10,
                  progress: Progress | None = None) -> Overlaps:  # fmt: skip
    """Read both exports, link their companies, and say for each filing what it meets. Raises UserError."""
    theirs, ours = read_export(partner, "left", by_id=False), read_export(direct, "right", by_id=False)
    odd = _settle_products(ours, theirs)
    filed, accounts = companies(theirs.rows), companies(ours.rows)
    links, groups = _linked(filed, accounts, auto, review, progress)
    found = Overlaps(ours, theirs, not_compared=odd)
    rivals = _rivals(filed, groups)
    for ref, rows in filed.items():
        met = tuple(Met(link, tuple(accounts[link.right])) for link in links.get(ref, ()))
        for row in rows:
            found.findings.append(_finding(row, met, rivals.get(ref, ()), theirs))
    found.findings.sort(key=lambda f: f.row.number)
    return found


def _settle_products(*exports: Export) -> tuple[str, ...]:
    """Compare only products that both exports name alike: `Core Platform` may be what the other calls `core`."""
    named = [{product for row in export.rows for product in row.deal.products} for export in exports]
    odd = named[0] ^ named[1] if all(named) else set()
    for export in exports:
        export.rows = [
            replace(row, deal=replace(row.deal, products=frozenset())) if row.deal.products & odd else row
            for row in export.rows
        ]
    return tuple(sorted(odd))


def companies(rows: Iterable[Row]) -> dict[Ref, list[Row]]:
    """Rows by the company they are about: an export of deals names a company once for each of its deals."""
    first: dict[tuple[str, ...], Ref] = {}
    found: dict[Ref, list[Row]] = {}
    for row in rows:
        a = row.account
        name = (a.name or "").casefold()
        place = () if row.company_id else (a.website or "", a.postcode or "", a.street or "", a.country or "")
        found.setdefault(first.setdefault((row.company_id, name, *place), a.ref), []).append(row)
    return found


def _linked(filed: Mapping[Ref, list[Row]], accounts: Mapping[Ref, list[Row]], auto: float, review: float,
            progress: Progress | None) -> tuple[dict[Ref, list[Link]], tuple[frozenset[Ref], ...]]:  # fmt: skip
    """The links of each filed company, sure ones only where there are any; and who is the same organization."""
    here = [parse(_account(ref, rows)) for ref, rows in filed.items()]
    there = [parse(_account(ref, rows)) for ref, rows in accounts.items()]
    linker = Linker(Statistics.build([*here, *there]), auto=auto, review=review)
    decided = linker.decide(edges_between(linker, here, there, progress), _role, {})
    links: dict[Ref, list[Link]] = {}
    for link in sorted(decided.links, key=lambda link: (link.band.value, -link.score, link.right)):
        if link.left in filed and link.right in accounts:
            kept = links.setdefault(link.left, [])
            if not kept or kept[0].band is link.band:
                kept.append(link)
    return links, decided.groups


def _role(ref: Ref) -> str:
    return "direct" if ref.connection == "right" else "filed"


def _account(ref: Ref, rows: Sequence[Row]) -> Account:
    return next(row.account for row in rows if row.account.ref == ref)


def _rivals(filed: Mapping[Ref, list[Row]], groups: Iterable[frozenset[Ref]]) -> dict[Ref, tuple[Row, ...]]:
    """For each filed company, all live filings on its organization; the company's own rows are among them."""
    found: dict[Ref, tuple[Row, ...]] = {}
    grouped = [sorted(ref for ref in group if ref in filed) for group in groups]
    alone = set(filed) - {ref for group in grouped for ref in group}
    for group in [*grouped, *([ref] for ref in sorted(alone))]:
        live = tuple(row for ref in group for row in filed[ref] if is_live(row))
        found.update(dict.fromkeys(group, live))
    return found


def _finding(row: Row, met: tuple[Met, ...], filings: Sequence[Row], partner: Export) -> Finding:
    band = met[0].link.band if met else None
    if not is_live(row):
        return Finding(row, Kind.ENDED, band, met)
    others = tuple(other for other in filings if _is_other_partners(other.deal, row.deal))
    if not met:
        return Finding(row, Kind.NOTHING, None, others=others)
    kind, deals = _meeting(row, [r for m in met for r in m.rows], "partner" in partner.columns)
    return Finding(row, kind, band, met, deals, others)


def _is_other_partners(one: Deal, other: Deal) -> bool:
    named = bool(one.partner and other.partner) and not _same(one.partner, other.partner)
    return named and _products_meet(one, other)


def _meeting(filing: Row, rows: Sequence[Row], names_partners: bool) -> tuple[Kind, tuple[Row, ...]]:
    """The gravest thing that a filing meets among the rows of the companies it means."""
    deals = [row for row in rows if _is_deal(row.deal)]
    own = [row for row in deals if is_own_deal(row.deal, filing, names_partners)]
    rest = [row for row in deals if row not in own and _products_meet(row.deal, filing.deal)]
    sourced = [row for row in rest if _is_from_partner(row.deal)]
    states = ((Kind.DEAL, ("open", "")), (Kind.CUSTOMER, ("won",)), (Kind.LOST, ("lost", "ended")))
    for kind, wanted in states:
        found = tuple(row for row in rest if row not in sourced and row.deal.state in wanted)
        if found:
            return kind, found
        if kind is Kind.DEAL and any(row.is_customer for row in rows):
            return Kind.CUSTOMER, ()
    if live := tuple(row for row in sourced if row.deal.state in ("open", "")):
        return Kind.PARTNER, live
    return (Kind.OWN, tuple(own)) if own else (Kind.ACCOUNT, ())


def _is_deal(deal: Deal) -> bool:
    return bool(deal.id or deal.name or deal.stage or deal.state or deal.value or deal.key)


def is_live(row: Row) -> bool:
    """Whether a filing is under way by its own status."""
    return row.deal.state in ("", "open")


def is_own_deal(deal: Deal, filing: Row, names_partners: bool = True) -> bool:
    """Whether a direct deal is the filing's own (C00; docs/rulings.md 3): by its key, or by partner, products, time."""
    keys = {key for key in (filing.deal.key, filing.deal.id, filing.id) if key}
    if deal.key and deal.key in keys:
        return True
    if deal.key or not _is_from_partner(deal) or not _products_meet(deal, filing.deal):
        return False
    if deal.partner and names_partners and not _same(deal.partner, filing.deal.partner):
        return False
    if not (deal.created and filing.deal.created):
        return bool(deal.partner and names_partners)
    within = timedelta(days=_OWN.within_days)
    return filing.deal.created <= deal.created <= filing.deal.created + within


_OWN = Policy().own_deals


def _is_from_partner(deal: Deal) -> bool:
    return bool(deal.key or deal.partner) or any(_same(deal.source, source) for source in _OWN.lead_sources)


def _products_meet(one: Deal, other: Deal) -> bool:
    return not one.products or not other.products or not one.products.isdisjoint(other.products)


def _same(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()


# --- words -----------------------------------------------------------------------------------------------------------


def meets_in_words(finding: Finding, *, names: bool = True) -> str:
    """What a filing meets, in sentences; without names only what kind, when and how much."""
    said = [KINDS[finding.kind]]
    said += [_deal_in_words(row, finding.row, names) for row in finding.deals[:3]]
    if len(finding.deals) > 3:
        said.append(f"and {len(finding.deals) - 3} more")
    if finding.others:
        who = sorted({o.deal.partner for o in finding.others})
        shown = ", ".join(who[:5]) if names else f"{len(who)} other"
        said.append(f"Also filed by {shown} ({_rows(finding.others)})")
    return ". ".join(said) + "."


def _deal_in_words(row: Row, filing: Row, names: bool) -> str:
    d = row.deal
    value = f"{d.value.amount:,.2f} {d.value.currency or ''}".strip() if d.value else ""
    facts = (f"“{d.name}”" if names and d.name else f"Row {row.number}", d.stage if names else "", value,
             f"owner {d.owner}" if names and d.owner else "", f"from {d.partner}" if names and d.partner else "",
             f"created {d.created}" if d.created else "", _first(row, filing))  # fmt: skip
    return ", ".join(fact for fact in facts if fact)


def _first(row: Row, filing: Row) -> str:
    if not (row.deal.created and filing.deal.created):
        return ""
    days = (filing.deal.created - row.deal.created).days
    plural = "" if abs(days) == 1 else "s"
    return (
        "the same day as the filing"
        if not days
        else f"{abs(days)} day{plural} {'before' if days > 0 else 'after'} the filing"
    )


def _rows(rows: Sequence[Row]) -> str:
    numbers = ", ".join(str(row.number) for row in rows[:5]) + (" …" if len(rows) > 5 else "")
    return f"row{'s' if len(rows) > 1 else ''} {numbers}"


_MOST_REASONS = 5
_REF = re.compile(r"\b(left|right)/row/(\d+)")


def link_in_words(link: Link, *, names: bool = True) -> str:
    """Why two companies are, or may be, the same: the strongest evidence first, and what holds the link back."""
    evidence = telling(link.evidence)
    if not names:
        return ", ".join(e.claim.replace("_", " ") for e in evidence[:_MOST_REASONS])
    return _REF.sub(_named, "; ".join(e.sentence for e in evidence[:_MOST_REASONS]))


def _named(found: re.Match[str]) -> str:
    return f"row {found[2]} of the {'partner' if found[1] == 'left' else 'direct'} export"


def to_json(found: Overlaps) -> dict[str, Any]:
    """Counts and what they rest on, as plain values."""
    return {
        "filings": len(found.findings),
        "auto": {kind.value: n for kind, n in found.count(Band.AUTO).items() if kind in OVERLAPS},
        "review": {kind.value: n for kind, n in found.count(Band.REVIEW).items() if kind in OVERLAPS},
        "own_deals": sum(f.kind is Kind.OWN for f in found.findings),
        "not_live": sum(f.kind is Kind.ENDED for f in found.findings),
        "nothing": sum(f.kind is Kind.NOTHING for f in found.findings),
        "filed_by_several_partners": len(found.against_partners()),
        "worked_twice": {currency: str(total) for currency, total in sorted(found.worked_twice().items())},
        "could_not_say": found.missing(),
        "direct": found.direct.to_json(),
        "partner": found.partner.to_json(),
    }
