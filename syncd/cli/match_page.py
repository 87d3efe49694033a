"""The page of `match evaluate`: tables, two plots drawn here, and the worst disagreements side by side. No network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from syncd.cli.match_evaluate import Measured, lost, share, why_missed
from syncd.cli.output import clean

if TYPE_CHECKING:
    from syncd.matching import Parsed
    from syncd.matching.assess import Bin

_STYLE = """
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#47505a;--line:#c9d1d9;--head:#eef1f4;--paper:#fff;--mark:#0a4fb3;
--other:#a33a00}
@media(prefers-color-scheme:dark){:root{--ink:#e8ecf1;--soft:#b3bdc8;--line:#4a545f;--head:#262d35;--paper:#14181d;
--mark:#8ab8ff;--other:#ffab73}}
*{box-sizing:border-box}
body{margin:0;font:1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;color:var(--ink);
background:var(--paper)}
main{max-width:75rem;margin:0 auto;padding:0 1rem 3rem}
h1{font-size:1.6rem;line-height:1.2}h2{font-size:1.25rem;margin:2rem 0 .5rem}
h3{font-size:1.05rem;margin:1.5rem 0 .25rem}
p{max-width:45rem}td,li,p,caption{overflow-wrap:anywhere}
table{border-collapse:collapse;margin:.5rem 0 1.5rem;max-width:100%}
caption{text-align:left;font-weight:600;padding:.5rem 0}
th,td{text-align:left;vertical-align:top;padding:.4rem .6rem;border-bottom:1px solid var(--line)}
thead th{background:var(--head)}
.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
.scroll{overflow-x:auto}figure{margin:1rem 0}figcaption{color:var(--soft);max-width:45rem}
svg{max-width:100%;height:auto}svg text{fill:var(--ink);font:13px system-ui,sans-serif}
.axis{stroke:var(--soft);fill:none}.grid{stroke:var(--line)}.ideal{stroke:var(--soft);stroke-dasharray:4 4}
.mark{fill:var(--mark);stroke:var(--mark)}.line{fill:none;stroke:var(--mark);stroke-width:2}
.line2{fill:none;stroke:var(--other);stroke-width:2;stroke-dasharray:6 3}.bar{stroke:var(--mark);stroke-width:2}
summary{cursor:pointer;padding:.4rem 0}summary:focus-visible{outline:3px solid var(--mark);outline-offset:2px}
@media print{details>*{display:block}}
"""

_WIDE, _HIGH, _LEFT, _TOP = 520, 320, 60, 20
_RIGHT, _BOTTOM = _WIDE - 20, _HIGH - 50


def page(m: Measured) -> Iterator[str]:
    """The whole page, everything from the files escaped."""
    yield (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>Quality of links: {_text(m.links.name)}</title><style>{_STYLE}</style></head><body><main>"
        f"<h1>Quality of the links in {_text(m.links.name)}</h1>"
    )
    yield _summary(m)
    yield from _bands(m)
    yield from _calibration(m)
    yield _thresholds(m)
    yield from _compared(m)
    yield from _disagreements(m)
    yield "</main></body></html>\n"


def _summary(m: Measured) -> str:
    quality = m.found.quality
    auto = next(b for b in m.found.bands if b.band == "auto")
    text = (
        f"<p>Measured against the {quality.truth:,} true pairs of {_text(m.truth.name)}. Of the {auto.links:,} links "
        f"that act by themselves {auto.right:,} are right; they find {share(auto.recall, 3)} of what is true.</p>"
        f"<p>At the best threshold, a score of {quality.best_threshold:.3f}, F1 is {quality.best_f1:.4f}. "
        f"With at most one wrong link in a hundred, {quality.recall_at_precision_99:.4f} of them are found.</p>"
    )
    if quality.renamed_recall is not None:
        text += f"<p>Of the companies that changed their name, {quality.renamed_recall:.4f} are found.</p>"
    return text


def _bands(m: Measured) -> Iterator[str]:
    rows = ((b.band, b.links, b.right, share(b.precision), share(b.recall), share(b.f1)) for b in m.found.bands)
    yield "<h2>By band</h2>"
    yield _table("Links by band", ("Band", "Links", "Right", "Precision", "Recall", "F1"), rows)
    if m.found.clusters:
        rows2 = ((c.band, share(c.precision), share(c.recall), share(c.f1)) for c in m.found.clusters)
        yield _table("B-cubed: how well whole clusters are found", ("Band", "Precision", "Recall", "F1"), rows2)


# --- plots -----------------------------------------------------------------------------------------------------------


def _calibration(m: Measured) -> Iterator[str]:
    made = m.found.calibration
    yield "<h2>Do scores mean what they say?</h2>"
    yield (
        "<p>Of the links with a score of 0.9, nine in ten should be right. The dots show how many are; the bars how "
        f"sure that is. On average scores are off by {made.gap:.3f} (Brier score {made.brier:.4f}). Pairs below the "
        "band review are in no file of links, so low scores are not judged here.</p>"
    )
    if not made.bins:
        yield "<p>There are no links to look at.</p>"
        return
    said = "; ".join(f"score {b.mean:.2f}: {b.share:.2f} right of {b.links}" for b in made.bins)
    dots = "".join(map(_dot, made.bins))
    ideal = f'<line class="ideal" x1="{_x(0):.1f}" y1="{_y(0):.1f}" x2="{_x(1):.1f}" y2="{_y(1):.1f}"/>'
    yield _figure("reliability", "Reliability of the scores", said, ideal + dots, "score", "share right",
                  "Dots on the dashed line: scores are probabilities. Below it they promise too much.")  # fmt: skip
    rows = ((f"{b.low:g}–{b.high:g}", b.links, b.right, share(b.mean, 3), share(b.share, 3),
             f"{b.least:.3f}–{b.most:.3f}") for b in made.bins)  # fmt: skip
    yield _table("Links by score", ("Score", "Links", "Right", "Mean score", "Share right", "95 % interval"), rows)


def _dot(b: Bin) -> str:
    x = _x(b.mean)
    return (
        f'<line class="bar" x1="{x:.1f}" y1="{_y(b.least):.1f}" x2="{x:.1f}" y2="{_y(b.most):.1f}"/>'
        f'<circle class="mark" cx="{x:.1f}" cy="{_y(b.share):.1f}" r="4"/>'
    )


def _thresholds(m: Measured) -> str:
    curve = _thinned(m.found.curve)
    if not curve:
        return ""
    lines = "".join(
        f'<polyline class="{css}" points="{" ".join(f"{_x(point[0]):.1f},{_y(point[at]):.1f}" for point in curve)}"/>'
        for css, at in (("line", 1), ("line2", 2))
    )
    shown = [curve[round(at * (len(curve) - 1) / 4)] for at in range(5)]
    said = "; ".join(f"from {t:.2f} on precision {p:.3f}, recall {r:.3f}" for t, p, r in shown)
    return "<h2>Where to set the threshold</h2>" + _figure(
        "threshold", "Precision and recall by threshold", said, lines, "score from which links count", "share",
        "Solid: precision, how many of the links are right. Dashed: recall, how many of the true pairs are found.",
    )  # fmt: skip


def _thinned(curve: Sequence[tuple[float, float, float]], most: int = 200) -> list[tuple[float, float, float]]:
    step = max(1, len(curve) // most)
    return [*curve[::step], *curve[-1:]] if curve else []


def _x(value: float) -> float:
    return _LEFT + value * (_RIGHT - _LEFT)


def _y(value: float) -> float:
    return _BOTTOM - value * (_BOTTOM - _TOP)


def _figure(id_: str, title: str, said: str, drawn: str, x_label: str, y_label: str, caption: str) -> str:
    ticks = "".join(
        f'<line class="grid" x1="{_LEFT}" y1="{_y(t):.1f}" x2="{_RIGHT}" y2="{_y(t):.1f}"/>'
        f'<text x="{_LEFT - 8}" y="{_y(t) + 4:.1f}" text-anchor="end">{t:g}</text>'
        f'<text x="{_x(t):.1f}" y="{_BOTTOM + 18}" text-anchor="middle">{t:g}</text>'
        for t in (0, 0.2, 0.4, 0.6, 0.8, 1)
    )
    return (
        f'<figure><svg role="img" aria-labelledby="{id_}-title {id_}-said" viewBox="0 0 {_WIDE} {_HIGH}" '
        f'width="{_WIDE}" height="{_HIGH}"><title id="{id_}-title">{_text(title)}</title>'
        f'<desc id="{id_}-said">{_text(said)}</desc>{ticks}'
        f'<path class="axis" d="M{_LEFT} {_TOP}V{_BOTTOM}H{_RIGHT}"/>{drawn}'
        f'<text x="{(_LEFT + _RIGHT) / 2}" y="{_HIGH - 12}" text-anchor="middle">{_text(x_label)}</text>'
        f'<text x="{-(_TOP + _BOTTOM) / 2}" y="16" transform="rotate(-90)" text-anchor="middle">{_text(y_label)}</text>'
        f"</svg><figcaption>{_text(caption)}</figcaption></figure>"
    )


# --- what was lost ---------------------------------------------------------------------------------------------------


def _compared(m: Measured) -> Iterator[str]:
    from syncd.jobs.compared import REASONS

    yield "<h2>True pairs that were never compared</h2>"
    if m.compared is None:
        yield "<p>Not looked at: that needs both files (--left and --right).</p>"
        return
    yield (
        f"<p>{m.compared.candidates:,} of {m.compared.pairs:,} true pairs were compared ({m.compared.recall:.4f}). "
        "What is never compared cannot be linked, however good the score.</p>"
    )
    counts = lost(m)
    if counts:
        yield _table("Pairs lost before any score", ("Why", "Pairs"), ((REASONS[why], n) for why, n in counts.items()))


def _disagreements(m: Measured) -> Iterator[str]:
    wrong, missed = m.found.wrong[: m.worst], m.found.missed[: m.worst]
    yield f"<h2>Links that the truth does not have: {len(m.found.wrong):,}</h2>"
    yield f"<p>The {len(wrong)} worst, the surest first.</p>" if wrong else "<p>None.</p>"
    for w in wrong:
        note = "Neither record has a true partner: perhaps the truth lacks this pair." if w.unlabelled else ""
        yield _pair(m, w.link.left.id, w.link.right.id, f"{w.link.band.value}, score {w.link.score:.3f}", note)
    yield f"<h2>True pairs that are not linked automatically: {len(m.found.missed):,}</h2>"
    yield f"<p>The {len(missed)} worst, those without any link first.</p>" if missed else "<p>None.</p>"
    for k in missed:
        what = f"review, score {k.link.score:.3f}" if k.link else "not linked"
        yield _pair(m, k.pair[0].id, k.pair[1].id, what, why_missed(m, k.pair, k.link) if k.link is None else "")


def _pair(m: Measured, left: str, right: str, what: str, note: str) -> str:
    from syncd.jobs import labels

    pair = (labels.left(left), labels.right(right))
    title = f"<h3>{_text(left)} – {_text(right)}: {_text(what)}</h3>" + (f"<p>{_text(note)}</p>" if note else "")
    if m.files is None or not m.files.has(pair):
        return title + f"<p>{_text(m.reasons.get(pair, '') or 'Give --left and --right for an explanation.')}</p>"
    explained = m.files.explain(pair)
    lines = "".join(f"<li>{_text(line)}</li>" for line in explained.in_words()[1:])
    return (
        title + _table("Side by side", ("Field", left, right), _fields(explained.left, explained.right))
        + f"<details><summary>Why: {_text(explained.outcome)}</summary><ul>{lines}</ul></details>"
    )  # fmt: skip


def _fields(left: Parsed, right: Parsed) -> Iterator[tuple[Any, ...]]:
    """What both were compared by; fields that neither has are left out."""
    for name, read in _READ.items():
        here, there = read(left), read(right)
        if here or there:
            yield name, here or "–", there or "–"


_READ: Mapping[str, Callable[[Parsed], str | None]] = {
    "Name": lambda record: record.title,
    "Other names": lambda record: "; ".join(" ".join(name.words) for name in record.names[1:]),
    "Web domain": lambda record: record.domain,
    "Telephone": lambda record: record.phone,
    "Street": lambda record: " ".join([*sorted(record.numbers), *sorted(record.street)]),
    "Postcode": lambda record: record.postcode,
    "City": lambda record: record.city.title(),
    "Country": lambda record: record.country,
    "Numbers": lambda record: ", ".join(record.tax_ids),
}


def _table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    head = "".join(f'<th scope="col"{_right(h) if at else ""}>{_text(h)}</th>' for at, h in enumerate(heads))
    body = "".join(f"<tr>{''.join(_cells(row))}</tr>" for row in rows)
    return (
        f'<div class="scroll" tabindex="0" role="group" aria-label="{_text(caption)}"><table><caption>{_text(caption)}'
        f"</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _right(head: str) -> str:
    return ' class="n"' if head in ("Links", "Right", "Precision", "Recall", "F1", "Pairs", "Mean score") else ""


def _cells(row: Sequence[Any]) -> Iterator[str]:
    for at, cell in enumerate(row):
        number = isinstance(cell, int)
        shown = _text(f"{cell:,}" if number else cell)
        if at == 0:
            yield f'<th scope="row">{shown}</th>'
        else:
            yield f'<td class="n">{shown}</td>' if number or _is_share(cell) else f"<td>{shown}</td>"


def _is_share(cell: Any) -> bool:
    return isinstance(cell, str) and len(cell) <= 13 and cell[:2] in ("0.", "1.")


def _text(value: object) -> str:
    """Any value as text of the page: printable, escaped."""
    return escape(clean(value))
