"""What people look at about pairs of accounts: how many have a key, and what hangs on each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from syncd.model import Ref, Stream
from syncd.store.graph import chunks
from syncd.store.tables import match_key, staged


def key_counts(tx: sa.Connection, keys: Sequence[str]) -> dict[str, int]:
    """How many accounts have each of these keys; keys that nobody has are left out."""
    found: dict[str, int] = {}
    for part in chunks(sorted(set(keys))):
        wanted = (match_key.c.key.in_(list(part)), match_key.c.kind != "asking")
        query = sa.select(match_key.c.key, sa.func.count()).where(*wanted)
        found.update({row[0]: row[1] for row in tx.execute(query.group_by(match_key.c.key))})
    return found


def hanging(tx: sa.Connection) -> Mapping[Ref, int]:
    """How many registrations and opportunities hang on each account that has any."""
    streams = [Stream.REGISTRATIONS.value, Stream.OPPORTUNITIES.value]
    query = sa.select(staged.c.parent, sa.func.count()).where(
        staged.c.stream.in_(streams), staged.c.parent.is_not(None)
    )
    return {Ref.parse(row[0]): row[1] for row in tx.execute(query.group_by(staged.c.parent))}
