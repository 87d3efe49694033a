"""Fills paths and bodies by plain substitution, and writes and reads times as an API has them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from syncd.connectors.rest.description import PLACE, TimeFormat


def filled(template: Any, values: Mapping[str, Any]) -> Any:
    """A body: a text that is one place is replaced by the value itself, a place within a text by its words."""
    if isinstance(template, Mapping):
        return {filled(key, values): filled(value, values) for key, value in template.items()}
    if isinstance(template, list):
        return [filled(item, values) for item in template]
    if not isinstance(template, str):
        return template
    if (whole := PLACE.fullmatch(template)) is not None:
        return _value(whole[1], values)
    return PLACE.sub(lambda found: _words(_value(found[1], values)), template)


def path(template: str, values: Mapping[str, str], params: list[tuple[str, str]] | None = None) -> str:
    """A path with its query, everything that is filled in encoded."""
    made = PLACE.sub(lambda found: quote(_words(_value(found[1], values)), safe=""), template)
    return f"{made}?{urlencode(params)}" if params else made


def text(value: Any) -> str:
    """A parameter's value."""
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def written(moment: datetime, format: TimeFormat) -> str:
    """A moment as a parameter."""
    if format == "iso":
        return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return str(int(moment.timestamp() * (1000 if format == "epoch_ms" else 1)))


def read(value: Any, format: TimeFormat, zone: ZoneInfo) -> datetime:
    """A moment as an answer has it, in UTC. Raises ValueError or TypeError."""
    if format == "iso":
        moment = datetime.fromisoformat(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    return datetime.fromtimestamp(float(value) / (1000 if format == "epoch_ms" else 1), UTC)


def _value(name: str, values: Mapping[str, Any]) -> Any:
    first, _, rest = name.partition(".")
    value = values.get(first)
    if rest:
        return value.get(rest) if isinstance(value, Mapping) else None
    return value


def _words(value: Any) -> str:
    return "" if value is None else text(value)


LINK = re.compile(r'<([^<>]*)>\s*(?:;\s*[^,;]*)*;\s*rel="?next"?', re.IGNORECASE)
"""The next page in a Link header."""
