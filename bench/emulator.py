"""How fast the emulators serve, and what a large org takes in memory; exit 1 if a bar is missed.

    python -m bench.emulator [--records 100000] [--rounds 5]     pages of both, beside a static server
    python -m bench.emulator --accounts 1000000                  seconds and memory of an org of that size

The client reads raw bytes with `http.client` and looks into nothing, so that the server is measured. The static server
is a bare uvicorn application that answers one such page from memory, in the same process as the emulators.
"""

from __future__ import annotations

import argparse
import gzip
import http.client
import json
import os
import platform
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any
from urllib.parse import quote, urlsplit

FIELDS = ("Id", "Name", "Website", "Phone", "BillingStreet", "BillingCity", "BillingPostalCode", "BillingCountry",
          "Industry", "NumberOfEmployees", "OwnerId", "SystemModstamp")  # fmt: skip
PROPERTIES = ("hs_object_id", "name", "domain", "phone", "address", "city", "zip", "country", "industry",
              "numberofemployees", "hubspot_owner_id", "hs_lastmodifieddate")  # fmt: skip
SOQL = f"SELECT {', '.join(FIELDS)} FROM Account"
SEARCH_PAGE, SEARCHABLE, PAGE = 200, 10_000, 2_000
LEAST_RATE, MOST_BYTES = 100_000, 3_000_000_000
_CITIES = ("Berlin", "Paris", "Austin", "Osaka", "Leeds", "Zürich", "São Paulo", "Pune")
_INDUSTRIES = ("Technology", "Retail", "Energy", "Banking", "Media")


def companies(count: int, salesforce: bool) -> Iterator[list[Any]]:
    """Synthetic rows in the order of FIELDS or PROPERTIES."""
    for n in range(count):
        id_ = f"001{n:012d}" if salesforce else str(1_000 + n)
        owner = f"005{n % 60:012d}" if salesforce else ""
        stamp = f"2026-{n % 12 + 1:02d}-{n % 28 + 1:02d}T{n % 24:02d}:{n // 24 % 60:02d}:{n // 1440 % 60:02d}Z"
        industry = _INDUSTRIES[n % 5] if salesforce else "RETAIL"
        yield [id_, f"Company {n:07d} Ltd", f"www.company-{n}.example", f"+44 20 {n:08d}", f"{n % 400} High Street",
               _CITIES[n % 8], f"{10_000 + n % 89_999}", "GB", industry, str(n % 20_000 + 1), owner, stamp]  # fmt: skip


# --- the server's process


def serve(records: int) -> None:
    """Both emulators with synthetic records and a static server, until standard input ends."""
    from syncd.emulator import Emulator

    emulator = Emulator.empty()
    emulator.hubspot.set_limits(None)
    emulator.add("salesforce", "Account", list(FIELDS), list(companies(records, True)))
    emulator.add("hubspot", "companies", list(PROPERTIES), list(companies(min(records, SEARCHABLE), False)))
    began = time.perf_counter()
    pages = emulator.prepare_pages(SOQL)
    prepared = time.perf_counter() - began
    with emulator.serve() as endpoints:
        body = _first_page(endpoints["salesforce"])
        told = {"pages": pages, "prepared": prepared, "static": _static(body), **endpoints}
        print(json.dumps(told), flush=True)
        sys.stdin.read()


def _first_page(endpoint: dict[str, str]) -> bytes:
    connection = http.client.HTTPConnection(urlsplit(endpoint["base_url"]).netloc)
    target = f"/services/data/v68.0/query?q={quote(SOQL)}"
    connection.request("GET", target, headers={"Authorization": f"Bearer {endpoint['access_token']}"})
    return connection.getresponse().read()


def _static(body: bytes) -> str:
    """A bare uvicorn application that answers this body, plain or packed; returns its address."""
    import uvicorn

    bodies = {True: gzip.compress(body, 1), False: body}

    async def app(scope: dict[str, Any], receive: Any, send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
        packed = any(name == b"accept-encoding" and b"gzip" in value for name, value in scope["headers"])
        chosen = bodies[packed]
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(chosen)).encode())]
        headers += [(b"content-encoding", b"gzip")] if packed else []
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": chosen})

    config = uvicorn.Config(app, port=0, lifespan="off", log_config=None, access_log=False)  # type: ignore[arg-type]
    server = uvicorn.Server(config)
    threading.Thread(target=server.run, daemon=True).start()
    while not server.started:
        time.sleep(0.01)
    return f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"


# --- the client


@dataclass(frozen=True, slots=True)
class Taken:
    """One measurement."""

    records: int
    size: int
    seconds: float


@contextmanager
def connected(url: str) -> Iterator[http.client.HTTPConnection]:
    """A connection that is closed in the end."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    try:
        yield connection
    finally:
        connection.close()


def read_query(site: dict[str, Any], packed: bool) -> Taken:
    """Every page of the query."""
    headers = _headers(site["salesforce"], packed)
    with connected(site["salesforce"]["base_url"]) as connection:
        began = time.perf_counter()
        body = _ask(connection, "GET", f"/services/data/v68.0/query?q={quote(SOQL)}", None, headers)
        size, first = len(body), json.loads(gzip.decompress(body) if packed else body)
        locator = first.get("nextRecordsUrl", "").rpartition("-")[0]
        for start in range(PAGE, first["totalSize"], PAGE):
            size += len(_ask(connection, "GET", f"{locator}-{start}", None, headers))
        return Taken(first["totalSize"], size, time.perf_counter() - began)


def read_search(site: dict[str, Any], packed: bool) -> Taken:
    """Every page that a search reaches."""
    headers, size, count = _headers(site["hubspot"], packed), 0, min(site["records"], SEARCHABLE)
    sort = [{"propertyName": "hs_object_id", "direction": "ASCENDING"}]
    with connected(site["hubspot"]["base_url"]) as connection:
        began = time.perf_counter()
        for after in range(0, count, SEARCH_PAGE):
            body = {"limit": SEARCH_PAGE, "after": str(after), "properties": PROPERTIES, "sorts": sort}
            size += len(_ask(connection, "POST", "/crm/objects/2026-09/companies/search", json.dumps(body), headers))
        return Taken(count, size, time.perf_counter() - began)


def read_static(site: dict[str, Any], packed: bool) -> Taken:
    """As many pages from the static server."""
    with connected(site["static"]) as connection:
        began = time.perf_counter()
        headers = {"Accept-Encoding": "gzip" if packed else "identity"}
        size = sum(len(_ask(connection, "GET", "/", None, headers)) for _ in range(site["pages"]))
        return Taken(site["records"], size, time.perf_counter() - began)


def _headers(endpoint: dict[str, str], packed: bool) -> dict[str, str]:
    return {"Authorization": f"Bearer {endpoint['access_token']}", "Content-Type": "application/json",
            "Accept-Encoding": "gzip" if packed else "identity"}  # fmt: skip


def _ask(connection: Any, method: str, target: str, body: str | None, headers: dict[str, str]) -> bytes:
    connection.request(method, target, body, headers)
    answer = connection.getresponse()
    content: bytes = answer.read()
    if answer.status != 200:
        raise SystemExit(f"{target} answered {answer.status}: {content[:300]!r}")
    return content


# --- judging


def speed(records: int, rounds: int) -> bool:
    """Measure all in turns, print a table, say whether the bars hold."""
    ways = {"Salesforce, 2,000 a page": read_query, "HubSpot search, 200 a page": read_search,
            "static uvicorn, 2,000 a page": read_static}  # fmt: skip
    command = [sys.executable, "-m", "bench.emulator", "--serve", str(records)]
    taken: dict[tuple[str, bool], list[Taken]] = {}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stdin is not None
        site = json.loads(server.stdout.readline()) | {"records": records}
        for _ in range(rounds):
            for name, way in ways.items():
                for packed in (False, True):
                    taken.setdefault((name, packed), []).append(way(site, packed))
        server.stdin.close()
    print(f"{site['pages']} pages prepared in {site['prepared']:.2f} s: {records / site['prepared']:,.0f} records/s\n")
    print(f"{'':36}{'records/s':>12}{'MB/s':>8}")
    held = True
    for (name, packed), runs in taken.items():
        rate = median(one.records / one.seconds for one in runs)
        flow = median(one.size / one.seconds for one in runs) / 1e6
        print(f"{name + (', gzip' if packed else ''):36}{rate:>12,.0f}{flow:>8,.0f}")
        held &= rate > LEAST_RATE
    print(f"\n{'ok    ' if held else 'MISSED'}  more than {LEAST_RATE:,} records/s each")
    return held


def memory(accounts: int) -> bool:
    """Fill an org in this process; print what it takes."""
    from syncd.emulator import Emulator

    before, began = _resident(), time.perf_counter()
    emulator = Emulator.empty()
    lines = list(companies(accounts, True))
    made = time.perf_counter() - began
    began = time.perf_counter()
    emulator.add("salesforce", "Account", list(FIELDS), lines)
    del lines
    loaded, taken = time.perf_counter() - began, _resident() - before
    print(f"{accounts:,} accounts of {len(FIELDS)} fields: made in {made:.1f} s, loaded in {loaded:.1f} s")
    print(
        f"resident {taken / 1e9:.2f} GB, {taken / accounts:,.0f} bytes each; peak of the process {_peak() / 1e9:.2f} GB"
    )
    held = _peak() < MOST_BYTES
    print(f"{'ok    ' if held else 'MISSED'}  less than {MOST_BYTES / 1e9:.0f} GB")
    return held


def _resident() -> int:
    with open("/proc/self/statm", encoding="ascii") as stream:
        return int(stream.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _peak() -> int:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> int:
    """Measure, print, judge."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(prog="python -m bench.emulator", description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--accounts", type=int, help="measure memory with so many accounts instead")
    parser.add_argument("--serve", type=int, metavar="RECORDS", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve is not None:
        serve(args.serve)
        return 0
    print(f"{os.cpu_count()} cores, CPython {platform.python_version()}, load {os.getloadavg()[0]:.1f} at the start")
    held = memory(args.accounts) if args.accounts else speed(args.records, args.rounds)
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
