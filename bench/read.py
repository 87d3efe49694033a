"""How fast HubSpot records are read, beside the vendor's client and the floor; exit 1 if a bar is missed.

    python -m bench.read [--records 100000] [--rounds 3]

Search pages of 200 records with 12 properties, packed in advance and served over loopback. Every measurement is a fresh
process; rounds are interleaved, the first is thrown away, ratios are those of the medians. What is measured: the floor
has parsed JSON in its hands, the client its models, syncd its rows, counted and ready to be stored.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import resource
import subprocess
import sys
import time
import zlib
from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from statistics import median
from typing import Any, cast
from urllib.parse import urlsplit

import orjson
import uvloop

PAGE = 200
PROPERTIES = (
    "name", "domain", "website", "phone", "address", "city", "zip", "country", "industry", "numberofemployees",
    "createdate", "hubspot_owner_id",
)  # fmt: skip
_EXTRA = ("hs_lastmodifieddate", "hs_object_id", "hs_merged_object_ids")
_PATH = "/crm/objects/2026-09/companies/search"
LEAST_OF_FLOOR, LEAST_OF_MODELS = 0.6, 8.0


def make(count: int) -> list[dict[str, Any]]:
    """The records, the same every time."""
    random_ = random.Random(2_026)
    began = datetime(2024, 1, 1, tzinfo=UTC)
    made = []
    for n in range(count):
        id_, stamp = (
            str(9_000_000_000 + 7 * n),
            (began + timedelta(minutes=n)).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
        )
        values = {name: f"{name} {random_.randrange(10**6)}" if n % 5 else None for name in PROPERTIES}
        values |= {"hs_lastmodifieddate": stamp, "hs_object_id": id_, "hs_merged_object_ids": None, "createdate": stamp}
        one = {"id": id_, "properties": values, "createdAt": stamp, "updatedAt": stamp, "archived": False}
        made.append(one | {"url": f"https://app.hubspot.com/contacts/1/record/0-2/{id_}"})
    return made


class Answers:
    """Every page, packed but for its total, found by the last id or by an offset."""

    def __init__(self, records: list[dict[str, Any]]) -> None:
        self.count = len(records)
        self._ids = [int(one["id"]) for one in records]
        self._pages: dict[tuple[int, bool], bytes] = {}
        for start in range(0, max(self.count, 1), PAGE):
            for keyset in (True, False):
                body: dict[str, Any] = {"total": self.count - start if keyset else self.count}
                body["results"] = records[start : start + PAGE]
                if start + PAGE < self.count:
                    body["paging"] = {"next": {"after": str(start + PAGE)}}
                packer = zlib.compressobj(6, zlib.DEFLATED, 31)
                self._pages[start, keyset] = packer.compress(orjson.dumps(body)) + packer.flush()

    def to(self, body: bytes) -> bytes:
        """The page that a search asks for."""
        asked = orjson.loads(body)
        filters = [one for group in asked.get("filterGroups") or () for one in group.get("filters") or ()]
        above = next((one["value"] for one in filters if one["operator"] == "GT"), None)
        if above is not None:
            return self._pages[bisect_right(self._ids, int(above)), True]
        return self._pages[int(asked.get("after") or 0), False]


class Connection(asyncio.Protocol):
    """One keep-alive connection."""

    def __init__(self, answers: Answers) -> None:
        self._answers, self._buffer = answers, b""
        self._out: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody came."""
        self._out = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Answer each whole request that is there."""
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            _, *lines = self._buffer[:end].decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            whole = end + 4 + int(headers.get("content-length", 0))
            if len(self._buffer) < whole:
                return
            body, self._buffer = self._buffer[end + 4 : whole], self._buffer[whole:]
            content = self._answers.to(body)
            packed = "gzip" in headers.get("accept-encoding", "")
            content = content if packed else zlib.decompress(content, 31)
            self._out.write(_head(len(content), packed) + content)


def _head(length: int, packed: bool) -> bytes:
    encoding = "Content-Encoding: gzip\r\n" if packed else ""
    return (
        f"HTTP/1.1 200 OK\r\nContent-Type: application/json;charset=utf-8\r\n{encoding}"
        f"Date: {formatdate(usegmt=True)}\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


async def serve(count: int) -> None:
    """Say where we are, and answer until we are ended."""
    answers = Answers(make(count))
    server = await asyncio.get_running_loop().create_server(lambda: Connection(answers), "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


# --- the contenders -------------------------------------------------------------------------------------------------


Read = Callable[[], int]


def floor(url: str) -> Read:
    """http.client + orjson."""
    import http.client

    where = urlsplit(url)
    connection = http.client.HTTPConnection(where.hostname or "", where.port)

    def read_all() -> int:
        read, last = 0, "0"
        while True:
            filters = [{"propertyName": "hs_object_id", "operator": "GT", "value": last}]
            body = orjson.dumps({"filterGroups": [{"filters": filters}], "properties": PROPERTIES, "limit": PAGE})
            headers = {"Authorization": "Bearer bench", "Content-Type": "application/json", "Accept-Encoding": "gzip"}
            connection.request("POST", _PATH, body, headers)
            content = orjson.loads(zlib.decompress(connection.getresponse().read(), 31))
            read += len(content["results"])
            if len(content["results"]) >= content["total"]:
                return read
            last = content["results"][-1]["id"]

    return read_all


def models(url: str) -> Read:
    """hubspot-api-client with its models, one cached API object."""
    from hubspot import HubSpot  # type: ignore[import-untyped,unused-ignore]

    api = HubSpot(access_token="bench", host=url).crm.companies.search_api

    def read_all() -> int:
        read, after = 0, "0"
        while True:
            content = api.do_search({"properties": list(PROPERTIES), "limit": PAGE, "after": after, "filterGroups": []})
            read += len(content.results)
            if content.paging is None:
                return read
            after = content.paging.next.after

    return read_all


def syncd(url: str) -> Read:
    """The connector with its wrappers, as the daemon builds it."""
    from bench.write import WallClock
    from syncd.connectors.budget import Unlimited
    from syncd.connectors.credentials import StaticToken
    from syncd.connectors.hubspot import HubSpotConnector
    from syncd.connectors.wrappers import Retrying
    from syncd.model import ReadSpec, Stream, Window

    clock = WallClock()
    inner = HubSpotConnector(StaticToken("bench"), clock, base_url=url, budget=Unlimited(), emulator=True)
    spec = ReadSpec(Stream.ACCOUNTS, "companies", PROPERTIES)
    window = Window(None, datetime.now(UTC))
    return lambda: sum(len(page.rows) for page in Retrying(inner, clock).pull(spec, window))


CONTENDERS: dict[str, Callable[[str], Read]] = {"floor": floor, "models": models, "syncd": syncd}
WORDS = {"floor": "http.client + orjson", "models": "hubspot-api-client, models", "syncd": "syncd, rows"}


@contextmanager
def stub(count: int) -> Iterator[str]:
    """The server in its own process, ended with us."""
    command = [sys.executable, "-m", "bench.read", "--serve", str(count)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


def measure(name: str, url: str, count: int) -> dict[str, float]:
    """One contender in one process. Raises SystemExit when it did not read everything."""
    command = [sys.executable, "-W", "ignore", "-m", "bench.read", "--contender", name, url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{name} failed:\n{done.stderr[-4000:]}")
    taken: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    if taken["records"] != count:
        raise SystemExit(f"{name} read {taken['records']} of {count} records")
    return taken


def main() -> int:
    """Measure, print, judge."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(prog="python -m bench.read", description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--contender", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve is not None:
        uvloop.run(serve(args.serve))
    if args.contender:
        name, url = args.contender
        read_all = CONTENDERS[name](url)  # imports are not what is measured
        began, cpu = time.perf_counter(), time.process_time()
        read = read_all()
        seconds, peak = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
        print(json.dumps({"records": read, "seconds": seconds, "cpu": time.process_time() - cpu, "peak_mb": peak}))
        return 0
    taken: dict[str, list[dict[str, float]]] = {name: [] for name in CONTENDERS}
    with stub(args.records) as url:
        for number in range(args.rounds + 1):
            for name in CONTENDERS:
                one = measure(name, url, args.records)
                if number:
                    taken[name].append(one)
    rates = {name: args.records / median(one["seconds"] for one in some) for name, some in taken.items()}
    print(f"{args.records:,} HubSpot records of {len(PROPERTIES)} properties, {PAGE} a page, gzip, loopback\n")
    for name, some in taken.items():
        cpu, peak = median(one["cpu"] for one in some), max(one["peak_mb"] for one in some)
        print(f"{WORDS[name]:30} {rates[name]:>9,.0f} a second   CPU {cpu:5.2f} s   peak {peak:4.0f} MB")
    bars = (("floor", LEAST_OF_FLOOR), ("models", LEAST_OF_MODELS))
    print()
    for name, least in bars:
        ratio = rates["syncd"] / rates[name]
        print(f"{'ok    ' if ratio >= least else 'MISSED'}  syncd >= {least:g} of {WORDS[name]}: {ratio:.2f}")
    return 0 if all(rates["syncd"] / rates[name] >= least for name, least in bars) else 1


if __name__ == "__main__":
    sys.exit(main())
