"""Candidates found by DuckDB, in this process: the key index as tables, the search as one statement, the same answers.

Rarities are whole numbers that come as a table, so that no sum and no logarithm depends on who computes it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from syncd.errors import UserError
from syncd.matching.hashes import Hashes
from syncd.matching.index import (
    COMMON,
    FEW,
    FEW_BEHIND,
    MOST_OF_ONE,
    MOST_TOGETHER,
    NEAR,
    SURE,
    UNIT,
    Found,
    KeyIndex,
    Numbers,
    heaviest,
    weights_of,
)

_FILE = "keys.duckdb"

_FIND = f"""
WITH found AS (
    SELECT asked.search, asked.at, asked.hash, frequency.records, rarity.weight
    FROM asked JOIN frequency USING (hash) JOIN rarity USING (records)
), hits AS (
    SELECT found.search, keys.record, sum(found.weight) AS shared
    FROM found JOIN keys USING (hash) JOIN own USING (search)
    WHERE found.records <= {COMMON} AND keys.record <> own.record
    GROUP BY ALL
), best AS (
    SELECT search, max(shared) AS shared FROM hits GROUP BY search
), common AS (
    SELECT found.search, found.hash, found.weight,
           row_number() OVER (PARTITION BY found.search ORDER BY found.records, found.at) AS place
    FROM found LEFT JOIN best USING (search)
    WHERE found.records > {COMMON} AND coalesce(best.shared, 0) < $enough
), together AS (
    SELECT common.search, keys.record, least(sum(common.weight), {heaviest()}) AS shared
    FROM common JOIN keys USING (hash) JOIN own USING (search)
    WHERE common.place <= {MOST_TOGETHER} AND keys.nth < {MOST_OF_ONE} AND keys.record <> own.record
    GROUP BY ALL HAVING count(*) > 1
), summed AS (
    SELECT search, record, sum(shared) AS shared
    FROM (SELECT * FROM hits UNION ALL SELECT * FROM together)
    GROUP BY ALL
), ranked AS (
    SELECT *, row_number() OVER (PARTITION BY search ORDER BY shared DESC, record) AS place,
           max(shared) OVER (PARTITION BY search) AS best
    FROM summed
)
SELECT search, record, shared FROM ranked
WHERE place <= $most
  AND (place <= CASE WHEN best >= $sure THEN {FEW_BEHIND} ELSE {FEW} END OR shared >= best - {int(NEAR * UNIT)})
ORDER BY search, shared DESC, record
"""  # noqa: S608 - numbers of ours


def write_keys(folder: Path, index: KeyIndex) -> None:
    """Put a key index into tables beside the list it belongs to."""
    path = folder / _FILE
    path.unlink(missing_ok=True)
    sizes = np.diff(index.starts)
    hashed = np.repeat(_signed(index.known), sizes)
    nth = np.arange(len(hashed)) - np.repeat(index.starts[:-1], sizes)
    tables = {
        "keys": {"hash": hashed, "record": np.asarray(index.rows).astype(np.int64), "nth": nth},
        "frequency": {"hash": _signed(index.known), "records": sizes},
    }
    with _connect(path) as database:
        for name, arrays in tables.items():
            database.register("arrays", arrays)
            database.execute(f"CREATE TABLE {name} AS SELECT * FROM arrays")  # noqa: S608 - a name of ours
            database.unregister("arrays")


class DuckIndex:
    """The index that `write_keys` wrote; answers as `KeyIndex` does."""

    def __init__(self, folder: Path, records: int) -> None:
        self.records = records
        self._database = _connect(folder / _FILE, read_only=True)
        self._sizes = self._database.execute("SELECT DISTINCT records FROM frequency").fetchnumpy()["records"]

    def find(self, asked: Hashes, searches: Numbers, own: Numbers, limit: int, total: int | None = None) -> Found:
        """See `KeyIndex.find`."""
        count = (total or self.records) + 1
        tables = {
            "asked": {"search": searches, "at": np.arange(len(asked)), "hash": _signed(asked)},
            "own": {"search": np.arange(len(own)), "record": own},
            "rarity": {"records": self._sizes, "weight": weights_of(self._sizes, count)},
        }
        for name, arrays in tables.items():
            self._database.register(name, arrays)
        enough = float(np.log2(count))
        asked_with = {"enough": enough * UNIT, "sure": (enough + SURE) * UNIT, "most": limit}
        found = self._database.execute(_FIND, asked_with).fetchnumpy()
        shared = found["shared"].astype(np.float64)
        return Found(found["search"].astype(np.int64), found["record"].astype(np.int64), shared / UNIT)


def _signed(values: Any) -> Any:
    """The same 64 bits as a signed number; the sign means nothing."""
    return np.asarray(values).view(np.int64)


def _connect(path: Path, read_only: bool = False) -> Any:
    try:
        import duckdb
    except ImportError as missing:
        raise UserError("The engine duckdb is not installed: pip install 'syncd[bulk]'.") from missing
    return duckdb.connect(str(path), read_only=read_only, config={"threads": 1})
