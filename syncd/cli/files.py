"""What `match` and `overlap` share: tables out, progress, and telling what of a file was not used."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from syncd.cli.output import clean, fail

if TYPE_CHECKING:
    from syncd.jobs.exports import Export, Note

Progress = Callable[[str, int, int], None]

_SHOWN = 10  # rows kept out that are named on standard error; --json has all


def check_bands(auto: float, review: float) -> None:
    """The band auto lies above the band review. Raises UserError."""
    from syncd.errors import UserError

    if review > auto:
        raise UserError(f"--review {review:g} is above --auto {auto:g}: nothing would be left for review.")


def to_stdout(output: Path | None) -> bool:
    """Whether the result goes to standard output."""
    return output is None or str(output) == "-"


def write_csv(output: Path | None, columns: Sequence[str], rows: Iterable[Sequence[Any]], unless: bool = False) -> None:
    """Rows as CSV without formulas, to a file or to standard output; standard output is left alone `unless`."""
    import csv
    from io import StringIO

    from syncd.connectors.files.cells import escaped

    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([escaped(value) for value in row] for row in rows)
    if output is not None and not to_stdout(output):
        write_file(output, text.getvalue())
    elif not unless:
        sys.stdout.write(text.getvalue())


def write_file(path: Path, text: str) -> None:
    """Write a whole file. Raises UserError when that cannot be done."""
    from syncd.errors import UserError

    try:
        path.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}.") from None


def tell(export: Export) -> None:
    """What of a file was not used, on standard error."""
    if export.unused:
        said = ", ".join(f"{clean(n.column)[:60]} ({n.reason})" for n in export.unused)
        fail(f"{export.path}: columns not used: {said}")
    for note in export.notes[:_SHOWN]:
        fail(f"{export.path}: {clean(note)}")
    if len(export.notes) > _SHOWN:
        fail(f"{export.path}: and {len(export.notes) - _SHOWN} more notes; --json lists them all")
    tell_rows(str(export.path), export.kept_out)


def tell_rows(path: str, kept_out: Sequence[Note]) -> None:
    """The rows that were kept out, on standard error."""
    for note in kept_out[:_SHOWN]:
        fail(f"{path}: row {note.row} was kept out: {note.reason}")
    if len(kept_out) > _SHOWN:
        fail(f"{path}: and {len(kept_out) - _SHOWN} more rows were kept out; --json lists them all")


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """A bar on a terminal, a line for each finished step elsewhere; on standard error."""
    if not sys.stderr.isatty():
        yield lambda step, done, of: fail(f"{step}: {of}") if done == of else None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, Any] = {}

        def show(step: str, done: int, of: int) -> None:
            if step not in tasks:
                tasks[step] = bar.add_task(step, total=of)
            bar.update(tasks[step], completed=done)

        yield show
