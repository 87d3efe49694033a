"""Anchor: say outside of the database, once a day, how long the ledger is and what its last entry hashes to.

A chain proves that nothing in it was changed. That its end was cut off, or all of it written anew by somebody who has
the key, shows only against what was told elsewhere.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import requests
import sqlalchemy as sa

from syncd.errors import Retry, UserError
from syncd.jobs.work import Work
from syncd.store import graph, ledger

EVERY = timedelta(days=1)
_STEP = "anchored"
_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Anchor:
    """So many entries there were at a time, and the last had this hash; sealed like an entry where there is a key."""

    at: str
    entries: int
    hash: str
    seal: str | None = None

    @classmethod
    def of(cls, plain: Any) -> Anchor:
        """What a line says. Raises ValueError when it is no anchor."""
        if not isinstance(plain, dict) or not isinstance(plain.get("entries"), int):
            raise ValueError("no anchor")
        return cls(str(plain["at"]), plain["entries"], str(plain["hash"]), plain.get("seal"))


def anchor_when_due(work: Work) -> Anchor | None:
    """Anchor where settings name a place, the last time is a day ago and there are new entries. Raises as `anchor`."""
    if work.anchor is None:
        return None
    with work.store.read() as tx:
        known, told = graph.get_progress(tx, _STEP)
        entries = ledger.last(tx)[0]
    if entries == known or (told and work.clock.now() - datetime.fromisoformat(told) < EVERY):
        return None
    return anchor(work, work.anchor)


def anchor(work: Work, place: str) -> Anchor:
    """Tell the present length and hash to a file or URL. Raises Retry when that does not work."""
    with work.store.read() as tx:
        entries, digest = ledger.last(tx)
    now = work.clock.now()
    seal = ledger.seal(work.ledger_key, digest).hex() if work.ledger_key else None
    made = Anchor(now.isoformat(), entries, digest.hex(), seal)
    _tell(place, orjson.dumps(asdict(made)) + b"\n")
    with work.store.append() as tx:
        graph.set_progress(tx, _STEP, entries, now.isoformat())
    return made


def _tell(place: str, line: bytes) -> None:
    try:
        if "://" in place:
            headers = {"Content-Type": "application/json"}
            answer = requests.post(place, data=line, headers=headers, timeout=_SECONDS, allow_redirects=False)
            if not 200 <= answer.status_code < 300:
                raise Retry(f"The ledger could not be anchored: the URL answered {answer.status_code}.")
        else:
            _append(place, line)
    except (OSError, requests.RequestException) as error:
        raise Retry(f"The ledger could not be anchored ({type(error).__name__}): look at `ledger.anchor`.") from None


def _append(path: str, line: bytes) -> None:
    with open(path, "ab", buffering=0) as file:
        file.write(line)
        os.fsync(file.fileno())


def read(path: Path) -> list[Anchor]:
    """The anchors of a file, oldest first. Raises UserError with the line that is none."""
    anchors = []
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}).") from None
    for number, line in enumerate(lines, start=1):
        try:
            anchors.append(Anchor.of(orjson.loads(line)))
        except (ValueError, KeyError):
            raise UserError(f"{path}, line {number}: this is no anchor of a ledger.") from None
    if not anchors:
        raise UserError(f"{path} holds no anchor yet. `syncd ledger anchor` writes one.")
    return anchors


def unlike(tx: sa.Connection, anchors: Iterable[Anchor]) -> str | None:
    """What the first anchor that the ledger does not fit says; None when it fits all."""
    for told in anchors:
        found = ledger.hash_at(tx, told.entries)
        if found is None:
            return f"on {told.at[:10]} there were {told.entries} entries: the end was cut off"
        if found.hex() != told.hash:
            return f"entry {told.entries} is not the one that was anchored on {told.at[:10]}: the chain was rewritten"
    return None
