"""How long 10,000 writes take at a CRM that answers after 50 ms, beside every batch and thread arrangement; exit 1 if
syncd is slower than 1.3 times the best of them.

    python -m bench.write [--writes 10000] [--latency 50] [--rounds 3]

The arrangements send with urllib3 and read the receipts, nothing more. syncd sends through its connector as the daemon
builds it: budget, token, retry and dry-run wrappers, one receipt per write.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from statistics import median
from typing import Any

import orjson
import urllib3

from syncd.connectors.base import Connector
from syncd.connectors.budget import Unlimited
from syncd.connectors.credentials import StaticToken
from syncd.connectors.hubspot import HubSpotConnector
from syncd.connectors.salesforce import SalesforceConnector
from syncd.connectors.wrappers import Retrying
from syncd.model import ReceiptKind, Ref, Write, WriteGroup

LARGEST_RATIO = 1.3
THREADS = (1, 2, 4, 8)
_V = "/services/data/v68.0"

Fields = dict[str, Any]
Rows = list[tuple[str, Fields]]


class WallClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present in UTC."""
        return datetime.now(UTC)

    def wait(self, seconds: float) -> None:
        """Sleep."""
        time.sleep(seconds)


@contextmanager
def stub(latency: float) -> Iterator[str]:
    """The server in its own process, ended with us."""
    command = [sys.executable, "-m", "bench.write_stub", str(latency)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield json.loads(server.stdout.readline())["base_url"]
        finally:
            server.terminate()


def rows(count: int, hubspot: bool) -> Rows:
    """What is to be written: five fields of a stamp."""
    names = [f"syncd_{n}" for n in range(5)] if hubspot else [f"Syncd_{n}__c" for n in range(5)]
    made = []
    for n in range(count):
        id_ = str(40_000_000_000 + n) if hubspot else f"001000000{n:06d}AAA"
        made.append((id_, {name: f"value {n} {name}" for name in names}))
    return made


def cut(some: list[Any], size: int) -> list[list[Any]]:
    """Pieces of at most `size`."""
    return [some[start : start + size] for start in range(0, len(some), size)]


def collection(part: Rows) -> dict[str, Any]:
    """One sObject Collection."""
    kind = {"type": "Account"}
    return {"allOrNone": False, "records": [{"attributes": kind, "id": id_, **fields} for id_, fields in part]}


def of_collections(part: Rows) -> tuple[str, str, Any]:
    """200 rows in a call."""
    return "PATCH", f"{_V}/composite/sobjects", collection(part)


def of_composite(part: Rows) -> tuple[str, str, Any]:
    """1,000 rows in a call, as five collections."""
    requests = [
        {"method": "PATCH", "url": f"{_V}/composite/sobjects", "referenceId": f"c{n}", "body": collection(some)}
        for n, some in enumerate(cut(part, 200))
    ]
    return "POST", f"{_V}/composite", {"allOrNone": False, "compositeRequest": requests}


def of_batch(part: Rows) -> tuple[str, str, Any]:
    """100 rows in a call."""
    inputs = [{"id": id_, "properties": fields} for id_, fields in part]
    return "POST", "/crm/objects/2026-09/companies/batch/update", {"inputs": inputs}


def counted(content: Any) -> int:
    """How many rows an answer says were changed."""
    if isinstance(content, list):
        return sum(one["success"] for one in content)
    if "results" in content:
        return len(content["results"])
    return sum(counted(one["body"]) for one in content["compositeResponse"])


def plain(url: str, some: Rows, size: int, call: Callable[[Rows], tuple[str, str, Any]], threads: int) -> float:
    """Seconds of one arrangement."""
    pool = urllib3.PoolManager(maxsize=threads)

    def send(part: Rows) -> int:
        method, path, body = call(part)
        headers = {"Authorization": "Bearer bench", "Content-Type": "application/json"}
        answer = pool.request(method, url + path, body=orjson.dumps(body), headers=headers)
        return counted(orjson.loads(answer.data))

    began = time.perf_counter()
    with ThreadPoolExecutor(threads) as workers:
        done = sum(workers.map(send, cut(some, size)))
    seconds = time.perf_counter() - began
    assert done == len(some)
    pool.clear()
    return seconds


def ours(url: str, some: Rows, hubspot: bool) -> float:
    """Seconds of syncd's connector, made anew."""
    clock = WallClock()
    connector: Connector
    if hubspot:
        connector = HubSpotConnector(StaticToken("bench"), clock, base_url=url, budget=Unlimited(), emulator=True)
    else:
        connector = SalesforceConnector(url, StaticToken("bench"), clock, budget=Unlimited(), emulator=True)
    wrapped = Retrying(connector, clock)
    object_ = "companies" if hubspot else "Account"
    writes = [Write(n, Ref("bench", object_, id_), WriteGroup.STAMP, fields) for n, (id_, fields) in enumerate(some)]
    began = time.perf_counter()
    receipts = wrapped.write(object_, writes)
    seconds = time.perf_counter() - began
    assert [r.write_id for r in receipts] == list(range(len(some)))
    assert all(r.kind is ReceiptKind.APPLIED for r in receipts)
    return seconds


def arrangements(hubspot: bool) -> Iterator[tuple[str, Callable[[str, Rows], float]]]:
    """Each way of batching with each number of threads, then syncd."""
    batches = (("batch of 100", 100, of_batch),) if hubspot else (
        ("collections of 200", 200, of_collections), ("composite of 1,000", 1_000, of_composite),
    )  # fmt: skip
    for name, size, call in batches:
        for threads in THREADS:

            def timed(url: str, some: Rows, size: int = size, call: Any = call, threads: int = threads) -> float:
                return plain(url, some, size, call, threads)

            yield f"{name}, {threads} thread{'s' * (threads > 1)}", timed
    yield "syncd", lambda url, some: ours(url, some, hubspot)


def main() -> int:
    """Measure, print, judge."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(prog="python -m bench.write", description=__doc__.splitlines()[0])
    parser.add_argument("--writes", type=int, default=10_000)
    parser.add_argument("--latency", type=float, default=50.0, help="milliseconds")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    held = True
    with stub(args.latency) as url:
        for vendor in ("Salesforce", "HubSpot"):
            hubspot = vendor == "HubSpot"
            some = rows(args.writes, hubspot)
            taken: dict[str, list[float]] = {}
            for number in range(args.rounds + 1):  # the first round is thrown away
                for name, timed in arrangements(hubspot):
                    seconds = timed(url, some)
                    if number:
                        taken.setdefault(name, []).append(seconds)
            best = min(median(times) for name, times in taken.items() if name != "syncd")
            print(f"{vendor}: {args.writes:,} writes, {args.latency:g} ms an answer")
            for name, times in taken.items():
                print(f"  {name:32} {median(times):6.3f} s  {args.writes / median(times):>9,.0f} a second")
            ratio = median(taken["syncd"]) / best
            held &= ratio <= LARGEST_RATIO
            mark = "ok    " if ratio <= LARGEST_RATIO else "MISSED"
            print(f"{mark}  syncd takes {ratio:.2f} of the best arrangement (bar {LARGEST_RATIO:g})\n")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
