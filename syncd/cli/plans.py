"""Plans on paper: the differences as rows, as a table, as JSON and as a page; and read back when they were reviewed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from syncd.cli.output import clean, pairs, table
from syncd.errors import UserError

if TYPE_CHECKING:
    from syncd.jobs.plan import Difference, Reviewed
    from syncd.jobs.work import Work

Row = dict[str, Any]


def rows_of(work: Work, differences: Sequence[Difference], details: Mapping[str, str]) -> list[Row]:
    """Differences as plain rows; `details` is what is to be said of each registration."""
    return [_row(work, item, details) for item in differences]


def _row(work: Work, item: Difference, details: Mapping[str, str]) -> Row:
    from syncd.jobs.reasons import because_in_words

    intent = item.intent
    return {
        "connection": work.side(intent.ref.connection).name,
        "record": f"{intent.ref.object}/{intent.ref.id}",
        "ref": str(intent.ref),
        "group": intent.group.value,
        "before": dict(intent.before),
        "after": dict(intent.fields),
        "because": dict(intent.because),
        "why": because_in_words(intent.because, details),
        "refused": item.refused,
    }


def show(rows: Sequence[Row], empty: str) -> None:
    """The rows as a table."""
    table(
        ("connection", "record", "group", "from", "to", "because", "held back"),
        [
            (r["connection"], r["record"], r["group"], pairs(r["before"]), pairs(r["after"]), r["why"], r["refused"])
            for r in rows
        ],
        empty,
    )


def save(path: Path, rows: Sequence[Row], title: str) -> None:
    """Write rows to a file: a page for people where its name ends in .html, else JSON that can be read back.

    Raises UserError when it cannot be written.
    """
    import orjson

    from syncd.cli.files import write_file

    if path.suffix.lower() in (".html", ".htm"):
        write_file(path, page(rows, title))
    else:
        write_file(path, orjson.dumps(list(rows), option=orjson.OPT_INDENT_2, default=str).decode())


def read_reviewed(path: Path, remedy: str) -> Reviewed:
    """A plan as it was saved, perhaps with lines taken out. Raises UserError."""
    import orjson

    from syncd.jobs.plan import Reviewed

    try:
        rows = orjson.loads(path.read_bytes())
        writes = {
            (str(r["connection"]), str(r["record"]), str(r["group"])): (dict(r["after"]), dict(r["before"]))
            for r in rows
            if not r["refused"]
        }
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}).") from None
    except (ValueError, KeyError, TypeError):
        raise UserError(f"{path} is no plan. {remedy}") from None
    if not writes:
        raise UserError(
            f"{path} holds nothing to write: a plan made in shadow mode is held back throughout; make it anew."
        )
    return Reviewed(writes)


# --- the page --------------------------------------------------------------------------------------------------------

_STYLE = """
:root { color-scheme: light dark }
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem }
table { border-collapse: collapse; width: 100%; margin: 0 0 1.5rem }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid #8884 }
td { overflow-wrap: anywhere }
del { opacity: .65 }
.held { font-style: italic }
"""


def page(rows: Sequence[Row], title: str) -> str:
    """One self-contained page: connections, in each the reasons, under each the records. It loads nothing and runs
    nothing, and everything in it that came from a CRM is text."""
    parts = [f"<h1>{_text(title)}</h1>", _overview(rows)]
    by_connection = sorted(rows, key=lambda r: (str(r["connection"]), _reason(r)))
    for connection, its in groupby(by_connection, key=lambda r: str(r["connection"])):
        parts.append(f"<h2>{_text(connection)}</h2>")
        for reason, some in groupby(list(its), key=_reason):
            parts.append(_section(reason, list(some)))
    body = "\n".join(parts)
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{_text(title)}</title>\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _reason(row: Row) -> str:
    return str(row["refused"] or row["because"].get("rule") or "no rule")


def _overview(rows: Sequence[Row]) -> str:
    held = sum(bool(row["refused"]) for row in rows)
    if not rows:
        return "<p>Nothing to write: every record shows what it should.</p>"
    return f"<p>{len(rows) - held} to be written, {held} held back.</p>"


def _section(reason: str, rows: Sequence[Row]) -> str:
    held = ' class="held"' if rows[0]["refused"] else ""
    head = f"<h3{held}>{_text(reason.replace('_', ' '))} ({len(rows)})</h3>"
    lines = [
        f"<tr><td>{_text(row['record'])}</td><td>{_text(row['group'])}</td><td>{_changes(row)}</td>"
        f"<td>{_text(row['why'])}</td></tr>"
        for row in rows
    ]
    columns = '<tr><th scope="col">record<th scope="col">group<th scope="col">changes<th scope="col">because</tr>'
    return f"{head}\n<table><thead>{columns}</thead><tbody>\n" + "\n".join(lines) + "\n</tbody></table>"


def _changes(row: Row) -> str:
    before, after = row["before"], row["after"]
    return "<br>".join(
        f"{_text(name)}: <del>{_text(before.get(name)) or '(empty)'}</del> → <ins>{_text(value) or '(empty)'}</ins>"
        for name, value in after.items()
    )


def _text(value: Any) -> str:
    return escape(clean(value), quote=True)
