"""How results are printed: one JSON document for scripts, tables for people, messages on standard error."""

from __future__ import annotations

import getpass
import logging
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output.")]
Reason = Annotated[str, typer.Option("--reason", "-r", help="Why; it is kept with the decision.", show_default=False)]


@dataclass(frozen=True, slots=True)
class Context:
    """What the whole command line was told."""

    config: Path


def emit(document: Any) -> None:
    """One JSON document on standard output."""
    text = orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS, default=str)
    sys.stdout.write(text.decode() + "\n")
    sys.stdout.flush()


def say(text: str = "") -> None:
    """A line for people on standard output."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def fail(text: str) -> None:
    """A message on standard error."""
    sys.stderr.write(text.rstrip() + "\n")
    sys.stderr.flush()


def clean(value: Any) -> str:
    """A value as one printable line: what came from a CRM must not move the cursor or colour the screen."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}Z"
    return "".join(c if c.isprintable() else " " for c in str(value))


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], empty: str) -> None:
    """Rows under their columns; aligned on a terminal, tab-separated elsewhere."""
    lines = [[clean(value) for value in row] for row in rows]
    if not lines:
        say(empty)
        return
    if not sys.stdout.isatty():
        for line in [list(columns), *lines]:
            say("\t".join(line))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        shown.add_column(column, overflow="fold")
    for line in lines:
        shown.add_row(*(Text(value) for value in line))
    Console().print(shown)


def pairs(values: Mapping[str, Any]) -> str:
    """`name=value` for what is set."""
    return ", ".join(f"{name}={clean(value)}" for name, value in values.items() if value not in (None, ""))


def whoami() -> str:
    """The person at the command line."""
    return os.environ.get("SYNCD_ACTOR") or getpass.getuser()


def set_up_logging(format_: str, level: str) -> None:
    """Log to standard error: text on a terminal, JSON lines elsewhere, unless the settings say which."""
    import structlog

    as_json = format_ == "json" or (format_ == "auto" and not sys.stderr.isatty())
    renderer: Any = (
        structlog.processors.JSONRenderer(serializer=lambda event, **_: orjson.dumps(event, default=str).decode())
        if as_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            drop_secrets,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        # standard error as it is when something is logged: whoever runs commands in a process may have replaced it
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )


_SECRET_KEYS = ("token", "secret", "password", "authorization", "assertion", "refresh_token", "access_token")


def drop_secrets(_: Any, __: str, event: Any) -> Any:
    """A structlog processor: what is named like a secret is never written; empty values are left out."""
    return {
        key: "***" if any(word in key.lower() for word in _SECRET_KEYS) and not isinstance(value, int) else value
        for key, value in event.items()
        if value is not None
    }
