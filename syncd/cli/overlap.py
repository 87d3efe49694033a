"""`overlap`: what two exports have in common, as one self-contained page, as CSV and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from syncd.cli.files import check_bands, progress_bar, tell, write_csv, write_file
from syncd.cli.output import AsJson, clean, emit, say

if TYPE_CHECKING:
    from syncd.jobs.exports import Export, Row
    from syncd.jobs.overlap import Finding, Overlaps

_MOST_ROWS = 5_000  # of one table in the page; the CSV has all


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(overlap)


def overlap(
    direct: Annotated[
        Path, typer.Argument(metavar="DIRECT.csv", help="Accounts or opportunities of your CRM.", show_default=False)
    ],
    partner: Annotated[
        Path, typer.Argument(metavar="PARTNER.csv", help="What partners filed, or their accounts.", show_default=False)
    ],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write the page here.")] = None,
    csv: Annotated[Path | None, typer.Option("--csv", help="Write all findings here, one for each row filed.")] = None,
    without_names: Annotated[
        bool, typer.Option("--without-names", help="Rows by number only: no names, ids or reasons that tell them.")
    ] = False,
    auto: Annotated[float, typer.Option("--auto", min=0, max=1, help="From this score on: the same company.")] = 0.97,
    review: Annotated[float, typer.Option("--review", min=0, max=1, help="From this score on: to be checked.")] = 0.10,
    as_json: AsJson = False,
) -> int:
    """Find today's overlaps from two exports, before anything is connected. Nothing leaves this machine.

    Takes the exports of Salesforce (reports, Data Loader) and HubSpot as they are, and others with sensible headers.
    With opportunities in DIRECT.csv it tells open deals, customers and lost deals apart and removes the deals that
    partners brought themselves. Says which columns it could not use. Exits with 3 when rows were kept out.
    """
    from syncd.errors import UserError
    from syncd.jobs.overlap import find_overlaps

    check_bands(auto, review)
    if not (output or csv or as_json):
        raise UserError("Say where the result goes: -o REPORT.html, --csv FILE or --json.")
    with progress_bar() as progress:
        found = find_overlaps(direct, partner, auto=auto, review=review, progress=progress)
    if output:
        write_file(output, "".join(page(found, datetime.now(UTC), names=not without_names)))
    if csv:
        write_csv(csv, *_table(found, names=not without_names))
    if as_json:
        emit(_as_json(found, names=not without_names))
    else:
        _summary(found)
        for export in (found.direct, found.partner):
            tell(export)
    return 3 if found.direct.kept_out or found.partner.kept_out else 0


def _summary(found: Overlaps) -> None:
    from syncd.jobs.overlap import KINDS
    from syncd.model import Band

    say(f"{len(found.findings)} filings against {len(found.direct.rows)} direct rows.")
    auto, review = found.count(Band.AUTO), found.count(Band.REVIEW)
    for kind, words in KINDS.items():
        every = sum(f.kind is kind for f in found.findings)
        if every:
            checks = f", {review[kind]} of them to be checked" if review.get(kind) else ""
            say(f"{every:7}  {words}{checks}" if kind in auto or kind in review else f"{every:7}  {words}")
    if found.against_partners():
        say(f"{len(found.against_partners()):7}  Another partner has filed the company as well")
    for currency, total in found.worked_twice().items():
        say(f"Worked twice: {total:,.2f} {currency}")
    for words in found.missing():
        say(words)


def _as_json(found: Overlaps, *, names: bool) -> dict[str, Any]:
    from syncd.jobs.overlap import to_json

    document = to_json(found)
    if not names:
        document.update(direct={"rows": len(found.direct.rows)}, partner={"rows": len(found.partner.rows)})
    columns, rows = _table(found, names=names)
    document["findings"] = [dict(zip(columns, row, strict=True)) for row in rows]
    return document


def _table(found: Overlaps, *, names: bool) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """Every finding as a row; without names only numbers, kinds and what kind of evidence there is."""
    from syncd.jobs.overlap import link_in_words, meets_in_words

    columns: tuple[str, ...] = (
        "partner_row",
        "band",
        "score",
        "meets",
        "direct_rows",
        "deal_rows",
        "in_words",
        "reason",
    )
    if names:
        columns = (*columns, "partner_id", "company", "filed_by", "direct_ids", "direct_companies", "owners")
    rows = []
    for f in found.findings:
        link = f.met[0].link if f.met else None
        direct = [row for met in f.met for row in met.rows]
        row: tuple[Any, ...] = (
            f.row.number, f.band.value if f.band else "none", round(link.score, 6) if link else None, f.kind.value,
            _joined(r.number for r in direct), _joined(r.number for r in f.deals), meets_in_words(f, names=names),
            link_in_words(link, names=names) if link else "",
        )  # fmt: skip
        if names:
            row += (f.row.id, f.row.account.name, f.row.deal.partner, _joined(r.id for r in direct),
                    _joined(r.account.name for r in direct), _joined(r.deal.owner for r in f.deals))  # fmt: skip
        rows.append(row)
    return columns, rows


def _joined(values: Iterable[Any]) -> str:
    return "; ".join(dict.fromkeys(str(value) for value in values if value))


# --- the page --------------------------------------------------------------------------------------------------------

_STYLE = """
*{box-sizing:border-box}
body{margin:0;font:1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;color:#1b1f24;background:#fff}
main,header{max-width:75rem;margin:0 auto;padding:0 1rem}
h1{font-size:1.6rem;line-height:1.2;margin:.5rem 0}h2{font-size:1.25rem;margin:2rem 0 .5rem}
p{max-width:45rem}td,li,p,caption{overflow-wrap:anywhere}
table{border-collapse:collapse;width:100%;margin:.5rem 0 1.5rem}
caption{text-align:left;font-weight:600;padding:.5rem 0}
th,td{text-align:left;vertical-align:top;padding:.5rem;border-bottom:1px solid #c9d1d9}
thead th{background:#eef1f4}
.n{text-align:right;white-space:nowrap;overflow-wrap:normal!important;font-variant-numeric:tabular-nums}
.w{table-layout:fixed}.w th:nth-child(-n+2){width:19%}.w th:nth-child(3){width:27%}
.s{color:#47505a;font-size:.9rem;display:block}
summary{cursor:pointer;padding:.5rem 0;font-weight:600}
a:focus-visible,summary:focus-visible{outline:3px solid #0a4fb3;outline-offset:2px}
@media(max-width:44rem){
.w,.w caption,.w tbody,.w tr,.w td{display:block}
.w thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.w tr{border:1px solid #c9d1d9;margin:.75rem 0}
.w td::before{content:attr(data-label);display:block;font-weight:600}
}
@media print{details>*{display:block}thead{display:table-header-group}tr{break-inside:avoid}}
"""

_Cells = Callable[["Finding"], Sequence[str]]


def page(found: Overlaps, now: datetime, *, names: bool) -> Iterator[str]:
    """The report as one HTML file: no script, no network, everything from the exports escaped."""
    from syncd.jobs.overlap import OVERLAPS, Kind
    from syncd.model import Band

    yield _head(found, now, names)
    yield _counts(found)
    cells = _cells(names)
    sure = [f for kind in OVERLAPS for f in found.of(kind, band=Band.AUTO)]
    yield _section("Overlaps", "Filings whose company is surely on the direct side", sure, cells)
    unsure = [f for kind in OVERLAPS for f in found.of(kind, band=Band.REVIEW)]
    yield _section(
        "To be checked", "Filings whose company may be on the direct side; a person should look", unsure, cells
    )
    others = found.against_partners()
    yield _section(
        "Filed by several partners", "Filings whose company another partner has filed as well", others, cells
    )
    for kind, title in ((Kind.OWN, "Own deals, removed"), (Kind.ENDED, "Filings no longer live"),
                        (Kind.NOTHING, "Filings that meet nothing")):  # fmt: skip
        listed = [f for f in found.findings if f.kind is kind and not f.others]
        if listed:
            yield f"<h2>{title}</h2><details><summary>{len(listed)} filings</summary>"
            yield _findings(title, listed, cells) + "</details>"
    yield _basis(found, names)
    yield "</main></body></html>\n"


def _head(found: Overlaps, now: datetime, names: bool) -> str:
    from syncd.jobs.overlap import Kind
    from syncd.model import Band

    files = f" of {_text(found.partner.path.name)} and {_text(found.direct.path.name)}" if names else ""
    deals = len(found.of(Kind.DEAL, band=Band.AUTO))
    twice = ", ".join(f"{total:,.2f} {_text(currency)}" for currency, total in sorted(found.worked_twice().items()))
    sums = f" The direct deals among them sum to {twice}, each counted once." if twice else ""
    numbers = "" if names else "<p>This version has no names. Rows are counted as a spreadsheet counts them.</p>"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>Overlaps of two exports</title><style>{_STYLE}</style></head><body><header>"
        f"<h1>Overlaps{files}</h1><p>{len(found.findings):,} filings compared with {len(found.direct.rows):,} "
        f"direct rows by syncd on {now:%Y-%m-%d %H:%M} UTC.</p>{numbers}</header><main>"
        f"<p><strong>{deals:,} filings surely meet an open direct deal.</strong>{sums}</p>"
    )


def _counts(found: Overlaps) -> str:
    from syncd.jobs.overlap import KINDS
    from syncd.model import Band

    auto, review = found.count(Band.AUTO), found.count(Band.REVIEW)
    every = {kind: sum(f.kind is kind for f in found.findings) for kind in KINDS}
    rows = "".join(
        f'<tr><th scope="row">{_text(words)}</th><td class="n">{auto.get(kind, 0):,}</td>'
        f'<td class="n">{review.get(kind, 0):,}</td><td class="n">{every[kind]:,}</td></tr>'
        for kind, words in KINDS.items()
    )
    return (
        "<table><caption>Filings by what they meet on the direct side</caption><thead><tr>"
        '<th scope="col">What</th><th scope="col" class="n">Sure</th><th scope="col" class="n">To check</th>'
        f'<th scope="col" class="n">All</th></tr></thead><tbody>{rows}</tbody></table>'
    )


def _section(title: str, caption: str, findings: Sequence[Finding], cells: _Cells) -> str:
    if not findings:
        return f"<h2>{title}</h2><p>None.</p>"
    return f"<h2>{title}</h2>" + _findings(f"{caption}: {len(findings):,}", findings, cells)


_LABELS = ("Filed", "Direct side", "What it meets", "Why the same company")


def _findings(caption: str, findings: Sequence[Finding], cells: _Cells) -> str:
    heads = "".join(f'<th role="columnheader" scope="col">{label}</th>' for label in _LABELS)
    rows = "".join(
        '<tr role="row">' + "".join(f'<td role="cell" data-label="{label}">{cell}</td>'
                                    for label, cell in zip(_LABELS, cells(f), strict=True)) + "</tr>"
        for f in findings[:_MOST_ROWS]
    )  # fmt: skip
    more = f"<p>And {len(findings) - _MOST_ROWS:,} more; --csv has all.</p>" if len(findings) > _MOST_ROWS else ""
    return (
        f'<table class="w" role="table"><caption>{_text(caption)}</caption>'
        f'<thead role="rowgroup"><tr role="row">{heads}</tr></thead><tbody role="rowgroup">{rows}</tbody></table>{more}'
    )


def _cells(names: bool) -> _Cells:
    from syncd.jobs.overlap import link_in_words, meets_in_words

    def cells(f: Finding) -> tuple[str, ...]:
        link = f.met[0].link if f.met else None
        direct = "<br>".join(_row(met.rows[0], met.rows, names) for met in f.met[:3]) or "–"
        why = (
            f'{_text(link_in_words(link, names=names))} <span class="s">score {link.score:.3f}</span>' if link else "–"
        )
        return _row(f.row, (f.row,), names), direct, _text(meets_in_words(f, names=names)), why

    return cells


def _row(first: Row, rows: Sequence[Row], names: bool) -> str:
    numbers = ("rows " if len(rows) > 1 else "row ") + ", ".join(str(row.number) for row in rows[:5])
    if not names:
        return _text(numbers)
    facts = [numbers, first.id and f"id {first.id}", first.deal.partner and f"partner {first.deal.partner}"]
    title = first.account.name or first.account.website or first.id
    return f'{_text(title)} <span class="s">{_text(", ".join(fact for fact in facts if fact))}</span>'


def _basis(found: Overlaps, names: bool) -> str:
    """What the answer rests on: columns used and not used, what could not be said, rows kept out."""
    said = "".join(f"<li>{_text(words)}</li>" for words in found.missing()) or "<li>Nothing was missing.</li>"
    text = f"<h2>What this rests on</h2><h3>What could not be said</h3><ul>{said}</ul>"
    for title, export in (("direct", found.direct), ("partner", found.partner)):
        text += _columns(title, export) if names else ""
        kept = "".join(
            f'<tr><td class="n">{n.row}</td><td>{_text(n.reason)}</td></tr>' for n in export.kept_out[:_MOST_ROWS]
        )
        if kept:
            text += (
                f"<table><caption>Rows of the {title} export that were kept out: {len(export.kept_out):,}</caption>"
                '<thead><tr><th scope="col" class="n">Row</th><th scope="col">Reason</th></tr></thead>'
                f"<tbody>{kept}</tbody></table>"
            )
    return text


def _columns(title: str, export: Export) -> str:
    used = [(header, name.replace("_", " ")) for name, headers in export.columns.items() for header in headers]
    unused = [(note.column, f"not used: {note.reason}") for note in export.unused]
    rows = "".join(
        f'<tr><th scope="row">{_text(header)}</th><td>{_text(use)}</td></tr>' for header, use in [*used, *unused]
    )
    notes = "".join(f"<li>{_text(note)}</li>" for note in export.notes[:100])
    return (
        f'<table><caption>Columns of the {title} export</caption><thead><tr><th scope="col">Column</th>'
        f'<th scope="col">Read as</th></tr></thead><tbody>{rows}</tbody></table>'
    ) + (f"<p>Notes on the {title} export:</p><ul>{notes}</ul>" if notes else "")


def _text(value: object) -> str:
    """Any value as text of the page: printable, escaped."""
    return escape(clean(value))
