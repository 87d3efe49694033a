"""The conditions that requests may set on a row: dates for every object, entity tags for accounts."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import orjson

from syncd.emulator.http import Call, Reply
from syncd.emulator.salesforce.errors import refused
from syncd.emulator.salesforce.store import Org
from syncd.emulator.table import Row
from syncd.emulator.variants import Variants

TAGGED = {"Account"}
HEADERS = ("if-match", "if-none-match", "if-modified-since", "if-unmodified-since")
_TAGS = re.compile(r'\s*(?:\*|(?:W/)?"[^"]*"(?:\s*,\s*(?:W/)?"[^"]*")*)\s*')


def unmet(org: Org, variants: Variants, call: Call, name: str, row: Row) -> Reply | None:
    """The 304 or 412 that a request gets instead of being carried out; a bad header is 400."""
    writing = call.method not in ("GET", "HEAD")
    matches, differs = _tags(call, "if-match"), _tags(call, "if-none-match")
    unmodified = condition(call, "if-unmodified-since")
    if name in TAGGED:
        tag = entity_tag(org, name, row)
        if matches is not None and not {tag, "*"} & matches:
            return _failed(variants)
        if differs is not None and {tag, "*"} & differs:
            return _failed(variants) if writing else Reply(304)
    modified = org.modified(name, row)
    if unmodified is not None and modified > unmodified:
        return _failed(variants)
    since = None if writing else condition(call, "if-modified-since")
    return Reply(304) if since is not None and modified <= since else None


def entity_tag(org: Org, name: str, row: Row) -> str:
    """A hash of a record's content, in quotes."""
    content = orjson.dumps(org.tables[name].as_dict(row), option=orjson.OPT_SORT_KEYS)
    return f'"{base64.b64encode(hashlib.sha1(content, usedforsecurity=False).digest()).decode()}"'


def _tags(call: Call, header: str) -> set[str] | None:
    text = call.headers.get(header)
    if text is None:
        return None
    if not _TAGS.fullmatch(text):
        raise _bad(header, text)
    return {tag.strip().removeprefix("W/").replace('-gzip"', '"') for tag in text.split(",")}


def condition(call: Call, header: str) -> datetime | None:
    """The moment that a conditional header names; a bad one is refused."""
    text = call.headers.get(header)
    if text is None:
        return None
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        raise _bad(header, text) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _bad(header: str, text: str) -> Exception:
    return refused(400, "INVALID_HEADER", f"Bad value for {header}: {text}")


def _failed(variants: Variants) -> Reply:
    if variants.salesforce_412_body == "empty":
        return Reply(412)
    message = "The record was modified after the time given in If-Unmodified-Since"
    return Reply.json([{"message": message, "errorCode": "ENTITY_FAILED_IFLASTMODIFIED_ON_UPDATE"}], 412)
