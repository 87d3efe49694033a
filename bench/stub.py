"""A Salesforce of one object over loopback HTTP, fast enough not to be what is measured.

A page of 2,000 records is serialised and packed once, when it is first asked for. It speaks just enough: sign-in,
userinfo, versions, describe, query and queryAll with locators, conditions on the modification stamp, COUNT(), the order
of stamps or of ids.

    python -m bench.stub [RECORDS] [in-order]      prints one JSON line when ready, serves until SIGTERM
"""

from __future__ import annotations

import asyncio
import random
import re
import sys
import zlib
from bisect import bisect_left, bisect_right
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import orjson
import uvloop

PAGE = 2_000
VERSION = "68.0"
ORG = "00D000000000062EAA"
USER = "005000000000001AAA"
FIELDS = (
    "Id",
    "Name",
    "Website",
    "Phone",
    "BillingStreet",
    "BillingCity",
    "BillingPostalCode",
    "BillingCountry",
    "Industry",
    "NumberOfEmployees",
    "OwnerId",
    "SystemModstamp",
)
"""The twelve fields of the bench."""
EXTRA = ("IsDeleted", "MasterRecordId")
"""What syncd asks for besides, because it follows deletes and merges."""

_BASE = f"/services/data/v{VERSION}"
_COUNT = re.compile(r"SELECT COUNT\(\) FROM Account\b", re.IGNORECASE)
_STAMP = re.compile(r"SystemModstamp (>=|<=) ([0-9T:Z.+-]+)")
_SELECT = re.compile(r"SELECT (?P<columns>[\w.,\s]+?) FROM (?P<object>\w+)", re.IGNORECASE)
_WORDS = ("Acme", "Northern", "Harbour", "Pacific", "Granite", "Silver", "United", "Summit", "Cedar", "Falcon", "Atlas")
_TRADES = (
    "Logistics",
    "Foods",
    "Systems",
    "Engineering",
    "Textiles",
    "Energy",
    "Media",
    "Health",
    "Plastics",
    "Freight",
)
_FORMS = ("Ltd", "plc", "GmbH", "Inc.", "S.A.", "B.V.", "AB", "Société Générale")
_CITIES = (("London", "GB"), ("Leeds", "GB"), ("München", "DE"), ("Lyon", "FR"), ("Austin", "US"), ("Malmö", "SE"))
_INDUSTRIES = ("Agriculture", "Banking", "Biotechnology", "Construction", "Manufacturing", "Retail", "Technology")


def make(count: int, in_order: bool = False) -> list[dict[str, Any]]:
    """The records, the same every time, in the order of their stamps.

    Their ids come in no order, because records are not changed in the order in which they were made; `in_order` is
    the kinder case of an org whose records were never touched again.
    """
    random_ = random.Random(2_026)
    began = datetime(2024, 1, 1, tzinfo=UTC)
    numbers = range(count) if in_order else random_.sample(range(count), count)
    records = []
    for n, number in enumerate(numbers):
        id_ = f"001000000{number:06d}AAA"
        parts = (_WORDS, _WORDS, _TRADES, (str(number),), _FORMS)
        name = " ".join(random_.choice(choices) for choices in parts)
        city, country = random_.choice(_CITIES)
        records.append(
            {
                "attributes": {"type": "Account", "url": f"{_BASE}/sobjects/Account/{id_}"},
                "Id": id_,
                "Name": name,
                "Website": f"https://www.{name.split()[0].lower()}-{number}.example" if n % 5 else None,
                "Phone": f"+44 20 7{random_.randrange(10**6):06d}",
                "BillingStreet": f"{random_.randrange(1, 400)} {random_.choice(_WORDS)} Street",
                "BillingCity": city,
                "BillingPostalCode": f"{random_.randrange(10_000, 99_999)}",
                "BillingCountry": country,
                "Industry": random_.choice(_INDUSTRIES),
                "NumberOfEmployees": random_.randrange(1, 20_000) if n % 7 else None,
                "OwnerId": f"005000000{random_.randrange(60):06d}AAA",
                "SystemModstamp": (began + timedelta(minutes=n)).strftime("%Y-%m-%dT%H:%M:%S.000+0000"),
                "IsDeleted": False,
                "MasterRecordId": None,
            }
        )
    return records


def _answer(body: Any, packed: bool = False, status: str = "200 OK") -> bytes:
    """A whole HTTP answer but for the place where its date goes."""
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    encoding = ""
    if packed:
        packer = zlib.compressobj(6, zlib.DEFLATED, 31)
        content, encoding = packer.compress(content) + packer.flush(), "Content-Encoding: gzip\r\n"
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: application/json;charset=UTF-8\r\n{encoding}"
        f"Sforce-Limit-Info: api-usage=100/100000\r\nContent-Length: {len(content)}\r\nDate: "
    )
    return head.encode() + _SPLIT + content


_SPLIT = b"\x00date\x00"


class Answers:
    """Everything that can be said. A page is made when it is first asked for and kept, plain and packed."""

    def __init__(self, records: list[dict[str, Any]]) -> None:
        self._stamps = [datetime.fromisoformat(record["SystemModstamp"]) for record in records]
        self._encoded = {
            frozenset(columns): [orjson.dumps({name: r[name] for name in ("attributes", *columns)}) for r in records]
            for columns in (FIELDS, (*FIELDS, *EXTRA))
        }
        ids = sorted(range(len(records)), key=lambda n: str(records[n]["Id"]))
        self._orders = {"stamp": list(range(len(records))), "id": ids}
        self._asked: list[tuple[frozenset[str], str, int, int]] = []
        self._kept: dict[tuple[int, int], tuple[bytes, bytes]] = {}
        self._fixed = {path: (_answer(body), _answer(body)) for path, body in _fixed().items()}
        nothing = [{"errorCode": "NOT_FOUND", "message": "The stub has no such thing."}]
        self._unknown = _answer(nothing, status="404 Not Found")

    def to(self, target: str, gzip: bool) -> bytes:
        """The answer to a request."""
        plain, packed = self._find(target)
        head, _, body = (packed if gzip else plain).partition(_SPLIT)
        return b"".join((head, formatdate(usegmt=True).encode(), b"\r\n\r\n", body))

    def _find(self, target: str) -> tuple[bytes, bytes]:
        parts = urlsplit(target)
        path = parts.path.rstrip("/")
        if path in (f"{_BASE}/query", f"{_BASE}/queryAll"):
            return self._queried(parse_qs(parts.query)["q"][0])
        if path.startswith(f"{_BASE}/query"):
            number, _, start = path.rsplit("/01g", 1)[1].partition("-")
            return self._page(int(number), int(start))
        return self._fixed.get(path, (self._unknown, self._unknown))

    def _queried(self, query: str) -> tuple[bytes, bytes]:
        begin, end = self._within(query)
        if _COUNT.match(query):
            body = {"totalSize": end - begin, "done": True, "records": []}
            return _answer(body), _answer(body)
        found = _SELECT.match(query)
        if found and found["object"] == "Account":
            columns = frozenset(c.strip() for c in found["columns"].split(","))
            if columns in self._encoded:
                order = "id" if query.rstrip().endswith("ORDER BY Id") else "stamp"
                return self._page(self._number((columns, order, begin, end)), 0)
        elif found and found["object"] == "Organization":
            return self._fixed["organization"]
        error = _answer([{"errorCode": "INVALID_FIELD", "message": query[:500]}], status="400 Bad Request")
        return error, error

    def _within(self, query: str) -> tuple[int, int]:
        """The places, in the order of stamps, that the conditions on the stamp leave."""
        begin, end = 0, len(self._stamps)
        for sign, text in _STAMP.findall(query):
            moment = datetime.fromisoformat(text)
            if sign == ">=":
                begin = max(begin, bisect_left(self._stamps, moment))
            else:
                end = min(end, bisect_right(self._stamps, moment))
        return begin, max(begin, end)

    def _number(self, asked: tuple[frozenset[str], str, int, int]) -> int:
        if asked not in self._asked:
            self._asked.append(asked)
        return self._asked.index(asked)

    def _page(self, number: int, start: int) -> tuple[bytes, bytes]:
        if (number, start) not in self._kept:
            columns, order, begin, end = self._asked[number]
            encoded, places = self._encoded[columns], self._orders[order]
            chosen = places[begin + start : min(begin + start + PAGE, end)]
            done = begin + start + PAGE >= end
            more = "" if done else f',"nextRecordsUrl":"{_BASE}/query/01g{number}-{start + PAGE}"'
            head = f'{{"totalSize":{end - begin},"done":{str(done).lower()}{more},"records":['
            body = head.encode() + b",".join([encoded[n] for n in chosen]) + b"]}"
            self._kept[number, start] = _answer(body), _answer(body, packed=True)
        return self._kept[number, start]


def _fixed() -> dict[str, Any]:
    organization = {"Id": ORG, "Name": "Bench", "OrganizationType": "Developer Edition", "IsSandbox": False}
    field = {"type": "string", "updateable": True, "calculated": False, "filterable": True}
    described = [{"name": name, "relationshipName": None, "referenceTo": [], **field} for name in (*FIELDS, *EXTRA)]
    return {
        "/services/oauth2/token": {"access_token": "bench", "token_type": "Bearer"},
        "/services/oauth2/userinfo": {"organization_id": ORG, "user_id": USER, "preferred_username": "bench@example"},
        "/services/data": [{"label": "Bench", "url": _BASE, "version": VERSION}],
        f"{_BASE}/limits": {"DailyApiRequests": {"Max": 100_000, "Remaining": 99_900}},
        f"{_BASE}/sobjects/Account/describe": {
            "name": "Account",
            "queryable": True,
            "updateable": True,
            "fields": described,
        },
        "organization": {"totalSize": 1, "done": True, "records": [{"attributes": {}, **organization}]},
    }


class Connection(asyncio.Protocol):
    """One keep-alive connection; requests are answered in their order."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._buffer = b""
        self._out: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody came."""
        self._out = cast(asyncio.Transport, transport)  # uvloop's own class

    def data_received(self, data: bytes) -> None:
        """Answer each whole request that is there."""
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            request, *lines = self._buffer[:end].decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            whole = end + 4 + int(headers.get("content-length", 0))
            if len(self._buffer) < whole:
                return
            self._buffer = self._buffer[whole:]
            self._out.write(self._answers.to(request.split(" ")[1], "gzip" in headers.get("accept-encoding", "")))


async def serve(count: int, in_order: bool) -> None:
    """Make the pages, say where we are, and answer until we are ended."""
    records = make(count, in_order)
    answers = Answers(records)
    server = await asyncio.get_running_loop().create_server(lambda: Connection(answers), "127.0.0.1", 0)
    ready = {
        "base_url": f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}",
        "records": len(records),
        "letters": sum(len(r["Name"]) for r in records),  # by which a reader proves that it stored them all
    }
    del records
    print(orjson.dumps(ready).decode(), flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000, "in-order" in sys.argv[2:]))
